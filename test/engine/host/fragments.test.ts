import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FramePool } from '../../../src/core/frame/frame-pool.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import { SECOND } from '../../../src/engine/time/clock.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { viewOf } from '../../support/bytes.ts';
import type { Sent } from '../../support/lab.ts';
import { Inbox, Lab, pattern } from '../../support/lab.ts';
import { concat, packet4, packet6, udpBytes } from './packets.ts';

const V4 = { name: 'IPv4', from: '10.0.0.1', to: '10.0.0.2', type: 0x0800, seconds: 30 };
const V6 = { name: 'IPv6', from: 'fd00::1', to: 'fd00::2', type: 0x86dd, seconds: 60 };
const HEAD = { to: 0x02aa, from: 0x02bb };

let lab: Lab;
let b: Host;
let inbox: Inbox;

beforeEach(() => setUp());
afterEach(() => lab.end());

function setUp(pool = new FramePool(), reassembly = true): void {
  lab = new Lab(false, pool);
  b = lab.host('b', { reassembly });
  lab.alone(b, { ips: ['10.0.0.2/24', 'fd00::2/64'], mac: HEAD.to });
  b.neighbours.pin(parseIp('10.0.0.1'), b.interfaces[0] as never, HEAD.from);
  b.neighbours.pin(parseIp('fd00::1'), b.interfaces[0] as never, HEAD.from);
  inbox = new Inbox();
  b.udp.bind(7, inbox);
}

interface Part {
  readonly offset: number;
  readonly bytes: Uint8Array;
  readonly more: boolean;
}

/** A fragment of a datagram with this identification. */
function piece(family: typeof V4, part: Part, id = 1, proto = 17): Uint8Array {
  const { from: src, to: dst } = family;
  if (family === V4) {
    return packet4(HEAD, { src, dst, proto, id, offset: part.offset, more: part.more }, part.bytes);
  }
  const header = new Uint8Array(8);
  header[0] = proto;
  viewOf(header).setUint16(2, part.offset | (part.more ? 1 : 0));
  viewOf(header).setUint32(4, id);
  return packet6(HEAD, { src, dst, next: 44 }, concat(header, part.bytes));
}

function cut(datagram: Uint8Array, size: number): Part[] {
  const parts: Part[] = [];
  for (let offset = 0; offset < datagram.length; offset += size) {
    const bytes = datagram.slice(offset, offset + size);
    parts.push({ offset, bytes, more: offset + size < datagram.length });
  }
  return parts;
}

const datagram = (family: typeof V4, length: number): Uint8Array =>
  udpBytes(family.from, family.to, 9, 7, pattern(length));

