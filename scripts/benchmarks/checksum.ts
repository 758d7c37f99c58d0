// The Internet checksum of a header and of a full packet.

import { finish, sum } from '../../src/core/wire/checksum.ts';
import type { Figure, Round } from './harness.ts';
import { keep, millions, Numbers } from './harness.ts';
import { native } from './native.ts';

/** Sums in a round, by the bytes of each. */
const SIZES: readonly (readonly [bytes: number, sums: number])[] = [
  [20, 2_000_000],
  [1_450, 100_000],
];

export function checksumFigures(): Figure[] {
  return SIZES.map(([bytes, sums]) => ({
    name: `checksum, ${bytes.toLocaleString('en')} bytes`,
    unit: 'M sums/s',
    ours: ours(bytes, sums),
    peers: [
      { name: 'two bytes at a time, JS', round: twoBytes(bytes, sums >> 1) },
      { name: 'eight bytes at a time, C', round: native('checksum.c', bytes, sums) },
    ],
  }));
}

// The packets lie one behind the other and take turns. Nothing is written meanwhile: a load that waits for a store just
// before it would cost more than the sum of a header.
const PACKETS = 16;

function packets(bytes: number): Uint8Array {
  const numbers = new Numbers();
  return Uint8Array.from({ length: PACKETS * bytes }, () => numbers.next() & 0xff);
}

function ours(bytes: number, sums: number): Round {
  const view = new DataView(packets(bytes).buffer);
  return () =>
    millions(sums, () => {
      let kept = 0;
      for (let i = 0; i < sums; i++) {
        const from = (i % PACKETS) * bytes;
        kept ^= finish(sum(view, from, from + bytes));
      }
      keep(kept);
    });
}

function twoBytes(bytes: number, sums: number): Round {
  const data = packets(bytes);
  const checksum = (from: number): number => {
    let s = 0;
    for (let i = from; i < from + bytes; i += 2) {
      s += ((data[i] as number) << 8) | (data[i + 1] as number);
      if (s > 0xffff) s = (s & 0xffff) + 1;
    }
    return ~s & 0xffff;
  };
  return () =>
    millions(sums, () => {
      let kept = 0;
      for (let i = 0; i < sums; i++) kept ^= checksum((i % PACKETS) * bytes);
      keep(kept);
    });
}
