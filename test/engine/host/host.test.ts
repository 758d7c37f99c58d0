import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseMac } from '../../../src/core/wire/address.ts';
import * as igmp from '../../../src/core/wire/igmp.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import type { Interface } from '../../../src/engine/host/interface.ts';
import { Ping } from '../../../src/engine/host/ping.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { TRACE } from '../../../src/engine/trace/event.ts';
import type { Recorder } from '../../../src/engine/trace/recorder.ts';
import { viewOf } from '../../support/bytes.ts';
import { captureBytes, captureNames } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';
import { address, Inbox, Lab, pattern } from '../../support/lab.ts';
import { frame, packet4, packet6, udpBytes } from './packets.ts';

const MAC = parseMac('02:00:00:00:00:aa');

describe('interfaces and addresses', () => {
  test('an interface is found by its name', () => {
    const lab = new Lab();
    const host = lab.host('h');
    const dev = lab.alone(host, { ips: ['10.0.0.1/24'] });
    expect(host.interface('eth0')).toBe(dev);
    expect(() => host.interface('eth9')).toThrowError(expect.objectContaining({ code: 'NO_SUCH_INTERFACE' }));
    lab.end();
  });

  test('an address is there once; taking it away takes its route away', () => {
    const lab = new Lab();
    const host = lab.host('h');
    const dev = lab.alone(host, { ips: ['10.0.0.1/24', '10.0.1.1/24'] });
    const add = (): void => host.addAddress(dev, address('10.0.0.1/24'));
    expect(add).toThrowError(expect.objectContaining({ code: 'ADDRESS_IN_USE' }));
    expect([dev.primary, dev.broadcast]).toEqual([parseIp('10.0.0.1'), parseIp('10.0.0.255')]);
    expect(host.removeAddress(dev, parseIp('10.0.0.1'))).toBe(true);
    expect(host.removeAddress(dev, parseIp('10.0.0.1'))).toBe(false);
    expect(host.isLocal(parseIp('10.0.0.1'))).toBe(false);
    expect([dev.primary, dev.broadcast]).toEqual([parseIp('10.0.1.1'), parseIp('10.0.1.255')]);
    expect(host.destination(parseIp('10.0.0.2'))).toBeNull();
    expect(host.destination(parseIp('10.0.1.2'))?.src).toBe(parseIp('10.0.1.1'));
    add();
    expect(host.destination(parseIp('10.0.0.2'))?.src).toBe(parseIp('10.0.0.1'));
    lab.end();
  });

  test('networks of two hosts have no broadcast address (RFC 3021)', () => {
    const lab = new Lab();
    const host = lab.host('h');
    expect(lab.alone(host, { ips: ['10.0.0.0/31'] }).broadcast).toBe(-1);
    expect(lab.alone(host, { ips: ['10.0.2.1/30'] }).broadcast).toBe(parseIp('10.0.2.3'));
    expect(lab.alone(host, { ips: [] }).primary).toBe(-1);
    lab.end();
  });
});

