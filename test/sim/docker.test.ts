// The lecture's stack with virtual addresses under the docker profile: what never reaches the wire.

import { afterEach, beforeEach, expect, test } from 'vitest';
import { formatIp } from '../../src/core/wire/address.ts';
import { Network } from './network.ts';

let net: Network;
beforeEach(() => {
  net = new Network('docker', {}, 1, 'lecture.yml').quiet();
});
afterEach(() => net.end());

test("a service's virtual address is answered on the asker's own node, whichever that is", () => {
  const { services } = net.sim.world.plan;
  for (const from of ['appserver.1', 'appserver.2']) {
    for (const service of ['webserver', 'mysql', 'appserver']) expect(net.ping(from, service)).toBe(1);
  }
  expect(services.map(({ vips }) => vips.length)).toEqual([2, 3, 1]);
  expect(net.seen).toEqual([]);
});

test('a virtual address of a network that the asker is not on is no way in: it leaves in the clear', () => {
  const vip = net.sim.world.plan.services.find(({ spec }) => spec.key === 'mysql')?.vips[0]?.ip ?? 0;
  expect(net.ping('webserver.1', formatIp(vip))).toBe(0);
  expect(net.tunnelled()).toEqual([]);
  expect(net.seen.length).toBeGreaterThan(0);
});

test('one byte too many with DF is refused at once with fragmentation needed, and nothing is sent', () => {
  const { replies, errors } = net.sim.pingNow('webserver.1', 'webserver.2', {
    count: 1,
    size: 1423,
    dontFragment: true,
  });
  expect([replies.length, errors.map(({ type, code }) => [type, code])]).toEqual([0, [[3, 4]]]);
  expect(net.seen).toEqual([]);
});
