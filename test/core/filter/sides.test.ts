import { describe, expect, test } from 'vitest';
import { compileFilter } from '../../../src/core/filter/index.ts';
import type { Packet } from '../../../src/core/pcap/index.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';
import { ask, META, ranges } from './ask.ts';

// `outer.` and `inner.` are our own: what they let through is checked against truth of another kind, the layer numbers.

const WORKER = 'docker-swarm/traffic-worker1-eth0.pcap';
const OUTER_HEADERS = 50;

function found(filter: string, capture: string): string {
  return ranges(ask(capture, [filter])[0] ?? []);
}

describe('outer. and inner.', () => {
  test.each([
    ['inner.ip.src == 10.0.1.2', 'ip.src#2 == 10.0.1.2'],
    ['outer.ip.dst == 192.0.2.12', 'ip.dst#1 == 192.0.2.12'],
    ['inner.ip', 'ip#2'],
    ['inner.eth.dst[5] == 02', 'eth.dst#2[5] == 02'],
    ['inner.tcp', 'tcp'],
    ['inner.vxlan.vni == 4097', 'vxlan.vni == 4097'],
    ['outer.vxlan.vni == 4097', 'vxlan.vni == 4097'],
    ['inner.http.request', 'http.request'],
    ['inner.tcp.payload contains "POST"', 'tcp.payload contains "POST"'],
    ['inner.data', 'data'],
    ['inner.ip.ttl#1 == 64', 'ip.ttl#2 == 64'],
    ['inner.tcp && vxlan', 'tcp'],
  ])('%s is %s where one tunnel is around all', (side, layers) => {
    expect(found(side, WORKER)).toBe(found(layers, WORKER));
    expect(found(side, WORKER)).not.toBe('-');
  });

  test('what is on the other side does not count', () => {
    for (const filter of [
      'outer.tcp',
      'outer.icmp',
      'outer.http',
      'outer.ip.addr == 10.0.0.0/8',
      'outer.data',
    ]) {
      expect(found(filter, WORKER), filter).toBe('-');
    }
    for (const filter of ['inner.udp', 'inner.ip.addr == 192.0.2.0/24', 'inner.eth.src == outer.eth.src']) {
      expect(found(filter, WORKER), filter).toBe('-');
    }
  });

  test('without a tunnel all is outer', () => {
    const capture = 'docker-swarm/init-underlay.pcap';
    expect(found('outer.tcp', capture)).toBe(found('tcp', capture));
    expect(found('outer.arp', capture)).toBe(found('arp', capture));
    expect(found('inner.ip or inner.eth or inner.arp', capture)).toBe('-');
  });

  test('what an ICMP error quotes is on its side, a tunnel in it included', () => {
    const capture = 'kernel/misc-no-vtep.pcap';
    expect(found('icmp && vxlan', capture)).not.toBe('-');
    expect(found('icmp.type == 3 && outer.vxlan', capture)).toBe(found('icmp.type == 3 && vxlan', capture));
    expect(found('icmp.type == 3 && !outer.icmp', capture)).toBe('-');
  });

  test('inside fragments that are put together, sides are those of the whole', () => {
    const capture = 'kernel/outer-frag.pcap';
    expect(found('inner.ip', capture)).toBe(found('ip#2', capture));
    expect(found('inner.icmp', capture)).toBe(found('icmp', capture));
    expect(found('outer.udp', capture)).toBe(found('udp', capture));
    expect(found('inner.data && inner.ip.frag_offset > 0', capture)).toBe(
      found('ip.frag_offset#2 > 0', capture),
    );
  });

  test('of VXLAN in VXLAN outer is the first tunnel and inner the last', () => {
    const packet = packetsOf(captureBytes(WORKER))[20] as Packet;
    const length = OUTER_HEADERS + packet.bytes.length;
    const bytes = new Uint8Array(length);
    bytes.set(packet.bytes.subarray(0, OUTER_HEADERS));
    bytes.set(packet.bytes, OUTER_HEADERS);
    const view = viewOf(bytes);
    view.setUint16(16, length - 14);
    view.setUint16(38, length - 34);
    view.setUint16(34, 40_000);
    view.setUint8(46, 0);
    view.setUint16(47, 7);
    const sight = new Sight();
    sight.read(view, 0, length, { ...META, originalLength: length });
    const passes = (text: string): boolean => compileFilter(text).matches(sight, META);
    expect(passes('count(vxlan) == 2 && count(ip) == 3')).toBe(true);
    expect(passes('outer.vxlan.vni == 7 && inner.vxlan.vni == 4098')).toBe(true);
    expect(passes('outer.vxlan.vni == 4098 or inner.vxlan.vni == 7')).toBe(false);
    expect(passes('outer.udp.srcport == 40000 && count(outer.ip) == 1')).toBe(true);
    expect(passes('count(inner.ip) == 1 && inner.ip.addr == 10.0.0.0/8 && inner.tcp')).toBe(true);
    expect(passes('inner.udp or inner.ip.addr == 192.0.2.0/24')).toBe(false);
    expect(passes('udp.srcport#2 && vxlan#2')).toBe(true);
  });
});
