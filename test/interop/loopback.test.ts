// What `tcpdump -i lo udp port 4789` sees of a stack on real sockets. Needs the right to capture: root.

import { once } from 'node:events';
import { afterAll, describe, expect, test } from 'vitest';
import { loadCompose } from '../../src/engine/manifest/load.ts';
import { profileOf } from '../../src/engine/orchestrate/profile.ts';
import { SECOND } from '../../src/engine/time/clock.ts';
import { UdpLab } from '../../src/live/udp-lab.ts';
import { judge, scratch } from '../support/judges.ts';
import { manifest } from '../support/manifests.ts';
import { start } from '../support/netns.ts';
import { hasTool } from '../support/peers.ts';

const files = scratch('loopback');
afterAll(() => files.done());

const able = hasTool('tcpdump') && hasTool('tshark') && process.getuid?.() === 0;
if (!able) console.error('no tcpdump, no tshark or not root: the test that captures on lo is skipped');

/** Runs tcpdump until it has seen so many packets; resolves when it listens. */
async function tcpdump(
  path: string,
  count: number,
  filter: string,
): Promise<{ readonly end: Promise<unknown> }> {
  const child = start('tcpdump', ['-i', 'lo', '-n', '-U', '-c', String(count), '-w', path, filter]);
  const killer = setTimeout(() => child.kill('SIGKILL'), 15_000);
  const end = once(child, 'exit').finally(() => clearTimeout(killer));
  let words = '';
  await new Promise<void>((ready) => {
    child.stderr.on('data', (piece: Uint8Array) => {
      words += String(piece);
      if (words.includes('listening on')) ready();
    });
    child.once('exit', () => ready());
  });
  return { end };
}

describe.skipIf(!able)('tcpdump on lo', () => {
  test('sees the tunnel with its VNI, and tshark finds nothing malformed', async () => {
    const { spec } = loadCompose(manifest('lecture-dnsrr.yml'), { stack: 'lecture' });
    const path = files.path('lo.pcap');
    // Addresses of its own, so that a stack that runs beside it is not seen.
    const lab = new UdpLab(spec as NonNullable<typeof spec>, {
      profile: profileOf('docker'),
      seed: 1,
      first: '127.0.77.11',
    });
    await lab.start();
    try {
      const seen = await capture(path, lab);
      expect(seen.replies).toHaveLength(3);
    } finally {
      await lab.close();
    }
    const said = judge(path);
    expect(said.packets).toBe(6);
    expect(said.differences).toEqual([]);
    // The kernel leaves checksums on lo to a network card that is not there.
    expect(said.complaints.filter((one) => !one.includes('Bad checksum'))).toEqual([]);
    expect(said.count('vxlan.vni', '4097')).toBe(6);
    expect(said.count('icmp.type', '8')).toBe(3);
    expect(said.count('icmp.type', '0')).toBe(3);
    expect(said.count('icmp.checksum.status', '1')).toBe(6);
    expect(said.count('udp.dstport', '4789')).toBe(6);
  }, 25_000);
});

async function capture(path: string, lab: UdpLab): Promise<{ readonly replies: readonly unknown[] }> {
  const { end } = await tcpdump(path, 6, 'udp port 4789 and net 127.0.77.0/24');
  const result = await lab.ping('webserver.1', 'appserver.1', {
    count: 3,
    interval: SECOND / 20,
    deadline: SECOND,
  });
  await end;
  return result;
}
