import { execFile, execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { curl } from '../../../src/apps/exec/curl/curl.ts';
import type { Ran } from './machine.ts';
import { onMachine } from './machine.ts';

const servers: Server[] = [];
/** Base URLs, and a port where nobody listens. */
let web = '';
let web2 = '';
let mute = '';
let resets = '';
let closed = 0;
const names = { web: ['127.0.0.1'], dead: ['127.0.0.2', '127.0.0.1'] };

function listening(server: Server): Promise<number> {
  servers.push(server);
  return new Promise((done) =>
    server.listen(0, '127.0.0.1', () => done((server.address() as AddressInfo).port)),
  );
}

/** What it got, so that a test sees what was sent. */
function echo(request: http.IncomingMessage, response: http.ServerResponse): void {
  const [, what = '', argument = ''] = (request.url ?? '').split('/');
  if (what === 'status') return void response.writeHead(Number(argument)).end(`status ${argument}\n`);
  if (what === 'to')
    return void response.writeHead(Number(argument), { location: '/echo?again' }).end('moved\n');
  if (what === 'loop') return void response.writeHead(302, { location: '/loop' }).end();
  if (what === 'slow') return;
  if (what === 'big') return void response.end(Buffer.alloc(3_000_000, 'x'));
  if (what === 'cut') {
    response.writeHead(200, { 'content-length': 100 });
    response.write('abc');
    setTimeout(() => request.socket.destroy(), 30);
    return;
  }
  const body: Buffer[] = [];
  request.on('data', (bytes: Buffer) => body.push(bytes));
  request.on('end', () => {
    const text = Buffer.concat(body).toString('latin1');
    const shown = text.length > 200 ? `${text.length} bytes` : text;
    if (what === 'chunked') {
      response.write('one ');
      response.write('two\n');
      return void response.end();
    }
    response.setHeader('Content-Type', 'text/plain');
    response.end(`${request.method} ${request.url}\n${request.rawHeaders.join('|')}\n${shown}\n`);
  });
}

beforeAll(async () => {
  web = `http://127.0.0.1:${await listening(http.createServer(echo))}`;
  web2 = web.replace('127.0.0.1', 'web');
  mute = `http://127.0.0.1:${await listening(net.createServer((socket) => void socket.on('data', () => socket.end())))}`;
  resets = `http://127.0.0.1:${await listening(net.createServer((socket) => void socket.on('data', () => socket.resetAndDestroy())))}`;
  const gone = net.createServer();
  closed = await listening(gone);
  gone.close();
});
afterAll(() => {
  for (const server of servers) {
    server.close();
    if (server instanceof http.Server) server.closeAllConnections();
  }
});

const run = (...argv: string[]): Promise<Ran> => onMachine(curl, argv, { names });

describe('curl prints', () => {
  test("an answer's body, whole, from a length, in chunks and to the end of the connection", async () => {
    expect(await run(`${web}/status/200`)).toEqual({ exit: 0, out: 'status 200\n', err: '' });
    expect((await run(`${web}/chunked`)).out).toBe('one two\n');
    expect((await run(`${web}/big`)).out).toHaveLength(3_000_000);
    expect((await run('-0', `${web}/status/200`)).out).toBe('status 200\n');
  });

  test('its request as curl sends it', async () => {
    const { out } = await run(`${web2}/echo`);
    const host = new URL(web2).host;
    expect(out).toBe(`GET /echo\nHost|${host}|User-Agent|curl/7.88.1|Accept|*/*\n\n`);
  });

  test('several URLs over one connection', async () => {
    const { out, err } = await run('-v', `${web}/status/200`, `${web}/status/404`);
    expect(out).toBe('status 200\nstatus 404\n');
    expect(err.match(/Connected to/g)).toHaveLength(1);
    expect(err).toContain('* Re-using existing connection #0 with host 127.0.0.1\n');
  });

  test('heads with -i and -I, nothing with -o /dev/null', async () => {
    expect((await run('-i', `${web}/status/200`)).out).toMatch(
      /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nstatus 200\n$/,
    );
    expect((await run('-I', `${web}/status/200`)).out).toMatch(/^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\n$/);
    expect(await run('-o', '/dev/null', '-w', '%{http_code}\\n', `${web}/status/503`)).toEqual({
      exit: 0,
      out: '503\n',
      err: '',
    });
  });

  test('what -w asks for', async () => {
    const { out } = await run(
      '-s',
      '-w',
      '%{http_code} %{size_download} %{remote_ip} %{num_connects} %{method} %% %{content_type}',
      '-o',
      '/dev/null',
      `${web2}/echo`,
    );
    expect(out).toMatch(/^200 \d+ 127\.0\.0\.1 1 GET % text\/plain$/);
    const timed = await run(
      '-o',
      '/dev/null',
      '-w',
      '%{time_namelookup} %{time_connect} %{time_starttransfer} %{time_total}',
      `${web2}/echo`,
    );
    const times = timed.out.split(' ').map(Number);
    expect(times).toEqual([...times].sort((x, y) => x - y));
    expect(timed.out).toMatch(/^(0\.\d{6} ?){4}$/);
    const json = JSON.parse(
      (await run('-o', '/dev/null', '-w', '%{json}', `${web2}/status/201`)).out,
    ) as object;
    expect(json).toMatchObject({ http_code: 201, exitcode: 0, errormsg: null, url: `${web2}/status/201` });
    expect((await run('-w', '%{frob}', '-o', '/dev/null', `${web}/echo`)).err).toBe(
      "curl: unknown --write-out variable: 'frob'\n",
    );
  });

  test('with -v what goes and comes, line by line', async () => {
    const { err } = await run('-v', `${web2}/status/200`);
    const port = new URL(web2).port;
    expect(err).toMatch(
      new RegExp(
        `^\\*   Trying 127\\.0\\.0\\.1:${port}\\.\\.\\.\\n\\* Connected to web \\(127\\.0\\.0\\.1\\) port ${port} \\(#0\\)\\n` +
          `> GET /status/200 HTTP/1\\.1\\n> Host: web:${port}\\n> User-Agent: curl/7\\.88\\.1\\n> Accept: \\*/\\*\\n> \\n` +
          '< HTTP/1\\.1 200 OK\\n(< .+\\n)+< \\n\\* Connection #0 to host web left intact\\n$',
      ),
    );
  });
});

describe('curl sends', () => {
  test('data, with -X, -H, -A, -u, -G and standard input', async () => {
    const { out } = await run('-d', 'a=1', '-d', 'b=2', `${web}/echo`);
    expect(out).toContain('POST /echo\n');
    expect(out).toContain('|Content-Length|7|Content-Type|application/x-www-form-urlencoded\na=1&b=2\n');
    const { out: put } = await run(
      '-X',
      'PUT',
      '-H',
      'X-One: 1',
      '-H',
      'Accept:',
      '-A',
      'me',
      '-u',
      'a:b',
      `${web}/echo`,
    );
    expect(put).toMatch(/^PUT \/echo\nHost\|[^|]+\|Authorization\|Basic YTpi\|User-Agent\|me\|X-One\|1\n/);
    expect((await run('-G', '-d', 'q=1', '--data-urlencode', 'r=a b&c', `${web}/echo?x`)).out).toContain(
      'GET /echo?x&q=1&r=a+b%26c\n',
    );
    const piped = await onMachine(curl, ['--data-binary', '@-', `${web}/echo`], { input: 'a\nb\n' });
    expect(piped.out).toContain('\na\nb\n\n');
    expect((await onMachine(curl, ['-d', '@-', `${web}/echo`], { input: 'a\nb\n' })).out).toContain('\nab\n');
  });

  test('a large body only after 100 Continue', async () => {
    const input = 'y'.repeat(1_200_000);
    const { out, err } = await onMachine(curl, ['-v', '-d', '@-', `${web}/echo`], { input });
    expect(err).toContain('> Expect: 100-continue\n');
    expect(err).toContain('< HTTP/1.1 100 Continue\n');
    expect(out).toContain('1200000 bytes\n');
  });

  test('what a redirect leaves of a request', async () => {
    expect((await run(`${web}/to/302`)).out).toBe('moved\n');
    expect((await run('-L', `${web}/to/302`)).out).toMatch(/^GET \/echo\?again\n/);
    expect((await run('-L', '-d', 'x', `${web}/to/301`)).out).toMatch(/^GET \/echo\?again\n[^\n]*\n\n$/);
    expect((await run('-L', '-d', 'x', `${web}/to/307`)).out).toMatch(/^POST \/echo\?again\n[^\n]*\nx\n$/);
    expect(
      (await run('-w', ' %{num_redirects} %{url_effective}', '-o', '/dev/null', '-L', `${web}/to/302`)).out,
    ).toBe(` 1 ${web}/echo?again`);
  });

  test('to the address that --resolve names, and to the next address when one refuses', async () => {
    const port = new URL(web).port;
    expect(
      (await run('--resolve', `nowhere:${port}:127.0.0.1`, `http://nowhere:${port}/status/200`)).out,
    ).toBe('status 200\n');
    expect((await run(`http://dead:${port}/status/200`)).out).toBe('status 200\n');
  });
});

describe('curl fails as curl', () => {
  test.each([
    ['6', () => ['http://nosuch/'], 'Could not resolve host: nosuch'],
    [
      '7',
      () => [`http://web:${closed}/`],
      "Failed to connect to web port \\d+ after \\d+ ms: Couldn't connect to server",
    ],
    ['22', () => ['-f', `${web}/status/404`], 'The requested URL returned error: 404'],
    ['52', () => [mute], 'Empty reply from server'],
    ['56', () => [resets], 'Recv failure: Connection reset by peer'],
    [
      '28',
      () => ['-m', '0.05', `${web}/slow`],
      'Operation timed out after \\d+ milliseconds with 0 bytes received',
    ],
    ['18', () => [`${web}/cut`], 'transfer closed with 97 bytes remaining to read'],
    ['47', () => ['-L', '--max-redirs', '3', `${web}/loop`], 'Maximum \\(3\\) redirects followed'],
    ['1', () => ['gopher://web/'], 'Protocol "gopher" not supported or disabled in libcurl'],
    ['3', () => ['http://'], 'URL using bad/illegal format or missing URL'],
    ['3', () => ['http://web:99999/'], 'URL using bad/illegal format or missing URL'],
  ])('%s: its code and its words', async (code, argv, words) => {
    const { exit, err } = await run(...argv());
    expect(exit).toBe(Number(code));
    expect(err).toMatch(new RegExp(`^curl: \\(${code}\\) ${words}\\n$`));
    expect(await run('-s', ...argv())).toMatchObject({ exit: Number(code), err: '' });
    expect((await run('-sS', ...argv())).err).toMatch(new RegExp(`^curl: \\(${code}\\) `));
  });

  test('what it got before it failed is printed', async () => {
    expect((await run(`${web}/cut`)).out).toBe('abc');
    expect((await run('--fail-with-body', `${web}/status/500`)).out).toBe('status 500\n');
  });

  test.each([
    [['--frob', 'x'], 'curl: option --frob: is unknown\n'],
    [['-m'], 'curl: option -m: requires parameter\n'],
    [['-m', 'x', 'y'], 'curl: option -m: expected a proper numerical parameter\n'],
    [['-o', 'page.html', 'y'], 'curl: option -o: there are no files here'],
    [['-d', '@file', 'y'], 'curl: option -d: there are no files here'],
    [['-O', 'y'], 'no files'],
    [[], "curl: try 'curl --help'"],
  ])('2: a command line it does not understand, %j', async (argv, words) => {
    const { exit, out, err } = await run(...argv);
    expect({ exit, out }).toEqual({ exit: 2, out: '' });
    expect(err).toContain(words);
  });
});

/** Node or openssl makes the certificate; without openssl these are not run. */
const OPENSSL = 'openssl';
const openssl = spawnSync(OPENSSL, ['version']).status === 0;

describe.skipIf(!openssl)('curl over TLS', () => {
  let secure = '';
  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'vxlab-tls-'));
    const [key, cert] = [join(folder, 'key'), join(folder, 'cert')];
    execFileSync(
      OPENSSL,
      [
        'req',
        '-x509',
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        key,
        '-out',
        cert,
        '-days',
        '9',
        '-subj',
        '/CN=web',
      ],
      { stdio: 'ignore' },
    );
    const server = https.createServer({ key: readFileSync(key), cert: readFileSync(cert) }, echo);
    rmSync(folder, { recursive: true });
    secure = `https://web:${await listening(server)}`;
  });

  test('refuses a certificate that nobody vouches for, and takes it with -k', async () => {
    const refused = await run(`${secure}/status/200`);
    expect(refused.exit).toBe(60);
    expect(refused.err).toMatch(
      /^curl: \(60\) SSL certificate problem: self-signed certificate\nMore details here: /,
    );
    const taken = await run('-kv', `${secure}/status/200`);
    expect(taken).toMatchObject({ exit: 0, out: 'status 200\n' });
    expect(taken.err).toContain('* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384\n');
    expect(taken.err).toContain('*  subject: CN=web\n');
  });

  test('tells a server that speaks no TLS', async () => {
    const { exit, err } = await run('-k', `${web2.replace('http:', 'https:')}/`);
    expect(exit).toBe(35);
    expect(err).toMatch(/^curl: \(35\) OpenSSL/);
  });
});

