// `process` as a program in a container sees it: its own environment, arguments, streams, signals and clock; all else is
// Node's. `process.exit` ends the program and not the lab.

import { EventEmitter } from 'node:events';
import { Readable, Writable } from 'node:stream';
import type { ProgramContext } from '../program.ts';

/** Thrown by `process.exit`, which does not return: it unwinds the program, which is over by then. */
export class Exit extends Error {
  readonly exitCode: number;

  constructor(code: number) {
    super(`process.exit(${code})`);
    this.exitCode = code;
  }
}

export interface ProcessView extends NodeJS.Process {
  /** What the program's own listeners are told with; signals come here. */
  readonly events: EventEmitter;
}

export function processView(
  context: ProgramContext,
  file: string,
  exit: (code: number) => void,
): ProcessView {
  const events = new EventEmitter();
  const own: Record<string, unknown> = {
    events,
    env: { ...context.env },
    argv: [process.execPath, file, ...context.argv],
    argv0: 'node',
    title: 'node',
    pid: 1,
    ppid: 0,
    exitCode: undefined,
    stdin: Readable.from([]),
    stdout: sink(1, context.out),
    stderr: sink(2, context.err),
    uptime: () => context.time.now / 1e9,
    hrtime: Object.assign(
      (since?: [number, number]): [number, number] => {
        const { now } = context.time;
        const [s, ns] = [Math.floor(now / 1e9), now % 1e9];
        if (since === undefined) return [s, ns];
        const less = ns < since[1] ? 1 : 0;
        return [s - since[0] - less, ns - since[1] + less * 1e9];
      },
      { bigint: () => BigInt(context.time.now) },
    ),
    exit: (code?: number | string | null) => {
      const asked = Number(code ?? own['exitCode'] ?? 0);
      exit(asked);
      throw new Exit(asked);
    },
    abort: () => {
      exit(134);
      throw new Exit(134);
    },
    chdir: () => {
      throw new Error('a container of the lab has no file system of its own');
    },
    emitWarning: (text: string | Error) => {
      context.err(`(node) Warning: ${typeof text === 'string' ? text : text.message}\n`);
    },
  };
  const view = Object.create(process) as ProcessView;
  for (const [name, value] of Object.entries(own)) {
    Object.defineProperty(view, name, { value, writable: true, configurable: true, enumerable: true });
  }
  Object.defineProperty(view, 'exitCode', {
    get: () => own['exitCode'],
    set: (code: unknown) => {
      own['exitCode'] = code;
    },
  });
  for (const name of Reflect.ownKeys(EventEmitter.prototype)) {
    const method = (events as unknown as Record<string | symbol, unknown>)[name];
    if (typeof method !== 'function' || name === 'constructor') continue;
    Object.defineProperty(view, name, {
      value: (...args: unknown[]) => {
        const answer = Reflect.apply(method, events, args);
        return answer === events ? view : answer;
      },
      configurable: true,
    });
  }
  return view;
}

function sink(fd: number, print: (text: string) => void): Writable {
  const stream = new Writable({
    decodeStrings: true,
    write(chunk: Buffer, _encoding, done) {
      print(chunk.toString());
      done();
    },
  });
  return Object.assign(stream, { fd, isTTY: false });
}
