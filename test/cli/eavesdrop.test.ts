import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LINKTYPE } from '../../src/core/pcap/linktype.ts';
import { PcapWriter } from '../../src/core/pcap/pcap-writer.ts';
import type { Turn } from '../core/eavesdrop/overhear.ts';
import { overhear, played } from '../core/eavesdrop/overhear.ts';
import { viewOf } from '../support/bytes.ts';
import { captureNames, capturePath } from '../support/captures.ts';
import type { Document } from '../support/cleartext.ts';
import type { Ran } from './harness.ts';
import { cli, documentOf, LECTURE, validates } from './harness.ts';

const HTTP = capturePath('kernel/http-noffload.pcap');
const DOCKER = capturePath('docker-swarm/traffic-worker1-eth0.pcap');
const TWINS = capturePath('kernel/overlap-two-vnis.pcap');
const CLEAN = capturePath('kernel/inner-vlan.pcap');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vxlab-eavesdrop-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function eavesdrop(...argv: string[]): Promise<Ran> {
  return cli(['eavesdrop', ...argv], { cwd: folder });
}

/** The document of what is printed for one file. */
async function heard(...argv: string[]): Promise<Document> {
  return documentOf<Document>('eavesdrop', await eavesdrop('--json', ...argv));
}

/** A capture of one conversation in VNI 42. */
function conversation(name: string, turns: readonly Turn[], port = 80): string {
  const chunks: Uint8Array[] = [];
  const writer = new PcapWriter((bytes) => chunks.push(bytes.slice()), { linkType: LINKTYPE.ethernet });
  for (const bytes of overhear(played(port, turns)).packets)
    writer.writePacket(0, 1_767_225_600, 0, viewOf(bytes), 0, bytes.length, bytes.length);
  writer.flush();
  writeFileSync(join(folder, name), Buffer.concat(chunks));
  return name;
}

