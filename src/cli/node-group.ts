// `vxlab up --underlay udp --processes`: each node a process of its own, so that a killed process is a dead node. This process is the
// swarm's manager (ADR 13): it has the plan and no sockets, tells the nodes which of them are gone, and adds up what they counted.

import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { VxlabError } from '../core/wire/numbers.ts';
import { lose } from '../engine/orchestrate/failover.ts';
import { pause } from './drive.ts';
import type { GroupAccount } from './group/account.ts';
import { together } from './group/account.ts';
import type { AccountState, ManagerMessage, NodeMessage } from './group/messages.ts';
import { DEAD_AFTER } from './group/messages.ts';
import type { Say, ShareSettings } from './group/share.ts';
import { Share } from './group/share.ts';
import type { Io } from './io.ts';
import type { MoveReport, ProcessReport } from './report.ts';

/** The same place from this file and from a bundle's folder beside `cli`. */
const PROGRAM = new URL('../cli/group/node-program.js', import.meta.url);
/** Milliseconds between two looks at who is alive, and those that a node has for its start and for its end. */
const LOOK = 500;
const PATIENCE = 30_000;

/** A node's process as its manager sees it. */
class NodeProcess {
  readonly name: string;
  readonly child: ChildProcess;
  heardAt: number = performance.now();
  ended: string | null = null;
  account: AccountState | null = null;
  ready = false;
  failed: VxlabError | null = null;

  constructor(name: string, child: ChildProcess) {
    this.name = name;
    this.child = child;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  tell(message: ManagerMessage): void {
    // Who ends in this moment is noticed by his end.
    if (this.child.connected) this.child.send(message, () => {});
  }
}

export class NodeGroup {
  readonly #io: Io;
  readonly #say: Say;
  /** The world without a socket. */
  readonly #manager: Share;
  readonly #nodes: NodeProcess[] = [];
  readonly #moves: MoveReport[] = [];
  #isEnding = false;
  #changed: () => void = () => {};

  /** @throws VxlabError as Share */
  constructor(io: Io, settings: ShareSettings, say: Say) {
    this.#io = io;
    this.#say = say;
    this.#manager = new Share({ ...settings, here: new Set(), traffic: 'none' }, say);
    for (const { name } of this.#manager.world.plan.cluster.nodes) {
      if (settings.joined.has(name)) continue;
      const node = new NodeProcess(name, started());
      this.#nodes.push(node);
      this.#listen(node);
      node.tell({ kind: 'settings', settings: { ...settings, here: new Set([name]) } });
    }
  }

  get processes(): ProcessReport[] {
    return this.#nodes.map(({ name, pid, ended }) => ({ node: name, pid, ended }));
  }

  get moves(): readonly MoveReport[] {
    return this.#moves;
  }

  get world(): Share['world'] {
    return this.#manager.world;
  }

