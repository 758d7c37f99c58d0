// `--keys`: every command that reads a capture says of a real Docker capture in ESP what it says of the same in the clear.

import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { capturePath } from '../support/captures.ts';
import { scratch } from '../support/judges.ts';
import type { SealedCapture } from '../support/sealed-capture.ts';
import { sealCapture } from '../support/sealed-capture.ts';
import type { Ran } from './harness.ts';
import { cli, documentOf, validates } from './harness.ts';

const files = scratch('keys');
afterAll(() => files.done());

let capture: SealedCapture;
const PLAIN = files.path('plain.pcap');
const CLOSED = files.path('closed.pcap');
const KEYS = files.path('esp_sa');

beforeAll(() => {
  capture = sealCapture(readFileSync(capturePath('docker-swarm/traffic-underlay.pcap')));
  writeFileSync(PLAIN, capture.plain);
  writeFileSync(CLOSED, capture.closed);
  writeFileSync(KEYS, capture.keys);
});

function written(name: string, text: string): string {
  const path = files.path(name);
  writeFileSync(path, text);
  return path;
}

/** What a command prints of the closed capture with keys, and of the plain one. */
async function both(...argv: readonly string[]): Promise<readonly [closed: Ran, plain: Ran]> {
  return [await cli([...argv, '--keys', KEYS, CLOSED]), await cli([...argv, PLAIN])];
}

test('the capture has something to say', () => {
  expect(capture.frames.length).toBeGreaterThan(150);
});

describe('as in the clear', () => {
  interface Overview {
    readonly vxlan: { readonly packets: number; readonly ports: readonly number[] };
    readonly vnis: readonly { readonly vni: number; readonly packets: number; readonly endpoints: unknown }[];
    readonly tunnels: readonly {
      readonly vni: number;
      readonly src: string;
      readonly dst: string;
      readonly packets: number;
    }[];
    readonly flows: unknown;
  }
  const facts = ({ vxlan, vnis, tunnels, flows }: Overview): unknown => ({
    vxlan: [vxlan.packets, vxlan.ports],
    vnis: vnis.map(({ vni, packets, endpoints }) => ({ vni, packets, endpoints })),
    tunnels: tunnels.map(({ vni, src, dst, packets }) => ({ vni, src, dst, packets })),
    flows,
  });

  test.each([[[]], [['--findings']], [['-Y', 'inner.tcp']], [['--no-findings']]])(
    'inspect --json %j',
    async (more) => {
      const [closed, plain] = await both('inspect', '--json', ...more);
      expect([closed.code, closed.err]).toEqual([0, '']);
      expect(facts(documentOf('inspect', closed))).toEqual(facts(documentOf('inspect', plain)));
    },
  );

  test('inspect --packets, line by line but for the length', async () => {
    const [closed, plain] = await both('inspect', '--packets');
    const grown = /(?<= (?:TCP|UDP|ICMP|ARP|IGMP|ICMPv6|DNS|HTTP|IPv4|0x\w+) )\d+(?= )/;
    const lines = ({ out }: Ran): string[] => out.split('\n').map((line) => line.replace(grown, 'N'));
    expect(lines(closed)).toEqual(lines(plain));
    expect(lines(plain).filter((line) => / N /.test(line)).length).toBe(capture.frames.length);
  });

  test('inspect --packets --json follows its schema, and says which were opened', async () => {
    const [{ out }] = await both('inspect', '--packets', '--json');
    for (const line of out.trim().split('\n')) {
      const row = JSON.parse(line) as { opened?: true; vni: number };
      validates('packet', row);
      expect([row.opened, row.vni > 0]).toEqual([true, true]);
    }
  });

  test('inspect -V and -x show the closed packet, and what was opened behind it, with ESP once', async () => {
    const { out } = await cli(['inspect', '-V', '-x', '-Y', 'frame.number == 1', '--keys', KEYS, CLOSED]);
    expect(out.match(/^Encapsulating Security Payload$/gm)).toHaveLength(1);
    expect(out).toMatch(/\nOpened with its key\nEncapsulating Security Payload\n {4}ESP SPI: 0x/);
    expect(out).toMatch(/ESP ICV: .*\[esp\.icv \d+-\d+\]/);
    expect(out).toContain('Virtual eXtensible Local Area Network, VNI: ');
    expect(out).toMatch(/\nopened with its key\n {6}\|esp/);
  });

  test('inspect --topology', async () => {
    const [closed, plain] = await both('inspect', '--topology');
    const without = ({ out }: Ran): string => out.replace(/ packets, \d+ bytes$/gm, '');
    expect([closed.err, without(closed)]).toEqual(['', without(plain)]);
    expect(plain.out).toContain('4097');
  });

  test('diagnose', async () => {
    const [closed, plain] = await both('diagnose', '--json', '--fail-on', 'never');
    const codes = (ran: Ran): unknown =>
      documentOf<{ findings: { code: string; count: number }[] }>('diagnose', ran).findings.map(
        ({ code, count }) => [code, count],
      );
    expect(codes(closed)).toEqual(codes(plain));
  });

  test('decap writes the frames that went in, filter the packets whose inside was asked for, as they were', async () => {
    const out = (name: string): string => files.path(name);
    await cli(['decap', CLOSED, '--keys', KEYS, '-o', out('inner-closed.pcap')]);
    await cli(['decap', PLAIN, '-o', out('inner-plain.pcap')]);
    expect(readFileSync(out('inner-closed.pcap'))).toEqual(readFileSync(out('inner-plain.pcap')));
    expect(readFileSync(out('inner-plain.pcap')).length).toBeGreaterThan(10_000);
    await cli(['filter', CLOSED, '--keys', KEYS, '-Y', 'vxlan', '-o', out('all.pcap')]);
    expect(readFileSync(out('all.pcap'))).toEqual(readFileSync(CLOSED));
  });

  test('split by VNI', async () => {
    const closed = await cli(['split', CLOSED, '--keys', KEYS, '-o', files.path('closed-%s.pcap')]);
    const plain = await cli(['split', PLAIN, '-o', files.path('plain-%s.pcap')]);
    expect(closed.out.replaceAll('closed-', '')).toBe(plain.out.replaceAll('plain-', ''));
    expect(plain.out).toMatch(/vni-4097/);
  });

  test('correlate finds a frame in the clear again in ESP', async () => {
    const { out } = await cli(['correlate', '--json', '--keys', KEYS, PLAIN, CLOSED]);
    const { frames, hops } = JSON.parse(out) as { frames: number; hops: readonly object[] };
    const n = capture.frames.length;
    expect([frames, hops]).toEqual([n, [expect.objectContaining({ frames: n, lost: 0 })]]);
    const blind = await cli(['correlate', '--json', PLAIN, CLOSED]);
    expect(JSON.parse(blind.out)).toMatchObject({ hops: [] });
  });
});

