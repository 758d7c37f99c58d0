// Loss on the cables against echo requests that were answered, as a table beside this file. Each request and each answer
// crosses two cables, so that at a loss of p a ping is answered with a chance of (1 - p)^4; chance is from the seed.

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { MILLISECOND } from '../../src/engine/time/clock.ts';
import { Network } from './network.ts';

const PINGS = 1000;
const LOSSES = [0, 1, 5, 20];
const PROFILES = ['docker', 'flood-and-learn', 'head-end', 'flannel'];

function answered(profile: string, percent: number): number {
  const net = new Network(profile);
  // Neighbours that are known before the loss begins stay known for the ten seconds of the run.
  expect(net.ping('webserver.1', 'webserver.2')).toBe(1);
  for (const { near, far } of net.sim.underlay.cables.values()) {
    for (const end of [near, far]) end.impair({ ...end.impairments, loss: percent / 100 });
  }
  const { replies } = net.sim.pingNow('webserver.1', 'webserver.2', {
    count: PINGS,
    interval: 10 * MILLISECOND,
  });
  net.end();
  return replies.length;
}

const table = PROFILES.map((profile) => ({
  profile,
  counts: LOSSES.map((percent) => answered(profile, percent)),
}));

test('the table is as written down', () => {
  const head = ['profile'.padEnd(16), ...LOSSES.map((percent) => `${percent} %`.padStart(6))].join('');
  const lines = table.map(({ profile, counts }) =>
    [profile.padEnd(16), ...counts.map((count) => String(count).padStart(6))].join(''),
  );
  const text = `Answers to ${PINGS} pings at a loss on each cable of\n${[head, ...lines].join('\n')}\n`;
  expect(text).toBe(readFileSync(new URL('loss.golden.txt', import.meta.url), 'utf8'));
});

test.each(table)(
  '$profile: as many as four cables let through, and all of them without loss',
  ({ counts }) => {
    expect(counts[0]).toBe(PINGS);
    for (const [i, percent] of LOSSES.entries()) {
      const chance = (1 - percent / 100) ** 4;
      const spread = Math.sqrt(PINGS * chance * (1 - chance));
      expect(Math.abs((counts[i] as number) - PINGS * chance)).toBeLessThanOrEqual(5 * spread);
    }
  },
);
