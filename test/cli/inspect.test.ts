import { execFileSync, spawn } from 'node:child_process';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { captureBytes, captureNames, capturePath, truth, truthNames } from '../support/captures.ts';
import { cli, documentOf, validates } from './harness.ts';

const DOCKER = capturePath('docker-swarm/traffic-worker1-eth0.pcap');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vxlab-inspect-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Row {
  readonly number: number;
  readonly time: string;
  readonly outer: {
    readonly src: string;
    readonly dst: string;
    readonly srcPort: number | null;
    readonly dstPort: number | null;
  } | null;
  readonly vni: number | null;
  readonly inner: {
    readonly src: string | null;
    readonly dst: string | null;
    readonly srcPort: number | null;
  } | null;
}

async function rowsOf(...argv: string[]): Promise<Row[]> {
  const ran = await cli(['inspect', '--packets', '--json', ...argv]);
  expect(ran.code).toBe(0);
  return ran.out
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Row);
}

describe('the overview', () => {
  test('is one document that its schema agrees to', async () => {
    const document = documentOf<{ vnis: { vni: number }[] }>(
      'inspect',
      await cli(['inspect', DOCKER, '--json']),
    );
    expect(document.vnis.map(({ vni }) => vni)).toEqual([4097, 4098, 4099]);
  });

  test('of every capture here is a document that its schema agrees to, or one sentence', async () => {
    const names = ['docker-swarm', 'kernel', 'ovs', 'formats', 'public'].flatMap(captureNames);
    for (const name of names.filter((one) => !/\.(txt|md|tsv|dat)$/.test(one))) {
      const ran = await cli(['inspect', capturePath(name), '--json']);
      if (ran.code === 0) documentOf('inspect', ran);
      else {
        expect([ran.code, ran.out]).toEqual([3, '']);
        expect(ran.err).toMatch(/^vxlab: cannot read .+\n$/);
      }
    }
  });

  test('names networks, tunnels, endpoints and flows in words', async () => {
    const { out, err, code } = await cli(['inspect', DOCKER]);
    expect([code, err]).toEqual([0, '']);
    for (const words of [
      'VXLAN: 134 packets',
      '4097',
      '192.0.2.12  192.0.2.13',
      '02:42:0a:00:03:03',
      '10.0.3.3:45074',
    ]) {
      expect(out).toContain(words);
    }
  });

  test('counts only what a filter takes', async () => {
    const ran = await cli(['inspect', DOCKER, '-Y', 'vxlan.vni == 4099', '--json']);
    const document = documentOf<{ vnis: { vni: number; packets: number }[]; file: { packets: number } }>(
      'inspect',
      ran,
    );
    expect(document.vnis.map(({ vni, packets }) => [vni, packets])).toEqual([[4099, 4]]);
    expect(document.file.packets).toBe(4);
  });

  test('takes the ports that are given, and finds VXLAN on others by its looks unless told not to', async () => {
    const other = capturePath('ovs/port8472.pcap');
    const found = async (...argv: string[]): Promise<number> => {
      const ran = await cli(['inspect', other, '--json', ...argv]);
      return documentOf<{ vxlan: { packets: number } }>('inspect', ran).vxlan.packets;
    };
    expect(await found()).toBe(4);
    expect(await found('--port', '4789')).toBe(4);
    expect(await found('--port', '4789', '--no-heuristics')).toBe(0);
    expect(await found('--port', '8472', '--no-heuristics')).toBe(4);
  });

  test('says on standard error where a damaged file ends, and shows what was before', async () => {
    const { out, err, code } = await cli(['inspect', capturePath('formats/truncated-tail.pcap')]);
    expect(code).toBe(0);
    expect(out).toContain('19 packets');
    expect(err).toMatch(
      /was read up to byte 2811 \(19 packets\): the file ends \d+ bytes into a packet record/,
    );
  });

  test('says that flows had no room', async () => {
    const { err } = await cli(['inspect', DOCKER, '--max-flows', '3']);
    expect(err).toMatch(/more flows than --max-flows: \d+ packets stand in no flow/);
  });

  test('refuses what is no capture with a sentence and 3', async () => {
    const ran = await cli(['inspect', capturePath('formats/usec-le.pcap.xz')]);
    expect(ran.code).toBe(3);
    expect(ran.err).toMatch(/^vxlab: cannot read .*usec-le\.pcap\.xz: this is xz data.*xz -d\n$/);
    expect((await cli(['inspect', 'nosuch.pcap'], { cwd: folder })).err).toBe(
      'vxlab: cannot read nosuch.pcap: there is no such file or directory\n',
    );
  });

  test('refuses wrong options with 2', async () => {
    for (const argv of [
      ['--port', '0'],
      ['--port', 'x'],
      ['--depth', '99'],
      ['--rows', '0'],
      ['-Y', 'vxlan.vnj == 1'],
      ['-'],
    ]) {
      const ran = await cli(['inspect', DOCKER, ...argv, ...(argv[0] === '-' ? ['-'] : [])]);
      expect([argv, ran.code]).toEqual([argv, 2]);
      expect(ran.err).toMatch(/^vxlab: /);
    }
  });
});

