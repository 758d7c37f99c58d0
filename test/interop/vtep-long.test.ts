// Long segments across the tunnel of two `vxlab vtep`s: what tshark says of every datagram on an underlay without offloads, and
// what a kernel's VXLAN device makes of our trains. Needs root; everything made here is taken away again.

import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { LiveVtepProcess } from '../support/live-vtep.ts';
import { canMakeNamespaces, run } from '../support/netns.ts';
import { hasTool } from '../support/peers.ts';
import { UnderlayNet } from '../support/underlay-net.ts';

const able =
  canMakeNamespaces() &&
  existsSync('/dev/net/tun') &&
  ['iperf3', 'tshark', 'tcpdump', 'ethtool'].every((tool) => hasTool(tool));
const MEGABYTES = 40;
const MTU = 1500;

interface Seen {
  readonly frames: number;
  readonly longest: number;
  readonly wrong: number;
  readonly ports: number;
}

/** Two VTEPs with TAP devices in namespaces 1 and 2, a station behind each; `given` of both. */
async function between(
  net: UnderlayNet,
  family: 4 | 6,
  ...given: string[]
): Promise<readonly [LiveVtepProcess, LiveVtepProcess, readonly string[]]> {
  const base = family === 4 ? '192.0.2.' : '2001:db8::';
  const vteps: LiveVtepProcess[] = [];
  const stations: string[] = [];
  for (const n of [1, 2]) {
    const ours = ['--vni', '77', '--local', `${base}${n}`, '--remote', `${base}${3 - n}`];
    vteps.push(await LiveVtepProcess.start(net, n, ...ours, '--attach', 'tap0', ...given));
    const station = net.extra(`station${n}`);
    stations.push(station);
    net.ip('-n', net.space(n), 'link', 'set', 'tap0', 'netns', station);
    const inner = family === 4 ? `10.7.0.${n}/24` : `fd00:7::${n}/64`;
    net.ip('-n', station, 'addr', 'add', inner, 'dev', 'tap0', ...(family === 6 ? ['nodad'] : []));
    net.ip('-n', station, 'link', 'set', 'tap0', 'up');
  }
  return [vteps[0] as LiveVtepProcess, vteps[1] as LiveVtepProcess, stations];
}

/** Sends so many megabytes by TCP from one station to the other. */
async function transfer(net: UnderlayNet, stations: readonly string[], to: string): Promise<number> {
  const [from = '', server = ''] = stations;
  const child = net.start(1, 'nsenter', `--net=/run/netns/${server}`, 'iperf3', '-s', '-1', '--forceflush');
  const gone = once(child, 'exit');
  await once(child.stdout, 'data');
  const said = net.ip('netns', 'exec', from, 'iperf3', '-c', to, '-n', `${MEGABYTES}M`, '--json');
  await gone;
  const { end } = JSON.parse(said) as { end: { sum_received: { bytes: number } } };
  return end.sum_received.bytes;
}

/** What tshark finds in a capture of the underlay. */
function judge(file: string): Seen {
  const fields = ['frame.len', 'udp.srcport', '_ws.expert.message'].flatMap((name) => ['-e', name]);
  const checked = ['ip', 'tcp', 'udp'].flatMap((name) => ['-o', `${name}.check_checksum:TRUE`]);
  // What iperf3 says is noise, and nothing is to be read into it.
  const plain = ['tcp.desegment_tcp_streams:FALSE', 'tcp.analyze_sequence_numbers:FALSE'];
  const more = ['-n', '-Y', 'vxlan', ...plain.flatMap((one) => ['-o', one]), '-T', 'fields', ...fields];
  const { out, err, ok } = run('tshark', ['-r', file, ...checked, ...more], 120_000);
  if (!ok) throw new Error(err);
  const rows = out
    .trim()
    .split('\n')
    .map((line) => line.split('\t'));
  return {
    frames: rows.length,
    longest: Math.max(...rows.map(([length]) => Number(length))),
    wrong: rows.filter(([, , words]) => /checksum/i.test(words ?? '')).length,
    ports: new Set(rows.map(([, ports]) => (ports ?? '').split(',')[0])).size,
  };
}

