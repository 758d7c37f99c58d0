// `vxlab vtep` with an emulated host against Linux's VXLAN devices, in namespaces: what passes, what is refused and why, over
// IPv4, IPv6 and a multicast group. Needs root; everything made here is taken away again.

import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { mac, parseMac } from '../../src/core/wire/address.ts';
import * as arp from '../../src/core/wire/arp.ts';
import * as ethernet from '../../src/core/wire/ethernet.ts';
import { ETHERTYPE } from '../../src/core/wire/numbers.ts';
import { parseIp4 } from '../../src/core/wire/parse-ip.ts';
import type { VtepReport } from '../../src/live/vtep/vtep-report.ts';
import { LiveVtepProcess } from '../support/live-vtep.ts';
import { canMakeNamespaces } from '../support/netns.ts';
import { hasTool } from '../support/peers.ts';
import { UnderlayNet } from '../support/underlay-net.ts';

const PORT = 24789;
const VNI = 4242;
const HOST = '10.42.0.2';
const HOST_MAC = '02:42:0a:2a:00:02';
const able = canMakeNamespaces() && hasTool('ping') && hasTool('python3');

/** A VXLAN datagram with an ARP request in it, as hexadecimal digits. */
function question(vni: number, sender: string, from: string, flags = 0x08): string {
  const bytes = new Uint8Array(8 + 14 + 28);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, flags);
  view.setUint32(4, vni << 8);
  ethernet.write(view, 8, mac(0xffff, 0xffffffff), parseMac(sender), ETHERTYPE.arp);
  arp.write(view, 22, arp.OP.request, parseMac(sender), parseIp4(from), 0, parseIp4(HOST));
  return Buffer.from(bytes).toString('hex');
}

/** Sends datagrams from a namespace with Python: whoever wants to forge one needs no more. */
function send(
  net: UnderlayNet,
  n: number,
  to: string,
  port: number,
  hex: string,
  times = 1,
  from = '',
): void {
  const program = `
import socket, sys
s = socket.socket(socket.AF_INET6 if ':' in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
s.bind((sys.argv[5], 0))
for i in range(int(sys.argv[4])): s.sendto(bytes.fromhex(sys.argv[3]), (sys.argv[1], int(sys.argv[2])))
`;
  const done = net.in(n, 'python3', '-c', program, to, String(port), hex, String(times), from);
  expect(done.err).toBe('');
}

/** The VNI's drops and those before it, by reason. */
function drops({ underlay, segments }: VtepReport): Record<string, number> {
  const sums: Record<string, number> = { ...underlay.drops };
  for (const segment of segments) {
    for (const [reason, n] of Object.entries(segment.drops)) sums[reason] = (sums[reason] ?? 0) + n;
  }
  return sums;
}

/** How often the kernel of a namespace cut or mended IP packets. */
function fragments(net: UnderlayNet, n: number): string {
  const [names = '', values = ''] = net
    .in(n, 'cat', '/proc/net/snmp')
    .out.split('\n')
    .filter((line) => line.startsWith('Ip:'));
  const row = values.split(' ');
  const wanted = new Set(['ReasmReqds', 'ReasmOKs', 'FragOKs', 'FragCreates', 'FragFails']);
  return names
    .split(' ')
    .map((name, i) => `${name}=${row[i]}`)
    .filter((pair) => wanted.has(pair.split('=')[0] as string))
    .join(' ');
}

const NO_FRAGMENTS = 'ReasmReqds=0 ReasmOKs=0 FragOKs=0 FragFails=0 FragCreates=0';

