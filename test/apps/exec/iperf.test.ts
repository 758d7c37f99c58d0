import { execFile, spawnSync } from 'node:child_process';
import type { AddressInfo } from 'node:net';
import net from 'node:net';
import { describe, expect, test } from 'vitest';
import { readIperf } from '../../../src/apps/exec/iperf/arguments.ts';
import { iperf } from '../../../src/apps/exec/iperf/iperf.ts';
import { amount, intervalLine, rateText, totalLine } from '../../../src/apps/exec/iperf/lines.ts';
import type { Ran } from './machine.ts';
import { onMachine } from './machine.ts';

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

const pause = (ms: number): Promise<void> => new Promise((done) => setTimeout(done, ms));

/** A client against our server: what both said. */
async function both(...argv: string[]): Promise<{ readonly client: Ran; readonly server: Ran }> {
  const port = String(await freePort());
  const serving = onMachine(iperf, ['-s', '-1', '-p', port]);
  await pause(50);
  const client = await onMachine(iperf, ['-c', '127.0.0.1', '-p', port, ...argv]);
  return { client, server: await serving };
}

const SUMMARY = /\[ {2}5\] {3}0\.00-\d+\.\d\d +sec +[\d.]+ [KMG]?Bytes +[\d.]+ [KMG]?bits\/sec/;

describe('a test', () => {
  test('of so many bytes: both ends count them all', async () => {
    const { client, server } = await both('-n', '4M');
    expect(client).toMatchObject({ exit: 0, err: '' });
    expect(client.out).toMatch(
      /^Connecting to host 127\.0\.0\.1, port \d+\n\[ {2}5\] local 127\.0\.0\.1 port \d+ connected to /,
    );
    expect(client.out).toMatch(new RegExp(`${SUMMARY.source}.* sender\\n`));
    expect(client.out.match(/4\.00 MBytes .* (sender|receiver)\n/g)).toHaveLength(2);
    expect(client.out).toMatch(/\n\niperf Done\.\n$/);
    expect(server.out).toMatch(/4\.00 MBytes .* receiver\n$/);
  });

  test('of so long, in several streams, with their sum', async () => {
    const { client } = await both('-t', '0.3', '-i', '0.1', '-P', '3', '-l', '4K', '-b', '8M');
    expect(client.out).toContain('[SUM]');
    for (const id of [5, 7, 9]) expect(client.out).toMatch(new RegExp(`\\[ {2}${id}\\].* receiver\\n`));
  });

  test('in reverse: the server sends', async () => {
    const { client, server } = await both('-R', '-n', '1M');
    expect(client.out).toContain('Reverse mode, remote host 127.0.0.1 is sending\n');
    expect(client.out.match(/1\.00 MBytes .* (sender|receiver)\n/g)).toHaveLength(2);
    expect(server.out).toMatch(/1\.00 MBytes .* sender\n$/);
  });

  test('of datagrams: loss and jitter are told', async () => {
    for (const way of [[], ['-R']]) {
      const { client } = await both('-u', '-b', '1M', '-l', '500', '-t', '0.3', ...way);
      expect(client.exit).toBe(0);
      expect(client.out).toMatch(/\[ ID\] Interval +Transfer +Bitrate +Jitter +Lost\/Total Datagrams\n/);
      expect(client.out).toMatch(/ ms {2}0\/\d+ \(0%\) {2}receiver\n/);
    }
  });

  test('as JSON has iperf3’s names', async () => {
    const { client } = await both('-J', '-n', '1M');
    const document = JSON.parse(client.out) as { start: object; intervals: unknown[]; end: object };
    expect(document.start).toMatchObject({
      version: 'iperf 3.12',
      test_start: { protocol: 'TCP', num_streams: 1, bytes: 1 << 20 },
    });
    expect(document.intervals.length).toBeGreaterThan(0);
    expect(document.end).toMatchObject({ sum_sent: { bytes: 1 << 20 }, sum_received: { bytes: 1 << 20 } });
  });
});

describe('a server', () => {
  test('does one test after another, and tells others that it is busy', async () => {
    const port = String(await freePort());
    const stop = new AbortController();
    const serving = onMachine(iperf, ['-s', '-p', port], { signal: stop.signal });
    await pause(50);
    const long = onMachine(iperf, ['-c', '127.0.0.1', '-p', port, '-t', '0.3', '-b', '1M']);
    await pause(100);
    const busy = await onMachine(iperf, ['-c', '127.0.0.1', '-p', port, '-n', '1K']);
    expect(busy).toMatchObject({
      exit: 1,
      err: 'iperf3: error - the server is busy running a test. try again later\n',
    });
    expect((await long).exit).toBe(0);
    expect((await onMachine(iperf, ['-c', '127.0.0.1', '-p', port, '-n', '1M'])).exit).toBe(0);
    await pause(50);
    stop.abort();
    expect((await serving).out.match(/Server listening on/g)).toHaveLength(3);
  });

  test('survives who speaks another protocol, or goes away', async () => {
    const port = await freePort();
    const stop = new AbortController();
    const serving = onMachine(iperf, ['-s', '-p', String(port)], { signal: stop.signal });
    await pause(50);
    for (const words of [
      'GET / HTTP/1.1\r\nHost: a name that is long enough for a cookie\r\n\r\n',
      'x',
      `${'c'.repeat(36)}\0\xff\xff\xff\xff`,
      '',
    ]) {
      const socket = net.connect(port, '127.0.0.1', () => socket.end(Buffer.from(words, 'latin1')));
      socket.resume();
      await new Promise((done) => socket.on('close', done).on('error', done));
    }
    expect((await onMachine(iperf, ['-c', '127.0.0.1', '-p', String(port), '-n', '1M'])).exit).toBe(0);
    stop.abort();
    expect((await serving).err).toContain('iperf3: error - unable to receive parameters\n');
  });
});