describe.skipIf(!able)('TCP through two VTEPs with long segments', () => {
  test.each([4, 6] as const)(
    'over IPv%i, on an underlay without offloads: no datagram longer than the MTU, every checksum right',
    async (family) => {
      const net = new UnderlayNet('vl', 2);
      const folder = mkdtempSync(join(tmpdir(), 'vxlab-long-'));
      const file = join(folder, 'underlay.pcap');
      const started: LiveVtepProcess[] = [];
      try {
        for (const n of [1, 2]) {
          for (const what of ['tx', 'rx', 'tso', 'gso', 'gro', 'tx-udp-segmentation']) {
            net.in(n, 'ethtool', '-K', 'eth0', what, 'off');
          }
        }
        const [one, two, stations] = await between(net, family);
        started.push(one, two);
        const dump = net.start(
          2,
          'tcpdump',
          '-i',
          'eth0',
          '-s',
          '0',
          '-B',
          '65536',
          '-w',
          file,
          'udp port 4789',
        );
        await once(dump.stderr, 'data');
        const bytes = await transfer(net, stations, family === 4 ? '10.7.0.2' : 'fd00:7::2');
        expect(bytes).toBeGreaterThan(MEGABYTES * 1024 * 1024 * 0.9);
        const over = once(dump, 'exit');
        dump.kill('SIGINT');
        await over;
        const seen = judge(file);
        expect(seen.frames).toBeGreaterThan((MEGABYTES * 1024 * 1024) / 1500);
        expect(seen.longest).toBe(MTU + 14);
        expect(seen.wrong).toBe(0);
        const report = await one.report();
        expect(report.segments[0]?.offload?.whole).toBeGreaterThan(0);
        expect(report.underlay).toMatchObject({ sendErrors: 0, truncated: 0 });
        for (const vtep of started) expect((await vtep.end()).code).toBe(130);
      } finally {
        for (const { child } of started) child.kill('SIGKILL');
        net.remove();
        rmSync(folder, { recursive: true });
      }
    },
    60_000,
  );

  test('crosses a virtual cable in trains, is put together again, and every datagram is counted', async () => {
    const net = new UnderlayNet('vl', 2);
    const started: LiveVtepProcess[] = [];
    try {
      const [one, two, stations] = await between(net, 4);
      started.push(one, two);
      // Room for a turn of another thread at full speed.
      const [{ txqlen }] = JSON.parse(net.ip('-j', '-n', stations[0] as string, 'link', 'show', 'tap0')) as [
        { txqlen: number },
      ];
      expect(txqlen).toBe(4096);
      await transfer(net, stations, '10.7.0.2');
      const [sender, receiver] = await Promise.all([one.report(), two.report()]);
      const datagrams = (MEGABYTES * 1024 * 1024) / 1398;
      expect(sender.underlay.trains.sentDatagrams).toBeGreaterThan(datagrams * 0.9);
      expect(sender.underlay.trains.sent).toBeLessThan(datagrams / 4);
      expect(receiver.underlay.trains.receivedDatagrams).toBeGreaterThan(datagrams * 0.9);
      expect(receiver.underlay.trains.joined).toBeGreaterThan(datagrams * 0.7);
      const { underlay, segments } = receiver;
      expect(underlay.received).toBe((segments[0]?.rxFrames ?? 0) + underlay.trains.joined);
      for (const vtep of started) expect((await vtep.end()).code).toBe(130);
    } finally {
      for (const { child } of started) child.kill('SIGKILL');
      net.remove();
    }
  }, 60_000);

  test.each([
    ['--no-offload', ['--no-offload']],
    ['a rate', ['--rate', '500mbit']],
    ['the udp backend', ['--backend', 'udp']],
    ['the raw backend', ['--backend', 'raw']],
  ])(
    'with %s datagrams go one by one',
    async (_, given) => {
      const net = new UnderlayNet('vl', 2);
      const started: LiveVtepProcess[] = [];
      try {
        const [one, two, stations] = await between(net, 4, ...given);
        started.push(one, two);
        const bytes = await transfer(net, stations, '10.7.0.2');
        expect(bytes).toBeGreaterThan(MEGABYTES * 1024 * 1024 * 0.9);
        const { underlay, segments } = await two.report();
        if (given[0] === '--no-offload') {
          expect(underlay.trains).toEqual({
            sent: 0,
            sentDatagrams: 0,
            received: 0,
            receivedDatagrams: 0,
            joined: 0,
          });
          expect(segments[0]?.offload?.whole).toBe(0);
        }
        expect(underlay.received).toBe((segments[0]?.rxFrames ?? 0) + underlay.trains.joined);
        for (const vtep of started) expect((await vtep.end()).code).toBe(130);
      } finally {
        for (const { child } of started) child.kill('SIGKILL');
        net.remove();
      }
    },
    60_000,
  );
});
