// What goes through a node's border besides plain packets: errors, fragments, rubbish.

import fc from 'fast-check';
import '../../../support/properties.ts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ipv4 } from '../../../../src/core/wire/index.ts';
import { parseIp, parseIp4 } from '../../../../src/core/wire/parse-ip.ts';
import type { Host } from '../../../../src/engine/host/host.ts';
import type { Interface } from '../../../../src/engine/host/interface.ts';
import { Masquerade } from '../../../../src/engine/host/nat/masquerade.ts';
import { Nat } from '../../../../src/engine/host/nat/nat.ts';
import { PortMap } from '../../../../src/engine/host/nat/port-map.ts';
import { Ping } from '../../../../src/engine/host/ping.ts';
import { DROP } from '../../../../src/engine/trace/drop.ts';
import { viewOf } from '../../../support/bytes.ts';
import { gateway, Inbox, Lab, pattern } from '../../../support/lab.ts';
import { frame, packet4, udpBytes } from '../packets.ts';

let lab: Lab;
let inside: Host;
let other: Host;
let node: Host;
let world: Host;
let far: Host;
let nat: Nat;

// inside 172.18.0.3, other 172.18.0.4 ── 172.18.0.1 node 192.0.2.12 ── 192.0.2.99 world 198.51.100.1 ── 198.51.100.9 far
beforeEach(() => {
  lab = new Lab();
  inside = lab.host('inside');
  other = lab.host('other');
  node = lab.host('node', { forwarding: true });
  world = lab.host('world', { forwarding: true });
  far = lab.host('far');
  lab.wire(node, { ips: ['192.0.2.12/24'] }, world, { ips: ['192.0.2.99/24'] });
  const bridge = lab.bridge();
  const dev = lab.attach(node, bridge, { ips: ['172.18.0.1/16'] });
  lab.attach(inside, bridge, { ips: ['172.18.0.3/16'] });
  lab.attach(other, bridge, { ips: ['172.18.0.4/16'] });
  lab.wire(world, { ips: ['198.51.100.1/24'], mtu: 1000 }, far, { ips: ['198.51.100.9/24'], mtu: 1000 });
  for (const host of [inside, other]) gateway(host, '172.18.0.1');
  gateway(node, '192.0.2.99');
  gateway(far, '198.51.100.1');
  const map = new PortMap(node, dev);
  map.add(17, 8053, { ip: parseIp4('172.18.0.4'), port: 53 });
  nat = new Nat(node, { destination: [map], source: [map, new Masquerade(node.interfaces[0] as Interface)] });
  node.ip4.nat = nat;
});

afterEach(() => {
  for (const host of lab.hosts) expect(host.counters.dropped(DROP.checksum)).toBe(0);
  lab.end();
});

describe('errors', () => {
  test('port unreachable comes back to who sent the datagram, with the port it came from', () => {
    const inbox = new Inbox();
    inside.udp.bind(40000, inbox).send(parseIp('192.0.2.99'), 53, pattern(9));
    expect(inbox.errors).toEqual([{ from: parseIp('192.0.2.99'), type: 3, code: 3, port: 53, mtu: 0 }]);
  });

  test('of two that use one port each hears of its own', () => {
    const boxes = [new Inbox(), new Inbox()];
    for (const [i, host] of [inside, other].entries())
      host.udp.bind(40000, boxes[i] as Inbox).send(parseIp('192.0.2.99'), 50 + i, pattern(9));
    expect(boxes.map(({ errors }) => errors.map(({ port }) => port))).toEqual([[50], [51]]);
  });

  test("a router's own word comes under its own address, and the path MTU is learned", () => {
    const inbox = new Inbox();
    const socket = inside.udp.bind(40000, inbox, { dontFragment: true });
    socket.send(parseIp('198.51.100.9'), 53, pattern(1200));
    expect(inbox.errors).toEqual([{ from: parseIp('192.0.2.99'), type: 3, code: 4, port: 53, mtu: 1000 }]);
    expect(inside.destination(parseIp('198.51.100.9'))?.mtu(lab.clock.now)).toBe(1000);
  });

  test('about pings: each asker hears of its own identifier', () => {
    const pings = [inside, other].map(
      (host) => new Ping(host, parseIp('198.51.100.9'), { count: 1, ttl: 2 }),
    );
    for (const ping of pings) ping.start();
    lab.run(2);
    for (const { result } of pings)
      expect(result.errors.map(({ from, type }) => [from, type])).toEqual([[parseIp('192.0.2.99'), 11]]);
  });

  test('that the inside sends about an answer leave with the outside address and quote it', () => {
    far.udp.bind(53, new Inbox()).send(parseIp('192.0.2.12'), 40000, pattern(1));
    const inbox = new Inbox();
    const server = far.udp.bind(54, inbox);
    const client = inside.udp.bind(40000, new Inbox());
    client.send(parseIp('198.51.100.9'), 54, pattern(1));
    inside.udp.unbind(client);
    server.send(parseIp('192.0.2.12'), 40000, pattern(1));
    expect(inbox.errors).toEqual([{ from: parseIp('192.0.2.12'), type: 3, code: 3, port: 40000, mtu: 0 }]);
  });

  test('about a published port name the node and that port', () => {
    const inbox = new Inbox();
    far.udp.bind(40000, inbox).send(parseIp('192.0.2.12'), 8053, pattern(1));
    expect(inbox.errors).toEqual([{ from: parseIp('192.0.2.12'), type: 3, code: 3, port: 8053, mtu: 0 }]);
  });

  test('about packets that nobody here sent stay where they are', () => {
    const quoted = packet4(
      { to: 0, from: 0 },
      { src: '192.0.2.12', dst: '192.0.2.99', proto: 17 },
      udpBytes('192.0.2.12', '192.0.2.99', 1, 2, pattern(4)),
    ).slice(14);
    const error = new Uint8Array(8 + quoted.length);
    error.set([3, 3]);
    error.set(quoted, 8);
    let sum = 0;
    for (let i = 0; i < error.length; i += 2) sum += viewOf(error).getUint16(i);
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
    viewOf(error).setUint16(2, ~sum & 0xffff);
    const count = lab.sent.length;
    lab.inject(
      node,
      packet4(
        { to: node.interfaces[0]?.mac as number, from: 1 },
        { src: '192.0.2.99', dst: '192.0.2.12', proto: 1 },
        error,
      ),
    );
    expect([lab.sent.length - count, nat.size]).toEqual([0, 0]);
    // From the inside it would show an address that nobody outside knows.
    const drops = node.counters.dropped(DROP.noRoute);
    lab.inject(
      node,
      packet4(
        { to: node.interfaces[1]?.mac as number, from: 1 },
        { src: '172.18.0.3', dst: '192.0.2.99', proto: 1 },
        error,
      ),
      1,
    );
    expect([lab.sent.length - count, node.counters.dropped(DROP.noRoute) - drops]).toEqual([0, 1]);
  });
});

