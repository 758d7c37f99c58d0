import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT } from './repo.ts';

/** A planted file: the rules it must break, where it stands, what it says. */
type Plant = readonly [rules: readonly string[], path: string, text: string];

// Targets of planted imports carry the same mark as the planted files, so that they can be told from the house's own.
const TARGETS = [
  'src/core/wire/planted-target.ts',
  'src/core/frame/planted-target.ts',
  'src/core/pcap/planted-target.ts',
  'src/core/dissect/planted-target.ts',
  'src/core/inspect/planted-target.ts',
  'src/core/reassembly/planted-target.ts',
  'src/core/filter/planted-target.ts',
  'src/core/survey/planted-target.ts',
  'src/core/doctor/planted-target.ts',
  'src/core/topology/planted-target.ts',
  'src/core/edit/planted-target.ts',
  'src/engine/model/planted-target.ts',
  'src/engine/ipam/planted-target.ts',
  'src/engine/fabric/planted-target.ts',
  'src/engine/host/planted-target.ts',
  'src/engine/orchestrate/planted-target.ts',
  'src/engine/manifest/planted-target.ts',
  'src/engine/trace/planted-target.ts',
  'src/lab/planted-target.ts',
  'src/live/planted-target.ts',
  'src/live/planted-attic/planted-target.ts',
  'src/live/kernel/planted-target.ts',
  'src/live/underlay/planted-target.ts',
  'src/live/attach/planted-target.ts',
  'src/live/vtep/planted-target.ts',
  'src/live/send/planted-target.ts',
  'src/apps/planted-target.ts',
  'src/serve/planted-target.ts',
  'src/web/planted-target.ts',
  'src/cli/planted-target.ts',
  'test/support/planted-target.ts',
];

/** `import` of a value, and of a type only. */
const value = (from: string): string => `import { planted } from '${from}';\nexport const own = planted;\n`;
const type = (from: string): string =>
  `import type { Planted } from '${from}';\nexport type Own = Planted;\n`;
const node = (name: string): string => `import * as m from 'node:${name}';\nexport const own = m;\n`;
const npm = (name: string): string => `import * as m from '${name}';\nexport const own = m;\n`;