describe('vxlab eavesdrop', () => {
  test('tells by VNI and conversation what was read, with packet and offset, and masks secrets', async () => {
    const ran = await eavesdrop(HTTP);
    expect(ran.code).toBe(1);
    expect(ran.err).toBe('');
    expect(ran.out).toMatch(/: 90 packets, 87 in tunnels, 3 conversations\n\nVNI 80\n/);
    expect(ran.out).toContain(
      '  10.80.0.1:56992 > 10.80.0.2:80  HTTP over TCP, packets 6 to 17, 349 bytes\n',
    );
    expect(ran.out).toMatch(/^ {8}9 {5}116 {2}> content {4}request +GET \/private\/$/m);
    expect(ran.out).toMatch(/^ {8}9 {5}178 {2}> secret {5}Basic credentials +alice \*{8}$/m);
    expect(ran.out).toMatch(/^ {7}21 {5}290 {2}> secret {5}form field password +bob \*{8}$/m);
    expect(ran.out).toMatch(/^ 80 {2}10\.80\.0\.1 {2}0a:00:00:00:00:01 {2}198\.51\.100\.1$/m);
    expect(ran.out).toMatch(
      /\nReadable by whoever sees the underlay: 3 secrets, .*; --reveal shows secrets\n$/,
    );
    expect(ran.out).not.toContain('S3cr3t-pa55');
    expect(ran.out).not.toContain('hunter2');
  });

  test('shows secrets with --reveal', async () => {
    const { out } = await eavesdrop('--reveal', HTTP);
    expect(out).toMatch(/Basic credentials +alice S3cr3t-pa55$/m);
    expect(out).not.toContain('--reveal shows');
    expect(await eavesdrop('--mask', HTTP)).toEqual(await eavesdrop(HTTP));
  });

  test('keeps two tenants with the same addresses apart', async () => {
    const { out } = await eavesdrop('--reveal', TWINS);
    const [, first = '', second = ''] = /\nVNI 100\n(.*)\nVNI 200\n(.*)\nHosts/s.exec(out) ?? [];
    expect(first).toContain('tenant100 pw100');
    expect(second).toContain('tenant200 pw200');
    expect(first).not.toContain('tenant200');
    const only = await eavesdrop('--vni', '200', TWINS);
    expect(only.out).toContain('tenant200');
    expect(only.out).not.toContain('VNI 100');
    expect(only.out).not.toContain('Outside');
  });

  test('strikes a secret out of whatever repeats it', async () => {
    const secret = 'Tr0ub4dor&3 xyz';
    const base64 = Buffer.from(`user:${secret}`).toString('base64');
    const name = conversation('echo.pcap', [
      ['>', `POST /login?next=${encodeURIComponent(secret)} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n`],
      ['>', `Authorization: Basic ${base64}\r\n\r\n`],
      ['<', `HTTP/1.1 401 No\r\nContent-Type: text/plain\r\nContent-Length: 100\r\n\r\n`],
      ['<', `${secret} ${base64} ${Buffer.from(secret).toString('hex')}`.padEnd(100)],
    ]);
    const bare = [secret, secret.slice(4), encodeURIComponent(secret), base64.slice(8, 24)];
    for (const argv of [['-V'], ['--json'], ['--html', '-']]) {
      const { out } = await eavesdrop(...argv, name);
      expect(out).toContain('********');
      for (const form of [...bare, Buffer.from(secret).toString('hex')]) expect(out).not.toContain(form);
      const revealed = await eavesdrop('--reveal', ...argv, name);
      expect(revealed.out).toContain(secret.slice(0, 8));
    }
  });

  test('hides what calls itself a password in a protocol that nobody knows', async () => {
    const masked = await eavesdrop('--vni', '4097', DOCKER);
    expect(masked.out).toContain('USER root PASS ********\\n');
    const open = await eavesdrop('--vni', '4097', '--reveal', DOCKER);
    expect(open.out).toContain('USER root PASS T0pSecret!\\n');
  });

  test('measures what nobody can read, and shows TLS as what it is', async () => {
    const sealed = await heard(capturePath('docker-swarm/init-underlay.pcap'));
    expect(sealed.readable['secret']).toBe(0);
    const tls = sealed.conversations.filter(({ protocol }) => protocol === 'TLS');
    expect(tls.length).toBeGreaterThan(0);
    const text = await eavesdrop(capturePath('docker-swarm/init-underlay.pcap'));
    expect(text.out).toMatch(/TLS over TCP/);
    expect(text.out).toMatch(
      /unparsed {2}\S+ \S+ measured: \d+ % printable, \d\.\d\d bits of entropy a byte/,
    );
  });

  test('shows only the kinds that are asked for, and counts them all', async () => {
    const { out } = await eavesdrop('--only', 'identity', HTTP);
    expect(out).toContain('form field user');
    expect(out).not.toContain('GET /private/');
    expect(out).toContain(': 3 secrets, ');
  });

  test('shows a number of rows, the worst first, and says how many more there are', async () => {
    const ran = await eavesdrop('--rows', '1', HTTP);
    expect(ran.out).toMatch(/> secret +Basic credentials/);
    expect(ran.out).not.toMatch(/> content/);
    expect(ran.out).toMatch(/^ {2}\.\.\. and \d+ more readings; --rows N shows more, --json all$/m);
    expect(ran.out).toMatch(/^ {2}\.\.\. and 2 more conversations; --rows N shows more, --json all$/m);
    expect(ran.out).toMatch(/^\.\.\. and 1 more; --rows N shows more, --json all$/m);
  });

  test('is as wide as it may be: 200 columns without a terminal, all of it with -V', async () => {
    const { out } = await eavesdrop(HTTP);
    expect(Math.max(...out.split('\n').map((line) => line.length))).toBe(200);
    expect(out).toMatch(/response body +000000 The quick brown fox.*…$/m);
    expect((await eavesdrop('-V', HTTP)).out).toMatch(/\\n000040 The quick/);
  });

  test('colours kinds where there is a terminal, and only there', async () => {
    const plain = await eavesdrop(HTTP);
    const coloured = await cli(['eavesdrop', HTTP], { cwd: folder, colour: true });
    expect(coloured.out).toContain('\u001b[31msecret   \u001b[39m');
    expect(stripVTControlCharacters(coloured.out)).toBe(plain.out);
  });

  test('obeys nothing that a capture says to a terminal', async () => {
    const name = conversation('evil.pcap', [
      [
        '>',
        'GET /\u001b[2J\u001b]0;x\u0007 HTTP/1.1\r\nHost: a\u001b[31m\r\nCookie: a\u009b=\u001b[1m12345678\r\n\r\n',
      ],
      ['<', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Type: text/plain\r\n\r\n\u001b[2J\r'],
    ]);
    for (const argv of [['-V'], ['-V', '--reveal'], ['--json', '--reveal'], ['--html', '-']]) {
      const { out } = await eavesdrop(...argv, name);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
      expect(out.match(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/g)).toBeNull();
    }
  });
});

describe('the exit code of vxlab eavesdrop', () => {
  test.each([
    [HTTP, 'secret', 1],
    [HTTP, 'never', 0],
    [CLEAN, 'secret', 0],
    [capturePath('kernel/proxy.pcap'), 'name', 0],
    [capturePath('kernel/flannel.pcap'), 'secret', 0],
    [capturePath('kernel/flannel.pcap'), 'identity', 0],
    [capturePath('kernel/flannel.pcap'), 'content', 1],
    [capturePath('public/zeek/mysql/query-attr.pcap'), 'secret', 0],
    [capturePath('public/zeek/mysql/query-attr.pcap'), 'challenge', 1],
  ])('of %s with --fail-on %s is %i', async (file, level, code) => {
    expect((await eavesdrop('--fail-on', level, file)).code).toBe(code);
    // What is left out of sight counts all the same.
    expect((await eavesdrop('--fail-on', level, '--only', 'name', file)).code).toBe(code);
  });

  test('is 2 for what does not go together, and says why', async () => {
    for (const argv of [
      [],
      ['-', '-'],
      ['--fail-on', 'bad', HTTP],
      ['--only', 'secret,bad', HTTP],
      ['--vni', '16777216', HTTP],
      ['--mask', '--reveal', HTTP],
      ['--json', '--html', '-', HTTP],
      ['-Y', 'nosuchfield', HTTP],
    ]) {
      const ran = await eavesdrop(...argv);
      expect([argv, ran.code, ran.out]).toEqual([argv, 2, '']);
      expect(ran.err).toMatch(/^vxlab: /m);
    }
  });

  test('is 3 for what is not there, is no capture, or cannot be written', async () => {
    writeFileSync(join(folder, 'notes.txt'), 'these are not packets\n');
    writeFileSync(join(folder, 'bad.yml'), 'services: 7\n');
    for (const name of ['nosuch.pcap', 'notes.txt', '.', 'nosuch.yml', 'bad.yml']) {
      const ran = await eavesdrop(name);
      expect([name, ran.code, ran.out]).toEqual([name, 3, '']);
    }
    expect((await eavesdrop('--html', 'no/such/folder.html', HTTP)).code).toBe(3);
    expect((await eavesdrop('--keys', 'nosuch.keys', HTTP)).code).toBe(3);
  });
});

describe('what vxlab eavesdrop reads', () => {
  test('gzip, a filter, other ports, and what is left of a cut file', async () => {
    writeFileSync(join(folder, 'http.pcap.gz'), gzipSync(readFileSync(HTTP)));
    expect((await heard('http.pcap.gz')).readable['secret']).toBe(3);
    const some = await heard('-Y', 'tcp.port == 57006', HTTP);
    expect(some.conversations.length).toBe(1);
    const none = await heard('--no-heuristics', '--port', '7789', HTTP);
    expect(none.conversations.map(({ vni }) => vni)).not.toContain(80);
    writeFileSync(join(folder, 'cut.pcap'), readFileSync(HTTP).subarray(0, 4000));
    const ran = await eavesdrop('--json', 'cut.pcap');
    expect(ran.err).toMatch(/^vxlab: cut\.pcap was read up to byte \d+ \(\d+ packets\): /);
    expect(documentOf<{ cutShort: object | null }>('eavesdrop', ran).cutShort).not.toBeNull();
  });

  test('several files, one after the other, each in a document of its own', async () => {
    const text = await eavesdrop(HTTP, CLEAN);
    expect(text.code).toBe(1);
    expect(text.out.match(/^\S+: \d+ packets, /gm)?.length).toBe(2);
    const ran = await eavesdrop('--json', HTTP, CLEAN);
    const lines = ran.out.trimEnd().split('\n');
    expect(lines.length).toBe(2);
    for (const line of lines) validates('eavesdrop', JSON.parse(line));
  });

  test('standard input and a FIFO, as processes use them', () => {
    const main = join(import.meta.dirname, '../../src/cli/main.ts');
    const tsx = join(import.meta.dirname, '../../node_modules/.bin/tsx');
    const words = [main, 'eavesdrop', '--fail-on', 'never'];
    const out = execFileSync(tsx, [...words, '-'], { input: readFileSync(HTTP) });
    expect(String(out)).toContain('standard input: 90 packets');
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const writer = spawn('sh', ['-c', `cat ${HTTP} > ${fifo}`]);
    const piped = execFileSync(tsx, [...words, fifo]);
    expect(String(piped)).toContain('90 packets');
    writer.kill();
  });

  test('the underlay of a stack that runs for a while, the same each time', async () => {
    writeFileSync(join(folder, 'stack.yml'), readFileSync(LECTURE));
    const ran = await eavesdrop('--for', '1s', '--json', 'stack.yml');
    expect(ran.code).toBe(0);
    const { conversations, hosts } = documentOf<Document>('eavesdrop', ran);
    const texts = conversations.flatMap(({ readings }) => readings.map(({ text }) => text));
    expect(texts.some((text) => text.startsWith('GET /customers/'))).toBe(true);
    expect(texts.some((text) => /SELECT .* FROM customer/.test(text))).toBe(true);
    expect(hosts.some(({ names }) => names.includes('appserver'))).toBe(true);
    expect((await eavesdrop('--for', '1s', '--json', 'stack.yml')).out).toBe(ran.out);
    const other = await eavesdrop('--for', '1s', '--seed', '2', '--nodes', '5', '--json', 'stack.yml');
    expect(other.out).not.toBe(ran.out);
  });
});

describe('encrypted networks', () => {
  const STACK = readFileSync(LECTURE, 'utf8').replaceAll(
    /^( +)driver: overlay$/gm,
    "$&\n$1driver_opts:\n$1  encrypted: ''",
  );

  test('are sealed: who, which association, how much, and how much like noise', async () => {
    writeFileSync(join(folder, 'sealed.yml'), STACK);
    const ran = await eavesdrop('--fail-on', 'name', '--for', '1s', 'sealed.yml');
    expect([ran.code, ran.err]).toEqual([0, '']);
    expect(ran.out).toMatch(/^sealed\.yml: \d+ packets, 0 in tunnels, 0 conversations$/m);
    expect(ran.out).toMatch(/^192\.0\.2\.11 +192\.0\.2\.12 +0x[0-9a-f]{8} +\d+ +\d+ +\d\d % +7\.\d\d$/m);
    expect(ran.out).toMatch(/\nReadable by whoever sees the underlay: nothing\n$/);
  });

  test('open with their keys, which is told apart and fails nobody', async () => {
    writeFileSync(join(folder, 'sealed.yml'), STACK);
    const up = ['up', 'sealed.yml', '--for', '1s', '--capture', 'sealed.pcapng', '--keys', 'sealed.keys'];
    expect((await cli(up, { cwd: folder })).code).toBe(0);
    const ran = await eavesdrop('--fail-on', 'name', '--keys', 'sealed.keys', 'sealed.pcapng');
    expect(ran.code).toBe(0);
    expect(ran.out).toMatch(/HTTP over TCP, packets \d+ to \d+, \d+ bytes, only with the key\n/);
    expect(ran.out).toContain('GET /customers/');
    expect(ran.out).toMatch(/underlay: nothing\nOnly with the keys: .*content/);
    const { readable, opened, conversations } = await heard('--keys', 'sealed.keys', 'sealed.pcapng');
    expect(Object.values(readable)).toEqual([0, 0, 0, 0, 0]);
    expect(opened['content']).toBeGreaterThan(0);
    const places = conversations.flatMap(({ readings }) => readings.map(({ within }) => within));
    expect(new Set(places)).toEqual(new Set(['opened']));
    expect((await eavesdrop('--html', '-', '--keys', 'sealed.keys', 'sealed.pcapng')).out).toContain(
      ', only with the key</span>',
    );
    const without = await heard('sealed.pcapng');
    expect(without.conversations).toEqual([]);
    expect(without.sealed.length).toBeGreaterThan(0);
  });
});

describe('vxlab eavesdrop --json', () => {
  const NAMES = ['docker-swarm', 'kernel', 'ovs', 'cleartext/zeek', 'cleartext/arkime', 'cleartext/ndpi']
    .flatMap(captureNames)
    .filter((name) => /\.pcap(ng)?$/.test(name));

  test('of every capture fits the schema, masked or not', async () => {
    for (const name of NAMES) {
      const masked = await eavesdrop('--json', capturePath(name));
      const { revealed } = documentOf<Document>('eavesdrop', masked);
      const open = await eavesdrop('--json', '--reveal', capturePath(name));
      expect([name, revealed]).toEqual([name, false]);
      expect(documentOf<Document>('eavesdrop', open).revealed).toBe(true);
    }
  }, 60_000);

  test('tells where a reading stands, and who said it', async () => {
    const { conversations } = await heard('--reveal', HTTP);
    const reading = conversations[0]?.readings.find(({ kind }) => kind === 'secret');
    expect(reading).toEqual({
      ...{ kind: 'secret', protocol: 'HTTP', what: 'Basic credentials', text: 'alice' },
      ...{ secret: 'S3cr3t-pa55', packet: 9, offset: 178, length: 24, within: 'packet', from: 'client' },
    });
  });
});

describe('vxlab eavesdrop --html', () => {
  test('is one file that asks for no other and runs nothing, beside what is printed', async () => {
    const ran = await eavesdrop('--html', 'report.html', HTTP);
    expect(ran).toEqual(await eavesdrop(HTTP));
    const page = readFileSync(join(folder, 'report.html'), 'utf8');
    expect(page).toMatch(/^<!doctype html>\n<html lang="en">/);
    expect(page).toContain("default-src 'none'");
    expect(page).not.toMatch(/<script|<link|<img|<iframe|src=|href=|url\(|@import|\son\w+=/i);
    expect(page).toContain('@media print');
    expect(page).toContain('prefers-color-scheme: dark');
    for (const words of [
      'VNI 80',
      'Basic credentials',
      '10.80.0.1:56992',
      '0a:00:00:00:00:01',
      'Secrets are masked',
    ])
      expect(page).toContain(words);
    expect(page).not.toContain('S3cr3t-pa55');
    expect((await eavesdrop('--html', '-', '--reveal', HTTP)).out).toContain('S3cr3t-pa55');
  });

  test('escapes what a capture brings', async () => {
    const name = conversation('html.pcap', [
      [
        '>',
        `GET /"><script>alert('1')</script>&amp; HTTP/1.1\r\nHost: <b>x</b>\r\nCookie: <i>=</td></table>"'&\r\n\r\n`,
      ],
      [
        '<',
        'HTTP/1.1 200 OK\r\nContent-Length: 35\r\nContent-Type: text/html\r\n\r\n<style>*{display:none}</style></pre>',
      ],
    ]);
    const file = '<u>&.pcap';
    writeFileSync(join(folder, file), readFileSync(join(folder, name)));
    const { out } = await eavesdrop('--html', '-', '--reveal', file);
    for (const bad of ['<script', '<b>x', '<i>', '<u>', '</td></table>&', '<style>*'])
      expect([bad, out.includes(bad)]).toEqual([bad, false]);
    expect(out).toContain('&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&amp;amp;');
    expect(existsSync(join(folder, file))).toBe(true);
  });
});