describe('fragments', () => {
  test('of datagrams both ways: put together, translated, cut up again', () => {
    const there = new Inbox();
    const back = new Inbox();
    const server = far.udp.bind(53, there);
    inside.udp.bind(40000, back).send(parseIp('198.51.100.9'), 53, pattern(4000));
    server.send(parseIp('192.0.2.12'), 40000, pattern(3000));
    expect(there.datagrams).toEqual([{ srcPort: 40000, bytes: pattern(4000) }]);
    expect(back.datagrams).toEqual([{ srcPort: 53, bytes: pattern(3000) }]);
    const left = lab.frames(0x0800, 'node').map(({ bytes }) => ipv4.src(viewOf(bytes), 14));
    expect(left).not.toContain(parseIp4('172.18.0.3'));
  });

  test('of a ping', () => {
    const ping = new Ping(inside, parseIp('192.0.2.99'), { count: 1, size: 4000, dontFragment: false });
    ping.start();
    lab.run(1);
    expect(ping.result.replies.length).toBe(1);
  });

  test('that never make a datagram are given up after 30 s, and none leaves', () => {
    const head = { to: node.interfaces[1]?.mac as number, from: inside.interfaces[0]?.mac as number };
    const count = lab.frames(0x0800, 'node').length;
    const first = { src: '172.18.0.3', dst: '192.0.2.99', proto: 17, more: true };
    lab.inject(node, packet4(head, first, udpBytes('172.18.0.3', '192.0.2.99', 1, 2, pattern(16))), 1);
    lab.run(31);
    const sent = lab.frames(0x0800, 'node').slice(count);
    // Nothing but "time exceeded in reassembly", to the sender.
    expect(sent.map(({ bytes }) => [ipv4.dst(viewOf(bytes), 14), bytes[34], bytes[35]])).toEqual([
      [parseIp4('172.18.0.3'), 11, 1],
    ]);
  });
});

test('any bytes: nothing throws, nothing leaks', () => {
  const byte = fc.nat(255);
  const packet = fc.record({
    proto: fc.constantFrom(1, 6, 17, 47, 132),
    payload: fc.uint8Array({ maxLength: 90 }),
    type: fc.constantFrom(0, 3, 8, 11, 12),
    src: fc.constantFrom('172.18.0.3', '192.0.2.99', '10.1.2.3'),
    dst: fc.constantFrom('172.18.0.1', '192.0.2.12', '192.0.2.99', '172.18.0.4', '255.255.255.255'),
    dev: fc.nat(1),
    offset: fc.constantFrom(undefined, 0, 8),
    spots: fc.array(fc.tuple(fc.nat(60), byte), { maxLength: 4 }),
    quote: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(packet, { maxLength: 20 }), (packets) => {
      for (const { proto, payload, type, src, dst, dev, offset, spots, quote } of packets) {
        const body = Uint8Array.from(payload);
        if (proto === 1 && body.length > 0) body[0] = type;
        if (quote && body.length > 8) body[8] = 0x45;
        const head = { to: node.interfaces[dev]?.mac as number, from: 1 };
        const more = offset === undefined ? {} : { offset, more: true };
        const bytes = packet4(head, { src, dst, proto, ...more }, body);
        for (const [at, value] of spots) if (at >= 34 && at < bytes.length) bytes[at] = value;
        lab.inject(node, bytes, dev);
        lab.inject(node, frame(head, 0x0800, bytes.slice(14, 14 + spots.length * 9)), dev);
      }
    }),
    { numRuns: 200 },
  );
  lab.end();
  // Wrong checksums were to be expected.
  lab = new Lab();
});
