// The fuzzer itself: a short run over everything, and proof that it finds what it is for.

import { describe, expect, test } from 'vitest';
import { Chance } from '../../scripts/fuzzing/chance.ts';
import { Corpus } from '../../scripts/fuzzing/corpus.ts';
import type { Input, Scene } from '../../scripts/fuzzing/input.ts';
import type { Find } from '../../scripts/fuzzing/run.ts';
import { fuzz } from '../../scripts/fuzzing/run.ts';
import type { Target } from '../../scripts/fuzzing/target.ts';
import { eachPacket, eachSight, must } from '../../scripts/fuzzing/target.ts';
import { chosen, TARGETS } from '../../scripts/fuzzing/targets.ts';
import { Trail } from '../../scripts/fuzzing/trail.ts';
import { L } from '../../src/core/dissect/layer.ts';

function run(targets: readonly Target[], count: number, seed: number): ReturnType<typeof fuzz> {
  return fuzz({ targets, corpus: new Corpus(), chance: new Chance(seed), count });
}

function told(finds: readonly Find[]): string[] {
  return finds.map(({ target, what }) => `${target}: ${what}`);
}

function sceneOf([find]: readonly Find[]): Scene {
  if (find?.input.kind !== 'scene') throw new Error('no scene was found');
  return find.input;
}

describe('damaged input breaks nothing', () => {
  test.each([
    ['packets', 12_000],
    ['files', 300],
    ['texts', 8000],
  ])('%s', (kind, count) => {
    const targets = chosen([kind]) as Target[];
    expect(targets.length).toBeGreaterThan(0);
    const { finds, packets, files, texts, reached } = run(targets, count, 7);
    expect(told(finds)).toEqual([]);
    expect(packets + files + texts).toBeGreaterThanOrEqual(count);
    expect(reached).toBeGreaterThan(40);
  });

  test('every target belongs to a kind and has a name of its own', () => {
    expect(new Set(TARGETS.map(({ name }) => name)).size).toBe(TARGETS.length);
    expect(chosen([])).toEqual(chosen(['packets', 'files', 'texts']));
    expect(chosen(['no such'])).toBeNull();
  });
});

/** Breaks on what no fixture has and what one damage alone hardly makes. */
function planted(name: string, breaks: (scene: Scene) => void): Target {
  return { name, takes: 'scene', run: (input: Input) => breaks(input as Scene) };
}

describe('the fuzzer finds', () => {
  test('a read behind the end of the packet, and makes the packet small', () => {
    const reads = planted('over', (scene) =>
      eachPacket(scene, ({ view, start, end }) => {
        if (end - start > 20 && view.getUint8(start + 13) === 0x06) view.getUint8(end);
      }),
    );
    const { finds } = run([reads], 4000, 1);
    expect(told(finds)).toEqual([expect.stringMatching(/^over: RangeError: Offset is outside/)]);
    const { packets } = sceneOf(finds);
    expect(packets).toHaveLength(1);
    expect(packets[0]?.bytes).toEqual(Uint8Array.of(...new Uint8Array(13), 6, ...new Uint8Array(7)));
  });

  test('a tunnel in a tunnel in a tunnel, by itself', () => {
    const deep = planted('deep', (scene) =>
      eachSight(scene, ({ last: { d } }) => {
        let tunnels = 0;
        for (let row = 0; row < d.count; row++) if (d.kind(row) === L.vxlan && d.fault(row) === 0) tunnels++;
        must(tunnels < 3, 'no third tunnel', d);
      }),
    );
    const { finds } = run([deep], 16_000, 1);
    expect(told(finds)).toEqual([expect.stringMatching(/^deep: Broken: no third tunnel: rows 1-/)]);
    expect(sceneOf(finds).packets).toHaveLength(1);
  });

  test('what packets do together, and leaves out those that do not matter', () => {
    const pair = planted('pair', (scene) => {
      eachSight(scene, ({ parts }) => must(parts.length === 1, 'no datagram is put together'));
    });
    const { finds } = run([pair], 4000, 1);
    expect(told(finds)).toEqual(['pair: Broken: no datagram is put together']);
    const found = sceneOf(finds);
    expect(found.packets.length).toBeGreaterThan(1);
    for (const left of found.packets) {
      const fewer: Scene = { ...found, packets: found.packets.filter((packet) => packet !== left) };
      expect(() => pair.run(fewer, new Trail())).not.toThrow();
    }
  });

  test('what takes too long', () => {
    const slow = planted('slow', (scene) =>
      eachPacket(scene, ({ packet }) => {
        const until = process.cpuUsage().user + (packet.bytes.length === 77 ? 60_000 : 0);
        while (process.cpuUsage().user < until);
      }),
    );
    const { finds } = fuzz({
      targets: [slow],
      corpus: new Corpus(),
      chance: new Chance(1),
      count: 4000,
      finds: 1,
    });
    expect(told(finds)).toEqual(['slow: takes more than 50 ms']);
    expect(sceneOf(finds).packets).toHaveLength(1);
  });

  test('the same with the same seed', () => {
    const odd = planted('odd', (scene) => {
      eachPacket(scene, ({ packet }) => must(packet.bytes.length !== 77, 'no packet has 77 bytes'));
    });
    const [one, two] = [run([odd], 2000, 5), run([odd], 2000, 5)];
    expect(one.finds.length).toBe(1);
    expect(two).toEqual(one);
  });
});
