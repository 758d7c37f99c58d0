import { spawn } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Capture, Packet } from '../../src/core/pcap/reader.ts';
import { readAll } from '../../src/core/pcap/reader.ts';
import { captureBytes, capturePath } from '../support/captures.ts';
import { cli, documentOf } from './harness.ts';

let folder: string;
const at = (name: string): string => join(folder, name);
const read = (name: string): Capture => readAll(new Uint8Array(readFileSync(at(name))));
const frames = (packets: readonly Packet[]): string[] =>
  packets.map(
    ({ time, bytes, originalLength }) => `${time} ${originalLength} ${Buffer.from(bytes).toString('hex')}`,
  );

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vxlab-edit-'));
  copyFileSync(capturePath('kernel/unicast4.pcap'), at('capture.pcap'));
  copyFileSync(capturePath('kernel/unicast4-inner.pcap'), at('inner.pcap'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface EditDocument {
  readonly verb: string;
  readonly in: readonly { readonly name: string; readonly packets: number; readonly cutShort: unknown }[];
  readonly out: readonly {
    readonly name: string;
    readonly format: string;
    readonly packets: number;
    readonly bytes: number;
  }[];
  readonly packets: Readonly<Record<string, number>>;
}

const TUNNEL = ['--vni', '4097', '--src', '192.0.2.1', '--dst', '192.0.2.2'];

describe('decap, encap and rewrite', () => {
  test('say in one line what became of the packets, and nothing on standard output', async () => {
    expect(await cli(['decap', 'capture.pcap', '-o', 'a.pcapng'], { cwd: folder })).toEqual({
      code: 0,
      out: '',
      err: '41 packets read, 33 written, 8 without a tunnel passed over\n',
    });
    expect(await cli(['encap', 'inner.pcap', '-o', 'b.pcap', ...TUNNEL], { cwd: folder })).toEqual({
      code: 0,
      out: '',
      err: '33 packets read, 33 written\n',
    });
    expect(await cli(['rewrite', 'capture.pcap', '-o', 'c.pcap', '--vni', '42=7'], { cwd: folder })).toEqual({
      code: 0,
      out: '',
      err: '41 packets read, 41 written, 33 of these changed, 8 as they were\n',
    });
  });

  test('print the documented JSON', async () => {
    const ran = await cli(['decap', 'capture.pcap', '-o', 'doc.pcap', '--json'], { cwd: folder });
    const document = documentOf<EditDocument>('edit', ran);
    expect(ran.err).toBe('');
    expect(document).toMatchObject({
      verb: 'decap',
      in: [{ name: 'capture.pcap', packets: 41, cutShort: null }],
      out: [{ name: 'doc.pcap', format: 'pcap', packets: 33, bytes: statSync(at('doc.pcap')).size }],
      packets: { read: 41, written: 33, withoutTunnel: 8, otherLinkType: 0 },
    });
    for (const argv of [
      ['encap', 'inner.pcap', '-o', 'doc.pcapng', '--json', ...TUNNEL],
      ['rewrite', 'capture.pcap', '-o', 'doc.pcapng', '--json', '--vtep', '198.51.100.1=203.0.113.1'],
    ]) {
      const { verb, packets } = documentOf<EditDocument>('edit', await cli(argv, { cwd: folder }));
      expect(verb).toBe(argv[0]);
      expect(packets['written']).toBe(packets['read']);
    }
  });

  test('undo one another, over files of either format', async () => {
    for (const ending of ['pcap', 'pcapng']) {
      await cli(['encap', 'inner.pcap', '-o', `t.${ending}`, ...TUNNEL, '--udp-checksum', 'computed'], {
        cwd: folder,
      });
      await cli(['rewrite', `t.${ending}`, '-o', `u.${ending}`, '--vni', '4097=9', '--port', '4789=7000'], {
        cwd: folder,
      });
      const ran = await cli(['decap', `u.${ending}`, '-o', `v.${ending}`, '--port', '7000', '--vni', '9'], {
        cwd: folder,
      });
      expect(ran.code).toBe(0);
      const found = read(`v.${ending}`);
      expect(found.format).toBe(ending);
      expect(frames(found.packets)).toEqual(frames(read('inner.pcap').packets));
    }
  });

  test('choose the format by the ending, unless told', async () => {
    const formats: [string, string[], string][] = [
      ['x.pcap', [], 'pcap'],
      ['x.CAP', [], 'pcap'],
      ['x.pcapng', [], 'pcapng'],
      ['x', [], 'pcapng'],
      ['y.pcap', ['--format', 'pcapng'], 'pcapng'],
      ['y.pcapng', ['--format', 'pcap'], 'pcap'],
    ];
    for (const [name, more, format] of formats) {
      await cli(['decap', 'capture.pcap', '-o', name, ...more], { cwd: folder });
      expect(read(name).format, name).toBe(format);
    }
    expect(frames(read('y.pcapng').packets)).toEqual(frames(read('y.pcap').packets));
  });

  test('take a display filter', async () => {
    const ran = await cli(['decap', 'capture.pcap', '-o', 'f.pcap', '-Y', 'arp && vxlan', '--json'], {
      cwd: folder,
    });
    const { packets } = documentOf<EditDocument>('edit', ran);
    expect(packets).toMatchObject({ read: 41, written: 5, filteredOut: 36, withoutTunnel: 0 });
  });

  test('leave out of a pcap file what has another link type, and say so', async () => {
    const file = capturePath('formats/any-sll2.pcap');
    const ran = await cli(['decap', file, '-o', at('sll.pcap'), '--keep-others']);
    expect(ran.err).toMatch(/\d+ left out: their link type does not go into the pcap file\n$/);
    expect(new Set(read('sll.pcap').packets.map(({ linkType }) => linkType))).toEqual(new Set([1]));
    const kept = await cli(['decap', file, '-o', at('sll.pcapng'), '--keep-others', '--json']);
    expect(documentOf<EditDocument>('edit', kept).packets['otherLinkType']).toBe(0);
  });

  test('write a file that other programs open, also without a packet in it', async () => {
    for (const name of ['none.pcap', 'none.pcapng']) {
      const ran = await cli(['decap', 'inner.pcap', '-o', name], { cwd: folder });
      expect(ran.err).toBe('33 packets read, 0 written, 33 without a tunnel passed over\n');
      const { cutShort, interfaces } = read(name);
      expect({ cutShort, count: interfaces.length }).toEqual({ cutShort: null, count: 1 });
    }
  });

  test('read a file that was cut as far as it goes', async () => {
    const ran = await cli(['decap', capturePath('formats/truncated-tail.pcap'), '-o', at('cut.pcap')]);
    expect(ran.code).toBe(0);
    expect(ran.err).toMatch(/truncated-tail\.pcap was read up to byte \d+ \(19 packets\): /);
    expect(read('cut.pcap').packets).toHaveLength(17);
  });

  test('read gzip', async () => {
    const ran = await cli(['decap', capturePath('formats/usec-le.pcap.gz'), '-o', at('gz.pcap')]);
    expect(ran.err).toBe('20 packets read, 18 written, 2 without a tunnel passed over\n');
  });
});

describe('what cannot be done', () => {
  test.each([
    [['decap', 'capture.pcap', '-o', 'capture.pcap'], /capture\.pcap is the capture that is read/],
    [['decap', 'capture.pcap', '-o', './sub/../capture.pcap'], /is the capture that is read/],
    [['decap', 'capture.pcap', '-o', 'linked.pcap'], /is the capture that is read/],
    [['decap', 'capture.pcap', '-o', '-', '--json'], /--json needs -o FILE/],
    [['decap', 'capture.pcap', '-o', 'a.pcap.gz'], /written uncompressed/],
    [['decap', 'capture.pcap'], /required option '-o, --output <OUT>'/],
    [['decap', 'capture.pcap', '-o', 'z', '--vni', '16777216'], /whole number from 0 to 16777215/],
    [['decap', 'capture.pcap', '-o', 'z', '-Y', 'vxlan.vnj == 1'], /vxlan\.vni/],
    [['encap', 'capture.pcap', '-o', 'z', '--vni', '1', '--src', '10.0.0.1', '--dst', '::1'], /one family/],
    [
      ['encap', 'capture.pcap', '-o', 'z', '--vni', '1', '--src', '10.0.0.1', '--dst', '10.0.0'],
      /not an IP address/,
    ],
    [['encap', 'capture.pcap', '-o', 'z', ...TUNNEL, '--src-port', '9-8'], /the smaller one first/],
    [['encap', 'capture.pcap', '-o', 'z', ...TUNNEL, '--gpe', '--gbp', '1'], /one or the other/],
    [['encap', 'capture.pcap', '-o', 'z', ...TUNNEL, '--pcp', '1'], /it needs --vlan/],
    [['encap', 'capture.pcap', '-o', 'z', ...TUNNEL, '--dscp', '64'], /0 to 63, or inherit/],
    [
      ['encap', 'capture.pcap', '-o', 'z', '--vni', '1', '--src', '::1', '--dst', '::2', '--df'],
      /are of IPv4/,
    ],
    [['rewrite', 'capture.pcap', '-o', 'z'], /nothing is to be rewritten/],
    [['rewrite', 'capture.pcap', '-o', 'z', '--vni', '5'], /written OLD=NEW/],
    [['rewrite', 'capture.pcap', '-o', 'z', '--vni', '5=6,5=7'], /5 cannot become two things/],
    [['rewrite', 'capture.pcap', '-o', 'z', '--vtep', '10.0.0.1=::1'], /an IPv6 address/],
    [['rewrite', 'capture.pcap', '-o', 'z', '--inner-mac', '1=2'], /not a MAC address/],
  ])('%j is answered with 2 and a reason', async (argv, reason) => {
    if (!existsSync(at('linked.pcap'))) linkSync(at('capture.pcap'), at('linked.pcap'));
    const before = readFileSync(at('capture.pcap'));
    const ran = await cli(argv, { cwd: folder });
    expect(ran.code).toBe(2);
    expect(ran.out).toBe('');
    expect(ran.err).toMatch(reason);
    expect(ran.err).not.toMatch(/^ {4}at /m);
    expect(readFileSync(at('capture.pcap'))).toEqual(before);
    expect(existsSync(at('z'))).toBe(false);
  });

  test('what is no capture ends with 3 and leaves an old file alone', async () => {
    writeFileSync(at('text'), 'this is no capture, only words in a row\n');
    writeFileSync(at('nothing'), '');
    writeFileSync(at('old.pcap'), 'kept');
    for (const input of ['text', 'nothing', 'missing']) {
      const ran = await cli(['decap', input, '-o', 'old.pcap'], { cwd: folder });
      expect([ran.code, ran.out]).toEqual([3, '']);
      expect(ran.err).toMatch(new RegExp(`^vxlab: cannot read \\S*${input}: `));
    }
    expect(readFileSync(at('old.pcap'), 'utf8')).toBe('kept');
  });

  test('a place that cannot be written to ends with 3', async () => {
    const ran = await cli(['decap', 'capture.pcap', '-o', 'no/such/folder.pcap'], { cwd: folder });
    expect(ran.code).toBe(3);
    expect(ran.err).toMatch(/^vxlab: cannot write .+: there is no such file or directory\n/);
  });
});

describe('Ctrl-C', () => {
  test('ends with 130 and a whole file of what came so far', async () => {
    const stop = new AbortController();
    const running = cli(['decap', 'capture.pcap', '--follow', '-o', 'stopped.pcapng', '--json'], {
      cwd: folder,
      signal: stop.signal,
    });
    await setTimeout(500);
    stop.abort();
    const ran = await running;
    expect(ran.code).toBe(130);
    expect(documentOf<{ interrupted: boolean }>('edit', ran).interrupted).toBe(true);
    const { cutShort, packets } = read('stopped.pcapng');
    expect({ cutShort, packets: packets.length }).toEqual({ cutShort: null, packets: 33 });
  });
});

describe('pipes', () => {
  const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

  /** Runs the real program; answers with the bytes on its standard output. */
  function piped(
    argv: readonly string[],
    input: Uint8Array,
  ): Promise<{ code: number | null; out: Buffer; err: string }> {
    return new Promise((done) => {
      const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...argv]);
      const out: Buffer[] = [];
      let err = '';
      child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
      child.stderr.on('data', (chunk: Buffer) => {
        err += chunk.toString();
      });
      child.on('close', (code) => done({ code, out: Buffer.concat(out), err }));
      child.stdin.end(input);
    });
  }

  test('carry captures from standard input to standard output', async () => {
    const inner = captureBytes('kernel/unicast4-inner.pcap');
    const there = await piped(['encap', '-', '-o', '-', ...TUNNEL], inner);
    expect([there.code, there.err]).toEqual([0, '33 packets read, 33 written\n']);
    const back = await piped(['decap', '-', '-o', '-', '--format', 'pcap'], there.out);
    expect(back.code).toBe(0);
    const { format, packets } = readAll(new Uint8Array(back.out));
    expect(format).toBe('pcap');
    expect(frames(packets)).toEqual(frames(readAll(inner).packets));
  });

  test('carry more than fits into them', async () => {
    const one = captureBytes('docker-swarm/traffic-underlay.pcap');
    const records = one.subarray(24);
    const many = Buffer.concat([one.subarray(0, 24), ...Array.from({ length: 40 }, () => records)]);
    const ran = await piped(['rewrite', '-', '-o', '-', '--vni', '4098=1'], many);
    expect([ran.code, ran.err]).toEqual([
      0,
      `24840 packets read, 24840 written, 4400 of these changed, 20440 as they were\n`,
    ]);
    expect(readAll(new Uint8Array(ran.out)).packets).toHaveLength(24_840);
  });
});

