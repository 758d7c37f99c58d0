import { describe, expect, test } from 'vitest';
import { RandomSource } from '../../../../src/engine/time/random.ts';
import { pattern } from '../../../support/lab.ts';
import { B, B6, cable, dial, Program, Server } from './pair.ts';

const DATA = pattern(60_000);
const echo = (): Program => Object.assign(new Program(), { echoes: true });

/** One exchange over a bad cable; what is wrong afterwards, in words. */
function exchange(seed: number): string[] {
  const random = new RandomSource(`impaired ${seed}`).stream('choices');
  const some = (share: number): boolean => random.float() < share;
  const wired = cable(
    {
      delay: 1000 + random.integer(10_000_000),
      loss: some(0.7) ? random.float() * 0.05 : 0,
      duplicate: random.float() * 0.03,
      reorder: random.float() * 0.05,
      rate: some(0.3) ? 1e6 + random.float() * 1e8 : 0,
      queue: 20 + random.integer(1000),
    },
    600 + random.integer(1000),
    `impaired ${seed}`,
  );
  const { lab, a, b, tcpA, tcpB } = wired;
  // ARP and neighbour discovery must not be what fails.
  for (const [host, n, other] of [
    [a, 2, b],
    [b, 1, a],
  ] as const) {
    const dev = host.interfaces[0];
    const mac = other.interfaces[0]?.mac;
    if (dev === undefined || mac === undefined) throw new Error('no interface');
    host.neighbours.pin(0x0a000000 + n, dev, mac);
    host.neighbours.pin({ a: 0xfd000000, b: 0, c: 0, d: n }, dev, mac);
  }
  for (const { settings } of [tcpA, tcpB]) {
    if (some(0.3)) settings.receiveBuffer = 300 + random.integer(6000);
    if (some(0.3)) settings.sendBuffer = 300 + random.integer(8000);
    settings.sack = some(0.75);
    settings.timestamps = some(0.75);
    settings.windowScaling = some(0.75);
  }
  const data = DATA.subarray(0, random.integer(DATA.length));
  const server = new Server(tcpB, 80, {}, echo);
  const client = dial(tcpA, some(0.5) ? B : B6, 80);
  client.send(data, true);
  lab.run(3000);
  server.listener.close();
  const wrong: string[] = [];
  if (client.error !== null || server.first?.error !== null)
    wrong.push(`${seed}: ended with ${client.error}`);
  if (Buffer.compare(client.bytes, data) !== 0) wrong.push(`${seed}: ${client.received} of ${data.length}`);
  if (tcpA.size + tcpB.size !== 0) wrong.push(`${seed}: connections are left`);
  lab.end();
  return wrong;
}

describe('over a cable that loses, repeats and overtakes, with small buffers and without options', () => {
  test('150 exchanges arrive whole, end well and leave nothing', () => {
    expect(Array.from({ length: 150 }, (_, seed) => exchange(seed)).flat()).toEqual([]);
  });

  test('without loss nothing is ever sent again, however slow and long the cable', () => {
    for (const given of [{}, { delay: 200_000_000 }, { rate: 1e6, delay: 5_000_000 }, { rate: 1e9 }]) {
      const { lab, tcpA, tcpB } = cable({ queue: 100_000, ...given });
      new Server(tcpB, 80, {}, echo);
      const client = dial(tcpA, B, 80);
      client.send(DATA, true);
      lab.run(100);
      expect(client.received).toBe(DATA.length);
      expect([tcpA.retransmits, tcpB.retransmits]).toEqual([0, 0]);
      lab.end();
    }
  });

  test('a thousand connections at once', () => {
    const { lab, tcpA, tcpB } = cable({ rate: 1e9, queue: 100_000 });
    const server = new Server(tcpB, 80, { backlog: 4096 }, echo);
    dial(tcpA, B, 80);
    lab.run(0.1);
    const clients = Array.from({ length: 1000 }, () => {
      const client = dial(tcpA, B, 80);
      client.send(DATA.subarray(0, 3000), true);
      return client;
    });
    lab.run(20);
    expect(clients.filter(({ error, received }) => error === null && received === 3000).length).toBe(1000);
    expect(server.programs.length).toBe(1001);
    lab.end();
  });
});