/** Columns of tshark's that our rows must equal: outer and inner addresses and ports of every packet. */
describe('rows of --packets --json say what tshark says', () => {
  test.each(truthNames().filter((name) => /\.pcap(ng)?$/.test(name) && !name.endsWith('/empty.pcap')))(
    '%s',
    async (name) => {
      const rows = await rowsOf(capturePath(name));
      const expected = truth(name);
      expect(rows.length).toBe(expected.length);
      for (const [i, row] of rows.entries()) {
        const told = expected[i] as Record<string, string>;
        const vni = /icmp.*vxlan/.test(told['frame.protocols'] ?? '') ? '' : (told['vxlan.vni'] ?? '');
        expect([row.number, row.vni === null ? '' : String(row.vni)]).toEqual([
          Number(told['frame.number']),
          vni,
        ]);
        expect(row.time).toBe(told['frame.time_epoch']);
        if (row.vni === null || row.outer === null) continue;
        const sources = [told['ip.src'], told['ipv6.src'], told['arp.src.proto_ipv4']].join(';').split(';');
        const ports = [told['udp.srcport'], told['tcp.srcport']].join(';').split(';');
        expect(sources).toContain(row.outer.src);
        expect(ports).toContain(String(row.outer.srcPort));
        if (row.inner?.src) expect(sources).toContain(row.inner.src);
        if (row.inner?.srcPort) expect(ports).toContain(String(row.inner.srcPort));
      }
    },
  );
});

describe('packets', () => {
  test('as objects follow their schema', async () => {
    for (const name of [
      'kernel/inner-vlan.pcap',
      'kernel/gpe.pcap',
      'kernel/outer-frag.pcap',
      'formats/any-sll2.pcap',
    ]) {
      for (const row of await rowsOf(capturePath(name))) validates('packet', row);
    }
  });

  test('as lines have number, time, tunnel, VNI and the inner columns', async () => {
    const { out } = await cli(['inspect', '--packets', capturePath('kernel/unicast4.pcap')]);
    expect(out.split('\n')[9]).toBe(
      '   10   0.969582 198.51.100.1 → 198.51.100.2 42     10.1.1.1 → 10.1.1.2     ICMP 148 Echo (ping) request  id=0x1608, seq=1/256, ttl=64',
    );
  });

  test('are filtered by inner fields', async () => {
    const rows = await rowsOf(DOCKER, '-Y', 'inner.ip.src == 10.0.3.3 && tcp.flags.syn == 1');
    expect(rows.map(({ vni }) => vni)).toEqual([4097]);
  });

  test('as trees show layers, fields and checksums, as hex the bytes', async () => {
    const { out } = await cli(['inspect', '-V', '-x', '-Y', 'frame.number == 36', DOCKER]);
    for (const words of ['Packet 36', 'vxlan.vni', 'http.request.method', 'ip.checksum', '|eth', '0000  ']) {
      expect(out).toContain(words);
    }
  });
});

describe('where captures come from', () => {
  test('a gzipped file, several files', async () => {
    const path = join(folder, 'x.pcap.gz');
    writeFileSync(path, gzipSync(captureBytes('formats/usec-le.pcap')));
    const both = await cli(['inspect', path, capturePath('formats/big-endian.pcapng')]);
    expect(both.out.match(/20 packets/g)?.length).toBe(2);
  });

  test('standard input and a FIFO, as processes use them', () => {
    const main = join(import.meta.dirname, '../../src/cli/main.ts');
    const tsx = join(import.meta.dirname, '../../node_modules/.bin/tsx');
    const out = execFileSync(tsx, [main, 'inspect', '-'], { input: readFileSync(DOCKER) });
    expect(String(out)).toContain('standard input: pcap');
    const fifo = join(folder, 'fifo');
    execFileSync('mkfifo', [fifo]);
    const writer = spawn('sh', ['-c', `cat ${DOCKER} > ${fifo}`]);
    const piped = execFileSync(tsx, [main, 'inspect', fifo]);
    expect(String(piped)).toContain('134 packets');
    writer.kill();
  });

  test('a file that grows is followed until it is enough', async () => {
    const path = join(folder, 'grows.pcap');
    const bytes = captureBytes('formats/usec-le.pcap');
    writeFileSync(path, bytes.subarray(0, 1000));
    const stop = new AbortController();
    const running = cli(['inspect', '--packets', '--follow', path], { signal: stop.signal });
    await new Promise((resolve) => setTimeout(resolve, 150));
    appendFileSync(path, bytes.subarray(1000));
    await new Promise((resolve) => setTimeout(resolve, 400));
    stop.abort();
    const ran = await running;
    expect(ran.code).toBe(130);
    expect(ran.out.trimEnd().split('\n').length).toBe(20);
  });
});