describe.skipIf(!able).each(['udp', 'batch'])(
  "a kernel's VXLAN device over IPv4, ours with backend %s",
  (backend) => {
    let net: UnderlayNet;
    let vtep: LiveVtepProcess;

    beforeAll(async () => {
      net = new UnderlayNet('vk4', 3);
      const how = ['dstport', String(PORT), 'local', '192.0.2.1', 'remote', '192.0.2.2', 'dev', 'eth0'];
      net.vxlan(1, 'vx0', '10.42.0.1/24', 'id', String(VNI), ...how);
      net.vxlan(1, 'vx1', '10.43.0.1/24', 'id', String(VNI + 1), ...how);
      const ours = ['--local', '192.0.2.2', '--remote', '192.0.2.1', '--port', String(PORT)];
      const rest = ['--backend', backend, '--host', `${HOST}/24`];
      vtep = await LiveVtepProcess.start(net, 2, '--vni', String(VNI), ...ours, ...rest);
    }, 40_000);

    afterAll(async () => {
      try {
        expect((await vtep?.end())?.code).toBe(130);
      } finally {
        net?.remove();
      }
    }, 40_000);

    test('gets an answer from the emulated host to each ping', async () => {
      expect(net.in(1, 'ping', '-c3', '-i0.2', '-W2', HOST).out).toContain(
        '3 packets transmitted, 3 received',
      );
      const report = await vtep.report();
      expect(report).toMatchObject({ local: '192.0.2.2', port: PORT, backend, mtu: 1450 });
      expect(report.segments[0]?.rxFrames).toBeGreaterThanOrEqual(4);
      expect(drops(report)).toEqual({});
      expect(report.underlay).toMatchObject({ sendErrors: 0, queueFull: 0, kernelDrops: 0 });
    });

    test('and to the largest that the tunnel holds; nothing is cut on the underlay', () => {
      const said = net.in(1, 'ping', '-c3', '-i0.2', '-W2', '-s1422', '-Mdo', HOST).out;
      expect(said).toContain('3 packets transmitted, 3 received');
      expect(said).toContain('1430 bytes from 10.42.0.2');
      expect(fragments(net, 1)).toBe(NO_FRAGMENTS);
      expect(fragments(net, 2)).toBe(NO_FRAGMENTS);
    });

    test("has learned the host's MAC behind our address", () => {
      const rows = net.in(1, 'bridge', 'fdb', 'show', 'dev', 'vx0').out.split('\n');
      expect(rows.find((row) => row.startsWith(HOST_MAC))).toContain('dst 192.0.2.2');
      const neighbour = net.in(1, 'ip', 'neigh', 'show', 'dev', 'vx0').out;
      expect(neighbour).toContain(`${HOST} lladdr ${HOST_MAC}`);
    });

    test('reaches the host with UDP, and hears that nobody listens there', () => {
      const program = `
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(3); s.connect(('${HOST}', 9)); s.send(b'x' * 1000)
try: s.recv(1)
except ConnectionRefusedError: print('refused')
`;
      expect(net.in(1, 'python3', '-c', program).out).toBe('refused\n');
    });

    test('is refused with a reason: a VNI that is not ours, a cleared I flag, too few bytes, an unknown sender', async () => {
      const before = drops(await vtep.report());
      const asked = question(VNI, '02:00:00:00:00:11', '10.42.0.11');
      net.ip('-n', net.space(3), 'addr', 'add', '192.0.2.77/24', 'dev', 'eth0');
      send(net, 1, '192.0.2.2', PORT, question(VNI + 9, '02:00:00:00:00:11', '10.42.0.11'), 3);
      send(net, 1, '192.0.2.2', PORT, question(VNI, '02:00:00:00:00:11', '10.42.0.11', 0), 2);
      send(net, 1, '192.0.2.2', PORT, asked.slice(0, 14), 1);
      send(net, 3, '192.0.2.2', PORT, asked, 4);
      send(net, 3, '192.0.2.2', PORT, asked, 1, '192.0.2.77');
      // Nobody is there: the kernel says so, and we see nothing of it.
      send(net, 1, '192.0.2.2', PORT + 1, asked, 5);
      const refused = { 'VNI not found': 3, 'invalid header': 3, 'unknown peer': 5 };
      const after = await vtep.report();
      expect(after.underlay.drops).toEqual(refused);
      expect(drops(after)).toEqual({ ...before, ...refused });
    });

    test("cannot take the host's addresses away", async () => {
      const before = drops(await vtep.report());
      send(net, 1, '192.0.2.2', PORT, question(VNI, HOST_MAC, '10.42.0.66'), 2);
      send(net, 1, '192.0.2.2', PORT, question(VNI, '02:00:00:00:00:66', HOST), 3);
      expect(drops(await vtep.report())).toEqual({ ...before, 'own address': 5 });
      expect(net.in(1, 'ping', '-c1', '-W2', HOST).out).toContain('1 received');
    });

    test('cannot be reached from another tunnel through us: no frame goes from peer to peer', async () => {
      const { segments } = await vtep.report();
      const sent = segments[0]?.txFrames;
      // An address behind the same peer and one that nobody has.
      const bytes = Buffer.from(question(VNI, '02:00:00:00:00:11', '10.42.0.11'), 'hex');
      for (const to of ['02:00:00:00:00:99', HOST_MAC.replace('02:42', '02:43')]) {
        Buffer.from(to.replaceAll(':', ''), 'hex').copy(bytes, 8);
        send(net, 1, '192.0.2.2', PORT, bytes.toString('hex'), 2);
      }
      const after = await vtep.report();
      expect(after.segments[0]?.txFrames).toBe(sent);
    });
  },
);