describe('what stays closed is told', () => {
  test('without --keys nothing is said, and ESP is what it is', async () => {
    const { out, err, code } = await cli(['inspect', '--packets', CLOSED]);
    expect([err, code]).toEqual(['', 0]);
    expect(out.split('\n').filter((line) => /ESP \d+ ESP \(SPI=0x[0-9a-f]{8}\)$/.test(line)).length).toBe(
      capture.frames.length,
    );
  });

  test('for want of a key, and because of a wrong one', async () => {
    const lines = capture.keys.split('\n').filter((line) => line.startsWith('"'));
    const one = written('one', lines[0] as string);
    const { err } = await cli(['inspect', '--keys', one, CLOSED]);
    expect(err).toMatch(
      new RegExp(
        `^vxlab: \\d+ of ${capture.frames.length} ESP packets stayed closed: \\d+ for want of a key\n$`,
      ),
    );
    const other = written('other', capture.keys.replace(/"0x..(?=.{38}")/g, '"0x00'));
    const said = await cli(['inspect', '--keys', other, CLOSED]);
    expect(said.err).toContain('because the key is another or the packet was changed\n');
    expect(said.code).toBe(0);
  });

  test('a capture without ESP', async () => {
    const { err } = await cli(['diagnose', '--fail-on', 'never', '--keys', KEYS, PLAIN]);
    expect(err).toBe('vxlab: --keys: there is no ESP in it\n');
  });

  test('keys of ciphers that are not opened, and no key at all', async () => {
    const path = written(
      'cbc',
      capture.keys.replaceAll(/AES-GCM with 8 octet ICV \[RFC4106\]/g, 'AES-CBC [RFC3602]'),
    );
    const { err } = await cli(['inspect', '--packets', '--keys', path, CLOSED]);
    const count = capture.associations.length - 1;
    expect(err.split('\n').slice(0, 2)).toEqual([
      `vxlab: ${path} line 3, and ${count} more like it: AES-CBC [RFC3602] is not opened, only AES-GCM is`,
      `vxlab: ${path} has no key`,
    ]);
  });

  test.each([
    [
      'a line that cannot be read',
      () => written('bad', `${capture.keys}"IPv4"\n`),
      /^vxlab: .*bad line \d+: it has 1 field/,
    ],
    ['no such file', () => files.path('nowhere'), /^vxlab: cannot read .*nowhere: there is no such file\n$/],
    ['a folder', () => files.path(''), /^vxlab: cannot read .*: it is a folder\n$/],
  ])('%s ends with 3', async (_, path, words) => {
    const { code, out, err } = await cli(['inspect', '--keys', path(), CLOSED]);
    expect([code, out]).toEqual([3, '']);
    expect(err).toMatch(words);
  });
});
