// Our VTEP against Linux's: a kernel VXLAN device in one network namespace, in the other our sockets with a bridge, a VTEP
// and one emulated host. Needs root; everything made here is taken away again.

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { canMakeNamespaces, NamespacePair } from '../support/netns.ts';
import { hasTool } from '../support/peers.ts';

const VNI = 4242;
const PORT = 24789;
const HOST = '10.99.0.2';
const MAC = '02:42:0a:63:00:02';

interface Counters {
  readonly sent: number;
  readonly received: number;
  readonly sendErrors: number;
  /** What the VTEP took in. */
  readonly accepted: number;
  readonly drops: Readonly<Record<string, number>>;
}

/** The child process with our VTEP: a line in, a line out. */
class OneVtep {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(pair: NamespacePair) {
    const script = fileURLToPath(new URL('one-vtep.ts', import.meta.url));
    const what = ['192.0.2.2', '192.0.2.1', String(PORT), String(VNI), `${HOST}/24`, MAC];
    this.#child = pair.startInB(process.execPath, '--import', 'tsx', script, ...what);
    this.#child.stderr.pipe(process.stderr);
    this.#lines = createInterface({ input: this.#child.stdout })[Symbol.asyncIterator]();
  }

  async line(): Promise<string> {
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error(`the VTEP ended with ${this.#child.exitCode}`);
    return value;
  }

  async counters(): Promise<Counters> {
    this.#child.stdin.write('\n');
    return JSON.parse(await this.line()) as Counters;
  }

  /** Ends it: by the end of its input, or by force after three seconds. */
  async end(): Promise<number | null> {
    const gone = once(this.#child, 'exit');
    const killer = setTimeout(() => this.#child.kill('SIGKILL'), 3000);
    this.#child.stdin.end();
    if (this.#child.exitCode === null) await gone;
    clearTimeout(killer);
    return this.#child.exitCode;
  }
}

describe.skipIf(!(canMakeNamespaces() && hasTool('ping')))("Linux's VXLAN device", () => {
  let pair: NamespacePair | null = null;
  let vtep: OneVtep | null = null;
  const kernel = (command: string, ...args: string[]): string =>
    (pair as NamespacePair).inA(command, ...args).out;

  beforeAll(async () => {
    pair = new NamespacePair('interop');
    pair.vxlan('vx0', VNI, PORT, '10.99.0.1/24');
    pair.vxlan('vx1', VNI + 1, PORT, '10.99.1.1/24');
    vtep = new OneVtep(pair);
    expect(await vtep.line()).toBe('ready');
  }, 20_000);

  afterAll(async () => {
    try {
      if (vtep !== null) expect(await vtep.end()).toBe(0);
    } finally {
      pair?.remove();
    }
  }, 20_000);

  test('gets an answer from the emulated host to each ping', async () => {
    expect(kernel('ping', '-c3', '-i0.2', '-W2', HOST)).toContain('3 packets transmitted, 3 received');
    const { accepted, sent, sendErrors, drops } = await (vtep as OneVtep).counters();
    expect(accepted).toBeGreaterThanOrEqual(4);
    expect(sent).toBeGreaterThanOrEqual(4);
    expect({ sendErrors, drops }).toEqual({ sendErrors: 0, drops: {} });
  });

  test('and to the largest that the tunnel holds', () => {
    const said = kernel('ping', '-c3', '-i0.2', '-W2', '-s1422', '-Mdo', HOST);
    expect(said).toContain('3 packets transmitted, 3 received');
    expect(said).toContain('1430 bytes from 10.99.0.2');
  });

  test('and to one that must be fragmented inside', () => {
    expect(kernel('ping', '-c2', '-i0.2', '-W2', '-s4000', '-Mdont', HOST)).toContain('2 received');
  });

  test("has learned the host's MAC behind our address", () => {
    const rows = kernel('bridge', 'fdb', 'show', 'dev', 'vx0').split('\n');
    const row = rows.find((one) => one.startsWith(MAC));
    expect(row).toContain('dst 192.0.2.2');
    expect(kernel('ip', 'neigh', 'show', 'dev', 'vx0')).toContain(`${HOST} lladdr ${MAC}`);
  });

  test('gets no answer on a VNI that we do not have, and we count why', async () => {
    const before = await (vtep as OneVtep).counters();
    expect(kernel('ping', '-c2', '-i0.2', '-W1', '10.99.1.2')).toContain(' 0 received');
    const after = await (vtep as OneVtep).counters();
    const missed = (counters: Counters): number => counters.drops['VNI not found'] ?? 0;
    expect(missed(after)).toBeGreaterThan(missed(before));
  });
});
