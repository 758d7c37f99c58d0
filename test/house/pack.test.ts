import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ROOT, textOf } from './repo.ts';

// The tarball as a user gets it, on a machine that can compile nothing: a PATH with node, npm and a shell, and no more.

const PACKAGE = JSON.parse(textOf('package.json')) as {
  readonly version: string;
  readonly files: readonly string[];
  readonly exports: object;
};

let scratch: string;
let empty: string;
let bareEnv: NodeJS.ProcessEnv;

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function run(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv): Ran {
  const ran = spawnSync(command, args, { cwd, env, encoding: 'utf8', timeout: 240_000 });
  return { code: ran.status, out: ran.stdout, err: `${ran.stderr}${ran.error?.message ?? ''}` };
}

/** Where the shell finds a program, followed to the real file. */
function whereIs(program: string): string {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, program);
    if (!folder.includes('node_modules') && existsSync(path)) return realpathSync(path);
  }
  throw new Error(`${program} is not on the PATH`);
}

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'vxlab-pack-'));
  const bin = join(scratch, 'bin');
  mkdirSync(bin);
  symlinkSync(process.execPath, join(bin, 'node'));
  for (const program of ['npm', 'npx', 'sh', 'env']) symlinkSync(whereIs(program), join(bin, program));

  // What an outer npm told its children would be taken for this npm's settings.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) =>
        !/^(npm_(?!config_)|npm_config_(local_prefix|nodedir|python)|INIT_CWD|CC$|CXX$|PYTHON|VITEST|NODE_)/i.test(
          name,
        ),
    ),
  );
  bareEnv = {
    ...env,
    PATH: bin,
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
  };
  empty = join(scratch, 'empty');
  mkdirSync(empty);

  // Built and packed apart from the repository's dist/, which other tests run at the same time.
  const source = join(scratch, 'source');
  const parts = ['package.json', 'README.md', 'LICENSE', 'tsconfig.json', 'tsconfig.build.json', 'src'];
  for (const part of [...parts, ...PACKAGE.files.filter((file) => file !== 'dist')]) {
    if (existsSync(join(ROOT, part))) cpSync(join(ROOT, part), join(source, part), { recursive: true });
  }
  symlinkSync(join(ROOT, 'node_modules'), join(source, 'node_modules'));
  const built = run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json'], source, process.env);
  if (built.code !== 0) throw new Error(`the build failed:\n${built.out}${built.err}`);
  const packed = run(
    'npm',
    ['pack', '--ignore-scripts', '--silent', '--pack-destination', scratch],
    source,
    bareEnv,
  );
  if (packed.code !== 0) throw new Error(`npm pack failed:\n${packed.out}${packed.err}`);
}, 300_000);

afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe('the packed tarball on a machine without a compiler', () => {
  test('the machine is as bare as it claims', () => {
    for (const tool of ['cc', 'gcc', 'g++', 'make', 'python', 'python3']) {
      expect(run('sh', ['-c', `command -v ${tool}`], empty, bareEnv).code, tool).not.toBe(0);
    }
  });

  test('holds what runs and nothing else', () => {
    const packed = JSON.parse(
      run(
        'npm',
        ['pack', '--dry-run', '--json', '--ignore-scripts', '--silent'],
        join(scratch, 'source'),
        bareEnv,
      ).out,
    ) as { files: { path: string }[] }[] | Record<string, { files: { path: string }[] }>;
    const [first] = Object.values(packed);
    const paths = first?.files.map((file) => file.path) ?? [];
    expect(paths).toContain('LICENSE');
    expect(paths).toContain('dist/cli/main.js');
    expect(
      paths.filter(
        (path) =>
          !/^(dist\/.*\.(js|d\.ts)|docs\/schema\/.*|fixtures\/manifests\/[\w.-]+|package\.json|README\.md|LICENSE)$/.test(
            path,
          ),
      ),
    ).toEqual([]);
  });

  test('installs in an empty folder, leaves the addons out, and its demo runs', () => {
    writeFileSync(join(empty, 'package.json'), '{ "name": "empty", "private": true }\n');
    const installed = run('npm', ['install', join(scratch, `vxlab-${PACKAGE.version}.tgz`)], empty, bareEnv);
    expect(installed.err).not.toMatch(/npm (ERR!|error)/);
    expect(installed.code).toBe(0);
    // The proof that nothing was compiled behind our back.
    expect(existsSync(join(empty, 'node_modules/cap/build/Release/cap.node'))).toBe(false);
    expect(existsSync(join(empty, 'node_modules/raw-socket/build/Release/raw.node'))).toBe(false);

    const demo = run('npx', ['--no-install', 'vxlab', 'demo'], empty, bareEnv);
    expect(demo.err).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
    expect(demo.code, `${demo.out}${demo.err}`).toBe(0);
    expect(demo.out).not.toBe('');
  }, 300_000);

  test('its entry points load and its types are whole', () => {
    const entries = Object.keys(PACKAGE.exports)
      .filter((entry) => !entry.endsWith('.json'))
      .map((entry) => join('vxlab', entry));
    const loads = entries.map((entry) => `await import(${JSON.stringify(entry)});`).join('\n');
    writeFileSync(join(empty, 'load.mjs'), loads);
    expect(run('node', ['load.mjs'], empty, bareEnv)).toMatchObject({ code: 0, err: '' });

    const uses = entries.map(
      (entry, i) => `import * as m${i} from '${entry}';\nexport const n${i}: object = m${i};`,
    );
    writeFileSync(join(empty, 'use.mts'), uses.join('\n'));
    const compilerOptions = { noEmit: true, strict: true, module: 'nodenext', target: 'es2023', types: [] };
    writeFileSync(join(empty, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['use.mts'] }));
    const compiler = join(ROOT, 'node_modules/typescript/bin/tsc');
    expect(run('node', [compiler], empty, bareEnv)).toMatchObject({ code: 0, out: '' });
  });
});
