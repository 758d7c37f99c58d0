// The programs that make traffic of other kinds: echo requests, datagrams, bulk TCP, names.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dns } from '../../../src/apps/programs/dns.ts';
import { ping } from '../../../src/apps/programs/ping.ts';
import { tcpBulk } from '../../../src/apps/programs/tcp-bulk.ts';
import { udp } from '../../../src/apps/programs/udp.ts';
import type { GroundKind } from '../ground.ts';
import { specOf } from './specs.ts';
import { Street } from './street.ts';

let street: Street;
beforeEach(() => build());
afterEach(() => street.end());

function build(tcp: GroundKind = 'engine'): void {
  street = new Street(1, tcp);
  street.house('client', '10.0.0.2');
  street.house('web', '10.0.0.3');
}

describe('ping', () => {
  test('prints and counts as ping does', async () => {
    const running = street.start('client', ping(specOf('ping', { to: 'web', count: 3, interval: 0.5e9 })));
    expect(await street.code(running)).toBe(0);
    const lines = running.text.split('\n');
    expect(lines[0]).toBe('PING web (10.0.0.3) 56(84) bytes of data.');
    expect(lines[1]).toMatch(/^64 bytes from 10\.0\.0\.3: icmp_seq=1 ttl=64 time=\d/);
    expect(lines[3]).toMatch(/icmp_seq=3 /);
    expect(lines[5]).toBe('--- web ping statistics ---');
    expect(lines[6]).toMatch(/^3 packets transmitted, 3 received, 0% packet loss, time \d+ms$/);
    expect(running.row('web')).toMatchObject({ requests: 3, failures: 0 });
  });

  test('what is not answered is lost', async () => {
    street.boxes.names.set('nobody', ['10.0.0.99']);
    const running = street.start('client', ping(specOf('ping', { to: 'nobody', count: 2 })));
    expect(await street.code(running)).toBe(1);
    expect(running.text).toContain('2 packets transmitted, 0 received');
    expect(running.row('nobody').errors).toEqual({ lost: 2 });
  });

  test('a name that is not there yet is asked for again', async () => {
    const running = street.start('client', ping(specOf('ping', { to: 'late', count: 1 })));
    await street.pass(2.5);
    expect(running.err).toEqual(['late: ENOTFOUND\n']);
    street.boxes.names.set('late', ['10.0.0.3']);
    expect(await street.code(running)).toBe(0);
    expect(running.row('late').errors).toEqual({ ENOTFOUND: 3 });
  });

  test('without an end it goes on until the container stops', async () => {
    const running = street.start('client', ping(specOf('ping', { to: 'web', count: null, interval: 1e6 })));
    await street.pass(3);
    running.stop();
    expect(await street.code(running)).toBe(0);
    const { requests, failures } = running.row('web');
    expect(requests).toBeGreaterThan(2000);
    expect(failures).toBeLessThanOrEqual(1);
    expect(new Set(running.out.map((line) => /icmp_seq=(\d+)/.exec(line)?.[1])).size).toBe(
      requests - failures + 1,
    );
  });
});

describe('udp', () => {
  test('what is sent comes back', async () => {
    street.start('web', udp(specOf('udp', { port: 7 })));
    const running = street.start(
      'client',
      udp(specOf('udp', { to: 'web', size: 1000, rate: 100, count: 50 })),
    );
    expect(await street.code(running)).toBe(0);
    expect(running.row('web')).toMatchObject({
      requests: 50,
      failures: 0,
      bytesSent: 50_000,
      bytesReceived: 50_000,
    });
    expect(running.text).toMatch(
      /^--- web udp statistics ---\n50 datagrams sent, 50 came back, 0% lost\nrtt avg = \d+\.\d{3} ms, jitter = 0\.\d{3} ms\n$/,
    );
  });

  test('nobody there is told by the other host', async () => {
    const running = street.start('client', udp(specOf('udp', { to: 'web', port: 9, count: 5 })));
    expect(await street.code(running)).toBe(1);
    const { errors, requests } = running.row('web');
    expect(requests).toBe(5);
    expect(errors).toMatchObject({ ECONNREFUSED: expect.any(Number) });
  });

  test('what is not answered within a second is lost', async () => {
    street.start('web', ({ dgram, signal }) => {
      return new Promise<void>((done) => {
        const socket = dgram.createSocket('udp4');
        socket.bind(7);
        signal.addEventListener('abort', () => socket.close(done));
      });
    });
    const running = street.start('client', udp(specOf('udp', { to: 'web', count: 5 })));
    expect(await street.code(running)).toBe(1);
    expect(running.row('web').errors).toEqual({ lost: 5 });
    expect(running.text).toContain('5 datagrams sent, 0 came back, 100% lost');
  });
});

