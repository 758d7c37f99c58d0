import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { callLab } from '../../../src/live/control/client.ts';
import type { ControlHandler } from '../../../src/live/control/control.ts';
import { ControlServer } from '../../../src/live/control/control.ts';
import { controlFolder, runningLabs, socketPath } from '../../../src/live/control/folder.ts';
import type { ControlFrame } from '../../../src/live/control/wire.ts';
import { bytesOf, LINE_MAX, textsOf } from '../../../src/live/control/wire.ts';

let root: string;
let folder: string;
let open: ControlServer[] = [];

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'vxc-'));
  folder = join(root, 'labs');
});
afterEach(async () => {
  for (const server of open) await server.close();
  open = [];
  rmSync(root, { recursive: true, force: true });
});

async function serve(
  handlers: Readonly<Record<string, ControlHandler>>,
  lab = 'lecture',
): Promise<ControlServer> {
  const server = await ControlServer.open({ lab, folder, handlers: new Map(Object.entries(handlers)) });
  open.push(server);
  return server;
}

interface Called {
  readonly frames: ControlFrame[];
  readonly error: unknown;
}

async function call(
  request: ControlFrame,
  more: { input?: AsyncIterable<Uint8Array>; signal?: AbortSignal; lab?: string } = {},
): Promise<Called> {
  const frames: ControlFrame[] = [];
  let error: unknown = null;
  await callLab({
    folder,
    lab: more.lab ?? 'lecture',
    request,
    input: more.input ?? null,
    signal: more.signal ?? new AbortController().signal,
    answer: (frame) => void frames.push(frame),
  }).catch((thrown: unknown) => {
    error = thrown;
  });
  return { frames, error };
}

/** Writes bytes as they stand and reads until the lab ends the connection. */
function raw(path: string, bytes: string): Promise<string[]> {
  return new Promise((done) => {
    let text = '';
    const socket = connect(path, () => socket.write(bytes));
    socket.on('data', (chunk) => {
      text += chunk.toString();
    });
    socket.on('error', () => {});
    socket.on('close', () => done(text.split('\n').slice(1, -1)));
  });
}