describe.skipIf(!(able && hasTool('iperf3')))(
  "iperf3 between a kernel's VXLAN device and a TAP device of ours",
  () => {
    test.each([
      ['udp', 4],
      ['batch', 4],
      ['batch', 6],
    ] as const)(
      'backend %s over IPv%i: TCP both ways and UDP, with every offload of a virtual cable on',
      async (backend, family) => {
        const net = new UnderlayNet('vki', 2);
        const base = family === 4 ? '192.0.2.' : '2001:db8::';
        let vtep: LiveVtepProcess | null = null;
        try {
          const how = ['dstport', String(PORT), 'local', `${base}1`, 'remote', `${base}2`, 'dev', 'eth0'];
          net.vxlan(1, 'vx0', '10.42.0.1/24', 'id', String(VNI), ...how);
          const ours = [
            '--local',
            `${base}2`,
            '--remote',
            `${base}1`,
            '--port',
            String(PORT),
            '--backend',
            backend,
          ];
          vtep = await LiveVtepProcess.start(net, 2, '--vni', String(VNI), ...ours, '--attach', 'tap0');
          net.ip('-n', net.space(2), 'addr', 'add', '10.42.0.3/24', 'dev', 'tap0');
          const modes = [[], ['-R'], ['-u', '-b', '10M', '-l', '1300']];
          for (const mode of modes) {
            const server = net.start(2, 'iperf3', '-s', '-1', '-B', '10.42.0.3', '--forceflush');
            const gone = once(server, 'exit');
            await once(server.stdout, 'data');
            const said = net.in(1, 'iperf3', '-c', '10.42.0.3', '-t', '1', '--json', ...mode);
            const { end } = JSON.parse(said.out) as {
              end: { sum_received?: { bytes: number }; sum: { lost_percent?: number } };
            };
            if (mode[0] === '-u') expect(end.sum.lost_percent).toBeLessThan(1);
            else expect(end.sum_received?.bytes).toBeGreaterThan(1_000_000);
            await gone;
          }
          const { segments, underlay } = await vtep.report();
          // The kernel's segments came whole, in datagrams of up to 64 kB.
          expect(segments[0]?.offload?.whole).toBeGreaterThan(0);
          await vtep.says(
            'segments longer than the MTU come through the tunnel: their sender left the cutting to a network card',
          );
          expect(underlay).toMatchObject({ truncated: 0, sendErrors: 0, drops: {} });
          expect((await vtep.end()).code).toBe(130);
        } finally {
          vtep?.child.kill('SIGKILL');
          net.remove();
        }
      },
      60_000,
    );
  },
);