describe('help', () => {
  test.each(['decap', 'encap', 'rewrite'])(
    'of %s opens with examples that work as printed',
    async (command) => {
      const { out, code } = await cli([command, '--help']);
      expect(code).toBe(0);
      expect(out.startsWith('Examples:\n')).toBe(true);
      const examples = [...out.matchAll(/^ {2}\$ vxlab (.+)$/gm)].map(([, line = '']) => line);
      expect(examples).toHaveLength(2);
      for (const line of examples) {
        const ran = await cli(line.split(' '), { cwd: folder });
        expect([line, ran.code]).toEqual([line, 0]);
        expect(ran.err).toMatch(/^\d+ packets read, \d+ written/);
      }
      const manual = readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8');
      for (const line of examples) expect(manual).toContain(`$ vxlab ${line}\n`);
    },
  );

  test('names every option in the manual', async () => {
    const manual = readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8');
    for (const command of ['decap', 'encap', 'rewrite']) {
      const { out } = await cli([command, '--help']);
      for (const [, option] of out.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)) {
        if (option === '--help' || option === '--output' || option === '--filter') continue;
        expect(manual, `${command} ${option}`).toContain(option);
      }
    }
  });
});

test('nothing is left in the folder but what was asked for', () => {
  expect(readdirSync(folder).filter((name) => name.startsWith('z'))).toEqual([]);
});
