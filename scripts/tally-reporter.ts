// A vitest reporter that adds one line, "passed failed skipped", to the file named by VXLAB_TALLY, so that scripts/test
// can end with one sum of checks and tests. A file that fails to load and an error outside any test count as failed.

import { appendFileSync } from 'node:fs';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly SerializedError[]): void {
    const tally = process.env['VXLAB_TALLY'];
    if (tally === undefined || tally === '') return;
    let passed = 0;
    let failed = unhandled.length;
    let skipped = 0;
    for (const module of modules) {
      let failedHere = 0;
      for (const test of module.children.allTests()) {
        const { state } = test.result();
        if (state === 'passed') passed++;
        else if (state === 'failed') failedHere++;
        else skipped++;
      }
      // A hook or an import that failed leaves its tests unrun, not failed.
      failed += failedHere === 0 && module.state() === 'failed' ? 1 : failedHere;
    }
    appendFileSync(tally, `${passed} ${failed} ${skipped}\n`);
  }
}