const CAUGHT: readonly Plant[] = [
  [['pure-no-node'], 'src/core/wire/planted-fs.ts', node('fs')],
  [['pure-no-node'], 'src/engine/fabric/planted-net.ts', node('net')],
  [['pure-no-node'], 'src/lab/planted-timers.ts', node('timers')],
  [
    ['pure-no-node'],
    'src/engine/time/planted-type.ts',
    "import type { Stats } from 'node:fs';\nexport type Own = Stats;\n",
  ],
  [['pure-npm'], 'src/core/inspect/planted-npm.ts', npm('commander')],
  [['pure-npm'], 'src/engine/ipam/planted-yaml.ts', npm('yaml')],
  [['cipher-npm'], 'src/lab/plain-cipher-planted.ts', npm('picocolors')],
  [['manifest-npm'], 'src/engine/manifest/planted-npm.ts', npm('picocolors')],
  [['no-dev-package'], 'src/live/planted-dev.ts', npm('fast-check')],
  [['addons-in-live'], 'src/cli/planted-addon.ts', npm('cap')],
  [['no-unresolved'], 'src/cli/planted-nowhere.ts', value('./planted-not-there.ts')],
  [['no-unknown-room'], 'src/planted-attic/planted-room.ts', 'import "../core/wire/planted-target.ts";\n'],
  [['src-alone'], 'src/cli/planted-test.ts', value('../../test/support/planted-target.ts')],

  [['room-core'], 'src/core/pcap/planted-up.ts', value('../../engine/model/planted-target.ts')],
  [['room-core'], 'src/core/wire/planted-type-up.ts', type('../../engine/model/planted-target.ts')],
  [['room-engine'], 'src/engine/fabric/planted-live.ts', value('../../live/planted-target.ts')],
  [['room-engine'], 'src/engine/orchestrate/planted-lab.ts', type('../../lab/planted-target.ts')],
  [['room-lab'], 'src/lab/planted-live.ts', value('../live/planted-target.ts')],
  [['room-live'], 'src/live/planted-lab.ts', value('../lab/planted-target.ts')],
  [['room-apps'], 'src/apps/planted-live.ts', value('../live/planted-target.ts')],
  [['room-serve'], 'src/serve/planted-cli.ts', value('../cli/planted-target.ts')],
  [['room-web'], 'src/web/planted-live.ts', type('../live/planted-target.ts')],
  [['pure-no-node'], 'src/web/planted-node.ts', node('path')],
  [['room-cli'], 'src/cli/planted-web.ts', value('../web/planted-target.ts')],
  [['room-index'], 'src/index.ts', value('./live/planted-target.ts')],

  [['wire-alone'], 'src/core/wire/planted-frame.ts', value('../frame/planted-target.ts')],
  [['wire-codec'], 'src/core/wire/planted-walk.ts', value('./planted-target.ts')],
  [['wire-ground'], 'src/core/wire/checksum.ts', value('./planted-target.ts')],
  [['wire-family-tcp'], 'src/core/wire/tcp.ts', value('./planted-target.ts')],
  [['wire-family-ipv6'], 'src/core/wire/ipv6-extensions.ts', value('./planted-target.ts')],
  [['wire-family-icmpv6'], 'src/core/wire/nd.ts', value('./planted-target.ts')],
  [['wire-family-dns'], 'src/core/wire/dns.ts', value('./planted-target.ts')],
  [['frame-alone'], 'src/core/frame/planted-wire.ts', value('../wire/planted-target.ts')],
  [['pcap-alone'], 'src/core/pcap/planted-wire.ts', value('../wire/planted-target.ts')],
  [['core-craft'], 'src/core/craft/planted-side.ts', value('../dissect/planted-target.ts')],
  [['core-dissect'], 'src/core/dissect/planted-frame.ts', value('../frame/planted-target.ts')],
  [['core-esp'], 'src/core/esp/planted-up.ts', value('../reassembly/planted-target.ts')],
  [['core-inspect'], 'src/core/inspect/planted-side.ts', value('../reassembly/planted-target.ts')],
  [['core-reassembly'], 'src/core/reassembly/planted-up.ts', value('../survey/planted-target.ts')],
  [['core-filter'], 'src/core/filter/planted-side.ts', value('../survey/planted-target.ts')],
  [['core-survey'], 'src/core/survey/planted-up.ts', value('../doctor/planted-target.ts')],
  [['core-streams'], 'src/core/streams/planted-up.ts', value('../doctor/planted-target.ts')],
  [['core-canary'], 'src/core/canary/planted-frame.ts', value('../frame/planted-target.ts')],
  [['core-eavesdrop'], 'src/core/eavesdrop/planted-side.ts', value('../topology/planted-target.ts')],
  [['core-doctor'], 'src/core/doctor/planted-side.ts', value('../topology/planted-target.ts')],
  [['core-topology'], 'src/core/topology/planted-side.ts', value('../edit/planted-target.ts')],
  [['core-edit'], 'src/core/edit/planted-side.ts', value('../doctor/planted-target.ts')],
  [['core-pcap-types'], 'src/core/inspect/planted-reader.ts', value('../pcap/planted-target.ts')],

  [['engine-model'], 'src/engine/model/planted-up.ts', value('../fabric/planted-target.ts')],
  [['engine-ipam'], 'src/engine/ipam/planted-up.ts', type('../fabric/planted-target.ts')],
  [['engine-ipam'], 'src/engine/ipam/planted-model.ts', value('../model/planted-target.ts')],
  [['engine-time'], 'src/engine/time/planted-up.ts', value('../trace/planted-target.ts')],
  [['engine-manifest'], 'src/engine/manifest/planted-up.ts', value('../fabric/planted-target.ts')],
  [['engine-trace'], 'src/engine/trace/planted-up.ts', type('../fabric/planted-target.ts')],
  [['engine-fabric'], 'src/engine/fabric/planted-up.ts', type('../host/planted-target.ts')],
  [['engine-host'], 'src/engine/host/planted-up.ts', value('../orchestrate/planted-target.ts')],
  [['engine-orchestrate'], 'src/engine/orchestrate/planted-odd.ts', value('../planted-loose.ts')],

  [['live-capture'], 'src/live/capture/planted-up.ts', value('../underlay/planted-target.ts')],
  [['live-control'], 'src/live/control/planted-up.ts', value('../vtep/planted-target.ts')],
  [['live-kernel'], 'src/live/kernel/planted-up.ts', value('../underlay/planted-target.ts')],
  [['live-offload'], 'src/live/offload/planted-side.ts', value('../kernel/planted-target.ts')],
  [['live-survey'], 'src/live/survey/planted-up.ts', value('../underlay/planted-target.ts')],
  [['live-underlay'], 'src/live/underlay/planted-side.ts', value('../attach/planted-target.ts')],
  [['live-attach'], 'src/live/attach/planted-side.ts', value('../underlay/planted-target.ts')],
  [['live-send'], 'src/live/send/planted-odd.ts', value('../planted-attic/planted-target.ts')],
  [['live-vtep'], 'src/live/vtep/planted-up.ts', value('../send/planted-target.ts')],

  [['no-circle'], 'src/cli/planted-circle-a.ts', value('./planted-circle-b.ts')],
  [['no-circle'], 'src/lab/planted-type-circle-a.ts', type('./planted-type-circle-b.ts')],
];

