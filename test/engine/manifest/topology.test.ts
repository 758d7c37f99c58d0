// Topology files: told from Compose files, read into the same StackSpec, judged all at once, and run exactly as written.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import type { UpDocument } from '../../../src/cli/report.ts';
import { formatIp, formatMac } from '../../../src/core/wire/address.ts';
import type { Loaded } from '../../../src/engine/manifest/load.ts';
import { loadCompose, loadManifest } from '../../../src/engine/manifest/load.ts';
import type { StackSpec } from '../../../src/engine/model/spec.ts';
import { Lab } from '../../../src/lab/lab.ts';
import { cli, documentOf } from '../../cli/harness.ts';
import '../../support/properties.ts';

const PAIR = `schema: vxlab-topology/1
nodes:
  left: { address: 192.0.2.1 }
  right: { address: 192.0.2.2 }
networks:
  blue: { vni: 100, subnet: 10.0.0.0/24 }
containers:
  a: { node: left, networks: { blue: { ip: 10.0.0.5, mac: "02:00:00:00:00:05" } } }
  b: { node: right, networks: { blue: { ip: 10.0.0.6 } } }
`;

function load(text: string): Loaded {
  return loadManifest(text, { stack: 's' });
}

function rulesOf(text: string): string[] {
  return load(text).diagnostics.map(({ rule }) => rule);
}

function specOf(text: string): StackSpec {
  const { spec, diagnostics } = load(text);
  expect(diagnostics).toEqual([]);
  return spec as StackSpec;
}

/** PAIR with one text in place of another. */
function changed(from: string, to: string): string {
  expect(PAIR).toContain(from);
  return PAIR.replace(from, to);
}

const folder = mkdtempSync(join(tmpdir(), 'vxlab-manifest-'));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

function fileOf(text: string): string {
  const path = join(folder, `topology-${++files}.yml`);
  writeFileSync(path, text);
  return path;
}

async function up(text: string, ...more: string[]): Promise<UpDocument> {
  return documentOf<UpDocument>('up', await cli(['up', fileOf(text), '--for', '3s', '--json', ...more]));
}

describe('which kind of file', () => {
  test('a first key "schema" makes a topology file, and a Compose file stays one', () => {
    expect(specOf(PAIR).topology).toBeDefined();
    const compose = 'services:\n  web:\n    image: nginx\n';
    expect(load(compose)).toEqual(loadCompose(compose, { stack: 's' }));
    expect(load(compose).spec?.topology).toBeUndefined();
  });

  test('a "schema" further down is a slip of a Compose file', () => {
    expect(rulesOf('services:\n  web:\n    image: nginx\nschema: mine\n')).toEqual(['OV1101']);
  });

  test('the format under a misspelt key, or not first, is known all the same', () => {
    const [found] = load(changed('schema:', 'shema:')).diagnostics;
    expect(found).toMatchObject({
      rule: 'OV1101',
      hint: 'did you mean "schema"?',
      at: { line: 1, column: 1 },
    });
    expect(rulesOf(PAIR.replace(/^schema.*\n/, '').concat('schema: vxlab-topology/1\n'))).toEqual([]);
  });

  test('JSON is YAML', () => {
    const json = {
      schema: 'vxlab-topology/1',
      nodes: { one: { address: '192.0.2.1' } },
      networks: { net: { vni: 7, subnet: '10.7.0.0/24' } },
      containers: { a: { node: 'one', networks: { net: { ip: '10.7.0.2' } } } },
    };
    expect(specOf(JSON.stringify(json)).services[0]).toMatchObject({ key: 'a', single: true });
  });
});

