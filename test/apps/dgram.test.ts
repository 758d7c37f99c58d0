import { once } from 'node:events';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { DgramSocket, RemoteInfo } from '../../src/apps/dgram.ts';
import type { Box } from './ground.ts';
import { Boxes } from './ground.ts';

let boxes: Boxes;
let a: Box;
let b: Box;

beforeEach(() => {
  boxes = new Boxes();
  a = boxes.box('a', '10.0.0.1');
  b = boxes.box('b', '10.0.0.2');
});

afterEach(() => boxes.end());

async function bound(box: Box, port: number): Promise<DgramSocket> {
  const socket = box.dgram.createSocket('udp4').bind(port);
  await boxes.pace.until(once(socket, 'listening'));
  return socket;
}

describe('datagrams', () => {
  test('go there and back, with who sent them', async () => {
    const server = await bound(b, 53);
    server.on('message', (bytes, from: RemoteInfo) => server.send(`${bytes}!`, from.port, from.address));
    const client = a.dgram.createSocket('udp4');
    client.send('hello', 53, 'b');
    const [bytes, from] = await boxes.pace.until(once(client, 'message'));
    expect([String(bytes), from]).toEqual([
      'hello!',
      { address: '10.0.0.2', family: 'IPv4', port: 53, size: 6 },
    ]);
    expect(client.address()).toMatchObject({ address: '0.0.0.0', family: 'IPv4' });
    expect(server.address()).toEqual({ address: '0.0.0.0', family: 'IPv4', port: 53 });
  });

  test('are given in every shape that node:dgram takes', async () => {
    const server = await bound(b, 9);
    const got: string[] = [];
    server.on('message', (bytes) => got.push(String(bytes)));
    const socket = a.dgram.createSocket({ type: 'udp4' });
    const counts: unknown[] = [];
    const done = (_error: Error | null, count?: number): void => void counts.push(count);
    const ip = '10.0.0.2';
    socket.send('text', 9, ip, done);
    socket.send(new Uint8Array([104, 105]), 9, ip);
    socket.send(Buffer.from('abcdef'), 1, 3, 9, ip, done);
    socket.send(['li', Buffer.from('st')], 9, ip, done);
    socket.connect(9, ip);
    await boxes.pace.until(once(socket, 'connect'));
    expect(socket.remoteAddress()).toEqual({ address: ip, family: 'IPv4', port: 9 });
    socket.send('connected', done);
    socket.send(Buffer.from('abcdef'), 2, 2, done);
    await boxes.pace.run(1e6);
    expect(got).toEqual(['text', 'hi', 'bcd', 'list', 'connected', 'cd']);
    expect(counts).toEqual([4, 3, 4, 9, 2]);
    socket.disconnect();
    expect(() => socket.remoteAddress()).toThrow(
      expect.objectContaining({ code: 'ERR_SOCKET_DGRAM_NOT_CONNECTED' }),
    );
  });

  test('more than the receive buffer holds is dropped, and counted', async () => {
    const server = await bound(b, 9);
    const socket = a.dgram.createSocket('udp4');
    for (let n = 0; n < 500; n++) socket.send(Buffer.alloc(1000), 9, '10.0.0.2');
    let got = 0;
    server.on('message', () => got++);
    await boxes.pace.run(1e6);
    expect(server.dropped).toBeGreaterThan(300);
    expect(got + server.dropped).toBe(500);
  });
});

describe('errors', () => {
  const failure = (run: (done: (error: Error | null) => void) => void): Promise<NodeJS.ErrnoException> =>
    boxes.pace.until(new Promise((done) => run((error) => done(error as Error))));

  test('refused is told to a connected socket only', async () => {
    const loose = a.dgram.createSocket('udp4');
    loose.on('error', () => expect.unreachable());
    loose.send('x', 9, '10.0.0.2');
    const socket = a.dgram.createSocket('udp4');
    socket.connect(9, '10.0.0.2', () => socket.send('x'));
    const [error] = await boxes.pace.until(once(socket, 'error'));
    expect(error).toMatchObject({ message: 'recvmsg ECONNREFUSED', errno: -111, syscall: 'recvmsg' });
  });

  test('too long, no route, broadcast without leave, a name that is not there', async () => {
    const socket = a.dgram.createSocket('udp4');
    expect(await failure((done) => socket.send(Buffer.alloc(65_508), 9, '10.0.0.2', done))).toMatchObject({
      message: 'send EMSGSIZE 10.0.0.2:9',
      errno: -90,
    });
    expect((await failure((done) => socket.send('x', 9, '10.9.9.9', done))).message).toBe(
      'send ENETUNREACH 10.9.9.9:9',
    );
    expect((await failure((done) => socket.send('x', 9, '10.0.0.255', done))).code).toBe('EACCES');
    socket.setBroadcast(true);
    expect(await failure((done) => socket.send('x', 9, '10.0.0.255', done))).toBe(null);
    expect((await failure((done) => socket.send('x', 9, 'nowhere', done))).message).toBe(
      'getaddrinfo ENOTFOUND nowhere',
    );
  });

  test('a port that is taken, wrong calls', async () => {
    await bound(a, 53);
    const [taken] = await boxes.pace.until(once(a.dgram.createSocket('udp4').bind(53), 'error'));
    expect(taken.message).toBe('bind EADDRINUSE: address already in use 0.0.0.0:53');
    const socket = await bound(a, 54);
    const code = (value: string): unknown => expect.objectContaining({ code: value });
    expect(() => socket.bind(55)).toThrow(code('ERR_SOCKET_ALREADY_BOUND'));
    expect(() => socket.send('x', 0, 'b')).toThrow(code('ERR_SOCKET_BAD_PORT'));
    socket.close();
    expect(() => socket.send('x', 1, 'b')).toThrow(code('ERR_SOCKET_DGRAM_NOT_RUNNING'));
    expect(() => a.dgram.createSocket('x' as 'udp4')).toThrow(code('ERR_SOCKET_BAD_TYPE'));
  });
});
