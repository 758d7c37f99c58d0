// What a command sees of the outside: its streams, its folder, its environment and the wish to stop. Handed in, so that a
// test runs a command as a function.

import { isatty } from 'node:tty';
import picocolors from 'picocolors';
import type { Colors } from './render/paint.ts';

/** Exit codes: a contract with scripts. */
export const EXIT = {
  done: 0,
  /** The answer is no: nothing answered, a manifest has errors. */
  no: 1,
  /** The command was not understood. */
  usage: 2,
  /** A file or a manifest cannot be used. */
  input: 3,
  /** A privilege or a facility is missing. */
  missing: 4,
  /** A fault in vxlab itself (sysexits.h: EX_SOFTWARE). */
  fault: 70,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** Standard input for a program that may read it: nothing is taken before `chunks` is iterated. */
export interface Input {
  /** True when a person types there. */
  readonly terminal: boolean;
  chunks(): AsyncIterable<Uint8Array>;
  /** No more will be read, so that the process may end. */
  close(): void;
}

export interface Io {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Colours for standard output and for standard error: plain where it is no terminal, or NO_COLOR is set. */
  readonly paint: Colors;
  readonly errPaint: Colors;
  /** True when standard error is a terminal: a line may be written over. */
  readonly liveErr: boolean;
  /** How wide standard output is where it is a terminal. */
  readonly columns?: number;
  /** Aborted when the user wants to stop. */
  readonly signal: AbortSignal;
  out(text: string): void;
  /** Bytes to standard output. Resolves when they may be used again. */
  write(bytes: Uint8Array): Promise<void>;
  err(text: string): void;
  /** All of standard input. */
  stdin(): Promise<string>;
  readonly input: Input;
}

/** The process's own streams. */
export function processIo(signal: AbortSignal): Io {
  const coloured = (stream: NodeJS.WriteStream): Colors =>
    picocolors.createColors(
      stream.isTTY === true && !process.env['NO_COLOR'] && process.env['TERM'] !== 'dumb',
    );
  let reading = false;
  return {
    cwd: process.cwd(),
    env: process.env,
    paint: coloured(process.stdout),
    errPaint: coloured(process.stderr),
    liveErr: process.stderr.isTTY === true,
    ...(process.stdout.isTTY ? { columns: process.stdout.columns } : {}),
    signal,
    out: (words) => void process.stdout.write(words),
    write: (bytes) => written(process.stdout, bytes),
    err: (words) => void process.stderr.write(words),
    stdin: async () => (await import('node:stream/consumers')).text(process.stdin),
    input: {
      terminal: isatty(0),
      chunks: () => {
        reading = true;
        return process.stdin;
      },
      close: () => {
        if (reading) process.stdin.destroy();
      },
    },
  };
}

/** A JSON document on standard output. */
export function printJson(io: Io, document: unknown): void {
  io.out(`${JSON.stringify(document, null, 2)}\n`);
}

/** Resolves when the bytes are with the operating system, or never will be. */
function written(stream: NodeJS.WriteStream, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    stream.write(bytes, () => resolve());
  });
}
