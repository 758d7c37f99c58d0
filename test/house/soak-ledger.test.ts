// The books of `scripts/soak`: an identity that is off by one packet, and memory that grows, must be seen.

import { describe, expect, test } from 'vitest';
import type { Books } from '../../scripts/soaking/ledger.ts';
import { claimsOf, flat, refused } from '../../scripts/soaking/ledger.ts';

/** Books that add up: 100 datagrams came in, 2 more the kernel dropped, 13 were refused, one long frame became three. */
const BOOKS: Books = {
  report: {
    underlay: {
      sent: 60,
      received: 100,
      sendErrors: 1,
      queueFull: 2,
      truncated: 1,
      kernelDrops: 2,
      drops: { 'unknown peer': 4, 'VNI not found': 3, 'invalid header': 3 },
    },
    segments: [
      {
        rxFrames: 88,
        drops: { 'own address': 3, 'queue full': 5, 'same port': 2 },
        offload: { cut: 1, pieces: 3 },
      },
    ],
  },
  wire: { rx: 105, tx: 61, lost: 0 },
  others: { rx: 61, tx: 105 },
  icmp: { rx: 3, tx: 4 },
  tap: { rx: 70, tx: 50 },
  port: { rx: 50, tx: 70 },
  bridgeRx: 145,
  hostsRx: 7,
  station: 68,
  sent: { good: 74, unknownPeer: 4, vniNotFound: 3, invalidHeader: 4, ownAddress: 3 },
};

const wrong = (books: Books): number => claimsOf(books).filter(({ holds }) => !holds).length;

/** The books with one number changed, found by its way through the object. */
function changed(path: readonly string[], by: number): Books {
  const copy = structuredClone(BOOKS) as unknown as Record<string, unknown>;
  const last = path.at(-1) as string;
  const holder = path.slice(0, -1).reduce((at, key) => at[key] as Record<string, unknown>, copy);
  holder[last] = (holder[last] as number) + by;
  return copy as unknown as Books;
}

describe('books that add up', () => {
  test('have no claim that fails', () => {
    expect(claimsOf(BOOKS).filter(({ holds }) => !holds)).toEqual([]);
    expect(refused(BOOKS.report)).toBe(13);
  });

  test.each([
    ['wire.rx'],
    ['wire.tx'],
    ['wire.lost'],
    ['others.rx'],
    ['others.tx'],
    ['icmp.rx'],
    ['icmp.tx'],
    ['tap.rx'],
    ['tap.tx'],
    ['port.rx'],
    ['port.tx'],
    ['bridgeRx'],
    ['hostsRx'],
    ['report.underlay.sent'],
    ['report.underlay.sendErrors'],
    ['report.underlay.queueFull'],
    ['report.underlay.received'],
    ['report.underlay.truncated'],
    ['report.underlay.kernelDrops'],
    ['report.underlay.drops.unknown peer'],
    ['report.segments.0.rxFrames'],
    ['report.segments.0.offload.pieces'],
    ['report.segments.0.drops.own address'],
    ['sent.vniNotFound'],
  ])('are wrong with %s off by one, either way', (path) => {
    const up = wrong(changed(path.split('.'), 1));
    const down = wrong(changed(path.split('.'), -1));
    // A refusal less may be one that the kernel dropped before; one more than was sent is never right.
    expect(up + down).toBeGreaterThan(0);
    if (!path.startsWith('sent')) expect(Math.min(up, down)).toBeGreaterThan(0);
  });

  test('are wrong when more is missing at the station than was dropped, or more came than was sent', () => {
    expect(wrong(changed(['station'], 1))).toBe(0);
    expect(wrong(changed(['station'], -1))).toBe(1);
    expect(wrong(changed(['station'], 7))).toBe(1);
  });
});

describe('memory', () => {
  const points = (...megabytes: number[]) => megabytes.map((n, i) => ({ at: i * 10, bytes: n * 1e6 }));

  test('is flat when its last quarter is less than the allowed share above the first after the warm-up', () => {
    const still = points(50, 90, 100, 101, 99, 102, 100, 104, 103);
    expect(flat('it', still, 20, 0.05)).toMatchObject({ holds: true, detail: '100.0 MB, 103.0 MB: 3.0 %' });
    expect(flat('it', still, 0, 0.05).holds).toBe(false);
  });

  test('is not when it grows by five per cent', () => {
    expect(flat('it', points(100, 101, 103, 105), 0, 0.05).holds).toBe(false);
  });

  test('is not known from one point', () => {
    expect(flat('it', points(100), 0, 0.05).holds).toBe(false);
  });
});
