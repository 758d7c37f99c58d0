import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { scopeOf } from '../../src/apps/modules/scope.ts';
import { ContainerProcess } from '../../src/apps/process.ts';
import type { Box } from './ground.ts';
import { Boxes } from './ground.ts';

let boxes: Boxes;
let box: Box;

beforeEach(() => {
  boxes = new Boxes();
  box = boxes.box('a', '10.0.0.1');
});

afterEach(() => boxes.end());

const ms = (): number => boxes.pace.clock.now / 1e6;

describe('timers', () => {
  test('fire in the order of their times, and of their making where those are equal', async () => {
    const said: string[] = [];
    const { setTimeout } = box.time;
    setTimeout(() => said.push(`c ${ms()}`), 20);
    setTimeout((text: string) => said.push(`${text} ${ms()}`), 10, 'a');
    setTimeout(() => said.push(`b ${ms()}`), 10);
    setTimeout(() => said.push(`0 ${ms()}`), 0);
    await boxes.pace.run(1e9);
    expect(said).toEqual(['0 1', 'a 10', 'b 10', 'c 20']);
  });

  test('a microtask and a tick of one timer run before the next timer of the same instant', async () => {
    const said: string[] = [];
    for (const name of ['a', 'b']) {
      box.time.setTimeout(() => {
        process.nextTick(() => said.push(`${name} tick`));
        void Promise.resolve().then(() => said.push(`${name} promise`));
        said.push(name);
      }, 5);
    }
    await boxes.pace.run(1e9);
    expect(said).toEqual(['a', 'a tick', 'a promise', 'b', 'b tick', 'b promise']);
  });

  test('an interval repeats without drifting until it is cleared', async () => {
    const at: number[] = [];
    const timer = box.time.setInterval(() => {
      at.push(ms());
      if (at.length === 3) box.time.clearInterval(timer);
    }, 250);
    await boxes.pace.run(10e9);
    expect(at).toEqual([250, 500, 750]);
  });

  test('cleared, refreshed, let go', async () => {
    const said: string[] = [];
    box.time.clearTimeout(box.time.setTimeout(() => said.push('cleared'), 10));
    box.time.clearTimeout(Number(box.time.setTimeout(() => said.push('cleared by number'), 10)));
    const again = box.time.setTimeout(() => said.push(`refreshed ${ms()}`), 10);
    box.time.setTimeout(() => again.refresh(), 5);
    const { holds } = box.site;
    expect(holds.size).toBe(2);
    const free = box.time.setTimeout(() => {}, 1000).unref();
    expect([holds.size, free.hasRef()]).toEqual([2, false]);
    await boxes.pace.run(1e9);
    expect(said).toEqual(['refreshed 15']);
    expect(holds.size).toBe(0);
    for (const wrong of [null, undefined, 12_345, 'x']) box.time.clearTimeout(wrong);
  });

  test('a callback that throws does not stop an interval, nor others', async () => {
    let ticks = 0;
    let crash = '';
    const program = new ContainerProcess(
      box.container,
      ({ time }) =>
        new Promise<void>(() => {
          time.setInterval(() => ticks++, 100);
          time.setTimeout(() => {
            throw new Error('out of a timer');
          }, 250);
        }),
      boxes.processes,
      {
        name: 'p',
        err: (text) => {
          crash += text;
        },
      },
    );
    let others = 0;
    const other = box.time.setInterval(() => others++, 100);
    expect(await boxes.pace.until(program.ended)).toBe(1);
    await boxes.pace.run(1e9);
    expect([ticks, crash]).toEqual([2, 'p: out of a timer\n']);
    expect(others).toBeGreaterThan(10);
    box.time.clearInterval(other);
  });
});

describe('sleeping', () => {
  test('takes virtual time only, and stops at a signal', async () => {
    await boxes.pace.until(box.time.sleep(86_400_000));
    expect(ms()).toBe(86_400_000);
    const abort = new AbortController();
    const sleeping = box.time.sleep(1000, { signal: abort.signal });
    box.time.setTimeout(() => abort.abort(), 10);
    await expect(boxes.pace.until(sleeping)).rejects.toMatchObject({ name: 'AbortError', code: 'ABORT_ERR' });
    await expect(box.time.sleep(1, { signal: abort.signal })).rejects.toMatchObject({ name: 'AbortError' });
    expect(ms()).toBe(86_400_010);
  });
});

describe('the date', () => {
  test("is the lab's, in every form", async () => {
    await boxes.pace.run(1500e6);
    const { Date: Virtual } = box.time;
    const at = Date.UTC(2026, 0, 1, 0, 0, 1, 500);
    expect(box.time.date()).toBe(at);
    expect(Virtual.now()).toBe(at);
    expect(new Virtual().getTime()).toBe(at);
    expect(Virtual()).toBe(new Date(at).toString());
    expect(new Virtual(2020, 1, 2)).toEqual(new Date(2020, 1, 2));
    expect(new Virtual() instanceof Date).toBe(true);
    expect(new Date() instanceof Virtual).toBe(true);
    expect(Virtual.UTC(2020)).toBe(Date.UTC(2020));
  });

  test("modules and globals of a user's program tell it too", async () => {
    let scope = null as ReturnType<typeof scopeOf> | null;
    const process = new ContainerProcess(
      box.container,
      async (context) => {
        scope = scopeOf(context, '/x.js');
        const { setTimeout } = scope.globals as { setTimeout: typeof globalThis.setTimeout };
        await promisify(setTimeout)(1000);
        const timers = scope.builtins.get('timers/promises') as {
          setTimeout: (ms: number, v: number) => Promise<number>;
        };
        const code = await timers.setTimeout(1000, 5);
        return code;
      },
      boxes.processes,
      { name: 'p' },
    );
    expect(await boxes.pace.until(process.ended)).toBe(5);
    expect(scope?.process.hrtime()).toEqual([2, 0]);
    expect(scope?.process.hrtime([0, 1])).toEqual([1, 999_999_999]);
    expect(scope?.process.hrtime.bigint()).toBe(2_000_000_000n);
    expect(scope?.process.uptime()).toBe(2);
    expect(scope?.globals['performance']).toMatchObject({ timeOrigin: Date.UTC(2026, 0, 1) });
  });
});
