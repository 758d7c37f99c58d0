// Real datagrams on the loopback, on a port that nothing else has.

import { createSocket } from 'node:dgram';
import { afterEach, expect, test } from 'vitest';
import { profileOf } from '../../src/engine/orchestrate/profile.ts';
import { MILLISECOND } from '../../src/engine/time/clock.ts';
import { DROP } from '../../src/engine/trace/drop.ts';
import { UdpLab } from '../../src/live/udp-lab.ts';
import { ether, wrap } from '../engine/fabric/ground.ts';
import { lecture } from '../lab/stack.ts';

const PORT = 24789;
const PING = { count: 2, interval: 20 * MILLISECOND, deadline: 500 * MILLISECOND };
const open: UdpLab[] = [];

function lab(port = PORT, profile = 'docker'): UdpLab {
  const made = new UdpLab(lecture(), { profile: profileOf(profile), seed: 1, port });
  open.push(made);
  return made;
}

afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

/** Sends bytes to the first node from a socket of our own. */
async function throwAt(bytes: Uint8Array): Promise<void> {
  const socket = createSocket('udp4');
  await new Promise<void>((done) => socket.send(bytes, PORT, '127.0.0.11', () => done()));
  await new Promise<void>((done) => socket.close(() => done()));
}

/** Waits until something holds, a second at most. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 100 && !holds(); i++) await new Promise((done) => setTimeout(done, 10));
  expect(holds()).toBe(true);
}

test('containers of different nodes ping each other through real sockets; closed, every frame is home', async () => {
  const live = lab();
  await live.start();
  const result = await live.ping('webserver.1', 'webserver.2', PING);
  expect([result.sent, result.replies.length]).toEqual([2, 2]);
  const sent = [...live.underlays.values()].reduce((sum, one) => sum + one.counters.sent, 0);
  const received = [...live.underlays.values()].reduce((sum, one) => sum + one.counters.received, 0);
  expect([sent, received]).toEqual([4, 4]);
  await live.close();
  expect(live.world.ground.pool.out).toBe(0);
});

test('datagrams with a VNI that nobody has, a clear I flag or too few bytes are counted and survived', async () => {
  const live = lab();
  await live.start();
  const counters = live.world.nodes.get('manager1')?.demux.counters;
  await throwAt(wrap(9_999_999, ether(1, 2)));
  await throwAt(wrap(4096, ether(1, 2), 0));
  await throwAt(new Uint8Array(3));
  await until(() => counters?.dropped() === 3);
  expect([counters?.dropped(DROP.vniNotFound), counters?.dropped(DROP.invalidHeader)]).toEqual([1, 2]);
  expect((await live.ping('webserver.1', 'webserver.2', PING)).replies.length).toBe(2);
});

test('a port in use is told by name, nothing stays open, and a later start with the same port works', async () => {
  const first = lab();
  await first.start();
  const second = lab();
  await expect(second.start()).rejects.toMatchObject({
    code: 'PORT_IN_USE',
    message: expect.stringContaining(`UDP port ${PORT} on 127.0.0.11`),
  });
  await first.close();
  const third = lab();
  await third.start();
  expect((await third.ping('webserver.1', 'webserver.2', PING)).replies.length).toBe(2);
});

test("an address that is not this machine's is refused by name", async () => {
  const made = new UdpLab(lecture(), {
    profile: profileOf('docker'),
    seed: 1,
    port: PORT,
    first: '192.0.2.1',
  });
  open.push(made);
  await expect(made.start()).rejects.toMatchObject({ code: 'NO_SUCH_ADDRESS' });
});

test('profiles whose nodes route are refused', () => {
  expect(() => lab(PORT, 'flannel')).toThrow(expect.objectContaining({ code: 'NOT_LIVE' }));
});