/** The far sides of the circles: one circle is told once. */
const PARTNERS: readonly Plant[] = [
  [[], 'src/cli/planted-circle-b.ts', value('./planted-circle-a.ts')],
  [[], 'src/lab/planted-type-circle-b.ts', type('./planted-type-circle-a.ts')],
];

const ALLOWED: readonly Plant[] = [
  [
    [],
    'src/core/wire/planted-ground.ts',
    `${npm('ip-address')}import './numbers.ts';\nimport './checksum.ts';\n`,
  ],
  [[], 'src/core/frame/planted-numbers.ts', "import '../wire/numbers.ts';\n"],
  [
    [],
    'src/core/inspect/planted-good.ts',
    `${type('../pcap/planted-target.ts')}import '../wire/planted-target.ts';\n`,
  ],
  [[], 'src/engine/manifest/planted-good.ts', `${npm('yaml')}import '../model/planted-target.ts';\n`],
  [[], 'src/engine/model/planted-good.ts', type('../ipam/planted-target.ts')],
  [[], 'src/engine/fabric/planted-good.ts', value('../trace/planted-target.ts')],
  [[], 'src/engine/host/planted-good.ts', value('../fabric/planted-target.ts')],
  [[], 'src/engine/orchestrate/planted-good.ts', value('../host/planted-target.ts')],
  [[], 'src/live/planted-good.ts', `${node('dgram')}import '../engine/fabric/planted-target.ts';\n`],
  [[], 'src/live/send/planted-good.ts', value('../vtep/planted-target.ts')],
  [[], 'src/live/underlay/planted-good.ts', value('../planted-target.ts')],
  [[], 'src/serve/planted-good.ts', `${node('http')}import '../lab/planted-target.ts';\n`],
  [[], 'src/cli/planted-good.ts', `${npm('commander')}import '../live/planted-target.ts';\n`],
];

interface Cruised {
  readonly summary: { readonly violations: readonly { from: string; rule: { name: string } }[] };
}

let copy: string;
let broken: Map<string, Set<string>>;
let exitCode: number | null;

function write(path: string, text: string): void {
  mkdirSync(join(copy, dirname(path)), { recursive: true });
  writeFileSync(join(copy, path), text);
}

beforeAll(() => {
  copy = mkdtempSync(join(tmpdir(), 'vxlab-floors-'));
  for (const part of ['src', 'package.json', 'tsconfig.json', '.dependency-cruiser.cjs']) {
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
  for (const path of TARGETS) write(path, 'export interface Planted {}\nexport const planted = 1;\n');
  write('src/engine/planted-loose.ts', 'export const planted = 1;\n');
  for (const [, path, text] of [...CAUGHT, ...PARTNERS, ...ALLOWED]) write(path, text);

  const command = join(ROOT, 'node_modules/.bin/depcruise');
  const run = spawnSync(command, ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', 'src'], {
    cwd: copy,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  const judged = spawnSync(command, ['--config', '.dependency-cruiser.cjs', 'src'], { cwd: copy });
  exitCode = judged.status;
  broken = new Map();
  for (const { from, rule } of (JSON.parse(run.stdout) as Cruised).summary.violations) {
    broken.set(from, (broken.get(from) ?? new Set()).add(rule.name));
  }
});

afterAll(() => rmSync(copy, { recursive: true, force: true }));

describe('who may import whom', () => {
  test('the check fails when a floor is broken', () => {
    expect(exitCode).toBeGreaterThan(0);
  });

  test.each(CAUGHT)('%s catches %s', (rules, path) => {
    expect([...(broken.get(path) ?? [])]).toEqual(expect.arrayContaining([...rules]));
  });

  test.each(ALLOWED.map(([, path]) => path))('%s is fine', (path) => {
    expect([...(broken.get(path) ?? [])]).toEqual([]);
  });

  test('no rule is without a plant', async () => {
    const config = (await import(join(ROOT, '.dependency-cruiser.cjs'))) as {
      default: { forbidden: readonly { name: string }[] };
    };
    const planted = new Set(CAUGHT.flatMap(([rules]) => rules));
    expect(config.default.forbidden.map((rule) => rule.name).filter((name) => !planted.has(name))).toEqual(
      [],
    );
  });
});