describe('a client fails as iperf3', () => {
  test('when nobody listens, or the name is none', async () => {
    const port = String(await freePort());
    expect(await onMachine(iperf, ['-c', '127.0.0.1', '-p', port])).toEqual({
      exit: 1,
      out: '',
      err: 'iperf3: error - unable to connect to server: Connection refused\n',
    });
    expect((await onMachine(iperf, ['-c', 'nosuch'])).err).toBe(
      'iperf3: error - unable to connect to server: Name or service not known\n',
    );
  });

  test.each([
    [[], 'must either be a client (-c) or server (-s)'],
    [['-c', 'x', '-s'], 'cannot be both server and client'],
    [['-c', 'x', '-p', '0'], 'port number 0 is out of range'],
    [['-c', 'x', '-t', '1', '-n', '1'], 'only one test end condition (-t, -n, -k) may be specified'],
    [['-c', 'x', '-i', '99'], 'invalid report interval (min = 0.1, max = 60 seconds)'],
    [['-c', 'x', '-n', '1X'], 'bad value for bytes'],
  ])('%j', async (argv, words) => {
    const { exit, err } = await onMachine(iperf, argv);
    expect(exit).toBe(1);
    expect(err).toMatch(`iperf3: parameter error - ${words}\n`.replaceAll(/[()]/g, (c) => c));
    expect(err).toContain('Usage: iperf3 [-s|-c host] [options]');
  });
});

describe('lines', () => {
  test('are those that iperf 3.12 printed for the same numbers', () => {
    const MB = 1024 * 1024;
    expect(
      intervalLine(
        'tcp-sender',
        { id: 5, from: 0, to: 1e9, bytes: 2.25 * 1024 * MB, retransmits: 20, window: 895 * 1024 },
        null,
      ),
    ).toBe('[  5]   0.00-1.00   sec  2.25 GBytes  19.3 Gbits/sec   20    895 KBytes       \n');
    expect(
      intervalLine('tcp-receiver', { id: null, from: 1e9, to: 2e9, bytes: 3.01 * 1024 * MB }, null),
    ).toBe('[SUM]   1.00-2.00   sec  3.01 GBytes  25.9 Gbits/sec                  \n');
    expect(intervalLine('udp-sender', { id: 5, from: 0, to: 1e9, bytes: 1277952, packets: 39 }, null)).toBe(
      '[  5]   0.00-1.00   sec  1.22 MBytes  10.2 Mbits/sec  39  \n',
    );
    expect(
      totalLine(false, { id: 5, from: 0, to: 2e9, bytes: 4.57 * 1024 * MB, retransmits: 28 }, 'sender', null),
    ).toBe('[  5]   0.00-2.00   sec  4.57 GBytes  19.6 Gbits/sec   28             sender\n');
    expect(
      totalLine(
        true,
        { id: 5, from: 0, to: 2e9, bytes: 2523136, jitter: 15_000, lost: 0, packets: 77 },
        'receiver',
        null,
      ),
    ).toBe('[  5]   0.00-2.00   sec  2.41 MBytes  10.1 Mbits/sec  0.015 ms  0/77 (0%)  receiver\n');
  });

  test('amounts have four characters, in steps of 1024, and rates in steps of 1000', () => {
    expect([0, 999, 1024, 448 * 1024, 1023 * 1024, 5e9].map(amount)).toEqual([
      '0.00 Bytes',
      ' 999 Bytes',
      '1.00 KBytes',
      ' 448 KBytes',
      '1023 KBytes',
      '4.66 GBytes',
    ]);
    expect(rateText(125_000, 1e9, null)).toBe('1.00 Mbits/sec');
    expect(rateText(125_000, 1e9, 'k')).toBe('1000 Kbits/sec');
    expect(rateText(1 << 20, 1e9, 'M')).toBe('1.00 MBytes/sec');
    expect(rateText(1, 0, null)).toBe('0.00 bits/sec');
  });
});

test('sizes take K, M and G of 1024, rates of 1000', () => {
  expect(readIperf(['-c', 'x', '-n', '2M', '-l', '8k', '-b', '10M'])).toMatchObject({
    bytes: 2 << 20,
    length: 8192,
    rate: 10e6,
    time: 0,
  });
  expect(readIperf(['--client=x', '--udp', '--time', '3'])).toMatchObject({
    to: 'x',
    udp: true,
    rate: 1 << 20,
    time: 3e9,
  });
});

const IPERF = 'iperf3';
const real = spawnSync(IPERF, ['--version']).status === 0;

describe.skipIf(!real)('beside the real iperf3', () => {
  test.each([
    [['-n', '2M']],
    [['-n', '2M', '-R']],
    [['-n', '2M', '-P', '2']],
    [['-u', '-b', '4M', '-t', '1']],
    [['-u', '-b', '4M', '-t', '1', '-R']],
  ])('our server and its client do a test: %j', async (argv) => {
    const port = String(await freePort());
    const serving = onMachine(iperf, ['-s', '-1', '-p', port]);
    await pause(50);
    const ran = await new Promise<{ error: unknown; out: string }>((done) => {
      execFile(IPERF, ['-c', '127.0.0.1', '-p', port, ...argv], (error, out) => done({ error, out }));
    });
    expect(ran.error).toBeNull();
    expect(ran.out).toContain('iperf Done.');
    expect((await serving).exit).toBe(0);
  });
});
