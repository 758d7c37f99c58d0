// What the fuzzer found, replayed through every target that takes it.

import { describe, expect, test } from 'vitest';
import { FOUND } from '../../scripts/fuzzing/corpus.ts';
import { allFound, foundInput, foundText } from '../../scripts/fuzzing/found.ts';
import type { Scene } from '../../scripts/fuzzing/input.ts';
import { eachSight } from '../../scripts/fuzzing/target.ts';
import { TARGETS } from '../../scripts/fuzzing/targets.ts';
import { Trail } from '../../scripts/fuzzing/trail.ts';
import { summarize } from '../../src/core/inspect/summary.ts';

const FINDS = allFound(FOUND);

describe('an input that once broke something breaks nothing now', () => {
  test.each(FINDS)('%s', (_, input) => {
    for (const target of TARGETS.filter(({ takes }) => takes === input.kind)) {
      const trail = new Trail();
      expect(() => target.run(input, trail)).not.toThrow();
    }
  });

  test('there are finds', () => {
    expect(FINDS.length).toBeGreaterThan(5);
  });
});

test('an ARP header that a snap length cut is told as tshark tells it', () => {
  const [, cut] = FINDS.find(([name]) => name === 'arp-cut.hex') as (typeof FINDS)[number];
  const told: string[] = [];
  eachSight(cut as Scene, ({ own: { view, d } }) => {
    const { protocol, info } = summarize(view, d);
    told.push(`${protocol} ${info}`);
  });
  expect(told).toEqual(['ARP [Packet size limited during capture]']);
});

test('a find reads again as it was written', () => {
  for (const [, input] of FINDS) expect(foundInput(foundText(input, ['what it was']))).toEqual(input);
  const text = { kind: 'text', text: 'ip.src == "é\u0000"' } as const;
  expect(foundInput(foundText(text, []))).toEqual(text);
  const file = { kind: 'file', bytes: Uint8Array.of(10, 13) } as const;
  expect(foundInput(foundText(file, []))).toEqual(file);
  expect(() => foundInput('what is this')).toThrow('no line of a find');
});
