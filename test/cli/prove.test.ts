import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ProveDocument, RunRow } from '../../src/cli/prove/document.ts';
import { judge } from '../../src/cli/prove/document.ts';
import type { Fact, Leak } from '../../src/cli/prove/leaks.ts';
import { AnyReader } from '../../src/core/pcap/index.ts';
import { cli, documentOf, LECTURE } from './harness.ts';

let folder: string;
let proof: ProveDocument;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'vxlab-prove-'));
  const ran = await cli(['prove', '--seed', '7', '--capture', 'proof', '--keys', 'keys/esp_sa', '--json'], {
    cwd: folder,
  });
  expect([ran.code, ran.err]).toEqual([0, '']);
  proof = documentOf<ProveDocument>('prove', ran);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const runOf = (tunnel: RunRow['tunnel'], from = proof): RunRow =>
  from.runs.find((run) => run.tunnel === tunnel) as RunRow;
const leakOf = (tunnel: RunRow['tunnel'], fact: Fact): Leak =>
  runOf(tunnel).leaks.find((leak) => leak.fact === fact) as Leak;

/** The packets of a capture that was kept, by number. */
function packetsOf(file: string): Uint8Array[] {
  const packets: Uint8Array[] = [];
  const reader = new AnyReader((view, start, end) => {
    packets.push(new Uint8Array(view.buffer.slice(view.byteOffset + start, view.byteOffset + end)));
  });
  reader.push(new Uint8Array(readFileSync(join(folder, file))));
  reader.end();
  expect(reader.cutShort).toBe(null);
  return packets;
}