describe.skipIf(!able)("a kernel's VXLAN device over IPv6", () => {
  test('talks to an emulated host that has IPv4 and IPv6, up to the largest packet', async () => {
    const net = new UnderlayNet('vk6', 2);
    let vtep: LiveVtepProcess | null = null;
    try {
      const how = ['dstport', String(PORT), 'local', '2001:db8::1', 'remote', '2001:db8::2', 'dev', 'eth0'];
      net.vxlan(1, 'vx0', '10.42.0.1/24', 'id', String(VNI), ...how);
      net.ip('-n', net.space(1), 'addr', 'add', 'fd00:42::1/64', 'dev', 'vx0', 'nodad');
      const ours = ['--local', '2001:db8::2', '--remote', '2001:db8::1', '--port', String(PORT)];
      const hosts = ['--backend', 'udp', '--host', `${HOST}/24`, 'fd00:42::2/64'];
      vtep = await LiveVtepProcess.start(net, 2, '--vni', String(VNI), ...ours, ...hosts);
      const largest = ['-c2', '-i0.2', '-W2', '-Mdo'];
      expect(net.in(1, 'ping', ...largest, '-s1402', HOST).out).toContain('2 received');
      expect(net.in(1, 'ping', ...largest, '-s1382', 'fd00:42::2').out).toContain('2 received');
      const { underlay, mtu } = await vtep.report();
      expect(mtu).toBe(1430);
      expect(underlay).toMatchObject({ drops: {}, sendErrors: 0 });
      expect((await vtep.end()).code).toBe(130);
    } finally {
      vtep?.child.kill('SIGKILL');
      net.remove();
    }
  }, 60_000);
});

describe.skipIf(!able)('a multicast group of two kernel VTEPs and ours', () => {
  test.each([
    ['239.1.1.42', '192.0.2.', ['--accept', '192.0.2.0/24']],
    ['ff05::42', '2001:db8::', ['--accept', '2001:db8::/64']],
  ])(
    '%s: learns who is where, forgets who is silent, follows a MAC that moves',
    async (group, base, accept) => {
      const net = new UnderlayNet('vkg', 3);
      let vtep: LiveVtepProcess | null = null;
      try {
        for (const n of [1, 2]) {
          const how = [
            'dstport',
            String(PORT),
            'local',
            `${base}${n}`,
            'group',
            group,
            'dev',
            'eth0',
            'ttl',
            '4',
          ];
          net.vxlan(n, 'vx0', `10.42.0.1${n}/24`, 'id', String(VNI), ...how);
        }
        const ours = ['--local', `${base}3`, '--group', group, '--dev', 'eth0', '--port', String(PORT)];
        const rest = ['--backend', 'udp', '--host', `${HOST}/24`, '--ageing', '2s', ...accept];
        vtep = await LiveVtepProcess.start(net, 3, '--vni', String(VNI), ...ours, ...rest);
        for (const n of [1, 2])
          expect(net.in(n, 'ping', '-c2', '-i0.2', '-W2', HOST).out).toContain('2 received');
        const rows = net.in(1, 'bridge', 'fdb', 'show', 'dev', 'vx0').out.split('\n');
        expect(rows.find((row) => row.startsWith(HOST_MAC))).toContain(`dst ${base}3`);
        const heard = await vtep.report();
        expect(heard.segments[0]).toMatchObject({ macs: 2, drops: {} });
        expect(heard.underlay.drops).toEqual({});

        // The first one's MAC and address turn up behind the second.
        const link = JSON.parse(net.ip('-j', '-n', net.space(1), 'link', 'show', 'vx0')) as [
          { address: string },
        ];
        net.ip('-n', net.space(1), 'link', 'set', 'vx0', 'down');
        net.ip('-n', net.space(2), 'link', 'set', 'vx0', 'address', link[0].address);
        net.ip('-n', net.space(2), 'addr', 'add', '10.42.0.11/24', 'dev', 'vx0');
        const moved = net.in(2, 'ping', '-c2', '-i0.2', '-W2', '-I', '10.42.0.11', HOST).out;
        expect(moved).toContain('2 received');

        await new Promise((done) => setTimeout(done, 2500));
        expect((await vtep.report()).segments[0]?.macs).toBe(0);
        expect((await vtep.end()).code).toBe(130);
      } finally {
        vtep?.child.kill('SIGKILL');
        net.remove();
      }
    },
    60_000,
  );
});