describe.each([V4, V6])('$name fragments', (family) => {
  test('what the sender cuts the receiver puts together: sizes around every border', () => {
    const pair = new Lab();
    const x = pair.host('x');
    const y = pair.host('y');
    pair.wire(x, { ips: [`${family.from}/24`], mtu: 1300 }, y, { ips: [`${family.to}/24`], mtu: 1300 });
    const got = new Inbox();
    y.udp.bind(7, got);
    const socket = x.udp.bind(9, new Inbox());
    const sizes = [1231, 1232, 1233, 1240, 1272, 1273, 2480, 2496, 2504, 9000, 65000];
    for (const size of sizes) socket.send(parseIp(family.to), 7, pattern(size));
    expect(got.datagrams.map((d) => d.bytes)).toEqual(sizes.map(pattern));
    const ids = new Set(pair.frames(family.type, 'x').map(identification));
    expect(ids.has(-1)).toBe(true);
    for (const { bytes } of pair.frames(family.type, 'x')) expect(bytes.length).toBeLessThanOrEqual(1314);
    pair.end();
  });

  test('in any order, and with pieces that come twice', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }).chain((count) =>
          fc.record({
            length: fc.integer({ min: 64 * (count - 1) + 1, max: 64 * count }).map((n) => Math.max(n, 9)),
            order: fc.array(fc.nat({ max: 1000 }), { minLength: 2, maxLength: 20 }),
          }),
        ),
        fc.nat(0xffff),
        ({ length, order }, id) => {
          setUp();
          const parts = cut(datagram(family, length), 64);
          const frames = parts.map((part) => piece(family, part, id));
          // Shuffled by the drawn numbers; each may be repeated while the datagram is not whole.
          const shuffled = frames.map((frame, i) => ({ frame, key: order[i % order.length] as number }));
          shuffled.sort((x, y) => x.key - y.key);
          for (const [i, { frame }] of shuffled.entries()) {
            lab.inject(b, frame);
            if (i < shuffled.length - 1 && i % 2 === 0) lab.inject(b, frame);
          }
          expect(inbox.datagrams.map((d) => d.bytes)).toEqual([pattern(length)]);
          lab.end();
        },
      ),
      { numRuns: 60 },
    );
    setUp();
  });

  test('overlapping pieces discard the datagram (RFC 5722)', () => {
    const whole = datagram(family, 192);
    lab.inject(b, piece(family, { offset: 0, bytes: whole.slice(0, 64), more: true }));
    lab.inject(b, piece(family, { offset: 56, bytes: whole.slice(56, 120), more: true }));
    expect(b.counters.dropped(DROP.reassembly)).toBe(2);
    lab.inject(b, piece(family, { offset: 120, bytes: whole.slice(120), more: false }));
    expect(inbox.datagrams).toEqual([]);
    lab.run(family.seconds);
    expect(b.counters.dropped(DROP.reassembly)).toBe(3);
    // What was never begun tells nobody.
    expect(lab.sent.filter((frame) => frame.type === family.type && isError(frame))).toEqual([]);
  });

  test.each([
    ['a last piece that ends before another', [128, 192, true], [64, 128, false]],
    ['a piece behind the last', [64, 128, false], [128, 192, true]],
    ['two last pieces that differ', [64, 128, false], [128, 192, false]],
    ['a piece that encloses another', [64, 128, true], [0, 192, true]],
  ] as const)('%s discards the datagram', (_name, first, second) => {
    const whole = datagram(family, 300);
    for (const [from, to, more] of [first, second]) {
      lab.inject(b, piece(family, { offset: from, bytes: whole.slice(from, to), more }));
    }
    expect(b.counters.dropped(DROP.reassembly)).toBe(2);
    expect(lab.clock.next).not.toBe(family.seconds * SECOND);
    expect(lab.pool.out).toBe(0);
  });

  test('a datagram that stays incomplete is dropped in time; the sender hears if it began', () => {
    const parts = cut(datagram(family, 200), 64);
    lab.inject(b, piece(family, parts[0] as Part, 1));
    lab.inject(b, piece(family, parts[1] as Part, 1));
    lab.inject(b, piece(family, parts[1] as Part, 2));
    lab.run(family.seconds - 0.1);
    expect(b.counters.dropped(DROP.reassembly)).toBe(0);
    lab.run(0.1);
    expect(b.counters.dropped(DROP.reassembly)).toBe(3);
    const errors = lab.sent.filter(isError);
    expect(errors.length).toBe(1);
    const at = family === V4 ? 34 : 54;
    // Time exceeded, code 1.
    expect([...(errors[0]?.bytes.slice(at, at + 2) ?? [])]).toEqual(family === V4 ? [11, 1] : [3, 1]);
  });

  test('64 datagrams wait; with the next the oldest goes', () => {
    const parts = cut(datagram(family, 100), 64);
    for (let id = 1; id <= 66; id++) lab.inject(b, piece(family, parts[0] as Part, id));
    expect(b.counters.dropped(DROP.reassembly)).toBe(2);
    for (let id = 66; id >= 1; id--) lab.inject(b, piece(family, parts[1] as Part, id));
    expect(inbox.datagrams.length).toBe(64);
    lab.run(family.seconds);
    expect(lab.pool.out).toBe(0);
  });

  test('pieces are bounded too: a flood of small ones does not fill the memory', () => {
    setUp(new FramePool({ maxBytes: 8 << 20 }));
    for (let i = 0; i < 10_000; i++) {
      const part = { offset: 16 * (i % 4000), bytes: pattern(8), more: true };
      lab.inject(b, piece(family, part, Math.floor(i / 4000)));
    }
    expect(lab.pool.out).toBeLessThanOrEqual(2048);
    lab.run(family.seconds);
    expect(lab.pool.out).toBe(0);
  });

  test('pieces of what is done no longer count', () => {
    for (let id = 0; id < 1500; id++) {
      for (const part of cut(datagram(family, 100), 56)) lab.inject(b, piece(family, part, id));
    }
    expect(inbox.datagrams.length).toBe(1500);
    expect(b.counters.dropped()).toBe(0);
  });

  test('impossible pieces: of no bytes, of a broken length, past 65535', () => {
    lab.inject(b, piece(family, { offset: 0, bytes: pattern(0), more: true }));
    lab.inject(b, piece(family, { offset: 0, bytes: pattern(9), more: true }));
    lab.inject(b, piece(family, { offset: 65528, bytes: pattern(64), more: false }));
    expect(b.counters.dropped(DROP.reassembly)).toBe(3);
    expect(lab.pool.out).toBe(0);
  });

  test('different protocols, identifications and senders never mix', () => {
    const parts = cut(datagram(family, 100), 64);
    lab.inject(b, piece(family, parts[0] as Part, 1));
    lab.inject(b, piece(family, parts[1] as Part, 2));
    expect(inbox.datagrams).toEqual([]);
    lab.inject(b, piece(family, parts[1] as Part, 1));
    expect(inbox.datagrams.length).toBe(1);
  });

  test('a node that does not reassemble drops fragments (RFC 7348 s.4.3)', () => {
    setUp(new FramePool(), false);
    lab.inject(b, piece(family, cut(datagram(family, 100), 64)[0] as Part));
    expect(b.counters.dropped(DROP.outerFragment)).toBe(1);
  });

  test('a damaged byte shows in the checksum of the whole', () => {
    const parts = cut(datagram(family, 100), 64);
    (parts[1] as Part).bytes[3] = ((parts[1] as Part).bytes[3] as number) ^ 1;
    for (const part of parts) lab.inject(b, piece(family, part));
    expect(b.counters.dropped(DROP.checksum)).toBe(1);
  });
});