describe('receiving', () => {
  function setUp(forwarding = false): {
    lab: Lab;
    host: Host;
    dev: Interface;
  } {
    const lab = new Lab();
    const host = lab.host('h', { forwarding });
    const dev = lab.alone(host, { ips: ['10.0.0.1/24', 'fd00::1/64'], mac: MAC });
    return { lab, host, dev };
  }

  test('what is not for us, too short, unknown or on a port that is down is dropped with its reason', () => {
    const { lab, host, dev } = setUp();
    lab.inject(host, frame({ to: 0x02bb, from: 1 }, 0x0800, pattern(30)));
    lab.inject(host, pattern(13));
    lab.inject(host, frame({ to: MAC, from: 1 }, 0x1234, pattern(30)));
    lab.inject(host, pattern(60), 7);
    dev.up = false;
    lab.inject(host, frame({ to: MAC, from: 1 }, 0x0800, pattern(30)));
    expect(host.counters.snapshot().drops).toEqual({
      'not for us': 1,
      'invalid header': 1,
      'unknown protocol': 1,
      'link down': 2,
    });
    expect(dev.counters.rxPackets).toBe(1);
    lab.end();
  });

  test('nothing leaves by an interface that is down', () => {
    const { lab, host, dev } = setUp();
    host.neighbours.pin(parseIp('10.0.0.2'), dev, 1);
    dev.up = false;
    host.udp.bind(9, new Inbox()).send(parseIp('10.0.0.2'), 7, pattern(3));
    expect(host.counters.dropped(DROP.linkDown)).toBe(1);
    expect(lab.frames(0x0800)).toEqual([]);
    lab.end();
  });

  test('martian sources and packets for others are dropped', () => {
    const { lab, host } = setUp();
    const udp = udpBytes('10.0.0.2', '10.0.0.1', 1, 2, pattern(4));
    const head = { to: MAC, from: 1 };
    for (const src of ['10.0.0.1', '224.0.0.1', '255.255.255.255']) {
      lab.inject(host, packet4(head, { src, dst: '10.0.0.9', proto: 17 }, udp));
    }
    expect(host.counters.dropped(DROP.martian)).toBe(3);
    lab.inject(host, packet4(head, { src: '10.0.0.2', dst: '10.0.0.9', proto: 17 }, udp));
    expect(host.counters.dropped(DROP.notForUs)).toBe(1);
    lab.end();
  });

  test('a router drops groups, broadcasts of its links and frames to everybody', () => {
    const { lab, host } = setUp(true);
    lab.alone(host, { ips: ['10.0.5.1/24'] });
    const udp = udpBytes('10.0.0.2', '10.0.5.1', 1, 2, pattern(4));
    const head = { to: MAC, from: 1 };
    lab.inject(host, packet4(head, { src: '10.0.0.2', dst: '239.1.1.1', proto: 17 }, udp));
    lab.inject(host, packet4(head, { src: '10.0.0.2', dst: '10.0.5.255', proto: 17 }, udp));
    expect(host.counters.dropped(DROP.noRoute)).toBe(2);
    lab.inject(
      host,
      packet4({ to: 0xffffffffffff, from: 1 }, { src: '10.0.0.2', dst: '10.0.5.2', proto: 17 }, udp),
    );
    expect(host.counters.dropped(DROP.notForUs)).toBe(1);
    lab.end();
  });

  test('a host takes packets to any of its addresses by any of its interfaces', () => {
    const { lab, host } = setUp();
    const inbox = new Inbox();
    lab.alone(host, { ips: ['10.0.5.1/24'] });
    host.udp.bind(7, inbox);
    lab.inject(
      host,
      packet4(
        { to: MAC, from: 1 },
        { src: '10.0.0.2', dst: '10.0.5.1', proto: 17 },
        udpBytes('10.0.0.2', '10.0.5.1', 1, 7, pattern(4)),
      ),
    );
    expect(inbox.datagrams.length).toBe(1);
    lab.end();
  });

  test('padding behind an IPv4 packet is not sent on', () => {
    const { lab, host } = setUp(true);
    lab.alone(host, { ips: ['10.0.5.1/24'] });
    host.neighbours.pin(parseIp('10.0.5.2'), host.interfaces[1] as Interface, 1);
    const bytes = packet4({ to: MAC, from: 1 }, { src: '10.0.0.2', dst: '10.0.5.2', proto: 17 }, pattern(9));
    lab.inject(host, Uint8Array.of(...bytes, 1, 2, 3));
    expect(lab.frames(0x0800).map((sent) => sent.bytes.length)).toEqual([bytes.length]);
    lab.end();
  });

  test('a frame that others hold is not written to', () => {
    const { lab, host, dev } = setUp(true);
    lab.alone(host, { ips: ['10.0.5.1/24', 'fd05::1/64'] });
    host.neighbours.pin(parseIp('10.0.5.2'), host.interfaces[1] as Interface, 1);
    host.neighbours.pin(parseIp('fd05::2'), host.interfaces[1] as Interface, 1);
    const four = packet4({ to: MAC, from: 1 }, { src: '10.0.0.2', dst: '10.0.5.2', proto: 17 }, pattern(9));
    const six = packet6({ to: MAC, from: 1 }, { src: 'fd00::2', dst: 'fd05::2', next: 17 }, pattern(9));
    for (const bytes of [four, six]) {
      const held = lab.pool.from(bytes).retain();
      host.receive(held, dev.index);
      expect(held.toBytes()).toEqual(bytes);
      held.release();
    }
    expect(lab.sent.length).toBe(2);
    lab.end();
  });

  test('a recorder hears of sending, routing and delivery', () => {
    const lab = new Lab(true);
    const a = lab.host('a');
    const r = lab.host('r', { forwarding: true });
    const b = lab.host('b');
    lab.wire(a, { ips: ['10.0.1.1/24', 'fd01::1/64'] }, r, { ips: ['10.0.1.2/24', 'fd01::2/64'] });
    lab.wire(r, { ips: ['10.0.2.2/24', 'fd02::2/64'] }, b, { ips: ['10.0.2.1/24', 'fd02::1/64'] });
    for (const [host, via] of [
      [a, '10.0.1.2'],
      [b, '10.0.2.2'],
      [a, 'fd01::2'],
      [b, 'fd02::2'],
    ] as const) {
      const any = via.includes(':') ? parseIp('::') : 0;
      host.routes.add({
        ip: any,
        prefix: 0,
        hops: [{ via: parseIp(via), dev: host.interfaces[0] as Interface }],
      });
    }
    const inbox = new Inbox();
    b.udp.bind(7, inbox);
    const socket = a.udp.bind(9, new Inbox());
    for (const to of ['10.0.2.1', 'fd02::1']) socket.send(parseIp(to), 7, pattern(4));
    expect(inbox.datagrams.length).toBe(2);
    const recorder = lab.recorder as Recorder;
    const events = Array.from({ length: recorder.length }, (_, i) => recorder.at(i));
    const delivered = events.filter(
      (event) => event.where === b.id && event.what === TRACE.deliver && event.b === 7,
    );
    expect(delivered.length).toBe(2);
    for (const { frame: id } of delivered) {
      const steps = recorder.journey(id).filter((event) => lab.hosts.some((host) => host.id === event.where));
      expect(steps.map((step) => [step.where, step.what])).toEqual([
        [a.id, TRACE.send],
        [r.id, TRACE.route],
        [b.id, TRACE.deliver],
      ]);
    }
    // ARP, ICMP, IGMP and ICMPv6 are told as well.
    new Ping(a, parseIp('10.0.1.2'), { count: 1 }).start();
    new Ping(a, parseIp('fd01::2'), { count: 1 }).start();
    const query = new Uint8Array(8);
    igmp.write(viewOf(query), 0, igmp.TYPE.query, 0);
    lab.inject(
      b,
      packet4({ to: 0x01005e000001, from: 1 }, { src: '10.0.2.9', dst: '224.0.0.1', proto: 2 }, query),
    );
    lab.run(10);
    const protocols = new Set(
      Array.from({ length: recorder.length }, (_, i) => recorder.at(i)).flatMap((event) =>
        event.what === TRACE.deliver ? [event.a] : [],
      ),
    );
    expect([...protocols].sort((x, y) => x - y)).toEqual([1, 2, 17, 58, 0x0806]);
    lab.end();
  });
});

