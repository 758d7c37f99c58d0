import { expect, test } from 'vitest';
import { textOf } from './repo.ts';

interface Package {
  readonly name: string;
  readonly license: string;
  readonly type: string;
  readonly bin: Record<string, string>;
  readonly engines: Record<string, string>;
  readonly dependencies: Record<string, string>;
  readonly optionalDependencies: Record<string, string>;
  readonly devDependencies: Record<string, string>;
  readonly allowScripts: Record<string, boolean>;
}

interface Locked extends Partial<Package> {
  readonly version?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly hasInstallScript?: boolean;
}

const PACKAGE = JSON.parse(textOf('package.json')) as Package;
const LOCK = (JSON.parse(textOf('package-lock.json')) as { packages: Record<string, Locked> }).packages;
const ALL = { ...PACKAGE.dependencies, ...PACKAGE.optionalDependencies, ...PACKAGE.devDependencies };

test('the package is what its users were told', () => {
  expect(PACKAGE).toMatchObject({
    name: 'vxlab',
    license: 'MIT',
    type: 'module',
    bin: { vxlab: 'dist/cli/main.js' },
    engines: { node: '>=20.19' },
  });
  expect(textOf('LICENSE')).toContain('Copyright (c) 2026 the vxlab authors');
});

test('every version is exact, and the lock has the same', () => {
  for (const [name, version] of Object.entries(ALL)) {
    expect(version, name).toMatch(/^\d+\.\d+\.\d+$/);
    expect(LOCK[`node_modules/${name}`]?.version, name).toBe(version);
  }
  const { dependencies, optionalDependencies, devDependencies } = PACKAGE;
  expect(LOCK['']).toMatchObject({ dependencies, optionalDependencies, devDependencies });
});

test('native addons are optional, in package and lock', () => {
  for (const addon of ['cap', 'raw-socket']) {
    expect(PACKAGE.optionalDependencies).toHaveProperty(addon);
    expect(PACKAGE.dependencies).not.toHaveProperty(addon);
    expect(LOCK['']?.dependencies).not.toHaveProperty(addon);
    expect(LOCK[`node_modules/${addon}`]?.optional).toBe(true);
  }
});

test('every install script was looked at, so that npm has nothing to ask', () => {
  const scripted = Object.entries(LOCK)
    .filter(([, locked]) => locked.hasInstallScript === true)
    .map(([path]) => path.replace(/^.*node_modules\//, ''));
  expect(Object.keys(PACKAGE.allowScripts).sort()).toEqual([...new Set(scripted)].sort());
});

test('the lock names no registry, and a hash for all that is installed on Linux', () => {
  for (const [path, locked] of Object.entries(LOCK)) {
    if (path === '') continue;
    expect(locked.resolved, path).toBeUndefined();
    const elsewhere = locked.optional === true && locked.os !== undefined;
    if (!elsewhere) expect(locked.integrity, path).toMatch(/^sha512-/);
  }
});

test('every dependency has its reason in docs/dependencies.md, and no other has', () => {
  const rows = [...textOf('docs/dependencies.md').matchAll(/^\| `([^`]+)` \|/gm)].map((row) => row[1]);
  expect(rows.sort()).toEqual(Object.keys(ALL).sort());
});