const real = spawnSync('curl', ['--version']).status === 0;

describe.skipIf(!real)('beside the real curl', () => {
  test.each([
    [['-s', '/status/200']],
    [['-s', '-i', '/status/204']],
    [['-s', '-d', 'a=1', '/echo']],
    [['-s', '-X', 'DELETE', '-H', 'X: y', '/echo']],
    [['-s', '-u', 'a:b', '-A', '', '/echo']],
    [['-s', '-H', 'Host: other', '-e', 'there', '-b', 'c=d', '/echo']],
    [['-s', '-L', '/to/303']],
    [['-s', '--json', '{}', '/echo']],
    [['-s', '-w', '%{http_code} %{num_headers} %{size_header} %{size_download}', '/echo']],
    [['-s', '-I', '/echo']],
    [['-sS', '-f', '/status/500']],
  ])('%j says the same', async (argv) => {
    const full = argv.map((word) => (word.startsWith('/') ? `${web}${word}` : word));
    const plain = (text: string): string =>
      text.replace(/Date: .*/g, 'Date').replace(/curl\/[0-9.]+/g, 'curl');
    const theirs = await new Promise<Ran>((done) => {
      execFile('curl', full, { encoding: 'latin1' }, (error, out, err) =>
        done({ exit: error === null ? 0 : Number(error.code), out, err }),
      );
    });
    const ours = await run(...full);
    expect({ ...ours, out: plain(ours.out) }).toEqual({ ...theirs, out: plain(theirs.out) });
  });
});
