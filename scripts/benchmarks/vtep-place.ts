// Network namespaces and processes of a measurement on this machine's kernel. Whatever happens in between, Ctrl-C included, `end`
// stops every process by its id and takes every namespace away. Needs root and iproute2.

import type { ChildProcess } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Milliseconds: for a command, for a start, and for an end before it is forced. */
const PATIENCE = 15_000;
const END_PATIENCE = 5_000;
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** A program that runs beside the measurement. */
export class Running {
  readonly child: ChildProcess;
  out = '';
  err = '';
  readonly #gone: Promise<unknown>;

  constructor(child: ChildProcess) {
    this.child = child;
    this.#gone = once(child, 'close').catch(() => null);
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.out += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      // Its last words are enough.
      this.err = (this.err + text).slice(-10_000);
    });
  }

  get over(): boolean {
    return this.child.exitCode !== null || this.child.signalCode !== null;
  }

  /** Ends it and waits until it is gone; answers with its exit code, null after a signal. */
  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    if (!this.over) this.child.kill(signal);
    const killer = setTimeout(() => this.child.kill('SIGKILL'), END_PATIENCE);
    await this.#gone;
    clearTimeout(killer);
    return this.child.exitCode;
  }
}

export class Place {
  /** For files of the measurement; gone at its end. */
  readonly folder: string;
  readonly #tag: string;
  readonly #spaces: string[] = [];
  readonly #running: Set<Running> = new Set();
  readonly #stop: AbortController = new AbortController();
  readonly #heard = (): void => this.#stop.abort();

  /** @param name a short word: part of the namespaces' names */
  constructor(name: string) {
    this.#tag = `vxlab-${name}-${process.pid}`;
    this.folder = mkdtempSync(join(tmpdir(), `vxlab-${name}-`));
    for (const signal of SIGNALS) process.on(signal, this.#heard);
  }

  /** Aborted by Ctrl-C and its like. */
  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  /** A new namespace, its loopback up, without IPv6, so that nothing is sent that nobody asked for. */
  space(name: string): string {
    const space = `${this.#tag}-${name}`;
    this.ip('netns', 'add', space);
    this.#spaces.push(space);
    this.inside(space, 'sysctl', '-qw', 'net.ipv6.conf.all.disable_ipv6=1');
    this.inside(space, 'sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1');
    this.ip('-n', space, 'link', 'set', 'lo', 'up');
    return space;
  }

  /** A cable between two namespaces. */
  cable(a: string, nameA: string, b: string, nameB: string): void {
    this.ip('link', 'add', nameA, 'netns', a, 'type', 'veth', 'peer', 'name', nameB, 'netns', b);
  }

  /** @throws Error with iproute2's words */
  ip(...args: readonly string[]): string {
    return must('ip', args);
  }

  /** Runs a short command in a namespace. @throws Error with its words */
  inside(space: string, command: string, ...args: readonly string[]): string {
    return must('ip', ['netns', 'exec', space, command, ...args]);
  }

  /** Runs a command to its end while others run, and answers with what it printed. @throws Error with its words */
  async run(space: string | null, command: string, ...args: readonly string[]): Promise<string> {
    const it = this.#spawn(space, command, args);
    const late = setTimeout(() => it.child.kill('SIGKILL'), PATIENCE);
    const abort = (): boolean => it.child.kill('SIGTERM');
    this.signal.addEventListener('abort', abort);
    try {
      await once(it.child, 'close');
    } finally {
      clearTimeout(late);
      this.signal.removeEventListener('abort', abort);
      this.#running.delete(it);
    }
    this.signal.throwIfAborted();
    if (it.child.exitCode !== 0) throw new Error(`${command} ${args.join(' ')}: ${it.err || it.out}`);
    return it.out;
  }

  /** Starts a program and waits for a sign of it on either output. @throws Error when it ends instead, or is late */
  async start(
    space: string,
    sign: string | null,
    command: string,
    ...args: readonly string[]
  ): Promise<Running> {
    const it = this.#spawn(space, command, args);
    const began = performance.now();
    while (sign !== null && !it.out.includes(sign) && !it.err.includes(sign)) {
      if (it.over || performance.now() - began > PATIENCE) {
        await it.stop('SIGKILL');
        throw new Error(`${command} ${args.join(' ')} does not start: ${it.err || it.out}`);
      }
      await this.pause(10);
    }
    return it;
  }

  /** @throws AbortError at Ctrl-C */
  async pause(milliseconds: number): Promise<void> {
    this.signal.throwIfAborted();
    await new Promise<void>((done) => {
      const woken = (): void => {
        clearTimeout(timer);
        this.signal.removeEventListener('abort', woken);
        done();
      };
      const timer = setTimeout(woken, milliseconds);
      this.signal.addEventListener('abort', woken);
    });
    this.signal.throwIfAborted();
  }

  async end(): Promise<void> {
    await Promise.all([...this.#running].map((one) => one.stop()));
    for (const space of this.#spaces.splice(0)) spawnSync('ip', ['netns', 'del', space]);
    rmSync(this.folder, { recursive: true, force: true });
    for (const signal of SIGNALS) process.off(signal, this.#heard);
  }

  #spawn(space: string | null, command: string, args: readonly string[]): Running {
    this.signal.throwIfAborted();
    const [file, all] = space === null ? [command, args] : ['ip', ['netns', 'exec', space, command, ...args]];
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    const it = new Running(spawn(file, all, { stdio: [...stdio], env: surroundings() }));
    this.#running.add(it);
    it.child.once('close', () => this.#running.delete(it));
    it.child.once('error', (error) => {
      it.err += error.message;
    });
    return it;
  }
}

/** The folders of administrators' tools, and their words in English. */
function surroundings(): NodeJS.ProcessEnv {
  const { PATH = '' } = process.env;
  return { ...process.env, LC_ALL: 'C', PATH: `${PATH}:/usr/sbin:/sbin` };
}

function must(command: string, args: readonly string[]): string {
  const done = spawnSync(command, args, { encoding: 'utf8', env: surroundings(), timeout: PATIENCE });
  if (done.status !== 0) throw new Error(`${command} ${args.join(' ')}: ${done.stderr || done.error}`);
  return done.stdout;
}

/** True when a program of that name can be run. */
export function has(tool: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${tool}`], { env: surroundings() }).status === 0;
}
