import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DiagnoseDocument } from '../../src/cli/render/findings.ts';
import { VERSION } from '../../src/cli/version.ts';
import { CATALOGUE } from '../../src/core/doctor/catalogue.ts';
import { capturePath } from '../support/captures.ts';
import type { Ran } from './harness.ts';
import { cli, documentOf } from './harness.ts';

const BAD = capturePath('kernel/misc-no-vtep.pcap');
const ODD = capturePath('public/suricata-verify/vxlan-non-zero-reserved-fields.pcap');
const FINE = capturePath('kernel/inner-vlan.pcap');
const CLEAN = capturePath('docker-swarm/deploy-underlay.pcap');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vxlab-diagnose-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function diagnose(...argv: string[]): Promise<Ran> {
  return cli(['diagnose', ...argv], { cwd: folder });
}

describe('vxlab diagnose', () => {
  test('tells each finding with its packets, its reason and its cure, and counts them', async () => {
    const ran = await diagnose(BAD);
    expect(ran.code).toBe(1);
    expect(ran.err).toBe('');
    expect(ran.out).toMatch(/^error VTEP-PORT-UNREACHABLE: no VTEP listens at 198\.51\.100\.2: /);
    expect(ran.out).toContain('\n    2 packets: 7, 10\n');
    expect(ran.out).toContain('\n    Cure: Start the VTEP there');
    expect(ran.out).toContain('\n\nwarning ARP-NO-ANSWER: ');
    expect(ran.out).toMatch(/: 10 packets, 1 error, 1 warning, 0 notes\n$/);
    for (const line of ran.out.split('\n').filter((one) => one.startsWith(' '))) {
      expect(line.length).toBeLessThanOrEqual(100);
    }
  });

  test('shows who accepts a header and who drops it', async () => {
    const { out } = await diagnose(ODD);
    expect(out).toMatch(/^ {4}RFC 7348 {2}accepts {2}s\.5: /m);
    for (const name of ['Linux   ', 'OVS     ', 'VPP     ', 'Suricata']) {
      expect(out).toMatch(new RegExp(`^ {4}${name}  drops    \\S`, 'm'));
    }
  });

  test('says so when there is nothing', async () => {
    const ran = await diagnose(CLEAN);
    expect(ran).toEqual({ code: 0, out: `${CLEAN}: 649 packets, nothing found\n`, err: '' });
  });

  test.each([
    [BAD, 'error', 1],
    [BAD, 'never', 0],
    [FINE, 'error', 0],
    [FINE, 'warning', 1],
    [FINE, 'note', 1],
    [CLEAN, 'note', 0],
  ])('%s with --fail-on %s answers %i', async (file, level, code) => {
    expect((await diagnose('--fail-on', level, file)).code).toBe(code);
  });

  test('answers 2 to a level that is none, to --json with --sarif, and to no file', async () => {
    for (const argv of [
      ['--fail-on', 'bad', BAD],
      ['--json', '--sarif', BAD],
      [],
      ['-', '-'],
      ['--port', '0', BAD],
    ]) {
      const ran = await diagnose(...argv);
      expect([argv, ran.code, ran.out]).toEqual([argv, 2, '']);
    }
  });

  test('answers 3 to what is not there or no capture', async () => {
    writeFileSync(join(folder, 'notes.txt'), 'these are not packets\n');
    for (const name of ['nosuch.pcap', 'notes.txt', '.']) {
      const ran = await diagnose(name);
      expect([name, ran.code, ran.out]).toEqual([name, 3, '']);
      expect(ran.err).toMatch(new RegExp(`^vxlab: cannot read ${name.replace('.', '\\.')}: `));
    }
  });

  test('reads a file that was cut as far as it goes, and says where', async () => {
    const whole = readFileSync(BAD);
    writeFileSync(join(folder, 'cut.pcap'), whole.subarray(0, whole.length - 20));
    const ran = await diagnose('--json', 'cut.pcap');
    expect(ran.code).toBe(1);
    expect(ran.err).toMatch(/^vxlab: cut\.pcap was read up to byte \d+ \(9 packets\): /);
    const { packets, cutShort, findings } = documentOf<DiagnoseDocument>('diagnose', ran);
    expect(packets).toBe(9);
    expect(cutShort?.offset).toBeGreaterThan(0);
    expect(findings[0]).toMatchObject({ code: 'VTEP-PORT-UNREACHABLE', packets: [7], count: 1 });
  });

  test('reads gzip, and takes ports and a filter', async () => {
    writeFileSync(join(folder, 'bad.pcap.gz'), gzipSync(readFileSync(BAD)));
    expect((await diagnose('bad.pcap.gz')).code).toBe(1);
    const other = await diagnose('--no-heuristics', '--port', '7789', '--json', FINE);
    expect(documentOf<DiagnoseDocument>('diagnose', other).findings).toEqual([]);
    const arp = await diagnose('-Y', 'arp && !icmp', '--json', BAD);
    const { packets, findings } = documentOf<DiagnoseDocument>('diagnose', arp);
    expect(packets).toBe(10);
    expect(findings.map(({ code }) => code)).toEqual(['ARP-NO-ANSWER']);
  });

  test('colours severities where there is a terminal, and only there', async () => {
    const plain = await diagnose(BAD);
    const coloured = await cli(['diagnose', BAD], { cwd: folder, colour: true });
    expect(coloured.out).toContain('\u001b[31merror VTEP-PORT-UNREACHABLE\u001b[39m');
    expect(stripVTControlCharacters(coloured.out)).toBe(plain.out);
  });
});

