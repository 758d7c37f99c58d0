import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LAYERS_MAX } from '../../../src/core/dissect/layer.ts';
import { summarize } from '../../../src/core/inspect/summary.ts';
import { tree } from '../../../src/core/inspect/tree.ts';
import { AnyReader } from '../../../src/core/pcap/index.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { captureBytes } from '../../support/captures.ts';
import '../../support/properties.ts';
import type { Cut } from './cut.ts';
import { ethernet, ip4, ip6, join, payload, see, tunnelled } from './cut.ts';

const LIMITS = { datagrams: 20, bytes: 300_000, seconds: 30 };

/** Everything that a printer would ask of the parts. */
function ask(sight: Sight, datagrams = LIMITS.datagrams, bytes = LIMITS.bytes): void {
  for (const { view, d, from, packets } of sight.parts) {
    tree(view, d);
    summarize(view, d);
    expect(d.packetEnd).toBeLessThanOrEqual(view.byteLength);
    for (let row = 0; row < d.count; row++) {
      expect(d.start(row)).toBeLessThanOrEqual(d.head(row));
      expect(d.end(row)).toBeLessThanOrEqual(d.packetEnd);
    }
    expect(from).toBeLessThanOrEqual(d.count);
    expect(packets.length === 0).toBe(view === sight.own.view);
  }
  const { reassembler } = sight;
  expect(reassembler.waiting).toBeLessThanOrEqual(datagrams);
  expect(reassembler.bytes).toBeLessThanOrEqual(bytes);
}

const PIECE = fc.record({
  offset: fc.oneof(fc.nat(3), fc.nat(3), fc.nat(8191)).map((unit) => unit * 8),
  length: fc.oneof(
    fc.nat(3).map((unit) => unit * 8),
    fc.nat(1500),
  ),
  more: fc.boolean(),
  id: fc.nat(20),
  seed: fc.constantFrom(0, 0, 0, 1),
  shape: fc.constantFrom('four', 'six', 'tunnel', 'both'),
});

function frameOf({ shape, id, seed, ...cut }: Cut & { shape: string; id: number; seed: number }): Uint8Array {
  const whole = payload(cut.offset + cut.length, seed);
  const four = ethernet(0x800, ip4(whole, { id, protocol: 253 }, cut));
  if (shape === 'four') return four;
  if (shape === 'six') return ethernet(0x86dd, ip6(whole, cut, { id }));
  if (shape === 'tunnel') return ethernet(0x800, ip4(tunnelled(four, id)));
  const datagram = tunnelled(four, id);
  const half = Math.min(datagram.length & ~7, 48);
  return ethernet(
    0x800,
    ip4(datagram, { id: 9 }, { offset: half, length: datagram.length - half, more: false }),
  );
}

describe('whatever comes in', () => {
  test('fragments with any offset, length and flag', () => {
    let completed = 0;
    fc.assert(
      fc.property(fc.array(PIECE, { maxLength: 60 }), (pieces) => {
        const sight = new Sight(undefined, LIMITS);
        for (const [i, piece] of pieces.entries()) {
          see(sight, frameOf(piece), i + 1, i);
          ask(sight);
        }
        completed += sight.reassembler.counts.completed;
      }),
      { numRuns: 150 },
    );
    expect(completed).toBeGreaterThan(0);
  });

  test('damaged captures of fragments', () => {
    let parts = 0;
    const names = ['kernel/outer-frag.pcap', 'public/pcapplusplus/ip6_fragments.pcap'];
    fc.assert(
      fc.property(
        fc.constantFrom(...names),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 60 }),
        (name, hits) => {
          const bytes = captureBytes(name);
          for (const [place, value] of hits) bytes[24 + (place % (bytes.length - 24))] = value;
          const sight = new Sight(undefined, LIMITS);
          const reader = new AnyReader((view, start, end, meta) => {
            sight.read(view, start, end, meta);
            parts += sight.parts.length - 1;
            ask(sight);
          });
          reader.push(bytes);
          reader.end();
        },
      ),
      { numRuns: 200 },
    );
    expect(parts).toBeGreaterThan(0);
  });

  test('random bytes behind a header that says fragment', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 120 }), { maxLength: 20 }), (list) => {
        const sight = new Sight(undefined, LIMITS);
        for (const [i, bytes] of list.entries()) {
          const cut = { offset: 0, length: bytes.length, more: false };
          see(sight, ethernet(0x86dd, ip6(bytes, { ...cut, more: true }, { next: i })), i);
          see(
            sight,
            ethernet(0x800, join(ip4(bytes, { id: 1, protocol: 44 }, { ...cut, offset: i * 8 }))),
            i,
          );
          ask(sight);
        }
      }),
    );
  });

  test('fragment headers in fragment headers: one packet completes them all, as far as rows go', () => {
    const head = (id: number, offset: number, more: boolean): Uint8Array =>
      ip6(new Uint8Array(0), { offset, length: 0, more }, { id, next: 44 }).subarray(40);
    const packet = (...parts: Uint8Array[]): Uint8Array => {
      const bytes = join(...parts);
      const whole = ip6(bytes, { offset: 0, length: bytes.length, more: false });
      const bare = join(whole.subarray(0, 40), bytes);
      bare[4] = bytes.length >> 8;
      bare[5] = bytes.length & 0xff;
      return ethernet(0x86dd, bare);
    };
    for (const [depth, parts] of [
      [40, 41],
      [200, LAYERS_MAX - 1],
    ] as const) {
      const sight = new Sight(undefined, { datagrams: 1000, bytes: 10_000_000 });
      const atomic = Array.from({ length: depth }, (_, id) => head(id, 0, false));
      // Datagram `id` carries what is further in, and behind it the ends of those around it.
      for (let id = 0; id < depth; id++) {
        const inside = (depth - id) * 8;
        see(sight, packet(...atomic.slice(0, id), head(id, inside + 8 * id, false), payload(8)), id + 1);
      }
      const heads = Array.from({ length: depth }, (_, id) => head(id, 0, true));
      expect(see(sight, packet(...heads, payload(8)), depth + 1)).toHaveLength(parts);
      expect(sight.last.d.count).toBeLessThanOrEqual(LAYERS_MAX);
      ask(sight, 1000, 10_000_000);
    }
  });
});
