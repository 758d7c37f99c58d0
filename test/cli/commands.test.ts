import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands.ts';
import { VERSION } from '../../src/cli/version.ts';
import { captureBytes } from '../support/captures.ts';
import type { Ran } from './harness.ts';
import { AS_NOTED, cli, documentOf, LECTURE } from './harness.ts';

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vxlab-cli-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the command line', () => {
  test('answers 2 and shows help without a command', async () => {
    const ran = await cli([]);
    expect(ran.code).toBe(2);
    expect(ran.out).toBe('');
    expect(ran.err).toMatch(/^Examples:\n {2}\$ vxlab /);
  });

  test('answers 0 to --help and --version, on standard output', async () => {
    expect(await cli(['--version'])).toEqual({ code: 0, out: `${VERSION}\n`, err: '' });
    const help = await cli(['--help']);
    expect(help.code).toBe(0);
    expect(help.out).toContain('Exit codes: 0 done');
  });

  test.each([
    [['frob']],
    [['upp']],
    [['up', '--frob']],
    [['up', LECTURE, '--for', 'ten']],
    [['up', LECTURE, '--for', '0s']],
    [['up', LECTURE, '--nodes', '0']],
    [['up', LECTURE, '--loss', '1']],
    [['up', LECTURE, '--delay', '1']],
    [['up', LECTURE, '--rate', '100']],
    [['up', LECTURE, '--profile', 'dokcer']],
    [['up', LECTURE, '--jitter', '1s', '--for', '1s']],
    [['up', LECTURE, '--racks', '9', '--for', '1s']],
    [['up', LECTURE, '--port', '4789', '--for', '1s']],
    [['up', LECTURE, '--underlay', 'udp', '--capture', 'x', '--for', '1s']],
    [['up', LECTURE, '--underlay', 'udp', '--loss', '1%', '--for', '1s']],
    [['up', LECTURE, '--underlay', 'udp', '--profile', 'flannel', '--for', '1s']],
    [['ping', 'a']],
    [['ping', 'nobody', 'mysql', '-f', LECTURE]],
    [['show', 'everything']],
    [['show', 'fdb', '--node', 'worker9', '-f', LECTURE]],
    [['lint']],
  ])('answers 2 to %j and says why', async (argv) => {
    const ran = await cli(argv, { cwd: folder });
    expect(ran.code).toBe(2);
    expect(ran.out).toBe('');
    expect(ran.err).toMatch(/^vxlab: .+\n/m);
    expect(ran.err).not.toMatch(/^ {4}at /m);
  });

  test('answers 3 to a file that cannot be read', async () => {
    for (const command of [['up'], ['lint']]) {
      const ran = await cli([...command, 'nosuch.yml'], { cwd: folder });
      expect(ran).toEqual({
        code: 3,
        out: '',
        err: 'vxlab: cannot read nosuch.yml: there is no such file\n',
      });
    }
    expect((await cli(['lint', '.'], { cwd: folder })).err).toContain('it is a folder');
  });

  test('answers 3 to a manifest whose networks overlap', async () => {
    const text = readFileSync(LECTURE, 'utf8').replace('10.0.2.0/24', '10.0.1.128/25');
    writeFileSync(join(folder, 'overlap.yml'), text);
    const ran = await cli(['up', 'overlap.yml', '--for', '1s'], { cwd: folder });
    expect(ran.code).toBe(3);
    expect(ran.out).toBe('');
  });

  test('answers 3 when a capture cannot be written', async () => {
    const ran = await cli(['up', LECTURE, '--for', '1s', '--capture', 'no/such/folder.pcapng'], {
      cwd: folder,
    });
    expect(ran.code).toBe(3);
    expect(ran.err).toContain('cannot write');
  });

  test('tells a fault of its own in one sentence, with 70, and shows where only when asked', async () => {
    const broken = {
      get aborted(): boolean {
        throw new Error('broken\non purpose');
      },
    } as AbortSignal;
    const plain = await cli(['show', 'ipam', '-f', LECTURE], { signal: broken });
    expect(plain.code).toBe(70);
    expect(plain.err).toContain('vxlab: this is a fault in vxlab: broken on purpose\n');
    expect(plain.err).not.toMatch(/^ {4}at /m);
    const debug = await cli(['show', 'ipam', '-f', LECTURE], { signal: broken, env: { VXLAB_DEBUG: '1' } });
    expect(debug.err).toMatch(/^ {4}at /m);
  });
});

/** The captures that examples name. */
const EXAMPLES = [
  ['capture.pcap', 'docker-swarm/traffic-worker1-eth0.pcap'],
  ['worker1.pcap', 'docker-swarm/traffic-worker1-eth0.pcap'],
  ['worker2.pcap', 'docker-swarm/traffic-worker2-eth0.pcap'],
  ['inner.pcap', 'docker-swarm/traffic-inner-vxlan0-mywebnw.pcap'],
] as const;

/** Runs a line as a shell would, with `< FILE`, in a folder that has the lecture's stack as docker-compose.yml. */
function example(line: string): Promise<Ran> {
  writeFileSync(join(folder, 'docker-compose.yml'), readFileSync(LECTURE));
  for (const [name, capture] of EXAMPLES) writeFileSync(join(folder, name), captureBytes(capture));
  const [words = '', from] = line.split(' < ');
  const stdin = from === undefined ? '' : readFileSync(join(folder, from), 'utf8');
  const argv = [...words.matchAll(/'([^']*)'|(\S+)/g)].map(([, quoted, bare]) => quoted ?? bare ?? '');
  return cli(argv, { cwd: folder, stdin });
}

