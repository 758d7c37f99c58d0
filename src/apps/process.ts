// A program running in a container: its modules, its output, its exit code. Nothing of it outlives the container.

import { VxlabError } from '../core/wire/numbers.ts';
import type { Container } from '../engine/orchestrate/container.ts';
import type { Ground } from '../engine/orchestrate/ground.ts';
import { catchCrashes, letCrash, within } from './crash.ts';
import { containerDgram } from './dgram.ts';
import { containerDns } from './dns.ts';
import { containerHttp } from './http.ts';
import type { Inbox } from './inbox.ts';
import { containerNet } from './net/net.ts';
import type { Program, ProgramContext } from './program.ts';
import type { Site } from './site.ts';
import { Holds } from './site.ts';
import { Tally } from './tally.ts';
import { ContainerTime } from './time.ts';

/** The moment that instant 0 of virtual time stands for: 2026-01-01T00:00:00Z, as in captures. */
export const EPOCH: number = Date.UTC(2026, 0, 1);

/** What processes of one lab share. */
export interface ProcessGround {
  readonly ground: Ground;
  readonly inbox: Inbox;
  /** Milliseconds since 1970 at instant 0; default EPOCH. */
  readonly epoch?: number;
  /** Called before a program's call reaches the engine: on the wall clock, what reads it. */
  readonly enter?: () => void;
}

export interface ProcessOptions {
  /** Names it in reports and its stream of random numbers: `http-client`, `curl`. */
  readonly name: string;
  readonly argv?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  out?(text: string): void;
  err?(text: string): void;
}

/** What a container's modules stand on. */
export function siteOf(container: Container, on: ProcessGround): Site {
  const { host } = container;
  return {
    name: container.name,
    host,
    tcp: host.tcp,
    // Made when first used, as the container's own.
    get resolver() {
      return container.resolver;
    },
    clock: on.ground.clock,
    timers: on.ground.timers,
    inbox: on.inbox,
    holds: new Holds(),
    epoch: on.epoch ?? EPOCH,
    enter: on.enter ?? (() => {}),
  };
}

const PROCESSES: WeakMap<ProgramContext, ContainerProcess> = new WeakMap();

/** The process that a context was made for. */
export function processOf(context: ProgramContext): ContainerProcess {
  const found = PROCESSES.get(context);
  if (found === undefined)
    throw new VxlabError('NO_PROCESS', `nothing runs with this context in ${context.name}`);
  return found;
}

export class ContainerProcess {
  readonly name: string;
  readonly container: Container;
  readonly site: Site;
  readonly context: ProgramContext;
  /** The exit code, once it is over: 1 for an error, 143 when it was stopped before it ended itself. */
  readonly ended: Promise<number>;
  readonly #abort: AbortController = new AbortController();
  readonly #options: ProcessOptions;
  #resolve: (code: number) => void = () => {};
  #code: number | null = null;

  constructor(container: Container, program: Program, on: ProcessGround, options: ProcessOptions) {
    this.name = options.name;
    this.container = container;
    this.#options = options;
    this.site = siteOf(container, on);
    const { site } = this;
    const net = containerNet(site);
    this.context = {
      name: container.name,
      container,
      net,
      dgram: containerDgram(site),
      dns: containerDns(site),
      http: containerHttp(site, net),
      time: new ContainerTime(site),
      random: on.ground.random.stream(`program/${options.name}/${container.name}`),
      env: options.env ?? {},
      argv: options.argv ?? [],
      signal: this.#abort.signal,
      tally: new Tally(() => site.clock.now),
      out: (text) => options.out?.(text),
      err: (text) => options.err?.(text),
    };
    this.ended = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    PROCESSES.set(this.context, this);
    catchCrashes();
    within(this, () => this.#run(program));
  }

  /** Null while it runs. */
  get code(): number | null {
    return this.#code;
  }

  /** Asks it to end, by its signal; `kill` if it does not. */
  stop(): void {
    if (this.#code === null)
      within(this, () => this.#abort.abort(new VxlabError('STOPPED', 'the container stops')));
  }

  /** Ends it now: what it has open is closed as by a kernel, and it is told nothing more. */
  kill(): void {
    this.stop();
    this.#end(143);
  }

  /** Ends it with a code, as process.exit. */
  exit(code: number): void {
    this.#end(code);
  }

  /** Time stands while the program is being loaded. */
  loading<T>(promise: Promise<T>): Promise<T> {
    return this.site.inbox.hold(promise);
  }

  /** Resolves when nothing holds the program any more: no socket, no server, no timer, nothing to do. */
  async idle(): Promise<void> {
    const { holds, inbox } = this.site;
    for (;;) {
      if (holds.size > 0) {
        await new Promise<void>((emptied) => {
          holds.emptied = emptied;
        });
      }
      await inbox.rest();
      if (holds.size === 0) return;
    }
  }

  crashed(error: unknown): void {
    if (this.#code !== null) return;
    this.#options.err?.(`${this.name}: ${lineOf(error)}\n`);
    this.#end(1);
  }

  async #run(program: Program): Promise<void> {
    try {
      // The caller goes on first: a program begins as a process does, not inside of who starts it.
      await null;
      this.#end((await program(this.context)) ?? 0);
    } catch (error) {
      if (this.#abort.signal.aborted && isAbort(error)) this.#end(143);
      else this.crashed(error);
    }
  }

  #end(code: number): void {
    if (this.#code !== null) return;
    this.#code = code;
    this.site.holds.close();
    this.#abort.abort();
    letCrash();
    this.#resolve(code);
  }
}

/** An error in one line: its class unless plain, and its sentence. */
export function lineOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error).split('\n')[0] as string;
  const text = (error.message || (error as { code?: string }).code || '').split('\n')[0];
  return error.name === 'Error' || error.name === '' ? (text as string) : `${error.name}: ${text}`;
}

function isAbort(error: unknown): boolean {
  return (
    error instanceof Error &&
    (error.name === 'AbortError' || (error as { code?: unknown }).code === 'STOPPED')
  );
}
