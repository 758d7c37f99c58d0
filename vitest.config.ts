import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import type { TestSpecification } from 'vitest/node';
import { BaseSequencer } from 'vitest/node';

// Statements of core and engine, in per cent, that a run with --coverage must reach; 0 to look without judging.
const floor = Number(process.env['VXLAB_COVERAGE'] ?? 95);

/** What waits longest begins first, so that no core stands idle at the end. */
const LONG = ['/interop/soak', '/interop/', '/judges/'];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number =>
      (LONG.findIndex((part) => moduleId.includes(part)) + LONG.length + 1) % (LONG.length + 1);
    return (await super.sort(files)).toSorted((x, y) => rank(x) - rank(y));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/properties.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // The tests wait for other programs about as often as they compute: a core kept back for the main thread stands idle.
    maxWorkers: availableParallelism(),
    sequence: { sequencer: LongestFirst },
    reporters: process.env['VXLAB_TALLY'] ? ['default', './scripts/tally-reporter.ts'] : ['default'],
    coverage: {
      provider: 'v8',
      include: ['src/core/**', 'src/engine/**'],
      reporter: ['text-summary', 'json-summary'],
      reportOnFailure: true,
      thresholds: { 'src/core/**': { statements: floor }, 'src/engine/**': { statements: floor } },
    },
  },
});