/** True for 0; live capture may be refused where the tests run. */
function isDone(line: string, code: number): boolean {
  return code === 0 || (line.includes('sniff') && code === 4);
}

describe('help', () => {
  const NAMES = [...COMMANDS.keys()];

  test.each(NAMES)('of %s opens with two examples, and both work as printed', async (command) => {
    const help = await cli([command, '--help']);
    expect(help.code).toBe(0);
    const lines = help.out.split('\n');
    expect(lines[0]).toBe('Examples:');
    const examples = lines.filter((line) => line.startsWith('  $ vxlab ')).map((line) => line.slice(4));
    expect(examples).toHaveLength(2);
    for (const line of examples) {
      const ran = await example(line.replace('vxlab ', ''));
      expect([line, isDone(line, ran.code), ran.out + ran.err === '']).toEqual([line, true, false]);
    }
  });

  test('and docs/commands.md show the same commands, and every line there works', async () => {
    const text = readFileSync(new URL('../../docs/commands.md', import.meta.url), 'utf8');
    const lines = [...text.matchAll(/^\$ vxlab (.+)$/gm)].map(([, line = '']) => line);
    expect(new Set(lines.map((line) => line.split(' ')[0]))).toEqual(new Set(NAMES));
    for (const line of lines) {
      expect([line, isDone(line, (await example(line)).code)]).toEqual([line, true]);
    }
  });

  test('lists every command', async () => {
    const { out } = await cli(['--help']);
    for (const command of NAMES) expect(out).toMatch(new RegExp(`^ {2}${command}\\b`, 'm'));
  });
});

describe('vxlab lint', () => {
  test('answers 0 to the mended lecture file and 1 to the one as it was noted', async () => {
    expect((await cli(['lint', LECTURE])).code).toBe(0);
    const noted = await cli(['lint', AS_NOTED]);
    expect(noted.code).toBe(1);
    expect(noted.out).toMatch(/:\d+:\d+ error OV1\d{3}: /);
  });

  test('answers 3 to what is no YAML, or no mapping', async () => {
    expect((await cli(['lint', '-'], { stdin: 'a: [1, 2' })).code).toBe(3);
    expect((await cli(['lint', '-'], { stdin: '' })).code).toBe(3);
    expect((await cli(['lint', '-'], { stdin: '- a\n- b\n' })).code).toBe(3);
  });

  test('answers 0 to warnings', async () => {
    const stdin = "version: '3'\nservices:\n  a:\n    image: x\n    container_name: b\n";
    const ran = await cli(['lint', '-'], { stdin });
    expect(ran.code).toBe(0);
    expect(ran.out).toContain('warning OV');
  });

  test('prints the documented JSON', async () => {
    const { errors, file } = documentOf<{ errors: number; file: string }>(
      'lint',
      await cli(['lint', '--json', '-'], { stdin: readFileSync(AS_NOTED, 'utf8') }),
    );
    expect(errors).toBeGreaterThan(0);
    expect(file).toBe('stdin');
  });

  test('takes variables from the environment', async () => {
    const stdin = `version: '3'\nservices:\n  a:\n    image: '\${IMAGE:?which}'\n`;
    expect((await cli(['lint', '-'], { stdin })).code).toBe(1);
    expect((await cli(['lint', '-'], { stdin, env: { IMAGE: 'x' } })).code).toBe(0);
  });
});

describe('the stack that a command takes', () => {
  test('is the usual file here, named for its folder', async () => {
    const { out, err } = await cli(['show', 'ipam'], { cwd: folder });
    expect(err).toBe('');
    expect(out).toMatch(/^vxlab-cli-\w+_mydbnw /m);
  });

  test('is the lecture stack where there is none, which is said', async () => {
    const { code, err } = await cli(['show', 'ipam'], { cwd: '/' });
    expect(code).toBe(0);
    expect(err).toContain("the lecture's three-tier stack");
  });

  test('shows its errors and starts nothing', async () => {
    const ran = await cli(['ping', 'appserver', 'mysql', '-f', AS_NOTED]);
    expect(ran.code).toBe(3);
    expect(ran.out).toBe('');
    expect(ran.err).toMatch(/error OV1\d{3}/);
    expect(ran.err).toContain('nothing was started');
  });

  test('comes from standard input as -', async () => {
    const stdin = readFileSync(LECTURE, 'utf8');
    const { out } = await cli(['show', 'dns', '-f', '-', '--stack', 'mine'], { stdin });
    expect(out).toContain('mine_mysql');
  });
});

describe('vxlab doctor', () => {
  test('answers 0 and prints the documented JSON', async () => {
    const ran = await cli(['doctor', '--json']);
    expect(ran.code).toBe(0);
    const { checks } = documentOf<{ checks: { id: string; works: boolean; get: string | null }[] }>(
      'doctor',
      ran,
    );
    expect(checks.find(({ id }) => id === 'node')).toMatchObject({ works: true, get: null });
    for (const { works, get } of checks) expect(works).toBe(get === null);
  });

  test('says in words how to get what is missing', async () => {
    const { out } = await cli(['doctor']);
    for (const line of out.split('\n').filter((one) => one.startsWith('no '))) {
      expect(out.split('\n')[out.split('\n').indexOf(line) + 1]).toMatch(/ for .+: .+/);
    }
    expect(out).toMatch(/^yes {2}Node\.js/m);
  });
});

test('colours only where they are wanted', async () => {
  const plain = await cli(['demo']);
  const coloured = await cli(['demo'], { colour: true });
  expect(plain.out).not.toContain('\u001b');
  expect(coloured.out).toContain('\u001b[1m');
  expect(stripVTControlCharacters(coloured.out)).toBe(plain.out);
});
