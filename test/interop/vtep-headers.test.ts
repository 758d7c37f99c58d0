// The outer headers that `vxlab vtep` sends, as tcpdump sees them at the other end: source ports from the flow's entropy in the range
// asked for, TTL, TOS and do-not-fragment. Needs root; everything made here is taken away again.

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PcapReader } from '../../src/core/pcap/pcap.ts';
import { pseudo6 } from '../../src/core/wire/checksum.ts';
import * as ipv4 from '../../src/core/wire/ipv4.ts';
import * as ipv6 from '../../src/core/wire/ipv6.ts';
import * as udp from '../../src/core/wire/udp.ts';
import { readCapture } from '../../src/live/capture/pcap-file.ts';
import { LiveVtepProcess } from '../support/live-vtep.ts';
import { canMakeNamespaces } from '../support/netns.ts';
import { hasTool } from '../support/peers.ts';
import { UnderlayNet } from '../support/underlay-net.ts';

const able = canMakeNamespaces() && hasTool('tcpdump') && hasTool('python3') && hasTool('ping');
const FLOWS = 1000;

/** UDP datagrams of as many flows, from ports of their own. */
const SENDER = `
import socket, sys
for i in range(${FLOWS}):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.setsockopt(socket.IPPROTO_IP, socket.IP_TOS, 0xb8)
    s.bind(('10.7.0.1', 20000 + i)); s.sendto(b'flow %d' % i, ('10.7.0.9', 7)); s.close()
`;

/** What was seen of the outer headers of one datagram. */
interface Outer {
  readonly port: number;
  readonly tos: number;
  readonly ttl: number;
  readonly dontFragment: boolean;
  readonly checksum: 'none' | 'good' | 'bad';
}

function outerOf(view: DataView, start: number, end: number): Outer {
  const ip = start + 14;
  if (ipv4.version(view, ip) === 4) {
    const checksum = udp.checksum(view, ip + 20) === 0 ? 'none' : 'bad';
    const [tos, ttl, dontFragment] = [ipv4.tos(view, ip), ipv4.ttl(view, ip), ipv4.dontFragment(view, ip)];
    return { port: udp.srcPort(view, ip + 20), tos, ttl, dontFragment, checksum };
  }
  const at = ip + ipv6.HEADER_LEN;
  const good = udp.checksumOk(view, at, end, pseudo6(view, ip, 17, end - at), false);
  const [tos, ttl] = [ipv6.trafficClass(view, ip), ipv6.hopLimit(view, ip)];
  return { port: udp.srcPort(view, at), tos, ttl, dontFragment: true, checksum: good ? 'good' : 'bad' };
}

/** Starts tcpdump; answers with what it has seen when it has seen so many datagrams or the time is up. */
async function watch(net: UnderlayNet, n: number, count: number): Promise<() => Promise<Outer[]>> {
  const folder = mkdtempSync(join(tmpdir(), 'vxlab-headers-'));
  const path = join(folder, 'seen.pcap');
  const what = ['-i', 'eth0', '-U', '-Z', 'root', '-w', path, '-c', String(count), 'udp dst port 4789'];
  const child = net.start(n, 'tcpdump', '-n', ...what);
  let words = '';
  const killer = setTimeout(() => child.kill('SIGINT'), 20_000);
  const gone = once(child, 'exit');
  await new Promise<void>((ready) => {
    child.stderr.on('data', (piece: Uint8Array) => {
      words += String(piece);
      if (words.includes('listening on')) ready();
    });
    child.once('exit', () => ready());
  });
  return async () => {
    await gone;
    clearTimeout(killer);
    const seen: Outer[] = [];
    await readCapture(path, new PcapReader((view, start, end) => seen.push(outerOf(view, start, end))));
    rmSync(folder, { recursive: true });
    return seen;
  };
}

