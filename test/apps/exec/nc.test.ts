import dgram from 'node:dgram';
import type { AddressInfo, Server } from 'node:net';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readNc } from '../../../src/apps/exec/nc/arguments.ts';
import { nc } from '../../../src/apps/exec/nc/nc.ts';
import type { Given, Ran } from './machine.ts';
import { onMachine } from './machine.ts';

let upper: Server;
let open = 0;
let closed = 0;
const names = { web: ['127.0.0.1'] };

/** Answers in capitals, a line at a time, and ends when the other end does. */
beforeAll(async () => {
  upper = net.createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('data', (bytes) => socket.write(bytes.toString('latin1').toUpperCase()));
    socket.on('end', () => socket.end());
  });
  await new Promise<void>((done) => upper.listen(0, '127.0.0.1', done));
  open = (upper.address() as AddressInfo).port;
  closed = await freePort();
});
afterAll(() => upper.close());

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

const run = (argv: readonly (string | number)[], given: Given = {}): Promise<Ran> =>
  onMachine(nc, argv.map(String), { names, ...given });

describe('nc as a client', () => {
  test('passes standard input to the peer and the peer to standard output, with -N to the end of both', async () => {
    expect(await run(['-N', 'web', open], { input: 'hello\n' })).toEqual({
      exit: 0,
      out: 'HELLO\n',
      err: '',
    });
    expect((await run(['-N', '-C', 'web', open], { input: 'a\nb\n' })).out).toBe('A\r\nB\r\n');
    const much = 'x'.repeat(2_000_000);
    expect((await run(['-N', 'web', open], { input: much })).out).toBe(much.toUpperCase());
  });

  test('without -N goes on after standard input, until -q or -w says otherwise', async () => {
    expect(await run(['-q', '0.05', 'web', open], { input: 'one' })).toMatchObject({ exit: 0, out: 'ONE' });
    expect(await run(['-w', '0.05', 'web', open], { input: 'two' })).toMatchObject({ exit: 0, out: 'TWO' });
  });

  test('tells with -v what became of each port, and with -z nothing else', async () => {
    const ran = await run(['-zv', 'web', open]);
    expect(ran).toEqual({
      exit: 0,
      out: '',
      err: `Connection to web (127.0.0.1) ${open} port [tcp/*] succeeded!\n`,
    });
    const refused = await run(['-zv', '127.0.0.1', closed]);
    expect(refused).toEqual({
      exit: 1,
      out: '',
      err: `nc: connect to 127.0.0.1 port ${closed} (tcp) failed: Connection refused\n`,
    });
    expect(await run(['-z', '127.0.0.1', closed])).toEqual({ exit: 1, out: '', err: '' });
    expect(await run(['-zv', 'nosuch', 80])).toMatchObject({
      exit: 1,
      err: 'nc: getaddrinfo for host "nosuch" port 80: Name or service not known\n',
    });
  });

  test('speaks UDP with -u, and hears a refusal', async () => {
    const echo = dgram.createSocket('udp4');
    await new Promise<void>((done) => echo.bind(0, '127.0.0.1', done));
    echo.on('message', (bytes, from) => echo.send(`${bytes}!`, from.port, from.address));
    const ran = await run(['-u', '-w', '0.1', '127.0.0.1', echo.address().port], { input: 'hi' });
    echo.close();
    expect(ran).toEqual({ exit: 0, out: 'hi!', err: '' });
    expect(await run(['-zvu', '127.0.0.1', closed])).toMatchObject({ exit: 1 });
  });

  test('ends when it is told to', async () => {
    const stop = new AbortController();
    setTimeout(() => stop.abort(), 30);
    expect((await run(['web', open], { signal: stop.signal, input: 'x' })).exit).toBe(0);
  });
});

describe('nc as a server', () => {
  test('takes one connection, and with -k one after another', async () => {
    const port = await freePort();
    const listening = run(['-lv', '127.0.0.1', port], { input: 'welcome\n' });
    await new Promise((done) => setTimeout(done, 50));
    const { out } = await run(['-N', '127.0.0.1', port], { input: 'hello\n' });
    const ran = await listening;
    expect(out).toBe('welcome\n');
    expect(ran.out).toBe('hello\n');
    expect(ran.err).toMatch(/^Listening on 127\.0\.0\.1 \d+\nConnection received on 127\.0\.0\.1 \d+\n$/);
    const stop = new AbortController();
    const keeping = run(['-lk', '-p', port], { signal: stop.signal });
    await new Promise((done) => setTimeout(done, 50));
    for (const input of ['a', 'b']) await run(['-N', '-w', '0.05', '127.0.0.1', port], { input });
    stop.abort();
    expect((await keeping).out).toBe('ab');
  });

  test('over UDP talks to whoever wrote first', async () => {
    const port = await freePort();
    const listening = run(['-lu', '-w', '0.1', '127.0.0.1', port], { input: 'back' });
    await new Promise((done) => setTimeout(done, 50));
    const { out } = await run(['-u', '-w', '0.1', '127.0.0.1', port], { input: 'forth' });
    expect([(await listening).out, out]).toEqual(['forth', 'back']);
  });

  test('says that a port is taken', async () => {
    expect(await run(['-l', '127.0.0.1', open])).toEqual({
      exit: 1,
      out: '',
      err: 'nc: Address already in use\n',
    });
  });
});

test('the ways to say where', () => {
  const read = (...argv: string[]): unknown => readNc(argv);
  for (const argv of [['-l', '80'], ['-l', '-p', '80'], ['-lp80']]) {
    expect(read(...argv)).toMatchObject({ listen: true, host: null, ports: [80] });
  }
  expect(read('-l', '10.0.0.1', '80')).toMatchObject({ host: '10.0.0.1', ports: [80] });
  expect(read('web', 'http')).toMatchObject({ host: 'web', ports: [80] });
  expect(read('-z', 'web', '79-81')).toMatchObject({ ports: [79, 80, 81] });
  expect(read('-w', '2', '-p', '999', 'web', '1')).toMatchObject({ timeout: 2e9, localPort: 999 });
});

test.each([
  [[], /^usage: nc /],
  [['web'], /^nc: missing port number\n$/],
  [['-l'], /^nc: missing port number\n$/],
  [['web', 'xx'], /^nc: port number invalid: xx\n$/],
  [['web', '9-1'], /^nc: port number range invalid: 9-1\n$/],
  [['-w', 'x', 'web', '1'], /^nc: timeout invalid: x\n$/],
  [['-y'], /^nc: invalid option -- 'y'\nusage: nc /],
])('%j is refused in its words, with 1', async (argv, words) => {
  const { exit, err } = await run(argv);
  expect(exit).toBe(1);
  expect(err).toMatch(words);
});
