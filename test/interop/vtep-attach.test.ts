// Real programs over two `vxlab vtep`s: Python's web server and curl in namespaces of their own, attached by TAP devices and by
// veths with all offloads on. Needs root; everything made here is taken away again.

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import {
  appendFileSync,
  createReadStream,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { VtepReport } from '../../src/live/vtep/vtep-report.ts';
import { LiveVtepProcess } from '../support/live-vtep.ts';
import { canMakeNamespaces, start } from '../support/netns.ts';
import { hasTool } from '../support/peers.ts';
import { UnderlayNet } from '../support/underlay-net.ts';

const able =
  canMakeNamespaces() &&
  existsSync('/dev/net/tun') &&
  ['curl', 'python3', 'ping'].every((tool) => hasTool(tool));
const SIZE = 64 * 1024 * 1024;
const SERVER = '10.7.0.2';
/** The blob so many times: 1 GiB. */
const TIMES = 16;

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Two VTEPs in namespaces 1 and 2, and namespaces behind them where programs run. */
class Stand {
  readonly net: UnderlayNet;
  readonly client: string;
  readonly server: string;
  readonly folder: string = mkdtempSync(join(tmpdir(), 'vxlab-attach-'));
  readonly blob: Buffer = randomBytes(SIZE);
  readonly children: ChildProcessWithoutNullStreams[] = [];

  constructor(name: string) {
    this.net = new UnderlayNet(name, 2);
    this.client = this.net.extra('client');
    this.server = this.net.extra('server');
    writeFileSync(join(this.folder, 'blob'), this.blob);
  }

  vtep(n: 1 | 2, ...more: string[]): Promise<LiveVtepProcess> {
    const ours = ['--local', `192.0.2.${n}`, '--remote', `192.0.2.${3 - n}`];
    return LiveVtepProcess.start(this.net, n, '--vni', '77', ...ours, ...more);
  }

  /** An interface of a namespace gets its address. */
  address(space: string, dev: string, address: string): void {
    this.net.ip('-n', space, 'addr', 'add', address, 'dev', dev);
    this.net.ip('-n', space, 'link', 'set', dev, 'up');
  }

  async serve(): Promise<void> {
    const inServer = ['netns', 'exec', this.server, 'python3', '-u', '-m', 'http.server', '8000'];
    const server = start('ip', [...inServer, '--bind', SERVER, '--directory', this.folder]);
    this.children.push(server);
    await once(server.stdout, 'data');
  }

  /** A file of 1 GiB; answers with its hash. */
  enlarge(): string {
    const hash = createHash('sha256');
    for (let n = 0; n < TIMES; n++) {
      appendFileSync(join(this.folder, 'large'), this.blob);
      hash.update(this.blob);
    }
    return hash.digest('hex');
  }

  fetch(into: string, name = 'blob'): ChildProcessWithoutNullStreams {
    const what = ['-sS', '-m', '90', '-o', join(this.folder, into), `http://${SERVER}:8000/${name}`];
    const curl = start('ip', ['netns', 'exec', this.client, 'curl', ...what]);
    this.children.push(curl);
    return curl;
  }

  got(name: string): Buffer {
    return readFileSync(join(this.folder, name));
  }

  /** The hash of a file that is too large for one buffer. */
  async hashOf(name: string): Promise<string> {
    const hash = createHash('sha256');
    for await (const piece of createReadStream(join(this.folder, name), { highWaterMark: 1 << 20 })) {
      hash.update(piece as Buffer);
    }
    return hash.digest('hex');
  }

  bytesOf(name: string): number {
    return existsSync(join(this.folder, name)) ? statSync(join(this.folder, name)).size : 0;
  }

  async end(): Promise<void> {
    for (const child of this.children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    this.net.remove();
    rmSync(this.folder, { recursive: true });
  }
}

async function ended(child: ChildProcessWithoutNullStreams): Promise<number | null> {
  let words = '';
  child.stderr.on('data', (piece: Uint8Array) => {
    words += String(piece);
  });
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  if (child.exitCode !== 0) console.error(words);
  return child.exitCode;
}

/** How many datagrams each has sent that the other has not counted. Asked until nothing was under way in between. */
async function missing(vteps: readonly LiveVtepProcess[]): Promise<number[]> {
  const sent = ({ underlay: it }: VtepReport): number => it.sent - it.sendErrors - it.queueFull;
  const taken = ({ underlay: it }: VtepReport): number => it.received + (it.kernelDrops ?? 0);
  let before = '';
  for (;;) {
    const reports = await Promise.all(vteps.map((vtep) => vtep.report()));
    for (const { underlay, segments } of reports) {
      const refused = segments[0]?.drops['own address'] ?? 0;
      expect(underlay.received).toBe((segments[0]?.rxFrames ?? 0) + underlay.trains.joined + refused);
    }
    const counts = reports.map((report, i) => sent(report) - taken(reports[1 - i] as VtepReport));
    const now = JSON.stringify(reports.map(({ underlay }) => underlay));
    if (now === before) return counts;
    before = now;
    await new Promise((done) => setTimeout(done, 200));
  }
}

describe.skipIf(!able)('programs behind TAP devices', () => {
  let lostAtFirst: number[] = [];
  let stand: Stand;
  let vteps: LiveVtepProcess[] = [];

  beforeAll(async () => {
    stand = new Stand('tap');
    vteps = [await stand.vtep(1, '--attach', 'tap0'), await stand.vtep(2, '--attach', 'tap0')];
    for (const [n, space] of [stand.client, stand.server].entries()) {
      stand.net.ip('-n', stand.net.space(n + 1), 'link', 'set', 'tap0', 'netns', space);
      stand.address(space, 'tap0', `10.7.0.${n + 1}/24`);
    }
    await stand.serve();
    lostAtFirst = await missing(vteps);
  }, 60_000);

  afterAll(async () => {
    for (const { child } of vteps) child.kill('SIGKILL');
    await stand?.end();
  }, 60_000);

  test('ping with the largest packet, and nothing is cut on the underlay', () => {
    const ping = ['netns', 'exec', stand.client, 'ping', '-c3', '-i0.2', '-W2', '-s1422', '-Mdo', SERVER];
    expect(stand.net.ip(...ping)).toContain('3 received');
    for (const n of [1, 2]) {
      expect(stand.net.in(n, 'cat', '/proc/net/snmp').out).toMatch(/^Ip: (\d+ ){13}0 0 0 0 0 0 /m);
    }
  });

  test('move a file unharmed, twice at once', async () => {
    const curls = [stand.fetch('one'), stand.fetch('two')];
    expect(await Promise.all(curls.map(ended))).toEqual([0, 0]);
    for (const name of ['one', 'two']) expect(sha256(stand.got(name))).toBe(sha256(stand.blob));
  }, 90_000);

  test('cannot be robbed of their MACs by a peer', async () => {
    const links = JSON.parse(stand.net.ip('-j', '-n', stand.client, 'link', 'show', 'tap0')) as [
      { address: string },
    ];
    const mac = links[0].address.replaceAll(':', '');
    const forged = `0800000000004d00ffffffffffff${mac}88b5${'00'.repeat(46)}`;
    const program = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('192.0.2.2', 0))
for i in range(3): s.sendto(bytes.fromhex('${forged}'), ('192.0.2.1', 4789))
`;
    expect(stand.net.in(2, 'python3', '-c', program).err).toBe('');
    expect((await vteps[0]?.report())?.segments[0]?.drops['own address']).toBe(3);
    expect(stand.net.ip('netns', 'exec', stand.server, 'ping', '-c1', '-W2', '10.7.0.1')).toContain(
      '1 received',
    );
  }, 30_000);

  test('and every datagram that one has sent the other has counted', async () => {
    // The first one's were for nobody while the second was not there yet.
    const forged = 3;
    expect(await missing(vteps)).toEqual([lostAtFirst[0], (lostAtFirst[1] as number) - forged]);
  }, 30_000);

  test('one whose device is taken away says so and goes on', async () => {
    const vtep = await stand.vtep(1, '--port', '4790', '--attach', 'tap9', '--host', '10.9.0.1/24');
    try {
      stand.net.ip('-n', stand.net.space(1), 'link', 'del', 'tap9');
      await vtep.says('tap9 is gone (EBADFD): nothing more comes from it\n');
      expect((await vtep.end()).code).toBe(130);
    } finally {
      vtep.child.kill('SIGKILL');
    }
  }, 30_000);

  test('and with Ctrl-C the devices are gone', async () => {
    expect(stand.net.ip('-n', stand.client, 'link')).toContain('tap0');
    for (const vtep of vteps.splice(0)) {
      const { code, report } = await vtep.end();
      expect(code).toBe(130);
      expect(report?.underlay.drops).toEqual({});
    }
    expect(stand.net.ip('-n', stand.client, 'link')).not.toContain('tap0');
  }, 30_000);
});

describe.skipIf(!able)('programs behind veths with every offload on', () => {
  test('move a file unharmed; a VTEP that is killed and started anew goes on with it', async () => {
    const stand = new Stand('veth');
    const vteps: LiveVtepProcess[] = [];
    try {
      for (const [n, space] of [stand.client, stand.server].entries()) {
        const peer = ['peer', 'name', 'eth0', 'netns', space];
        stand.net.ip('-n', stand.net.space(n + 1), 'link', 'add', 'veth0', 'type', 'veth', ...peer);
        stand.net.ip('-n', stand.net.space(n + 1), 'link', 'set', 'veth0', 'up');
        stand.net.ip('-n', space, 'link', 'set', 'eth0', 'mtu', '1450');
        stand.address(space, 'eth0', `10.7.0.${n + 1}/24`);
      }
      vteps.push(await stand.vtep(1, '--attach', 'veth0'), await stand.vtep(2, '--attach', 'veth0'));
      await stand.serve();
      expect(await ended(stand.fetch('whole'))).toBe(0);
      expect(sha256(stand.got('whole'))).toBe(sha256(stand.blob));
      // The server's kernel left its segments long: ours send them in trains and say so.
      const sender = vteps[1] as LiveVtepProcess;
      expect((await sender.report()).segments[0]?.offload?.whole).toBeGreaterThan(100);
      await sender.says('segments longer than the MTU come from veth0 and are cut');

      const hash = stand.enlarge();
      const fetched = stand.fetch('resumed', 'large');
      while (stand.bytesOf('resumed') < SIZE) await new Promise((done) => setTimeout(done, 20));
      const gone = once(sender.child, 'exit');
      sender.child.kill('SIGKILL');
      await gone;
      expect(stand.bytesOf('resumed')).toBeLessThan(SIZE * TIMES);
      vteps[1] = await stand.vtep(2, '--attach', 'veth0');
      expect(await ended(fetched)).toBe(0);
      expect(stand.bytesOf('resumed')).toBe(SIZE * TIMES);
      expect(await stand.hashOf('resumed')).toBe(hash);
      for (const vtep of vteps) expect((await vtep.end()).code).toBe(130);
    } finally {
      for (const { child } of vteps) child.kill('SIGKILL');
      await stand.end();
    }
  }, 120_000);
});
