// What was counted in several processes is what one would have counted.

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { PeerTally, Tally } from '../../src/apps/tally.ts';
import { tries } from '../support/properties.ts';

const event = fc.record({
  at: fc.nat(1_000_000_000),
  peer: fc.constantFrom('appserver', 'mysql'),
  latency: fc.option(fc.nat(2 ** 40)),
  bytes: fc.nat(5000),
});

test('states of tallies, sent through a channel and added up, are the tally of all', () => {
  fc.assert(
    fc.property(fc.array(fc.array(event, { maxLength: 30 }), { minLength: 1, maxLength: 4 }), (processes) => {
      let now = 0;
      const whole = new Tally(() => now);
      const sum = new Tally(() => 0);
      for (const [i, events] of processes.entries()) {
        // Each process has a clock of its own.
        const origin = i * 7_000_000_000;
        const own = new Tally(() => origin + now);
        for (const { at, peer, latency, bytes } of events.sort((x, y) => x.at - y.at)) {
          now = at;
          for (const tally of [whole, own]) {
            if (latency === null) tally.peer(peer).failure('ECONNRESET');
            else tally.peer(peer).request(latency, bytes, 2 * bytes);
          }
        }
        sum.take(structuredClone(own.state(origin)));
      }
      const rows = (tally: Tally) =>
        tally
          .rows()
          .map(({ from, to, goodput, ...row }) => row)
          .sort((x, y) => (x.peer < y.peer ? -1 : 1));
      expect(rows(sum)).toEqual(rows(whole));
      for (const { peer, from, to } of sum.rows()) {
        const times = processes.flat().filter((one) => one.peer === peer);
        expect([from, to]).toEqual([
          Math.min(...times.map(({ at }) => at)),
          Math.max(...times.map(({ at }) => at)),
        ]);
      }
    }),
    tries(200),
  );
});

test('a peer of whom nothing was counted has no times', () => {
  const idle = new PeerTally('mysql', () => 5);
  expect(idle.state(3)).toMatchObject({ from: -1, to: -1, requests: 0 });
});
