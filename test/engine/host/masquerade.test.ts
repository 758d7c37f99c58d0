import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import type { Interface } from '../../../src/engine/host/interface.ts';
import { Masquerade } from '../../../src/engine/host/nat/masquerade.ts';
import { Nat } from '../../../src/engine/host/nat/nat.ts';
import { Ping } from '../../../src/engine/host/ping.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { viewOf } from '../../support/bytes.ts';
import { gateway, Inbox, Lab, pattern } from '../../support/lab.ts';
import { packet4, udpBytes } from './packets.ts';

let lab: Lab;
let inside: Host;
let other: Host;
let node: Host;
let world: Host;
let nat: Nat;

// inside 172.18.0.3, other 172.18.0.4 ── 172.18.0.1 node 192.0.2.12 ── 192.0.2.99 world
beforeEach(() => {
  lab = new Lab();
  inside = lab.host('inside');
  other = lab.host('other');
  node = lab.host('node', { forwarding: true });
  world = lab.host('world');
  lab.wire(node, { ips: ['192.0.2.12/24'] }, world, { ips: ['192.0.2.99/24'] });
  const bridge = lab.bridge();
  lab.attach(node, bridge, { ips: ['172.18.0.1/16'] });
  lab.attach(inside, bridge, { ips: ['172.18.0.3/16'] });
  lab.attach(other, bridge, { ips: ['172.18.0.4/16'] });
  gateway(inside, '172.18.0.1');
  gateway(other, '172.18.0.1');
  nat = new Nat(node, { source: [new Masquerade(node.interfaces[0] as Interface)] });
  node.ip4.nat = nat;
});

afterEach(() => lab.end());

/** Source, destination and source port of the last UDP packet on the outside that the host sent. */
const last = (host: string): string => {
  const { bytes } = lab.frames(0x0800, host).at(-1) as { bytes: Uint8Array };
  const view = viewOf(bytes);
  return `${bytes.slice(26, 30).join('.')}:${view.getUint16(34)} > ${bytes.slice(30, 34).join('.')}:${view.getUint16(36)}`;
};

