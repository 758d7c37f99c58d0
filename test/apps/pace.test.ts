import { randomBytes, scrypt } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { deflate } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Pace } from '../../src/apps/pace.ts';
import type { Box } from './ground.ts';
import { Boxes } from './ground.ts';

let boxes: Boxes;
let box: Box;

beforeEach(() => {
  boxes = new Boxes();
  box = boxes.box('a', '10.0.0.1');
});

afterEach(() => boxes.end());

const instant = (): number => boxes.pace.clock.now;

describe('time stands while a program has work to do', () => {
  const work: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['a file is read', () => readFile(new URL(import.meta.url))],
    ['zlib compresses', () => promisify(deflate)(Buffer.alloc(2_000_000, 'x'))],
    ['scrypt derives a key', () => promisify(scrypt)('secret', 'salt', 32)],
    ['random bytes are drawn', () => promisify(randomBytes)(100_000)],
    [
      'immediates follow each other',
      async () => {
        for (let n = 0; n < 200; n++) await new Promise((done) => setImmediate(done));
      },
    ],
    ['it is held', () => box.time.hold(new Promise((done) => setTimeout(done, 20)))],
  ];
  test.each(work)('while %s', async (_, run) => {
    let at = -1;
    box.time.setTimeout(async () => {
      await run();
      at = instant();
    }, 1000);
    // Something else would happen a nanosecond later.
    const rival = {
      fire: () => {
        if (at < 0) at = -2;
      },
    };
    boxes.pace.clock.at(1e9 + 1, rival, 0);
    await boxes.pace.run(2e9);
    expect(at).toBe(1e9);
  });

  test('what runs within its call is not waited for', async () => {
    randomBytes(16);
    await boxes.pace.run(1e9);
    expect(instant()).toBe(1e9);
  });
});

describe('who lets time pass', () => {
  test('until a promise settles: time stands there', async () => {
    box.time.setTimeout(() => {}, 5000);
    expect(await boxes.pace.until(box.time.sleep(1000).then(() => 'slept'))).toBe('slept');
    expect(instant()).toBe(1e9);
    await expect(boxes.pace.until(Promise.reject(new Error('its own')))).rejects.toThrow('its own');
  });

  test('a limit, and the end of all that could happen', async () => {
    const never = new Promise(() => {});
    box.time.setTimeout(() => {}, 5000);
    await expect(boxes.pace.until(never, 2e9)).rejects.toMatchObject({ code: 'TIME_IS_UP' });
    expect(instant()).toBe(2e9);
    await expect(boxes.pace.until(never)).rejects.toMatchObject({ code: 'NEVER_SETTLES' });
    expect(instant()).toBe(5e9);
  });

  test('several at once: each is told at its own time', async () => {
    const said: string[] = [];
    const note = (name: string) => () => said.push(`${name} ${instant() / 1e9}`);
    await Promise.all([
      boxes.pace.run(3e9).then(note('run 3')),
      boxes.pace.until(box.time.sleep(2000)).then(note('slept 2')),
      boxes.pace.run(1e9).then(note('run 1')),
      boxes.pace.until(new Promise(() => {}), 2.5e9).catch(note('late 2.5')),
    ]);
    expect(said).toEqual(['run 1 1', 'slept 2 2', 'late 2.5 2.5', 'run 3 3']);
  });
});

describe('a program that never rests', () => {
  test('turns without end are an error', async () => {
    const pace = new Pace(boxes.lab.clock, { turns: 500 });
    let stop = false;
    const spin = (): void => {
      if (!stop) setImmediate(spin);
    };
    spin();
    await expect(pace.run(1e9)).rejects.toMatchObject({ code: 'NEVER_RESTS' });
    stop = true;
    await pace.run(1e9);
    pace.close();
  });

  test('so is a request that takes too long on the wall clock', async () => {
    const pace = new Pace(boxes.lab.clock, { patience: 1 });
    const derived = promisify(scrypt)('secret', 'salt', 32);
    await expect(pace.run(1e9)).rejects.toThrow(/SCRYPTREQUEST/);
    await derived;
    pace.close();
  });
});

test('the order in which events are handed over is the order in which they came', async () => {
  const orders = [];
  for (let round = 0; round < 2; round++) {
    const one = new Boxes();
    const [client, server] = [one.box('c', '10.0.0.1'), one.box('s', '10.0.0.2')];
    const order: string[] = [];
    server.net.createServer((socket) => socket.on('data', (bytes) => socket.end(bytes))).listen(80);
    await Promise.all(
      Array.from({ length: 50 }, async (_, n) => {
        await client.time.sleep((n * 7) % 13);
        const socket = client.net.connect(80, 's');
        socket.end(`${n}`);
        for await (const chunk of socket) order.push(`${chunk} ${one.pace.clock.now}`);
      }).concat(one.pace.run(1e9)),
    );
    orders.push(order);
    await one.end();
  }
  expect(orders[0]?.length).toBe(50);
  expect(orders[1]).toEqual(orders[0]);
});
