// What other people's programs found in ours, proved without them.

import { expect, test } from 'vitest';
import { cluster } from '../../src/engine/orchestrate/cluster.ts';
import { DROP } from '../../src/engine/trace/drop.ts';
import { hex } from '../support/bytes.ts';
import { readPacket, values } from '../support/columns.ts';
import { Recorded } from '../support/judges.ts';
import { manifest } from '../support/manifests.ts';

const STACK = manifest('lecture-dnsrr.yml');

test('a frame has room for UDP over IPv6 in a tunnel over IPv6', () => {
  const stack = STACK.replace('subnet: 10.0.1.0/24', 'subnet: "fd00:1::/64"');
  const run = new Recorded(stack, 'docker', { family: 6 });
  expect(run.datagram('webserver.1', 'appserver.1', 100)).toEqual({ there: [100], back: [100] });
  expect(run.datagram('webserver.1', 'appserver.1', 3000)).toEqual({ there: [3000], back: [3000] });
  run.simulation.close();
  expect(run.simulation.world.ground.pool.out).toBe(0);
});

test('direct routing falls back to the tunnel where nodes have IPv6 addresses only', () => {
  expect(cluster({ family: 6 }).nodes.every((node) => node.rack === 0)).toBe(true);
  const run = new Recorded(STACK, 'flannel-direct', { family: 6 });
  expect(run.ping('webserver.1', 'appserver.1')).toEqual({ replies: 2, errors: [] });
  run.simulation.close();
});

test.each([4, 6] as const)(
  'nodes that discard fragmented VXLAN still answer a fragmented ping, over IPv%i',
  (family) => {
    const run = new Recorded(STACK, 'head-end', { family });
    const large = { size: 4000, dontFragment: false };
    expect(run.ping('manager1', 'worker2', large)).toEqual({ replies: 2, errors: [] });
    expect(run.datagram('manager1', 'worker2', 3000)).toEqual({ there: [], back: [] });
    expect(run.simulation.world.nodes.get('worker2')?.host.counters.dropped(DROP.outerFragment)).toBe(3);
    run.simulation.close();
  },
);

test('the checksum of a message that an ICMP error quotes is not verified, as in Wireshark', () => {
  // Time exceeded by 192.0.2.1, quoting a whole echo request of four bytes whose checksum is right.
  const bytes = hex(`
    020000000002 020000000001 0800
    4500003c 00010000 4001f68c c0000201 c0000202
    0b00f4ff 00000000
    45000020 00020000 0101f5a7 c0000202 c6120001
    0800a164 1234 0001 11223344`);
  const reading = readPacket({
    number: 1,
    bytes,
    originalLength: bytes.length,
    linkType: 1,
  } as Parameters<typeof readPacket>[0]);
  expect(values(reading, 'icmp.type')).toEqual(['11', '8']);
  expect(values(reading, 'icmp.checksum.status')[1]).toBe('2');
});