describe('vxlab prove', () => {
  test('recovers the canary from plain VXLAN and from nothing else, and says so in one sentence', () => {
    expect(proof.runs.map(({ tunnel, recovered }) => [tunnel, recovered])).toEqual([
      ['vxlan', true],
      ['vxlan+esp', false],
      ['vxlan+tls', false],
    ]);
    expect(proof.proved).toBe(true);
    expect(proof.verdict).toMatch(/^VXLAN does not encrypt: .+ in 6 places; .+$/);
  });

  test('header, body, credentials, form, packed body and query: each is found where the capture has it', () => {
    const { places, capture } = runOf('vxlan');
    expect(places.map(({ encoding }) => encoding).sort()).toEqual([
      'base64',
      'gzip',
      'percent',
      'plain',
      'plain',
      'plain',
    ]);
    const packets = packetsOf(capture as string);
    expect(packets).toHaveLength(runOf('vxlan').packets);
    for (const { packet, offset, bytes, encoding } of places) {
      const there = Buffer.from(packets[packet - 1] as Uint8Array).subarray(
        offset,
        offset + bytes.length / 2,
      );
      expect(there.toString('hex')).toBe(bytes);
      if (encoding === 'plain') expect(there.toString()).toBe(proof.canary);
      if (encoding === 'percent') expect(decodeURIComponent(there.toString())).toBe(proof.canary);
    }
  });

  test("a byte-wise look at the captures agrees: only plain VXLAN's has the canary", () => {
    const has = (tunnel: string): boolean =>
      readFileSync(join(folder, 'proof', `${tunnel}.pcapng`)).includes(proof.canary);
    expect(readdirSync(join(folder, 'proof')).sort()).toEqual([
      'vxlan+esp.pcapng',
      'vxlan+tls.pcapng',
      'vxlan.pcapng',
    ]);
    expect([has('vxlan'), has('vxlan+esp'), has('vxlan+tls')]).toEqual([true, false, false]);
  });

  test('the same requests are answered in all three, each from one node to another', () => {
    const asked = (run: RunRow): unknown =>
      run.requests.map(({ carrier, where, crossed, answer }) => [carrier, where, crossed, answer]);
    expect(asked(runOf('vxlan'))).toEqual([
      ['HTTP', 'header and JSON body', true, '201'],
      ['HTTP', 'Basic credentials and form', true, '201'],
      ['HTTP', "gzip'd body", true, '201'],
      ['MySQL', 'query', true, 'ok'],
    ]);
    for (const run of proof.runs) expect(asked(run)).toEqual(asked(runOf('vxlan')));
    for (const { client, servers, vip } of proof.legs) {
      expect(servers.every(({ node }) => node !== client.node)).toBe(true);
      expect(vip).not.toBe(null);
    }
  });

  test('controls: found inside the tunnel, found with the keys that were written, not with others', () => {
    expect(proof.controls.map(({ control, passed }) => [control, passed])).toEqual([
      ['inner', true],
      ['keys', true],
      ['other-keys', true],
    ]);
    const [inner, keys, other] = proof.controls;
    expect(inner?.places).toBeGreaterThan(0);
    expect([keys?.places, other?.places, other?.opened]).toEqual([6, 0, 0]);
    expect(keys?.opened).toBe(keys?.sealed);
    expect(keys?.opened).toBeGreaterThan(20);
  });

  test('vxlab inspect opens the capture that was kept with the keys that were kept, and without them does not', async () => {
    const file = runOf('vxlan+esp').capture as string;
    const count = async (...more: string[]): Promise<number> => {
      const ran = await cli(['inspect', file, '--packets', '--json', '-Y', 'http.request', ...more], {
        cwd: folder,
      });
      expect(ran.code).toBe(0);
      return ran.out.split('\n').filter((line) => line !== '').length;
    };
    expect(await count()).toBe(0);
    expect(await count('--keys', 'keys/esp_sa')).toBe(3);
  });

  test('what leaks in plain VXLAN is everything', () => {
    expect(runOf('vxlan').leaks.filter(({ readable }) => !readable)).toEqual([]);
    expect(leakOf('vxlan', 'sizes').text).toMatch(/: frame \+ 50$/);
    expect(leakOf('vxlan', 'inner-addresses').values).toContain('10.0.1.6');
    expect(leakOf('vxlan', 'secrets').values).toContain('HTTP: Basic credentials');
  });

  test('ESP hides the VNI and all that is inside; who, when and how much it does not', () => {
    const readable = runOf('vxlan+esp')
      .leaks.filter((leak) => leak.readable)
      .map(({ fact }) => fact);
    expect(readable).toEqual(['vtep-addresses', 'vtep-pairs', 'timing', 'sizes']);
    expect(runOf('vxlan+esp').vanished).toEqual([
      'connections',
      'vni',
      'inner-macs',
      'inner-addresses',
      'inner-ports',
      'protocols',
      'names',
      'secrets',
      'content',
    ]);
    expect(leakOf('vxlan+esp', 'timing')).toMatchObject({ count: 4 });
    // RFC 4303 s.2.4: header, IV and ICV are 24 bytes, the trailer 2, and padding up to 3.
    expect(leakOf('vxlan+esp', 'sizes').text).toMatch(/: frame \+ 76 to 79$/);
    expect(leakOf('vxlan+esp', 'vtep-addresses').values).toEqual(leakOf('vxlan', 'vtep-addresses').values);
  });

  test('TLS inside hides what is said and no address', () => {
    expect(runOf('vxlan+tls').vanished).toContain('secrets');
    for (const fact of ['vni', 'inner-macs', 'inner-addresses', 'names', 'timing', 'connections'] as const) {
      expect([fact, leakOf('vxlan+tls', fact).readable]).toEqual([fact, true]);
    }
    expect(leakOf('vxlan+tls', 'names').values).toContain('appserver');
  });

  test('the same seed gives the same canary, places and sizes; without one the canary is another each time', async () => {
    const again = documentOf<ProveDocument>(
      'prove',
      await cli(['prove', '--seed', '7', '--json'], { cwd: folder }),
    );
    const bare = ({ capture: _, ...run }: RunRow): unknown => run;
    expect(again.canary).toBe(proof.canary);
    for (const tunnel of ['vxlan', 'vxlan+esp'] as const) {
      expect(bare(runOf(tunnel, again))).toEqual(bare(runOf(tunnel)));
    }
    expect(runOf('vxlan+tls', again)).toMatchObject({
      packets: runOf('vxlan+tls').packets,
      bytes: runOf('vxlan+tls').bytes,
    });
    const one = documentOf<ProveDocument>('prove', await cli(['prove', '--json'], { cwd: folder }));
    const two = documentOf<ProveDocument>('prove', await cli(['prove', '--json'], { cwd: folder }));
    expect(one.canary).not.toBe(two.canary);
    expect([one.proved, two.proved]).toEqual([true, true]);
  });

  test('takes a canary of one’s own, in words', async () => {
    const ran = await cli(['prove', LECTURE, '--canary', 'my own secret, 100% safe'], { cwd: folder });
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('my own secret, 100% safe');
    expect(ran.out).toContain('What leaks');
    expect(ran.out.trimEnd().split('\n').at(-1)).toMatch(/^VXLAN does not encrypt: /);
  });

  test.each([
    [['--canary', 'short']],
    [['--canary', ' blanks around ']],
    [['--canary', 'zwölf Buchstaben']],
    [['--canary', 'x'.repeat(129)]],
    [['--nodes', '0']],
    [['--cve', '2023-1']],
    [['--cve', '2023-28842', '--nodes', '2']],
    [['--cve', '2023-28841', '--keys', 'f']],
  ])('answers 2 to %j', async (argv) => {
    const ran = await cli(['prove', ...argv], { cwd: folder });
    expect([ran.code, ran.out]).toEqual([2, '']);
  });

  test('answers 3 and says why where nothing crosses the underlay', async () => {
    const one = await cli(['prove', '--nodes', '1'], { cwd: folder });
    expect([one.code, one.out]).toEqual([3, '']);
    expect(one.err).toBe(
      'vxlab: this cannot be proved here: all 5 tasks are on manager1, so nothing crosses the underlay; --nodes gives the stack more nodes\n',
    );
    const alone =
      "version: '3'\nservices:\n  a: { image: x, networks: [n] }\n  b: { image: x, networks: [m] }\nnetworks: { n: , m: }\n";
    const apart = await cli(['prove', '-'], { cwd: folder, stdin: alone });
    expect(apart.code).toBe(3);
    expect(apart.err).toContain('no two tasks that share a network are on different nodes');
  });

  test('a stack of one service that runs nothing is proved between its own tasks', async () => {
    const stdin = "version: '3'\nservices:\n  a: { image: x, deploy: { replicas: 3 } }\n";
    const ran = await cli(['prove', '-', '--json'], { cwd: folder, stdin });
    expect(ran.code).toBe(0);
    const { legs, runs } = documentOf<ProveDocument>('prove', ran);
    expect(legs.map(({ server }) => server)).toEqual(['a', 'a']);
    for (const { requests } of runs) expect(requests.some(({ crossed }) => crossed)).toBe(true);
  });
});