describe('what it becomes', () => {
  const spec = specOf(PAIR);

  test('nodes with their addresses, in the order of the file', () => {
    expect(spec.topology?.nodes.map(({ name, ip }) => [name, formatIp(ip)])).toEqual([
      ['left', '192.0.2.1'],
      ['right', '192.0.2.2'],
    ]);
    expect(spec.topology).toMatchObject({ profile: null, port: null, mtu: null, prefix: null });
  });

  test('a container is a service of one task that is pinned to its node', () => {
    expect(
      spec.services.map(({ name, constraints, replicas, single }) => [
        name,
        constraints[0]?.value,
        replicas,
        single,
      ]),
    ).toEqual([
      ['a', 'left', 1, true],
      ['b', 'right', 1, true],
    ]);
    const [leg] = spec.services[0]?.networks ?? [];
    expect([formatIp(leg?.ip ?? 0), formatMac(leg?.mac ?? 0)]).toEqual(['10.0.0.5', '02:00:00:00:00:05']);
    expect(spec.services[1]?.networks[0]?.mac).toBeUndefined();
  });

  test('the gateway is the first address that no container has', () => {
    const gateway = (text: string): string => formatIp(specOf(text).networks[0]?.gateway ?? 0);
    expect(gateway(PAIR)).toBe('10.0.0.1');
    expect(gateway(PAIR.replace('10.0.0.5', '10.0.0.1').replace('10.0.0.6', '10.0.0.2'))).toBe('10.0.0.3');
    expect(gateway(changed('subnet: 10.0.0.0/24', 'subnet: 10.0.0.0/24, gateway: 10.0.0.254'))).toBe(
      '10.0.0.254',
    );
  });

  test("a network's MTU is what its containers have, whatever the underlay's overhead", () => {
    const text = changed('subnet: 10.0.0.0/24', 'subnet: 10.0.0.0/24, mtu: 1400');
    const mtu = (manifest: string): number | undefined =>
      new Lab(specOf(manifest)).population().networks[0]?.mtu;
    expect(mtu(text)).toBe(1400);
    expect(mtu(text.replace('192.0.2.1', '"2001:db8::1"').replace('192.0.2.2', '"2001:db8::2"'))).toBe(1400);
    expect(mtu(PAIR)).toBe(1450);
  });
});

describe('diagnostics', () => {
  test('all of them at once, each at its place', () => {
    const text = `schema: vxlab-topology/1
nodes:
  left: { address: 192.0.2.1 }
networks:
  blue: { vni: 16777216, subnet: 10.0.0.5, mtu: 20, port: 0, flod: none }
  red: { vni: 5 }
containers:
  a: { node: leftt, networks: { bleu: {} } }
  b: { networks: {} }
`;
    const found = load(text).diagnostics.map(({ rule, at, hint }) => [rule, at.line, at.column, hint]);
    expect(found).toEqual([
      ['OV1309', 5, 16, null],
      ['OV1301', 5, 34, 'write 10.0.0.5/24 for 256 addresses'],
      ['OV1209', 5, 49, null],
      ['OV1601', 5, 59, null],
      ['OV1101', 5, 62, 'did you mean "flood"?'],
      ['OV1113', 6, 8, null],
      ['OV1703', 8, 14, 'did you mean "left"?'],
      ['OV1201', 8, 33, 'did you mean "blue"?'],
      ['OV1113', 9, 6, null],
    ]);
  });

  test.each([
    ['vni: 100', 'vni: "100"', ['OV1103']],
    ['vni: 100', 'vni: -1', ['OV1309']],
    ['schema: vxlab-topology/1', 'schema: vxlab-topology/1\nprofile: flannel', ['OV1111']],
    [
      'schema: vxlab-topology/1',
      'schema: vxlab-topology/1\nunderlay: { prefix: 31, mtu: 500 }',
      ['OV1503', 'OV1209'],
    ],
    ['schema: vxlab-topology/1', 'schema: vxlab-topology/1\nx-note: mine', []],
    ['subnet: 10.0.0.0/24', 'subnet: 10.0.0.7/24', ['OV1302']],
    ['subnet: 10.0.0.0/24', 'subnet: "fd00::/64"', ['OV1706', 'OV1706']],
    ['subnet: 10.0.0.0/24', 'subnet: 10.0.0.0/24, flood: multicast, group: "ff05::1"', ['OV1710']],
    ['left: {', 'LEFT: { address: 192.0.2.9 }\n  left: {', ['OV1110']],
    ['left: {', 'left: { address: 192.0.2.9 }\n  left: {', ['OV1009']],
    ['node: left', 'node: Left', ['OV1703']],
    ['b: {', 'b c: {', ['OV1110']],
  ])('%j as %j', (from, to, rules) => {
    expect(rulesOf(changed(from, to)).sort()).toEqual([...rules].sort());
  });

  test('a VNI of two networks names both', () => {
    const [found] = load(changed('  blue:', '  red: { vni: 100, subnet: 10.1.0.0/24 }\n  blue:')).diagnostics;
    expect(found).toMatchObject({
      rule: 'OV1310',
      message: 'VNI 100 is that of network "red" (6:3) already',
    });
  });

  test('whatever the text, nothing is thrown, and a spec without errors always comes up', () => {
    const words = [
      'schema',
      'nodes',
      'left',
      'address',
      'networks',
      'vni',
      'subnet',
      'containers',
      'ip',
      'mac',
      '{',
      '}',
      ': ',
      '\n  ',
      '- ',
      '10.0.0.5',
      '"',
      '300',
    ];
    const edit = fc.record({ at: fc.nat(PAIR.length), cut: fc.nat(12), word: fc.constantFrom(...words) });
    fc.assert(
      fc.property(fc.array(edit, { maxLength: 4 }), (edits) => {
        let text = PAIR;
        for (const { at, cut, word } of edits) text = text.slice(0, at) + word + text.slice(at + cut);
        const { spec } = load(text);
        if (spec !== null) expect(new Lab(spec).close()).toBe(0);
      }),
      { numRuns: 300 },
    );
  });
});

