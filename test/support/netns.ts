// Network namespaces of the real kernel for tests, made and taken away with iproute2. They need root; a test that needs one
// says `test.skipIf(!canMakeNamespaces())`.

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { spawn, spawnSync } from 'node:child_process';
import { hasTool } from './peers.ts';

/** Longest that one command may take, in milliseconds. */
const PATIENCE = 10_000;

export interface Done {
  readonly ok: boolean;
  readonly out: string;
  readonly err: string;
}

/** The environment for other people's programs: their folders on the PATH, their words in English. */
function surroundings(): NodeJS.ProcessEnv {
  const { PATH = '' } = process.env;
  return { ...process.env, LC_ALL: 'C', PATH: `${PATH}:/usr/sbin:/sbin` };
}

/** Starts a command that runs beside the test, which must end it. */
export function start(command: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn(command, args, { env: surroundings() });
}

/** Runs a command to its end, or kills it when it takes too long. */
export function run(command: string, args: readonly string[], patience: number = PATIENCE): Done {
  const done = spawnSync(command, args, {
    encoding: 'utf8',
    timeout: patience,
    killSignal: 'SIGKILL',
    env: surroundings(),
  });
  return { ok: done.status === 0, out: done.stdout ?? '', err: done.stderr ?? String(done.error) };
}

function ip(...args: string[]): Done {
  return run('ip', args);
}

let known: boolean | null = null;

/** True as root on a kernel with namespaces and VXLAN devices; says once on stderr what is missing. */
export function canMakeNamespaces(): boolean {
  known ??= tried();
  return known;
}

function tried(): boolean {
  if (!hasTool('ip')) return false;
  const missing = (what: string): false => {
    console.error(`${what}: the tests that need the kernel's VXLAN device are skipped`);
    return false;
  };
  if (process.getuid?.() !== 0) return missing('not root');
  const name = `vxlab-probe-${process.pid}`;
  if (!ip('netns', 'add', name).ok) return missing('no network namespaces here');
  try {
    const made = ip('-n', name, 'link', 'add', 'vx', 'type', 'vxlan', 'id', '1', 'dstport', '4789');
    return made.ok || missing('no VXLAN device in this kernel');
  } finally {
    ip('netns', 'del', name);
  }
}

/** Two namespaces with a cable between them: `a` has 192.0.2.1/24, `b` 192.0.2.2/24. */
export class NamespacePair {
  readonly a: string;
  readonly b: string;

  /** @throws Error with iproute2's words; nothing is left behind */
  constructor(name: string) {
    this.a = `vxlab-${name}-a-${process.pid}`;
    this.b = `vxlab-${name}-b-${process.pid}`;
    try {
      this.#must('netns', 'add', this.a);
      this.#must('netns', 'add', this.b);
      this.#must(
        '-n',
        this.a,
        'link',
        'add',
        'eth0',
        'type',
        'veth',
        'peer',
        'name',
        'eth0',
        'netns',
        this.b,
      );
      this.#up(this.a, '192.0.2.1/24');
      this.#up(this.b, '192.0.2.2/24');
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** A kernel VXLAN device in `a` towards 192.0.2.2, with an address on it. */
  vxlan(name: string, vni: number, port: number, address: string): void {
    const how = ['id', String(vni), 'dstport', String(port), 'local', '192.0.2.1', 'remote', '192.0.2.2'];
    this.#must('-n', this.a, 'link', 'add', name, 'type', 'vxlan', ...how, 'dev', 'eth0');
    // Without this the kernel sends IPv6 of its own accord.
    this.#must('-n', this.a, 'link', 'set', name, 'addrgenmode', 'none');
    this.#must('-n', this.a, 'addr', 'add', address, 'dev', name);
    this.#must('-n', this.a, 'link', 'set', name, 'up');
  }

  /** Starts a command in `b`. */
  startInB(command: string, ...args: string[]): ChildProcessWithoutNullStreams {
    return start('ip', ['netns', 'exec', this.b, command, ...args]);
  }

  /** Runs a command in `a`. */
  inA(command: string, ...args: string[]): Done {
    return run('ip', ['netns', 'exec', this.a, command, ...args], 20_000);
  }

  remove(): void {
    ip('netns', 'del', this.a);
    ip('netns', 'del', this.b);
  }

  #up(name: string, address: string): void {
    this.#must('-n', name, 'addr', 'add', address, 'dev', 'eth0');
    this.#must('-n', name, 'link', 'set', 'lo', 'up');
    this.#must('-n', name, 'link', 'set', 'eth0', 'up');
  }

  #must(...args: string[]): void {
    const done = ip(...args);
    if (!done.ok) throw new Error(`ip ${args.join(' ')}: ${done.err.trim()}`);
  }
}
