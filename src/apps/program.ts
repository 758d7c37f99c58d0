// What a program in a container is given, and what it may leave behind. Programs are ordinary asynchronous functions on
// Node; all they know of the network comes through here, so the same function runs in any container.

import type { Container } from '../engine/orchestrate/container.ts';
import type { RandomStream } from '../engine/time/random.ts';
import type { ContainerDgram } from './dgram.ts';
import type { ContainerDns } from './dns.ts';
import type { ContainerHttp } from './http.ts';
import type { ContainerNet } from './net/net.ts';
import type { Tally } from './tally.ts';
import type { VirtualTime } from './time.ts';

export interface ProgramContext {
  /** The task's name, such as `lecture_appserver.1`. */
  readonly name: string;
  readonly container: Container;
  /** Shaped as Node's modules of these names; every address and port is the container's. */
  readonly net: ContainerNet;
  readonly dgram: ContainerDgram;
  readonly dns: ContainerDns;
  readonly http: ContainerHttp;
  /** Sleeping and the date, in virtual time. */
  readonly time: VirtualTime;
  /** A stream of its own, named by program and task. */
  readonly random: RandomStream;
  readonly env: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
  /** Aborted when the container stops. */
  readonly signal: AbortSignal;
  /** What the program counts for reports: requests, bytes, latencies. */
  readonly tally: Tally;
  /** What it prints. */
  out(text: string): void;
  err(text: string): void;
}

/** Answers its exit code, or nothing for 0. What it throws ends it with 1 and one line on its standard error. */
export type Program = (context: ProgramContext) => Promise<number | undefined> | Promise<void>;
