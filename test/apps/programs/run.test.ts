// A user's own program, named by a file: the examples of docs/workloads.md.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { programTable } from '../../../src/apps/programs/index.ts';
import { specOf } from './specs.ts';
import type { Running } from './street.ts';
import { Street } from './street.ts';

const PROGRAMS = 'fixtures/programs';

let street: Street;
beforeEach(() => {
  street = new Street();
  street.house('client', '10.0.0.2');
  street.house('api', '10.0.0.3');
});
afterEach(() => street.end());

function start(file: string, argv: readonly string[] = [], name = 'api'): Running {
  const program = programTable(PROGRAMS).run(specOf('run', { file }), street.box(name).container);
  return street.start(name, program, { argv, env: { HOSTNAME: name } });
}

async function ask(path: string, method = 'GET', body?: unknown): Promise<{ status: number; body: string }> {
  let answer = { status: 0, body: '' };
  const running = street.start('client', ({ http }) => {
    return new Promise<void>((done, failed) => {
      const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
      const request = http.request(`http://api:3000${path}`, { method, headers }, async (response) => {
        let text = '';
        for await (const part of response) text += part;
        answer = { status: response.statusCode ?? 0, body: text };
        done();
      });
      request.on('error', failed);
      request.end(body === undefined ? undefined : JSON.stringify(body));
    });
  });
  await street.code(running);
  return answer;
}

describe('frameworks, unchanged', () => {
  test('Express', async () => {
    const running = start('./express.cjs');
    await street.pass(1);
    expect(running.text).toBe('listening on 3000\n');
    expect(await ask('/')).toEqual({ status: 200, body: 'hello from api' });
    expect(await ask('/sum', 'POST', { numbers: [1, 2, 3] })).toEqual({ status: 200, body: '{"sum":6}' });
    expect((await ask('/nothing')).status).toBe(404);
    const { body } = await ask('/slow');
    expect(body).toMatch(/^{"at":"2026-01-01T00:01:01\.\d\d\dZ"}$/);
  });

  test('Fastify', async () => {
    const running = start('./fastify.mjs');
    await street.pass(1);
    expect(running.text).toMatch(/^http:\/\/\S+:3000\n$/);
    expect(await ask('/customers/7')).toEqual({ status: 200, body: '{"id":7,"name":"customer 7"}' });
    expect((await ask('/customers/x')).status).toBe(400);
  });
});

describe('a script', () => {
  test('has its arguments and the lab’s time, and is over when it is done', async () => {
    start('./express.cjs');
    const running = start('../programs/ticker.cjs', ['http://api:3000/', '30'], 'client');
    expect(await street.code(running)).toBe(0);
    expect(running.out).toHaveLength(5);
    expect(running.text).toMatch(/^2026-01-01T00:00:30.*Z 200\n2026-01-01T00:01:00/);
  });

  test('a file that is not there is said', async () => {
    const running = start('./nowhere.cjs');
    expect(await street.code(running)).toBe(1);
    expect(running.err.join('')).toContain('nowhere.cjs');
  });
});