describe('tcp-bulk', () => {
  test('so many bytes, shared among streams, are all counted at the other end', async () => {
    const server = street.start('web', tcpBulk(specOf('tcp-bulk')));
    const spec = specOf('tcp-bulk', { to: 'web', bytes: 1_000_001, parallel: 3 });
    const running = street.start('client', tcpBulk(spec));
    expect(await street.code(running)).toBe(0);
    expect(running.row('web')).toMatchObject({ bytesSent: 1_000_001, failures: 0 });
    expect(server.row('10.0.0.2')).toMatchObject({ bytesReceived: 1_000_001 });
    const totals = running.out.filter((line) => /sender|receiver/.test(line));
    expect(totals).toHaveLength(8);
    expect(totals.at(-1)).toMatch(/^\[SUM\] {3}0\.00-.*977 KBytes .*bits\/sec +receiver\n$/);
    expect(server.out.filter((line) => line.includes('receiver'))).toHaveLength(3);
  });

  test('for a time, with a line a second', async () => {
    build('memory');
    street.start('web', tcpBulk(specOf('tcp-bulk')));
    const running = street.start('client', tcpBulk(specOf('tcp-bulk', { to: 'web', duration: 3e9 })));
    expect(await street.code(running)).toBe(0);
    const lines = running.out.filter((line) => line.startsWith('[  5]   '));
    expect(lines.map((line) => /(\S+-\S+) +sec/.exec(line)?.[1])).toEqual([
      '0.00-1.00',
      '1.00-2.00',
      '2.00-3.00',
      expect.stringMatching(/^0\.00-3\.0\d$/),
      expect.stringMatching(/^0\.00-3\.0\d$/),
    ]);
    expect(running.row('web').bytesSent).toBeGreaterThan(1e6);
  });

  test('a server that is not there, and one that breaks off', async () => {
    build('memory');
    const refused = street.start('client', tcpBulk(specOf('tcp-bulk', { to: 'web', bytes: 10 })));
    expect(await street.code(refused)).toBe(1);
    expect(refused.err).toEqual(['tcp-bulk: web: connect ECONNREFUSED 10.0.0.3:5201\n']);
    const server = street.start('web', tcpBulk(specOf('tcp-bulk')));
    const cut = street.start('client', tcpBulk(specOf('tcp-bulk', { to: 'web', duration: 5e9 })));
    await street.pass(1);
    server.stop();
    expect(await street.code(cut)).toBe(1);
    expect(cut.row('web').failures).toBe(1);
  });

  test('a stop ends both ends', async () => {
    build('memory');
    const server = street.start('web', tcpBulk(specOf('tcp-bulk')));
    const running = street.start('client', tcpBulk(specOf('tcp-bulk', { to: 'web', duration: 500e9 })));
    await street.pass(1);
    running.stop();
    await street.code(running);
    server.stop();
    expect(await street.code(server)).toBe(0);
  });
});

test('a client that nothing holds back sends at ten gigabits, so that time goes on', async () => {
  street.start('web', tcpBulk(specOf('tcp-bulk')));
  const running = street.start('client', tcpBulk(specOf('tcp-bulk', { to: 'web', duration: 20e6 })));
  expect(await street.code(running)).toBe(0);
  expect(running.row('web').bytesSent / 1.25 / 20e6).toBeCloseTo(1, 0);
});

describe('dns', () => {
  test('asks at its rate and tells changes', async () => {
    const running = street.start('client', dns(specOf('dns', { name: 'web', rate: 10, count: 30 })));
    await street.pass(1.5);
    street.boxes.names.set('web', ['10.0.0.3', '10.0.0.4']);
    await street.pass(0.5);
    street.boxes.names.delete('web');
    expect(await street.code(running)).toBe(0);
    expect(running.out).toEqual(['web: 10.0.0.3\n', 'web: 10.0.0.3 10.0.0.4\n', 'web: ENOTFOUND\n']);
    const { requests, errors } = running.row('web');
    expect(requests).toBe(30);
    expect(errors['ENOTFOUND']).toBeGreaterThanOrEqual(9);
  });
});
