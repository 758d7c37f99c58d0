// The lecture's stack, loaded, for tests of the lab.

import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { loadCompose } from '../../src/engine/manifest/load.ts';
import type { StackSpec } from '../../src/engine/model/spec.ts';

export function lecture(edit: (text: string) => string = (text) => text): StackSpec {
  const text = readFileSync(new URL('../../fixtures/manifests/lecture.yml', import.meta.url), 'utf8');
  return compose(edit(text));
}

export function compose(text: string): StackSpec {
  const { spec, diagnostics } = loadCompose(text, { stack: 'lecture' });
  expect(diagnostics.filter(({ severity }) => severity === 'error')).toEqual([]);
  return spec as StackSpec;
}