describe('masquerade', () => {
  test('a datagram leaves with the outside address and its own port; the answer finds its way back', () => {
    const there = new Inbox();
    const back = new Inbox();
    const server = world.udp.bind(53, there);
    inside.udp.bind(40000, back).send(parseIp('192.0.2.99'), 53, pattern(9));
    expect(last('node')).toBe('192.0.2.12:40000 > 192.0.2.99:53');
    server.send(parseIp('192.0.2.12'), 40000, pattern(5));
    expect(last('node')).toBe('192.0.2.99:53 > 172.18.0.3:40000');
    expect(there.datagrams.map((d) => d.bytes)).toEqual([pattern(9)]);
    expect(back.datagrams.map((d) => d.bytes)).toEqual([pattern(5)]);
    // Checksums were kept right: the lab has receivers check them.
    expect(world.counters.dropped(DROP.checksum) + inside.counters.dropped(DROP.checksum)).toBe(0);
  });

  test('a port that is taken is exchanged for a free one', () => {
    const there = new Inbox();
    const back = new Inbox();
    const server = world.udp.bind(53, there);
    inside.udp.bind(40000, new Inbox()).send(parseIp('192.0.2.99'), 53, pattern(1));
    other.udp.bind(40000, back).send(parseIp('192.0.2.99'), 53, pattern(2));
    expect(there.datagrams.map((d) => d.srcPort)).toEqual([40000, 32768]);
    server.send(parseIp('192.0.2.12'), 32768, pattern(3));
    expect(back.datagrams.map((d) => d.bytes)).toEqual([pattern(3)]);
    expect(nat.size).toBe(2);
  });

  test('ping gets through by its identifier', () => {
    const p = new Ping(inside, parseIp('192.0.2.99'), { count: 2 });
    p.start();
    lab.run(3);
    expect(p.result.replies.map((reply) => [reply.seq, reply.ttl])).toEqual([
      [1, 63],
      [2, 63],
    ]);
  });

  test('an entry is good for 30 s after the last packet either way', () => {
    const back = new Inbox();
    const server = world.udp.bind(53, new Inbox());
    const client = inside.udp.bind(40000, back);
    client.send(parseIp('192.0.2.99'), 53, pattern(1));
    lab.run(29);
    server.send(parseIp('192.0.2.12'), 40000, pattern(1));
    lab.run(29);
    server.send(parseIp('192.0.2.12'), 40000, pattern(1));
    expect(back.datagrams.length).toBe(2);
    lab.run(31);
    server.send(parseIp('192.0.2.12'), 40000, pattern(1));
    expect(back.datagrams.length).toBe(2);
    expect(node.counters.dropped(DROP.noListener)).toBe(1);
    client.send(parseIp('192.0.2.99'), 53, pattern(1));
    server.send(parseIp('192.0.2.12'), 40000, pattern(1));
    expect(back.datagrams.length).toBe(3);
  });

  test('what the node itself sends and gets is left alone', () => {
    const there = new Inbox();
    const back = new Inbox();
    const server = world.udp.bind(53, there);
    node.udp.bind(5000, back).send(parseIp('192.0.2.99'), 53, pattern(1));
    server.send(parseIp('192.0.2.12'), 5000, pattern(1));
    inside.udp.bind(40000, new Inbox()).send(parseIp('192.0.2.99'), 53, pattern(1));
    server.send(parseIp('192.0.2.12'), 5000, pattern(1));
    expect(back.datagrams.length).toBe(2);
    expect(nat.size).toBe(1);
  });

  test('no checksum stays none, TCP is put right, other packets stay inside', () => {
    const head = { to: node.interfaces[1]?.mac as number, from: inside.interfaces[0]?.mac as number };
    world.neighbours.pin(parseIp('192.0.2.12'), world.interfaces[0] as Interface, 1);
    node.neighbours.pin(parseIp('192.0.2.99'), node.interfaces[0] as Interface, 2);
    const ends = { src: '172.18.0.3', dst: '192.0.2.99' };
    const udp = udpBytes(ends.src, ends.dst, 40000, 53, pattern(4));
    viewOf(udp).setUint16(6, 0);
    lab.inject(node, packet4(head, { ...ends, proto: 17 }, udp), 1);
    expect(viewOf(lab.frames(0x0800, 'node').at(-1)?.bytes as Uint8Array).getUint16(40)).toBe(0);
    const tcp = new Uint8Array(20);
    viewOf(tcp).setUint16(0, 40001);
    lab.inject(node, packet4(head, { ...ends, proto: 6 }, tcp), 1);
    const sent = viewOf(lab.frames(0x0800, 'node').at(-1)?.bytes as Uint8Array);
    expect(ipv4.checksumOk(sent, 14)).toBe(true);
    // The sum moved by what the address changed by (RFC 1624): 172.18.0.3 to 192.0.2.12.
    const sum = (n: number): number => (n & 0xffff) + (n >>> 16);
    const before = 0xac12 + 0x0003;
    const after = 0xc000 + 0x020c;
    expect(sum(((~sent.getUint16(50) & 0xffff) + before) >>> 0)).toBe(sum(0xffff + after));
    const count = lab.frames(0x0800, 'node').length;
    lab.inject(node, packet4(head, { ...ends, proto: 47 }, pattern(20)), 1);
    lab.inject(node, packet4(head, { ...ends, proto: 1 }, Uint8Array.of(3, 1, 0, 0, 0, 0, 0, 0)), 1);
    lab.inject(node, packet4(head, { ...ends, proto: 17, offset: 64 }, pattern(20)), 1);
    lab.inject(node, packet4(head, { ...ends, proto: 17 }, pattern(7)), 1);
    expect(lab.frames(0x0800, 'node').length).toBe(count);
    expect(nat.size).toBe(2);
    // From the outside none of these is anybody's but the node's.
    const back = { to: node.interfaces[0]?.mac as number, from: 2 };
    lab.inject(node, packet4(back, { src: '192.0.2.99', dst: '192.0.2.12', proto: 47 }, pattern(20)));
    expect(node.counters.dropped(DROP.unknownProtocol)).toBe(1);
  });

  test('the table is bounded: full, nothing more leaves until entries are old', () => {
    const head = { to: node.interfaces[1]?.mac as number, from: inside.interfaces[0]?.mac as number };
    node.neighbours.pin(parseIp('192.0.2.99'), node.interfaces[0] as Interface, 2);
    const from = (i: number): void => {
      const src = `172.18.${1 + (i >> 8)}.${i & 255}`;
      lab.inject(
        node,
        packet4(
          head,
          { src, dst: '192.0.2.99', proto: 17 },
          udpBytes(src, '192.0.2.99', 40000, 53, pattern(1)),
        ),
        1,
      );
    };
    for (let i = 0; i < 16_384; i++) from(i);
    expect(nat.size).toBe(16_384);
    expect(node.counters.dropped(DROP.noRoute)).toBe(0);
    from(20_000);
    expect(node.counters.dropped(DROP.noRoute)).toBe(1);
    lab.run(31);
    from(20_000);
    expect(nat.size).toBe(1);
    expect(node.counters.dropped(DROP.noRoute)).toBe(1);
  });
});
