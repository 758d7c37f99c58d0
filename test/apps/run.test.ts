import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { programOf } from '../../src/apps/modules/run.ts';
import { ContainerProcess } from '../../src/apps/process.ts';
import type { Box } from './ground.ts';
import { Boxes } from './ground.ts';

let boxes: Boxes;
let a: Box;
let b: Box;
let printed: string;

beforeEach(() => {
  boxes = new Boxes();
  a = boxes.box('a', '10.0.0.1');
  b = boxes.box('b', '10.0.0.2');
  printed = '';
});

afterEach(() => boxes.end());

function run(box: Box, file: string, argv: string[] = [], env = {}): ContainerProcess {
  const path = fileURLToPath(new URL(`../../fixtures/programs/${file}`, import.meta.url));
  const print = (text: string): void => {
    printed += text;
  };
  return new ContainerProcess(box.container, programOf(path), boxes.processes, {
    name: 'run',
    argv,
    env,
    out: print,
    err: print,
  });
}

async function get(path: string, body?: object): Promise<unknown> {
  const headers = { 'Content-Type': 'application/json' };
  const request = a.http.request({ host: 'b', path, method: body ? 'POST' : 'GET', headers });
  request.end(body === undefined ? undefined : JSON.stringify(body));
  const [answer] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of answer) text += chunk;
  return answer.headers['content-type']?.includes('json') ? JSON.parse(text) : text;
}

describe("a user's program, unchanged", () => {
  test("Express serves on the container's port, on virtual time, and is closed by SIGTERM", async () => {
    const process = run(b, 'shop.cjs', ['some', 'words'], { DELAY: '30000' });
    await boxes.pace.run(1e9);
    expect(printed).toBe('listening on 80 with some words\n');
    const at = new Date(Date.UTC(2026, 0, 1) + 1000).toISOString().slice(0, 19);
    expect(await boxes.pace.until(get('/'))).toMatchObject({ served: 1, from: '10.0.0.1', host: 'b' });
    expect(JSON.stringify(await boxes.pace.until(get('/')))).toContain(at);
    const began = boxes.pace.clock.now;
    expect(await boxes.pace.until(get('/later', { name: 'x' }))).toBe('x after 30000 ms');
    expect(Math.round((boxes.pace.clock.now - began) / 1e9)).toBe(30);
    process.stop();
    expect(await boxes.pace.until(process.ended)).toBe(0);
    expect(printed).toContain('closing');
  });

  test('two tasks that run one file share nothing', async () => {
    const c = boxes.box('c', '10.0.0.3');
    const processes = [run(b, 'shop.cjs'), run(c, 'shop.cjs')];
    await boxes.pace.run(1e9);
    for (const n of [1, 2]) expect(await boxes.pace.until(get('/'))).toMatchObject({ served: n });
    const request = a.http.get('http://c/');
    const [answer] = (await boxes.pace.until(once(request, 'response'))) as [IncomingMessage];
    const [chunk] = await boxes.pace.until(once(answer, 'data'));
    expect(JSON.parse(String(chunk)).served).toBe(1);
    for (const process of processes) process.kill();
  });

  test('Fastify, as an ES module, with a client beside it; it is over when nothing is left to do', async () => {
    const process = run(b, 'hello.mjs');
    expect(await boxes.pace.until(process.ended)).toBe(0);
    expect(printed.split('\n')).toEqual([
      expect.stringContaining('http://'),
      '{"hello":"world"}',
      'a timer of the lab',
      '',
    ]);
    expect(boxes.pace.clock.now).toBeGreaterThanOrEqual(60e9);
  });

  test('a client is over with its last connection, and says its exit code', async () => {
    b.net.createServer((socket) => socket.end('hello')).listen(80);
    const process = run(a, 'client.cjs');
    expect(await boxes.pace.until(process.ended)).toBe(3);
    expect(printed).toBe('hello true true true\nETIMEOUT\n');
  });

  test('an error that it does not catch ends it, and nothing else', async () => {
    const process = run(a, 'crash.cjs');
    const other = run(b, 'shop.cjs');
    expect(await boxes.pace.until(process.ended)).toBe(1);
    expect(printed).toContain('run: connect ECONNREFUSED 10.0.0.2:81\n');
    expect(other.code).toBe(null);
    expect(a.site.holds.size).toBe(0);
    other.kill();
  });

  test('fetch goes to the containers', async () => {
    const serving = run(b, 'shop.cjs');
    await boxes.pace.run(1e6);
    const process = run(a, 'fetch.mjs');
    expect(await boxes.pace.until(process.ended)).toBe(0);
    expect(printed.split('\n').slice(1, 4)).toEqual(['200 1', '200 2', 'fetch failed ECONNREFUSED']);
    serving.kill();
  });

  test('a file that is not there, one that does not parse', async () => {
    const process = run(a, 'missing.mjs');
    expect(await boxes.pace.until(process.ended)).toBe(1);
    expect(printed).toMatch(/^run: .*missing\.mjs/);
  });

  test('a default export that is an async function gets the context', async () => {
    const process = run(a, 'program.mjs', ['x', 'y']);
    expect(await boxes.pace.until(process.ended)).toBe(7);
    expect(printed).toBe('a x,y true\n');
    expect(boxes.pace.clock.now).toBe(1e9);
  });
});
