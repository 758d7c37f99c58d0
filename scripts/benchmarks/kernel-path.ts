// The kernel's own path as a peer: two hosts, two VTEPs, each in a network namespace that is made for the round and removed
// after it. Needs root, iproute2 and a C compiler.
//
//   host A ─ veth ─ [bridge, vxlan] ─ veth ─ [vxlan, bridge] ─ veth ─ host B

import { spawnSync } from 'node:child_process';
import type { Round } from './harness.ts';
import { program } from './native.ts';

const SECONDS = 0.5;
const PAYLOAD = 86;
const PORT = 5000;

/** A round, or null where the kernel path cannot be had. */
export function kernelPath(): Round | null {
  if (process.getuid?.() !== 0 || spawnSync('ip', ['-V']).error !== undefined) return null;
  const flood = program('udp-flood.c');
  return flood === null ? null : () => measure(flood);
}

function measure(flood: string): number {
  const net = new Namespaces();
  try {
    net.build();
    const script =
      `ip netns exec ${net.name('hb')} ${flood} receive ${PORT} ${SECONDS + 0.6} & ` +
      `sleep 0.2; ip netns exec ${net.name('ha')} ${flood} send 10.7.0.2 ${PORT} ${PAYLOAD} ${SECONDS}; wait $!`;
    const run = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
    const rate = Number.parseFloat(run.stdout);
    if (run.status !== 0 || !(rate > 0)) throw new Error(`the kernel path delivered nothing: ${run.stderr}`);
    return rate;
  } finally {
    net.remove();
  }
}

class Namespaces {
  readonly #tag = `vxb${process.pid}`;

  name(part: string): string {
    return `${this.#tag}${part}`;
  }

  build(): void {
    for (const part of ['ha', 'va', 'vb', 'hb']) {
      this.#ip('netns', 'add', this.name(part));
      this.#ip('-n', this.name(part), 'link', 'set', 'lo', 'up');
    }
    this.#ip(
      'link',
      'add',
      'u0',
      'netns',
      this.name('va'),
      'type',
      'veth',
      'peer',
      'name',
      'u0',
      'netns',
      this.name('vb'),
    );
    for (const [side, own, other] of [
      ['a', 1, 2],
      ['b', 2, 1],
    ] as const) {
      const node = this.name(`v${side}`);
      const host = this.name(`h${side}`);
      this.#ip('-n', node, 'addr', 'add', `10.8.0.${own}/24`, 'dev', 'u0');
      this.#ip('-n', node, 'link', 'set', 'u0', 'mtu', '1600', 'up');
      this.#ip('link', 'add', 'h0', 'netns', host, 'type', 'veth', 'peer', 'name', 'p0', 'netns', node);
      this.#ip('-n', host, 'addr', 'add', `10.7.0.${own}/24`, 'dev', 'h0');
      this.#ip('-n', host, 'link', 'set', 'h0', 'up');
      this.#ip('-n', node, 'link', 'add', 'br0', 'type', 'bridge');
      const ends = ['local', `10.8.0.${own}`, 'remote', `10.8.0.${other}`, 'dstport', '4789'];
      this.#ip('-n', node, 'link', 'add', 'vx0', 'type', 'vxlan', 'id', '100', ...ends);
      for (const port of ['vx0', 'p0']) this.#ip('-n', node, 'link', 'set', port, 'master', 'br0');
      for (const device of ['br0', 'vx0', 'p0']) this.#ip('-n', node, 'link', 'set', device, 'up');
    }
    spawnSync('ip', ['netns', 'exec', this.name('ha'), 'ping', '-c', '1', '-W', '2', '10.7.0.2']);
  }

  remove(): void {
    for (const part of ['ha', 'va', 'vb', 'hb']) spawnSync('ip', ['netns', 'del', this.name(part)]);
  }

  #ip(...words: string[]): void {
    const run = spawnSync('ip', words, { encoding: 'utf8' });
    if (run.status !== 0) throw new Error(`ip ${words.join(' ')}: ${run.stderr}`);
  }
}