describe('a running lab', () => {
  test('answers a request with what its handler sends, in order, and ends the connection', async () => {
    await serve({
      exec: async ({ request, send, sendBytes }) => {
        expect(textsOf(request, 'argv')).toEqual(['curl', 'http://app/']);
        await sendBytes('stdout', Buffer.from('a page\n'));
        await send({ exit: 7 });
      },
    });
    const { frames, error } = await call({ op: 'exec', argv: ['curl', 'http://app/'] });
    expect(error).toBeNull();
    expect(Buffer.from(bytesOf(frames[0] as ControlFrame, 'stdout') ?? []).toString()).toBe('a page\n');
    expect(frames[1]).toEqual({ exit: 7 });
    expect(frames).toHaveLength(2);
  });

  test('passes standard input on, only when something there reads it, every byte of it', async () => {
    let read = 0;
    async function* input(): AsyncGenerator<Uint8Array> {
      for (let i = 0; i < 20; i++) {
        read++;
        yield Buffer.alloc(100_000, i);
      }
    }
    await serve({
      deaf: async ({ send }) => send({ exit: 0 }),
      echo: async (session) => {
        let [bytes, sum] = [0, 0];
        for await (const piece of session.input) {
          bytes += piece.length;
          for (const byte of piece) sum += byte;
        }
        await session.send({ bytes, sum });
      },
    });
    expect((await call({ op: 'deaf' }, { input: input() })).frames).toEqual([{ exit: 0 }]);
    expect(read).toBe(0);
    const { frames } = await call({ op: 'echo' }, { input: input() });
    expect(frames).toEqual([{ bytes: 2_000_000, sum: 100_000 * 190 }]);
    expect((await call({ op: 'echo' })).frames).toEqual([{ bytes: 0, sum: 0 }]);
  });

  test('hears the wish to stop and may still answer', async () => {
    const stop = new AbortController();
    await serve({
      ping: async ({ signal, send }) => {
        await send({ stdout: '' });
        if (!signal.aborted) await new Promise((done) => signal.addEventListener('abort', done));
        await send({ exit: 130 });
      },
    });
    const calling = call({ op: 'ping' }, { signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    expect((await calling).frames.at(-1)).toEqual({ exit: 130 });
  });

  test('ends what a client asked for when the client goes away', async () => {
    let ended: () => void = () => {};
    const gone = new Promise<void>((done) => {
      ended = done;
    });
    const server = await serve({
      ping: async ({ signal }) => {
        signal.addEventListener('abort', ended);
        await gone;
      },
    });
    const socket = connect(server.path, () => socket.write('{"op":"ping"}\n'));
    await new Promise((done) => socket.once('data', done));
    socket.destroy();
    await gone;
  });

  test('tells a refusal with its code', async () => {
    await serve({
      show: async ({ request }) => {
        textsOf(request, 'argv');
      },
    });
    expect((await call({ op: 'show' })).error).toMatchObject({ code: 'BAD_REQUEST' });
    expect((await call({ op: 'frob' })).error).toMatchObject({ message: '"op" is one of show' });
  });

  test('answers what it does not understand with an error and the end', async () => {
    const { path } = await serve({ info: async ({ send }) => send({ ok: true }) });
    for (const bytes of [
      'frob\n',
      '[1]\n',
      '"x"\n',
      '{}\n',
      '{"op":7}\n',
      `{"op":"${'x'.repeat(LINE_MAX)}`,
    ]) {
      const lines = await raw(path, bytes);
      expect(lines).toHaveLength(1);
      expect(JSON.parse(lines[0] as string)).toMatchObject({ error: { code: 'BAD_REQUEST' } });
    }
    expect((await call({ op: 'info' })).frames).toEqual([{ ok: true }]);
  });

  test('takes no more input than it asked for', async () => {
    const { path } = await serve({
      wait: ({ signal }) => new Promise((done) => signal.addEventListener('abort', () => done())),
    });
    const piece = `{"input":"${Buffer.alloc(300_000).toString('base64')}"}\n`;
    const lines = await raw(path, `{"op":"wait"}\n${piece.repeat(4)}`);
    expect(JSON.parse(lines[0] as string)).toMatchObject({
      error: { message: 'more input than was asked for' },
    });
  });

  test('leaves nothing behind when it ends, and ends its clients', async () => {
    const server = await serve({ wait: () => new Promise(() => {}) });
    const calling = call({ op: 'wait' });
    await new Promise((done) => setTimeout(done, 20));
    await server.close();
    open = [];
    expect((await calling).error).toMatchObject({ code: 'LAB_GONE' });
    expect(existsSync(server.path)).toBe(false);
    expect((await call({ op: 'wait' })).error).toMatchObject({ code: 'NO_SUCH_LAB' });
  });
});

describe('the sockets of labs', () => {
  test('are in a folder that nobody else can enter', async () => {
    await serve({});
    expect(lstatSync(folder).mode & 0o777).toBe(0o700);
  });

  test('are one for each name: a second lab of that name is refused', async () => {
    await serve({});
    await expect(serve({})).rejects.toMatchObject({ code: 'LAB_RUNNING' });
    await serve({}, 'another');
    expect(await runningLabs(folder)).toEqual(['another', 'lecture']);
  });

  test('of a process that is gone are replaced', async () => {
    mkdirSync(folder, { mode: 0o700 });
    const path = socketPath(folder, 'lecture');
    const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', script]);
    expect(existsSync(path)).toBe(true);
    expect(await runningLabs(folder)).toEqual([]);
    await serve({ info: async ({ send }) => send({ ok: true }) });
    expect((await call({ op: 'info' })).frames).toEqual([{ ok: true }]);
  });

  test('are not made in a folder of others', async () => {
    mkdirSync(folder);
    chmodSync(folder, 0o755);
    await expect(serve({})).rejects.toMatchObject({ code: 'CONTROL_REFUSED' });
    rmSync(folder, { recursive: true });
    mkdirSync(join(root, 'elsewhere'), { mode: 0o700 });
    symlinkSync(join(root, 'elsewhere'), folder);
    await expect(serve({})).rejects.toMatchObject({ code: 'CONTROL_REFUSED' });
    rmSync(folder);
    writeFileSync(folder, '');
    await expect(serve({})).rejects.toMatchObject({ code: 'CONTROL_REFUSED' });
  });

  test('have names that stay inside it, and paths that fit', async () => {
    expect(socketPath('/x', '../y/z')).toBe('/x/..%2Fy%2Fz.sock');
    expect(() => socketPath('/x', 'y'.repeat(120))).toThrow(/longer than/);
    expect(controlFolder({ XDG_RUNTIME_DIR: root })).toBe(join(root, 'vxlab'));
    expect(controlFolder({ XDG_RUNTIME_DIR: '/no/such/folder' })).toMatch(/vxlab-\d+$/);
  });
});