describe('IPv4 only', () => {
  test('a header with options makes the whole too long: dropped', () => {
    // 24 bytes of header in the first piece and a payload that fits behind 20 only.
    const last = 65535 - 20 - ((65535 - 20) % 8);
    const tail = packet4(
      HEAD,
      { src: V4.from, dst: V4.to, proto: 17, offset: 32, more: false },
      pattern(last - 32 + 3),
    );
    lab.inject(b, tail);
    const plain = packet4(HEAD, { src: V4.from, dst: V4.to, proto: 17, more: true }, pattern(32));
    const first = concat(plain.slice(0, 34), Uint8Array.of(1, 1, 1, 1), plain.slice(34));
    const view = viewOf(first);
    view.setUint8(14, 0x46);
    view.setUint16(16, first.length - 14);
    view.setUint16(24, 0);
    let sum = 0;
    for (let at = 14; at < 38; at += 2) sum += view.getUint16(at);
    view.setUint16(24, ~((sum & 0xffff) + (sum >>> 16)) & 0xffff);
    lab.inject(b, first);
    expect(b.counters.dropped(DROP.reassembly)).toBe(2);
    expect(b.counters.dropped(DROP.checksum)).toBe(0);
  });

  test('a fragment is cut again by the next router and still comes together', () => {
    const chain = new Lab();
    const [x, r, y] = [chain.host('x'), chain.host('r', { forwarding: true }), chain.host('y')] as const;
    chain.wire(x, { ips: ['10.0.0.1/24'], mtu: 1300 }, r, { ips: ['10.0.0.254/24'], mtu: 1300 });
    chain.wire(r, { ips: ['10.0.9.254/24'], mtu: 576 }, y, { ips: ['10.0.9.1/24'], mtu: 576 });
    x.routes.add({ ip: 0, prefix: 0, hops: [{ via: parseIp('10.0.0.254'), dev: x.interfaces[0] as never }] });
    const got = new Inbox();
    y.udp.bind(7, got);
    x.udp.bind(9, new Inbox()).send(parseIp('10.0.9.1'), 7, pattern(3000));
    expect(got.datagrams.map((d) => d.bytes)).toEqual([pattern(3000)]);
    expect(chain.frames(0x0800, 'r').length).toBeGreaterThan(5);
    chain.end();
  });
});