  /** Resolves when every node has its sockets open. @throws VxlabError what kept a node from it; all processes have ended then */
  async open(): Promise<void> {
    await this.#manager.open();
    const late = setTimeout(() => this.#changed(), PATIENCE);
    const began = performance.now();
    const fault = (): VxlabError | null => this.#nodes.find(({ failed }) => failed !== null)?.failed ?? null;
    while (fault() === null && this.#nodes.some(({ ready, ended }) => !ready && ended === null)) {
      if (performance.now() - began > PATIENCE) break;
      await new Promise<void>((done) => {
        this.#changed = done;
      });
    }
    clearTimeout(late);
    const missing = this.#nodes.find(({ ready }) => !ready);
    if (missing === undefined) return;
    await this.#kill();
    throw (
      fault() ??
      new VxlabError(
        'NODE_FAILED',
        `the process of node ${missing.name} did not start: ${missing.ended ?? 'no answer'}`,
      )
    );
  }

  /** Runs for so many nanoseconds, or until the user stops it or no node is left. */
  async run(duration: number | null): Promise<void> {
    for (const node of this.#nodes) node.tell({ kind: 'begin', duration });
    const until = duration === null ? Number.POSITIVE_INFINITY : performance.now() + duration / 1e6;
    let looked = performance.now();
    while (!this.#io.signal.aborted && this.#living.length > 0) {
      const left = until - performance.now();
      if (left <= 0) return;
      await pause(Math.min(LOOK, left), this.#io.signal);
      const now = performance.now();
      // Whoever slept himself cannot say who was silent.
      if (now - looked < 2 * LOOK) this.#look(now);
      else for (const node of this.#nodes) node.heardAt = now;
      looked = now;
    }
  }

  /** Ends all nodes and adds up what they counted; what a dead one counted is gone with it. */
  async end(): Promise<GroupAccount & { readonly duration: number }> {
    this.#isEnding = true;
    for (const node of this.#living) node.tell({ kind: 'end' });
    const patience = setTimeout(() => this.#nodes.forEach(kill), PATIENCE);
    await Promise.all(this.#living.map(({ child }) => once(child, 'exit')));
    clearTimeout(patience);
    await this.#manager.end();
    const accounts = this.#nodes.flatMap(({ account }) => (account === null ? [] : [account]));
    return { ...together(accounts), duration: Math.max(0, ...accounts.map(({ duration }) => duration)) };
  }

  get #living(): NodeProcess[] {
    return this.#nodes.filter(({ ended }) => ended === null);
  }

  #listen(node: NodeProcess): void {
    const { child } = node;
    child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#io.err(text));
    child.on('message', (message: NodeMessage) => {
      node.heardAt = performance.now();
      this.#hear(node, message);
      this.#changed();
    });
    child.once('error', (error) => {
      node.ended ??= error.message;
      this.#changed();
    });
    child.once('exit', (code, signal) => {
      const isLoss = node.ended === null;
      node.ended ??= signal === null ? `ended with ${code}` : `ended by ${signal}`;
      if (isLoss && node.ready && !this.#isEnding) this.#lost(node);
      if (this.#isEnding && node.account !== null) node.ended = null;
      this.#changed();
    });
  }

  #hear(node: NodeProcess, message: NodeMessage): void {
    if (message.kind === 'ready') node.ready = true;
    else if (message.kind === 'failed')
      node.failed = new VxlabError(message.code, `node ${node.name}: ${message.message}`);
    else if (message.kind === 'said') this.#say(message.container, message.text, message.stream);
    else if (message.kind === 'account') node.account = message.account;
  }

  #look(now: number): void {
    for (const node of this.#living) {
      if (now - node.heardAt < DEAD_AFTER) continue;
      node.ended = `silent for ${DEAD_AFTER / 1000} s, killed`;
      // Two nodes with one task's address would be worse than none.
      kill(node);
      this.#lost(node);
    }
  }

  #lost(node: NodeProcess): void {
    const moves = lose(this.#manager.world, node.name).map(({ from, to }) => ({
      container: from.name,
      from: node.name,
      to: to?.node ?? null,
    }));
    this.#moves.push(...moves);
    for (const other of this.#living) other.tell({ kind: 'lost', node: node.name });
    const where = moves.map(
      ({ container, to }) => `${container} ${to === null ? 'waits' : `moves to ${to}`}`,
    );
    this.#io.err(
      `${node.name} is gone (process ${node.pid} ${node.ended}): ${where.join(', ') || 'it ran nothing'}\n`,
    );
  }

  async #kill(): Promise<void> {
    this.#isEnding = true;
    const living = this.#living;
    living.forEach(kill);
    await Promise.all(living.map(({ child }) => once(child, 'exit')));
    await this.#manager.end();
  }
}

function kill({ child }: NodeProcess): void {
  child.kill('SIGKILL');
}

function started(): ChildProcess {
  const built = fileURLToPath(PROGRAM);
  const isBuilt = existsSync(built);
  return fork(isBuilt ? built : built.replace(/js$/, 'ts'), [], {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    execArgv: isBuilt ? [] : ['--import', createRequire(import.meta.url).resolve('tsx')],
  });
}