describe.skipIf(!able).each([
  ['raw', '192.0.2.'],
  ['raw', '2001:db8::'],
  ['batch', '192.0.2.'],
  ['batch', '2001:db8::'],
])('the %s backend from %s1', (backend, base) => {
  test('spreads 1,000 flows over 900 source ports of the range, with TTL, TOS and DF as asked', async () => {
    const net = new UnderlayNet('vh', 2);
    let vtep: LiveVtepProcess | null = null;
    try {
      const where = ['--vni', '77', '--local', `${base}1`, '--remote', `${base}2`, '--backend', backend];
      const headers = ['--source-port', '49152-65535', '--ttl', '33', '--tos', 'inherit'];
      vtep = await LiveVtepProcess.start(
        net,
        1,
        ...where,
        ...headers,
        '--attach',
        'tap0',
        '--flood-rate',
        '0',
      );
      net.ip('-n', net.space(1), 'addr', 'add', '10.7.0.1/24', 'dev', 'tap0');
      net.ip('-n', net.space(1), 'neigh', 'add', '10.7.0.9', 'lladdr', '02:00:00:00:00:09', 'dev', 'tap0');
      const end = await watch(net, 2, FLOWS);
      expect(net.in(1, 'python3', '-c', SENDER).err).toBe('');
      const seen = await end();
      expect(seen).toHaveLength(FLOWS);
      const ports = new Set(seen.map(({ port }) => port));
      expect(ports.size).toBeGreaterThanOrEqual(900);
      expect(Math.min(...ports)).toBeGreaterThanOrEqual(49152);
      expect(Math.max(...ports)).toBeLessThanOrEqual(65535);
      const checksum = base.includes(':') ? 'good' : 'none';
      const asked = seen.filter(({ tos }) => tos === 0xb8);
      // What the kernel says of its own accord on a new interface has another TOS.
      expect(asked.length).toBeGreaterThanOrEqual(FLOWS - 20);
      for (const one of asked) expect(one).toMatchObject({ ttl: 33, dontFragment: true, checksum });
      const { underlay } = await vtep.report();
      expect(underlay).toMatchObject({ sendErrors: 0, queueFull: 0 });
      expect((await vtep.end()).code).toBe(130);
    } finally {
      vtep?.child.kill('SIGKILL');
      net.remove();
    }
  }, 60_000);

  test("answers a kernel's ping up to the largest packet", async () => {
    const net = new UnderlayNet('vh', 2);
    let vtep: LiveVtepProcess | null = null;
    try {
      const how = ['id', '77', 'dstport', '4789', 'local', `${base}2`, 'remote', `${base}1`, 'dev', 'eth0'];
      net.vxlan(2, 'vx0', '10.7.0.2/24', ...how);
      const where = ['--vni', '77', '--local', `${base}1`, '--remote', `${base}2`, '--backend', backend];
      vtep = await LiveVtepProcess.start(net, 1, ...where, '--host', '10.7.0.1/24');
      const size = base.includes(':') ? '1402' : '1422';
      const said = net.in(2, 'ping', '-c3', '-i0.2', '-W2', '-Mdo', '-s', size, '10.7.0.1').out;
      expect(said).toContain('3 received');
      expect((await vtep.report()).underlay).toMatchObject({ sendErrors: 0, drops: {} });
    } finally {
      vtep?.child.kill('SIGKILL');
      net.remove();
    }
  }, 60_000);
});

describe.skipIf(!able)('the batch backend', () => {
  test('is in a multicast group with two kernel VTEPs', async () => {
    const net = new UnderlayNet('vhg', 3);
    let vtep: LiveVtepProcess | null = null;
    try {
      for (const n of [1, 2]) {
        const how = [
          'id',
          '77',
          'dstport',
          '4789',
          'local',
          `192.0.2.${n}`,
          'group',
          '239.1.1.7',
          'dev',
          'eth0',
        ];
        net.vxlan(n, 'vx0', `10.7.0.${n}/24`, ...how);
      }
      const where = ['--vni', '77', '--local', '192.0.2.3', '--group', '239.1.1.7', '--backend', 'batch'];
      vtep = await LiveVtepProcess.start(
        net,
        3,
        ...where,
        '--accept',
        '192.0.2.0/24',
        '--host',
        '10.7.0.3/24',
      );
      for (const n of [1, 2])
        expect(net.in(n, 'ping', '-c2', '-i0.2', '-W2', '10.7.0.3').out).toContain('2 received');
      const rows = net.in(1, 'bridge', 'fdb', 'show', 'dev', 'vx0').out.split('\n');
      expect(rows.find((row) => row.startsWith('02:42:0a:07:00:03'))).toContain('dst 192.0.2.3');
      expect((await vtep.end()).code).toBe(130);
    } finally {
      vtep?.child.kill('SIGKILL');
      net.remove();
    }
  }, 60_000);
});