describe('the judgement', () => {
  const row = (tunnel: RunRow['tunnel'], recovered: boolean): RunRow => ({ ...runOf(tunnel), recovered });
  const good = (): RunRow[] => [row('vxlan', true), row('vxlan+esp', false), row('vxlan+tls', false)];

  test('is no when the plain run does not show the canary, or an encrypted one does', () => {
    expect(judge(good(), proof.controls).proved).toBe(true);
    for (const [i, run] of good().entries()) {
      const rows = good();
      rows[i] = { ...run, recovered: !run.recovered };
      const { proved, verdict } = judge(rows, proof.controls);
      expect(proved).toBe(false);
      expect(verdict).toMatch(/^not proved: the canary was (not )?recovered from /);
    }
  });

  test.each([0, 1, 2])('is no when control %i fails', (which) => {
    const controls = proof.controls.map((control, i) =>
      i === which ? { ...control, passed: false } : control,
    );
    const { proved, verdict } = judge(good(), controls);
    expect([proved, verdict.startsWith('not proved: ')]).toEqual([false, true]);
  });

  test('is no when nothing crossed', () => {
    const rows = good().map((run) => ({
      ...run,
      requests: run.requests.map((one) => ({ ...one, crossed: false })),
    }));
    expect(judge(rows, proof.controls).verdict).toContain('nothing crossed the underlay over plain VXLAN');
  });
});

describe('a file that cannot be written', () => {
  test('answers 3 and says which', async () => {
    writeFileSync(join(folder, 'taken'), '');
    const ran = await cli(['prove', '--capture', 'taken'], { cwd: folder });
    expect([ran.code, ran.out]).toEqual([3, '']);
    expect(ran.err).toMatch(/^vxlab: cannot write .*taken/);
  });
});
