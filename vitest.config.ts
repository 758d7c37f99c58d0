import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

// Statements of core and engine, in per cent, that a run with --coverage must reach; 0 to look without judging.
const floor = Number(process.env['VXLAB_COVERAGE'] ?? 95);

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/support/properties.ts'],
    testTimeout: 30_000,
    hookTimeout: 120_000,
    pool: 'forks',
    // The tests wait for other programs about as often as they compute: a core kept back for the main thread stands idle.
    maxWorkers: availableParallelism(),
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
