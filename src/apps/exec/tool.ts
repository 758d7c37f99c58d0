// What the programs of `vxlab exec` are given over what every program has: standard input, bytes on standard output, and two words
// to whoever runs them. A tool takes the argv of the program it stands for and prints as that one does.

import type { Ip } from '../../core/wire/address.ts';
import type { Inbox } from '../inbox.ts';
import type { ProgramContext } from '../program.ts';

export interface ToolContext extends ProgramContext {
  /** Standard input as it comes; ends at once where there is none. Nothing is read before somebody asks. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Bytes to standard output; resolves when there is room for more. */
  write(bytes: Uint8Array): Promise<void>;
  /** Through which a tool hears what the engine tells it without a socket: echo replies. */
  readonly inbox: Inbox;
  /** Said by a tool that goes on until it is interrupted, as `ping` without `-c`. */
  endless(): void;
  /** Runs another tool where an address is answered, for as long as this one runs; null where nobody of this lab does. */
  beside(address: Ip, argv: readonly string[]): Beside | null;
}

/** A tool that runs somewhere for another one. */
export interface Beside {
  /** The task it runs in. */
  readonly task: string;
  /** The task's own address on that network, which a virtual address may stand for. */
  readonly address: Ip;
  /** Tasks that the address stands for. */
  readonly tasks: number;
}

/** Answers the exit code. */
export type Tool = (context: ToolContext) => Promise<number>;

/** What a tool says instead of doing something: a usage error, a help text. */
export interface Stop {
  readonly out: string;
  readonly err: string;
  readonly exit: number;
}

/** Says it and answers its exit code. */
export function stopWith(context: ToolContext, stop: Stop): number {
  if (stop.out !== '') context.out(stop.out);
  if (stop.err !== '') context.err(stop.err);
  return stop.exit;
}
