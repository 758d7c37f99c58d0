// RFC 7348 s.5, figure 1: the outer Ethernet header may have an 802.1Q tag ("Outer.VLAN Tag Information", optional). A
// cluster whose nodes reach the underlay by a VLAN interface, judged by the bytes on `eth0` and by tshark.

import { afterAll, afterEach, describe, expect, test } from 'vitest';
import * as ethernet from '../../src/core/wire/ethernet.ts';
import * as vlan from '../../src/core/wire/vlan.ts';
import { PROFILES } from '../../src/engine/orchestrate/profile.ts';
import { DROP } from '../../src/engine/trace/drop.ts';
import type { Seen } from '../sim/network.ts';
import { Network } from '../sim/network.ts';
import { viewOf } from '../support/bytes.ts';
import { judge, Recorded, scratch } from '../support/judges.ts';
import { manifest } from '../support/manifests.ts';
import { hasTool } from '../support/peers.ts';

const VLAN = { vid: 5, priority: 3 };
/** PCP 3, DEI 0, VID 5. */
const TAG = [0x81, 0x00, 0x60, 0x05];

const open: Network[] = [];
function network(...given: ConstructorParameters<typeof Network>): Network {
  const made = new Network(...given);
  open.push(made);
  return made;
}
afterEach(() => {
  for (const one of open.splice(0)) one.end();
});

const untagged = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array([...bytes.subarray(0, 12), ...bytes.subarray(16)]);

describe('RFC 7348 s.5, outer VLAN tag', () => {
  test.each(
    PROFILES.flatMap(({ name }) =>
      [1, 2].flatMap((racks) => ([4, 6] as const).map((family) => ({ name, racks, family }))),
    ),
  )('$name, racks: $racks, IPv$family: the same frames as without, each with the tag', (given) => {
    const { name, racks, family } = given;
    const run = (vlan?: typeof VLAN): { net: Network; replies: number[] } => {
      const net = network(name, { racks, family, ...(vlan === undefined ? {} : { vlan }) });
      const replies = [56, 1400].map((size) => net.ping('webserver.1', 'appserver.1', size));
      return { net, replies };
    };
    const [plain, tagged] = [run(), run(VLAN)];
    expect(tagged.replies).toEqual(plain.replies);
    expect(plain.net.seen.length).toBeGreaterThan(0);
    for (const { bytes } of tagged.net.seen) expect([...bytes.subarray(12, 16)]).toEqual(TAG);
    expect(tagged.net.seen.map((seen) => ({ ...seen, bytes: untagged(seen.bytes) }))).toEqual(plain.net.seen);
  });

  test('pings cross, from VTEP to VTEP, and the nodes reach one another too', () => {
    const net = network('flood-and-learn', { vlan: VLAN });
    expect(net.ping('webserver.1', 'webserver.2', 56, true, 5)).toBe(5);
    expect(net.ping('manager1', 'worker2')).toBe(1);
    expect(net.sim.world.party('manager1').host.interfaces.map((dev) => dev.name)).toEqual(['eth0.5']);
  });

  test.each([
    { family: 4, largest: 1422 },
    { family: 6, largest: 1402 },
  ] as const)('the tag takes nothing from the MTU over IPv$family: 1518 bytes and no more', (given) => {
    const { family, largest } = given;
    const net = network('docker', { vlan: VLAN, family });
    expect(net.ping('webserver.1', 'webserver.2', largest, true)).toBe(1);
    expect(Math.max(...net.seen.map(({ bytes }) => bytes.length))).toBe(14 + 4 + 1500);
    expect(net.ping('webserver.1', 'webserver.2', largest + 1, true)).toBe(0);
    expect(Math.max(...net.seen.map(({ bytes }) => bytes.length))).toBe(1518);
    for (const { near } of net.sim.underlay.cables.values())
      expect(near.counters.dropped(DROP.mtuExceeded)).toBe(0);
  });

  test('a node takes VXLAN of its own VLAN, whatever the priority; of another, or untagged, it is dropped', () => {
    const net = network('docker', { vlan: VLAN });
    const { pool } = net.sim.world.ground;
    expect(net.ping('webserver.1', 'webserver.2')).toBe(1);
    const { node, bytes } = net.seen.find((seen) => seen.inbound && seen.bytes[27] === 17) as Seen;
    const name = net.sim.world.plan.cluster.nodes[node]?.name as string;
    const trunk = net.sim.underlay.cables.get(name)?.trunk;
    const taken = (): number => net.sim.world.nodes.get(name)?.demux.counters.rxPackets as number;
    const arrive = (frame: Uint8Array): void => trunk?.receive(pool.from(frame));
    const before = taken();
    for (const [vid, priority] of [
      [5, 0],
      [5, 7],
      [6, 3],
      [4, 3],
    ] as const) {
      const other = bytes.slice();
      vlan.write(viewOf(other), 14, vid, priority, false, ethernet.etherType(viewOf(untagged(bytes)), 0));
      arrive(other);
    }
    arrive(untagged(bytes));
    expect(taken() - before).toBe(2);
    expect(trunk?.counters.snapshot().drops).toEqual({ 'VLAN not found': 2, untagged: 1 });
  });

  test('a VLAN id or priority that there is not makes no cluster', () => {
    for (const vid of [0, 4095]) {
      expect(() => network('docker', { vlan: { vid } })).toThrow(
        expect.objectContaining({ code: 'BAD_VID' }),
      );
    }
    expect(() => network('docker', { vlan: { vid: 5, priority: 8 } })).toThrow(
      expect.objectContaining({ code: 'BAD_PRIORITY' }),
    );
  });
});

const files = scratch('outer-tag');
afterAll(() => files.done());

describe.skipIf(!hasTool('tshark'))('tshark on the outer tag', () => {
  test.each([4, 6] as const)(
    'over IPv%i: VLAN 5, priority 3 on every packet, nothing malformed',
    (family) => {
      const run = new Recorded(manifest('lecture-dnsrr.yml'), 'docker', { vlan: VLAN, family });
      expect(run.ping('webserver.1', 'appserver.1', { size: family === 4 ? 1422 : 1402 }).replies).toBe(2);
      run.simulation.close();
      const path = files.path(`tagged-${family}.pcapng`);
      run.save(path);
      const verdict = judge(path);
      expect([verdict.differences, verdict.complaints]).toEqual([[], []]);
      expect(verdict.packets).toBeGreaterThan(3);
      expect(verdict.count('vlan.id', '5')).toBe(verdict.packets);
      expect(verdict.count('vlan.priority', '3')).toBe(verdict.packets);
      expect(verdict.count('frame.len', '1518')).toBe(8);
      expect(verdict.count('vxlan.vni', '4097')).toBe(8);
    },
  );
});
