// What is compiled by hand and checked in is what its source says.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ASSEMBLED, assembled } from '../../scripts/assemble.ts';
import { SweepMemory } from '../../src/core/survey/sweep-memory.ts';

const ROOT = new URL('../../', import.meta.url);

describe('WebAssembly that is checked in', () => {
  test.each([...ASSEMBLED])('%s compiled again is %s, byte for byte', (source, module) => {
    expect(assembled(source)).toBe(readFileSync(new URL(module, ROOT), 'utf8'));
  });

  test('the loop loads here, so that what measures and counts with it does', () => {
    expect(SweepMemory.make(16, new Uint8Array(0x1_0000))).not.toBeNull();
  });
});