describe('run', () => {
  test('addresses, MACs, VNIs, names and nodes are exactly as given, and nothing is added', async () => {
    const report = await up(PAIR);
    expect(report.nodes.map(({ name, address, containers }) => [name, address, containers])).toEqual([
      ['left', '192.0.2.1', 1],
      ['right', '192.0.2.2', 1],
    ]);
    expect(report.networks).toEqual([
      { name: 'blue', vni: 100, subnet: '10.0.0.0/24', gateway: '10.0.0.1', mtu: 1450, ingress: false },
    ]);
    expect(report.containers.map(({ name, node, addresses }) => [name, node, addresses])).toEqual([
      ['a', 'left', [{ device: 'eth0', network: 'blue', address: '10.0.0.5/24', mac: '02:00:00:00:00:05' }]],
      ['b', 'right', [{ device: 'eth0', network: 'blue', address: '10.0.0.6/24', mac: '02:42:0a:00:00:06' }]],
    ]);
    expect(report.traffic.every(({ sent, received }) => sent === 3 && received === 3)).toBe(true);
  });

  test('VTEPs may have the addresses that routers usually have', async () => {
    const report = await up(PAIR.replace('192.0.2.2', '192.0.2.254'));
    expect(report.traffic.every(({ received }) => received === 3)).toBe(true);
  });

  test("the file's profile goes before --profile; its flood mode before either", async () => {
    const asked = await up(PAIR, '--profile', 'head-end');
    expect(asked.profile).toBe('head-end');
    const said = await up(
      changed('schema: vxlab-topology/1', 'schema: vxlab-topology/1\nprofile: flood-and-learn'),
    );
    expect(said.profile).toBe('flood-and-learn');
    const lab = new Lab(specOf(changed('subnet: 10.0.0.0/24', 'subnet: 10.0.0.0/24, flood: head-end')));
    expect(lab.ping('a', 'b').replies).toHaveLength(1);
    const flood = lab.fdb().filter(({ mac }) => mac === '00:00:00:00:00:00');
    expect(flood.length).toBe(2);
    lab.close();
  });

  test('a profile that routes cannot run it, nor can options that the file leaves no choice of', async () => {
    const path = fileOf(PAIR);
    for (const more of [['--profile', 'flannel'], ['--nodes', '5'], ['--racks', '2'], ['--ipv6-underlay']]) {
      const ran = await cli(['up', path, '--for', '1s', ...more]);
      expect([ran.code, ran.out]).toEqual([2, '']);
      expect(ran.err).toMatch(
        /profile flannel gives each node|leave out --nodes, --racks and --ipv6-underlay/,
      );
    }
  });

  test('lint, ping, trace and show take it', async () => {
    const path = fileOf(PAIR);
    expect(await cli(['lint', path])).toMatchObject({ code: 0, out: `${path}: no problems\n` });
    const ping = await cli(['ping', 'a', 'b', '-c', '2', '-f', path]);
    expect(ping.code).toBe(0);
    expect(ping.out).toContain('2 packets transmitted, 2 received');
    const trace = await cli(['trace', 'a', 'b', '-f', path]);
    expect(trace.code).toBe(0);
    expect(trace.out).toContain('VNI 100');
    const show = await cli(['show', 'ipam', '-f', path, '--json']);
    expect(JSON.parse(show.out).rows).toHaveLength(1);
    const links = await cli([
      'show',
      'links',
      '-f',
      fileOf(changed('subnet: 10.0.0.0/24', 'subnet: 10.0.0.0/24, flood: multicast, group: 239.9.9.9')),
      '--json',
    ]);
    expect(links.out).toContain('239.9.9.9');
  });

  test('over real sockets the nodes keep their names on loopback addresses', async () => {
    const { UdpLab } = await import('../../../src/live/udp-lab.ts');
    const { profileFor } = await import('../../../src/engine/orchestrate/profile.ts');
    const spec = specOf(PAIR);
    const lab = new UdpLab(spec, { profile: profileFor(spec, 'docker'), seed: 1, port: 47_890 });
    expect([...lab.world.nodes.values()].map(({ name, ip }) => [name, formatIp(ip)])).toEqual([
      ['left', '127.0.0.11'],
      ['right', '127.0.0.12'],
    ]);
    await lab.start();
    const result = await lab.ping('a', 'b', { count: 1 });
    await lab.close();
    expect(result.replies).toHaveLength(1);
  });
});

