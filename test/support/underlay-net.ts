// An underlay of the real kernel for tests: as many namespaces as wanted, each with `eth0` on one switch that stands in a
// namespace of its own. Number 1 has 192.0.2.1/24 and 2001:db8::1/64, and so on. Needs root.

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import type { Done } from './netns.ts';
import { run, start } from './netns.ts';

export class UnderlayNet {
  readonly #name: string;
  readonly #spaces: string[] = [];

  /** @throws Error with iproute2's words; nothing is left behind */
  constructor(name: string, count: number) {
    this.#name = `vxlab-${name}-${process.pid}`;
    try {
      const wire = this.#add('wire');
      this.ip('-n', wire, 'link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0');
      this.ip('-n', wire, 'link', 'set', 'br0', 'up');
      for (let n = 1; n <= count; n++) {
        const space = this.#add(String(n));
        const peer = ['peer', 'name', `p${n}`, 'netns', wire];
        this.ip('-n', space, 'link', 'add', 'eth0', 'type', 'veth', ...peer);
        this.ip('-n', wire, 'link', 'set', `p${n}`, 'master', 'br0', 'up');
        this.ip('-n', space, 'addr', 'add', `192.0.2.${n}/24`, 'dev', 'eth0');
        this.ip('-n', space, 'addr', 'add', `2001:db8::${n}/64`, 'dev', 'eth0', 'nodad');
        this.ip('-n', space, 'link', 'set', 'lo', 'up');
        this.ip('-n', space, 'link', 'set', 'eth0', 'up');
      }
    } catch (error) {
      this.remove();
      throw error;
    }
  }

  /** The name of a namespace. */
  space(n: number): string {
    return `${this.#name}-${n}`;
  }

  /** A kernel VXLAN device in a namespace, with an address on it. */
  vxlan(n: number, name: string, address: string, ...how: string[]): void {
    const space = this.space(n);
    this.ip('-n', space, 'link', 'add', name, 'type', 'vxlan', ...how);
    // Without this the kernel sends IPv6 of its own accord.
    this.ip('-n', space, 'link', 'set', name, 'addrgenmode', 'none');
    this.ip('-n', space, 'addr', 'add', address, 'dev', name, ...(address.includes(':') ? ['nodad'] : []));
    this.ip('-n', space, 'link', 'set', name, 'up');
  }

  /** Runs a command in a namespace. */
  in(n: number, command: string, ...args: string[]): Done {
    return run('ip', ['netns', 'exec', this.space(n), command, ...args], 60_000);
  }

  /** Starts a command in a namespace; the test must end it. */
  start(n: number, command: string, ...args: string[]): ChildProcessWithoutNullStreams {
    return start('ip', ['netns', 'exec', this.space(n), command, ...args]);
  }

  /** A further namespace without a cable: for what is behind a VTEP. */
  extra(name: string): string {
    return this.#add(name);
  }

  /** @throws Error with iproute2's words */
  ip(...args: string[]): string {
    const done = run('ip', args);
    if (!done.ok) throw new Error(`ip ${args.join(' ')}: ${done.err.trim()}`);
    return done.out;
  }

  remove(): void {
    for (const space of this.#spaces.splice(0)) run('ip', ['netns', 'del', space]);
  }

  #add(suffix: string): string {
    const space = `${this.#name}-${suffix}`;
    this.ip('netns', 'add', space);
    this.#spaces.push(space);
    return space;
  }
}