describe('anything may come in', () => {
  const names = captureNames('kernel').filter((name) => name.endsWith('.pcap') && !name.includes('perf'));

  /** A host that speaks everything, with sockets and groups. */
  function everything(forwarding: boolean): Lab {
    const lab = new Lab();
    const host = lab.host('h', { forwarding });
    const dev = lab.alone(host, { ips: ['10.0.0.1/24', 'fd00::1/64'], mac: MAC });
    host.routes.add({ ip: 0, prefix: 0, hops: [{ via: parseIp('10.0.0.9'), dev }] });
    host.routes.add({ ip: parseIp('::'), prefix: 0, hops: [{ via: parseIp('fd00::9'), dev }] });
    host.udp.bind(7, new Inbox());
    host.ip4.igmp.membership(dev, parseIp('239.1.1.1'), true);
    host.ip6.mld.membership(dev, parseIp('ff05::1'), true);
    return lab;
  }

  /** Ends as it must: after two minutes nothing waits. */
  function endsWell(lab: Lab): void {
    lab.run(120);
    lab.end();
  }

  test('random bytes behind a good Ethernet, IP and ICMP header never throw and leak no frame', () => {
    const body = fc.uint8Array({ maxLength: 120 });
    const piece = fc.record({
      kind: fc.constantFrom('raw', 'ether', 'ip4', 'ip6', 'icmp4', 'icmp6'),
      type: fc.constantFrom(0x0800, 0x0806, 0x86dd, 0x8100),
      proto: fc.constantFrom(0, 1, 2, 6, 17, 43, 44, 50, 51, 58, 59, 60, 135, 200),
      group: fc.boolean(),
      local: fc.boolean(),
      message: fc.constantFrom(0, 1, 2, 3, 4, 5, 8, 11, 12, 128, 129, 130, 131, 133, 134, 135, 136, 137, 143),
      offset: fc.constantFrom(0, 0, 0, 8, 16, 64),
      body,
    });
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 25 }), fc.boolean(), (pieces, forwarding) => {
        const lab = everything(forwarding);
        const host = lab.hosts[0] as never;
        for (const p of pieces) {
          const head = { to: p.group ? 0x333300000001 : MAC, from: 0x02bb };
          const v4 = { src: '10.0.0.2', dst: p.group ? '239.1.1.1' : p.local ? '10.0.0.1' : '10.7.0.1' };
          const v6 = { src: 'fd00::2', dst: p.group ? 'ff02::1' : p.local ? 'fd00::1' : 'fd07::1' };
          let bytes: Uint8Array = p.body;
          if (p.kind === 'ether') bytes = frame(head, p.type, p.body);
          else if (p.kind === 'ip4')
            bytes = packet4(head, { ...v4, proto: p.proto, offset: p.offset, more: p.local }, p.body);
          else if (p.kind === 'ip6') bytes = packet6(head, { ...v6, next: p.proto, hops: 255 }, p.body);
          else if (p.kind === 'icmp4')
            bytes = packet4(head, { ...v4, proto: 1 }, Uint8Array.of(p.message, ...p.body));
          else if (p.kind === 'icmp6') {
            bytes = packet6(head, { ...v6, next: 58, hops: 255 }, Uint8Array.of(p.message, 0, ...p.body));
          }
          // Half of the frames claim that their checksums are right, so that what is behind them is reached.
          const given = lab.pool.from(bytes);
          given.summed = p.body.length % 2 === 0;
          lab.backlog.push(given, host, 0);
        }
        endsWell(lab);
      }),
      { numRuns: 300 },
    );
  });

  test.each(names)('every frame of %s, whole, cut and with a bit turned', (name) => {
    const packets = packetsOf(captureBytes(name)).slice(0, 60);
    const lab = everything(true);
    const host = lab.hosts[0] as Host;
    const random = lab.random.stream(name);
    for (const packet of packets) {
      for (let i = 0; i < 8; i++) {
        const bytes = packet.bytes.slice(
          0,
          i < 4 ? packet.bytes.length : random.integer(packet.bytes.length + 1),
        );
        if (bytes.length < 14) continue;
        // To us, as far as Ethernet is concerned.
        if (((bytes[0] as number) & 1) === 0) {
          viewOf(bytes).setUint16(0, 0x0200);
          viewOf(bytes).setUint32(2, 0xaa);
        }
        if (i % 2 === 1) {
          const at = 14 + random.integer(Math.max(1, bytes.length - 14));
          if (at < bytes.length) bytes[at] = (bytes[at] as number) ^ (1 << random.integer(8));
        }
        const given = lab.pool.from(bytes);
        given.summed = i >= 2;
        lab.backlog.push(given, host, 0);
      }
    }
    expect(host.interfaces[0]?.counters.rxPackets).toBeGreaterThan(0);
    endsWell(lab);
  });
});