describe('docs/topology.md', () => {
  const page = readFileSync('docs/topology.md', 'utf8');
  const examples = [...page.matchAll(/```(?:yaml|json)\n([\s\S]*?)```/g)].map(([, text]) => text as string);

  test('has a few examples', () => {
    expect(examples.length).toBe(5);
  });

  test.each(examples.map((text, i) => [i + 1, text] as const))(
    'example %i runs, and everybody is answered',
    async (_i, text) => {
      expect(rulesOf(text)).toEqual([]);
      const report = await up(text);
      expect(report.traffic.length).toBeGreaterThan(0);
      for (const { from, to, sent, received } of report.traffic) {
        expect([from, to, received]).toEqual([from, to, sent]);
        expect(sent).toBeGreaterThan(0);
      }
    },
  );

  test('the two tenants flood in their own manner', async () => {
    const report = await up(examples[1] as string);
    expect(report.networks.map(({ vni, mtu }) => [vni, mtu])).toEqual([
      [100, 8950],
      [200, 1450],
    ]);
    const lab = new Lab(specOf(examples[1] as string));
    const remotes = lab.fdb().filter(({ mac }) => mac === '00:00:00:00:00:00');
    expect(JSON.stringify(remotes)).toContain('239.1.1.1');
    lab.close();
  });

  test('nodes in two subnets are two racks', async () => {
    const report = await up(examples[2] as string);
    expect(report.nodes.map(({ rack }) => rack)).toEqual([0, 1]);
  });
});