describe('IPv6 only', () => {
  const problems = (): number[][] =>
    lab.frames(0x86dd, 'b').flatMap(({ bytes }) => {
      if (bytes[20] !== 58 || bytes[54] !== 4) return [];
      return [[bytes[55] as number, viewOf(bytes).getUint32(58)]];
    });

  test('a piece of broken length and one past the end are parameter problems (RFC 8200 s.4.5)', () => {
    lab.inject(b, piece(V6, { offset: 0, bytes: pattern(9), more: true }));
    lab.inject(b, piece(V6, { offset: 65528, bytes: pattern(64), more: false }));
    expect(problems()).toEqual([
      [0, 4],
      [0, 42],
    ]);
  });

  test('a fragment that is alone is the whole, whatever else is on its way (RFC 6946)', () => {
    const whole = datagram(V6, 50);
    lab.inject(b, piece(V6, { offset: 0, bytes: whole.slice(0, 32), more: true }));
    lab.inject(b, piece(V6, { offset: 0, bytes: whole, more: false }));
    expect(inbox.datagrams.length).toBe(1);
    lab.inject(b, piece(V6, { offset: 32, bytes: whole.slice(32), more: false }));
    expect(inbox.datagrams.length).toBe(2);
  });

  test('headers in front of the fragment header stay, those behind it are read in the whole', () => {
    const whole = concat(Uint8Array.of(17, 0, 1, 4, 0, 0, 0, 0), datagram(V6, 100));
    for (const part of cut(whole, 64)) {
      const header = new Uint8Array(8);
      header[0] = 60;
      viewOf(header).setUint16(2, part.offset | (part.more ? 1 : 0));
      const options = Uint8Array.of(44, 0, 1, 4, 0, 0, 0, 0);
      lab.inject(
        b,
        packet6(HEAD, { src: V6.from, dst: V6.to, next: 60 }, concat(options, header, part.bytes)),
      );
    }
    expect(inbox.datagrams.map((d) => d.bytes)).toEqual([pattern(100)]);
  });

  test('the whole may not be longer than a payload length can say', () => {
    const last = 65528;
    lab.inject(b, piece(V6, { offset: 64, bytes: pattern(last - 64 + 7), more: false }));
    const header = new Uint8Array(8);
    header[0] = 17;
    header[3] = 1;
    viewOf(header).setUint32(4, 1);
    const options = Uint8Array.of(44, 0, 1, 4, 0, 0, 0, 0);
    const first = packet6(HEAD, { src: V6.from, dst: V6.to, next: 60 }, concat(options, header, pattern(64)));
    lab.inject(b, first);
    expect(b.counters.dropped(DROP.reassembly)).toBe(2);
  });
});

function isError({ bytes, type }: Sent): boolean {
  if (type === 0x0800) return bytes[23] === 1 && bytes[34] !== 0 && bytes[34] !== 8;
  return bytes[20] === 58 && (bytes[54] as number) < 128;
}

/** The identification of a fragment; -1 for a whole packet. */
function identification({ bytes, type }: Sent): number {
  const view = viewOf(bytes);
  if (type === 0x0800) return (view.getUint16(20) & 0x3fff) === 0 ? -1 : view.getUint16(18);
  return bytes[20] === 44 ? view.getUint32(58) : -1;
}
