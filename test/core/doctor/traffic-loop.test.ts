// Frames that come again: loops, copies, and what only looks like them.

import { expect, test } from 'vitest';
import { LoopRule } from '../../../src/core/doctor/traffic/loop.ts';
import type { Piece } from './traffic-run.ts';
import { changed, fileOf, findIn, findInCapture, lines, piecesOf, setInner16 } from './traffic-run.ts';

const rule = (): LoopRule => new LoopRule();
const judge = (pieces: readonly Piece[]): string[] => lines(findIn(fileOf(pieces), [rule]));

/** An echo request in VNI 42. */
const PING = piecesOf('kernel/unicast4.pcap').find((piece) => {
  let is = false;
  changed(piece, (view, d, crossing) => {
    is = crossing.transport >= 0 && view.getUint8(d.start(crossing.transport)) === 8;
  });
  return is;
}) as Piece;
/** A broadcast ARP request in VNI 42. */
const ARP = piecesOf('kernel/unicast4.pcap').find((piece) => {
  let is = false;
  changed(piece, (view, d, crossing) => {
    is = crossing.link >= 0 && view.getUint8(d.start(crossing.link)) === 0xff;
  });
  return is;
}) as Piece;

function round(
  piece: Piece,
  n: number,
  how: { ttl?: number; outerId?: number; outerTtl?: number; gap?: number },
): Piece {
  return changed({ ...piece, at: piece.at + n * (how.gap ?? 1000) }, (view, d, crossing) => {
    const ip = d.start(crossing.ip);
    view.setUint16(ip + 4, how.outerId ?? 1000 + n);
    if (how.outerTtl !== undefined) view.setUint8(ip + 8, how.outerTtl);
    if (how.ttl === undefined || crossing.network < 0) return;
    const at = d.start(crossing.network);
    setInner16(view, d, crossing, 8, (how.ttl << 8) | view.getUint8(at + 9));
  });
}

const times = <T>(n: number, make: (i: number) => T): T[] => Array.from({ length: n }, (_, i) => make(i));

test('the same packet with its TTL falling is a routing loop', () => {
  const found = findIn(fileOf(times(10, (i) => round(PING, i, { ttl: 64 - i }))), [rule]);
  expect(lines(found)).toEqual([
    'error ROUTING-LOOP VNI 42 10.1.1.1 > 10.1.1.2: 1 frame up to 10 times via 198.51.100.1 > 198.51.100.2, TTL falling from 64 to 55',
  ]);
  expect(found[0]?.packets).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
});

test('the same frame with its TTL steady is a bridging loop', () => {
  const said = judge(times(10, (i) => round(PING, i, {})));
  expect(said).toEqual([
    'error BRIDGING-LOOP VNI 42 10.1.1.1 > 10.1.1.2: 1 frame up to 10 times via 198.51.100.1 > 198.51.100.2, TTL steady',
  ]);
});

test('a broadcast that is flooded again and again is a bridging loop, named by its MACs', () => {
  expect(judge(times(20, (i) => round(ARP, i, {})))).toEqual([
    expect.stringMatching(
      /^error BRIDGING-LOOP VNI 42 [0-9a-f:]{17} > ff:ff:ff:ff:ff:ff: 1 frame up to 20 times/,
    ),
  ]);
});

test('the same outer packet with its TTL falling circles in the underlay', () => {
  const said = judge(times(6, (i) => round(PING, i, { outerId: 7, outerTtl: 60 - i })));
  expect(said).toEqual([
    expect.stringMatching(/^error UNDERLAY-LOOP VNI 42 .* each time in the same outer packet$/),
  ]);
});

test('a packet that is in the capture twice is a note, whether the outer packet is the same or not', () => {
  for (const outerId of [7, undefined]) {
    const how = outerId === undefined ? { gap: 100 } : { outerId, gap: 100 };
    expect(judge(times(2, (i) => round(PING, i, how)))).toEqual([
      'note DUPLICATE-FRAMES VNI 42 10.1.1.1 > 10.1.1.2: 1 frame more than once via 198.51.100.1 > 198.51.100.2',
    ]);
  }
});

test('each packet before and behind a router that is mirrored is no loop', () => {
  const said = judge(times(2, (i) => round(PING, i, { ttl: 64 - i })));
  expect(said).toEqual([expect.stringMatching(/^note DUPLICATE-FRAMES/)]);
});

test('several taps see a packet each once', () => {
  expect(judge(times(12, (i) => ({ ...round(PING, i, { outerId: 7 }), tap: i })))).toEqual([]);
});

test('copies for several VTEPs, slow repetitions, and what a sender makes alike are no loop', () => {
  expect(lines(findInCapture('kernel/headend3-vtep1.pcap', rule))).toEqual([]);
  expect(lines(findInCapture('kernel/misc-stp.pcap', rule))).toEqual([]);
  expect(lines(findInCapture('formats/any-sll2.pcap', rule))).toEqual([]);
  expect(judge(times(30, (i) => round(ARP, i, { gap: 1_000_000 })))).toEqual([]);
  // A generator leaves the identification at 0: its packets cannot be told apart.
  const alike = times(30, (i) =>
    changed(round(PING, i, {}), (view, d, crossing) => setInner16(view, d, crossing, 4, 0)),
  );
  expect(judge(alike)).toEqual([]);
});