describe('vxlab diagnose --json', () => {
  test.each([BAD, ODD, FINE, CLEAN, capturePath('ovs/vlan-trunk-noisy.pcap')])(
    '%s fits the schema',
    async (file) => {
      const {
        schema,
        file: name,
        cutShort,
      } = documentOf<DiagnoseDocument>('diagnose', await diagnose('--json', file));
      expect([schema, name, cutShort]).toEqual(['vxlab.diagnose/1', file, null]);
    },
  );

  test('has cure and verdicts', async () => {
    const { findings } = documentOf<DiagnoseDocument>('diagnose', await diagnose('--json', ODD));
    const odd = findings.find(({ code }) => code === 'VXLAN-RESERVED-BITS');
    expect(odd?.cure).not.toBe('');
    expect(odd?.verdicts.map(({ implementation, accepts }) => `${implementation} ${accepts}`)).toEqual([
      'RFC 7348 true',
      'Linux false',
      'OVS false',
      'VPP false',
      'Suricata false',
    ]);
  });

  test('of several files is a document a line', async () => {
    const ran = await diagnose('--json', BAD, CLEAN);
    expect(ran.code).toBe(1);
    const lines = ran.out.trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    const names = lines.map((line) => documentOf<DiagnoseDocument>('diagnose', { ...ran, out: line }).file);
    expect(names).toEqual([BAD, CLEAN]);
  });
});

interface Sarif {
  readonly version: string;
  readonly runs: readonly {
    readonly tool: {
      readonly driver: { readonly version: string; readonly rules: readonly { readonly id: string }[] };
    };
    readonly artifacts: readonly { readonly location: { readonly uri: string } }[];
    readonly results: readonly {
      readonly ruleId: string;
      readonly ruleIndex: number;
      readonly level: string;
      readonly message: { readonly text: string };
      readonly locations: readonly {
        readonly physicalLocation: {
          readonly artifactLocation: { readonly uri: string; readonly index: number };
        };
      }[];
      readonly properties: { readonly packets: readonly number[] };
    }[];
  }[];
}

describe('vxlab diagnose --sarif', () => {
  test('is one run with all rules, and results that point at rules and files', async () => {
    copyFileSync(BAD, join(folder, 'a capture.pcap'));
    const ran = await diagnose('--sarif', 'a capture.pcap', ODD);
    expect(ran.code).toBe(1);
    const { version, runs } = JSON.parse(ran.out) as Sarif;
    expect(version).toBe('2.1.0');
    expect(runs).toHaveLength(1);
    const { tool, artifacts, results } = runs[0] as Sarif['runs'][0];
    expect(tool.driver.version).toBe(VERSION);
    expect(tool.driver.rules.map(({ id }) => id)).toEqual(CATALOGUE.map(({ code }) => code));
    const uris = [join(folder, 'a capture.pcap'), ODD].map((path) => pathToFileURL(path).href);
    expect(artifacts.map(({ location }) => location.uri)).toEqual(uris);
    expect(uris[0]).toContain('a%20capture.pcap');
    expect(results.length).toBeGreaterThan(3);
    for (const { ruleId, ruleIndex, level, message, locations } of results) {
      expect(tool.driver.rules[ruleIndex]?.id).toBe(ruleId);
      expect(['error', 'warning', 'note']).toContain(level);
      expect(message.text).toContain(' Cure: ');
      const { uri, index } = locations[0]?.physicalLocation.artifactLocation ?? { uri: '', index: -1 };
      expect(uri).toBe(uris[index]);
    }
    expect(results[0]).toMatchObject({ ruleId: 'VTEP-PORT-UNREACHABLE', level: 'error' });
    expect(results[0]?.properties.packets).toEqual([7, 10]);
  });

  test('of a capture without findings has none', async () => {
    const ran = await diagnose('--sarif', CLEAN);
    expect(ran.code).toBe(0);
    expect((JSON.parse(ran.out) as Sarif).runs[0]?.results).toEqual([]);
  });
});
