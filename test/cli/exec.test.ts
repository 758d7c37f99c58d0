import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Ran, Surroundings } from './harness.ts';
import { cli, documentOf, LECTURE } from './harness.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vxe-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** In a lab of its own, of the lecture's stack; no lab of the machine's owner is met. */
function exec(argv: readonly string[], around: Surroundings = {}): Promise<Ran> {
  const [options, task] = [argv.slice(0, argv.indexOf('--')), argv.slice(argv.indexOf('--'))];
  return cli(['exec', '-f', LECTURE, ...options, ...task], { env: { XDG_RUNTIME_DIR: folder }, ...around });
}

interface Document {
  readonly task: string;
  readonly argv: readonly string[];
  readonly exit: number;
  readonly stdout: string;
  readonly stderr: string;
  readonly started: number;
  readonly duration: number;
}

describe('vxlab exec in a lab of its own', () => {
  test('pings by name across the tunnel, in iputils’ words', async () => {
    const { code, out, err } = await exec(['webserver.1', '--', 'ping', '-c', '2', 'tasks.appserver']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(
      /^PING tasks\.appserver \(10\.0\.1\.\d+\) 56\(84\) bytes of data\.\n(64 bytes from 10\.0\.1\.\d+: icmp_seq=[12] ttl=64 time=0\.\d{3} ms\n){2}\n--- tasks\.appserver ping statistics ---\n2 packets transmitted, 2 received, 0% packet loss, time 1000ms\nrtt /,
    );
  });

  test('asks Docker’s name server as dig does', async () => {
    const { code, out } = await exec(['webserver.1', '--', 'dig', 'appserver']);
    expect(code).toBe(0);
    expect(out).toMatch(/;; flags: qr rd ra; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 0\n/);
    expect(out).toMatch(/\nappserver\.\t\t600\tIN\tA\t10\.0\.1\.\d+\n/);
    expect(out).toContain(
      ';; SERVER: 127.0.0.11#53(127.0.0.11) (UDP)\n;; WHEN: Thu Jan 01 00:00:00 UTC 2026\n',
    );
    expect((await exec(['webserver.1', '--', 'dig', '+short', 'mysql'])).out).not.toMatch(/10\.0\.3/);
  });

  test('answers with the program’s own exit code', async () => {
    expect(await exec(['webserver', '--', 'ping', 'nosuch'])).toEqual({
      code: 2,
      out: '',
      err: 'ping: nosuch: Name or service not known\n',
    });
    expect((await exec(['webserver', '--', 'ping', '-c', '1', '-W', '1', '10.0.1.99'])).code).toBe(1);
    const missing = await exec(['webserver', '--', 'vim', '-R']);
    expect(missing).toMatchObject({ code: 127, out: '' });
    expect(missing.err).toMatch(/^exec: "vim": executable file not found in \$PATH\n.*\bcurl, dig, /);
  });

  test('fetches a page through the virtual address, over the lab’s TCP', async () => {
    const { code, out, err } = await exec([
      'webserver.1',
      '--',
      'curl',
      '-v',
      'http://appserver:8080/customers/1',
    ]);
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({ id: 1, email: expect.stringContaining('@') });
    expect(err).toMatch(
      /^\* {3}Trying 10\.0\.1\.\d+:8080\.\.\.\n\* Connected to appserver \(10\.0\.1\.\d+\) port 8080 \(#0\)\n> GET \/customers\/1 HTTP\/1\.1\n/,
    );
    const timed = await exec([
      'webserver.1',
      '--',
      'curl',
      '-s',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code} %{time_total}',
      'http://lecture_appserver.1:8080/',
    ]);
    expect(timed.out).toMatch(/^200 0\.00\d{4}$/);
    expect(Number(timed.out.split(' ')[1])).toBeGreaterThan(0);
  });

  test('tells what curl tells of what is not there', async () => {
    const curl = (...argv: string[]): Promise<Ran> => exec(['webserver.1', '--', 'curl', ...argv]);
    expect(await curl('http://appserver:81/')).toEqual({
      code: 7,
      out: '',
      err: "curl: (7) Failed to connect to appserver port 81 after 0 ms: Couldn't connect to server\n",
    });
    // The web tier is not on the database's network.
    expect(await curl('http://mysql/')).toMatchObject({
      code: 6,
      err: 'curl: (6) Could not resolve host: mysql\n',
    });
    expect(await curl('-m', '2', 'http://10.0.1.99/')).toMatchObject({
      code: 28,
      err: 'curl: (28) Connection timed out after 2000 milliseconds\n',
    });
    expect((await curl('-f', 'http://appserver:8080/nothing')).code).toBe(22);
  });

  test('passes a request from standard input to a server with nc', async () => {
    const stdin = 'GET /customers/2 HTTP/1.0\r\n\r\n';
    const { code, out } = await exec(['webserver', '--', 'nc', 'appserver', '8080'], { stdin });
    expect(code).toBe(0);
    expect(out).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*"id":2/);
    expect((await exec(['appserver', '--', 'nc', '-zv', 'mysql', '3306'])).err).toMatch(
      /^Connection to mysql \(10\.0\.3\.\d+\) 3306 port \[tcp\/mysql\] succeeded!\n$/,
    );
    expect((await exec(['webserver', '--', 'nc', '-zv', 'appserver', '9'])).code).toBe(1);
  });

  test('measures goodput, with a server of its own where none listens', async () => {
    const ran = await exec([
      '--rate',
      '50mbit',
      'webserver.1',
      '--',
      'iperf3',
      '-c',
      'lecture_appserver.1',
      '-t',
      '1',
    ]);
    expect(ran.code).toBe(0);
    expect(ran.err).toBe(
      'iperf3: nobody listened on port 5201: iperf3 -s runs in lecture_appserver.1 for this test\n',
    );
    const [, goodput = ''] = / ([\d.]+) Mbits\/sec +receiver\n/.exec(ran.out) ?? [];
    // What Ethernet, the outer headers and the inner ones leave of 50 Mbit/s.
    expect(Number(goodput)).toBeGreaterThan(43);
    expect(Number(goodput)).toBeLessThan(48);
    expect(ran.out).toMatch(/\[ {2}5\] {3}0\.00-1\.00 {3}sec .* Mbits\/sec +\d+ +\d[\d.]* KBytes +\n/);
    const many = await exec(['webserver.1', '--', 'iperf', '-c', 'appserver', '-n', '256K']);
    expect(many.code).toBe(0);
    expect(many.err).toContain('its connections would be spread over 2 tasks');
  });

  test('measures what a path that loses some leaves of it', async () => {
    const json = await exec([
      '--loss',
      '2%',
      'webserver.1',
      '--',
      'iperf3',
      '-c',
      'lecture_appserver.1',
      '-n',
      '1M',
      '-J',
    ]);
    const { end } = JSON.parse(json.out) as {
      end: Record<'sum_sent' | 'sum_received', { bytes: number; retransmits?: number }>;
    };
    expect(end.sum_sent.bytes).toBe(1 << 20);
    expect(end.sum_sent.retransmits).toBeGreaterThan(0);
    // What is still on its way when the sender is done is not counted, as with the real one.
    expect(end.sum_received.bytes).toBeGreaterThan(1 << 19);
    expect(end.sum_received.bytes).toBeLessThanOrEqual(1 << 20);
  });

  test('shows who listens', async () => {
    expect((await exec(['appserver.1', '--', 'ss', '-tln'])).out).toMatch(
      /^State +Recv-Q +Send-Q +Local Address:Port +Peer Address:Port\nLISTEN 0 +\d+ +\*:80 +\*:\*\nLISTEN 0 +\d+ +\*:8080 +\*:\*\n$/,
    );
  });

  test('shows the container’s tables and files', async () => {
    const shown = async (...argv: string[]): Promise<string> =>
      (await exec(['appserver.1', '--', ...argv])).out;
    expect(await shown('ip', '-br', 'addr')).toMatch(
      /^lo +UNKNOWN +127\.0\.0\.1\/8 ::1\/128 \neth0 +UP +10\.0\.\d\.\d+\/24 \n/,
    );
    expect(await shown('ip', 'addr', 'show', 'eth0')).toMatch(
      /^2: eth0: <BROADCAST,MULTICAST,UP,LOWER_UP> mtu 1450 .*\n {4}link\/ether 02:42:0a:00:0\d:\w\w brd ff:ff:ff:ff:ff:ff\n {4}inet 10\.0\.\d\.\d+\/24 brd 10\.0\.\d\.255 scope global eth0\n/,
    );
    expect(await shown('ip', 'route')).toMatch(
      /^default via 172\.18\.0\.1 dev eth\d\n10\.0\.1\.0\/24 dev eth\d proto kernel scope link src 10\.0\.1\.\d+\n/,
    );
    expect(await shown('cat', '/etc/resolv.conf')).toBe('nameserver 127.0.0.11\noptions ndots:0\n');
    expect(await shown('cat', '/etc/hosts')).toMatch(
      /^127\.0\.0\.1\tlocalhost\n[\s\S]*\n10\.0\.\d\.\d+\t\S+\n$/,
    );
    expect(await shown('getent', 'hosts', 'webserver')).toMatch(/^10\.0\.1\.\d+ +webserver\n$/);
    expect(await shown('nslookup', 'webserver')).toMatch(
      /^Server:\t\t127\.0\.0\.11\n[\s\S]*\nName:\twebserver\nAddress: 10\.0\.1\.\d+\n/,
    );
  });

  test('runs on a node too', async () => {
    expect((await exec(['manager1', '--', 'ping', '-c', '1', 'worker1'])).out).toContain('1 received');
  });

  test('interrupts a program that has no end, when its time is up', async () => {
    const usual = await exec(['webserver', '--', 'ping', 'appserver.2', '-q']);
    expect(usual.code).toBe(2);
    const ping = await exec(['webserver', '--', 'ping', '-q', 'tasks.appserver']);
    expect(ping.out).toContain('10 packets transmitted, 10 received');
    expect(ping.err).toContain('ping had not ended after 9.5 s of virtual time and was interrupted');
    const told = await exec(['--for', '3500ms', 'webserver', '--', 'ping', '-q', 'tasks.appserver']);
    expect(told).toMatchObject({ code: 0, err: '' });
    expect(told.out).toContain('4 packets transmitted, 4 received');
  });

  test('ends when the user says so', async () => {
    const stop = new AbortController();
    const running = exec(['--for', '1h', 'webserver', '--', 'ping', '-q', 'tasks.appserver'], {
      signal: stop.signal,
    });
    setTimeout(() => stop.abort(), 300);
    const { code, out } = await running;
    expect(code).toBe(0);
    expect(out).toMatch(/--- tasks\.appserver ping statistics ---\n\d+ packets transmitted/);
  });

  test('passes standard input on, the whole of it', async () => {
    const { code, out } = await exec(['webserver', '--', 'cat'], { stdin: 'a line\n'.repeat(50_000) });
    expect({ code, out }).toEqual({ code: 0, out: 'a line\n'.repeat(50_000) });
  });

  test('prints the documented JSON', async () => {
    const ran = await exec(['--json', 'webserver', '--', 'ping', '-c', '1', 'tasks.appserver']);
    const document = documentOf<Document>('exec', ran);
    expect(document).toMatchObject({
      task: 'lecture_webserver.1',
      argv: ['ping', '-c', '1', 'tasks.appserver'],
      exit: 0,
      stderr: '',
    });
    expect(document.stdout).toContain('1 received');
    expect(document.duration).toBeLessThan(10e6);
    expect(documentOf<Document>('exec', await exec(['--json', 'webserver', '--', 'vim'])).exit).toBe(127);
  });

  test('writes a capture, the same for the same seed', async () => {
    const [a, b] = [join(folder, 'a.pcapng'), join(folder, 'b.pcapng')];
    for (const file of [a, b]) {
      expect(
        (
          await exec([
            '--capture',
            file,
            'webserver.1',
            '--',
            'curl',
            '-s',
            'http://appserver:8080/customers',
          ])
        ).code,
      ).toBe(0);
    }
    expect(readFileSync(a).equals(readFileSync(b))).toBe(true);
    const mysql = await cli(['inspect', '--packets', '-Y', 'tcp.port == 3306', a]);
    expect(mysql.out.trim().split('\n').length).toBeGreaterThan(2);
    // Taking the lab down is not in it.
    expect((await cli(['inspect', '--packets', '-Y', 'tcp.flags.reset == 1', a])).out).toBe('');
  });

  test.each([
    [['nobody', '--', 'ping', 'x'], 'there is no container, service or node "nobody"'],
    [['webserver', '--json', 'ping'], 'options stand before TASK'],
    [['webserver', '--'], 'program'],
    [['--lab', 'x', '--seed', '2', 'webserver', '--', 'ping'], '--lab chooses a lab that runs already'],
    [['--capture', '-', 'webserver', '--', 'ping'], '--capture needs a file'],
  ])('answers 2 to %j and says why', async (argv, words) => {
    const ran = await cli(['exec', ...argv], { env: { XDG_RUNTIME_DIR: folder } });
    expect(ran).toMatchObject({ code: 2, out: '' });
    expect(ran.err).toMatch(/^vxlab: /m);
    expect(ran.err).toContain(words);
  });
});
