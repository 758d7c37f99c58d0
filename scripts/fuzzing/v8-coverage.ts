// Which branches of src ran, from V8 itself (Profiler.takePreciseCoverage): for --v8.
//
// Counting is exact and starts anew with each question, but a question costs milliseconds. So a round of inputs is run with one
// question behind it, and only a round that reached something new is gone through again, input by input.

import { Session } from 'node:inspector';
import type { Input } from './input.ts';

interface Coverage {
  readonly result: readonly {
    readonly url: string;
    readonly functions: readonly {
      readonly ranges: readonly {
        readonly startOffset: number;
        readonly endOffset: number;
        readonly count: number;
      }[];
    }[];
  }[];
}

export class V8Coverage {
  readonly #session: Session = new Session();
  readonly #seen: Set<string> = new Set();

  constructor() {
    this.#session.connect();
    this.#session.post('Profiler.enable');
    this.#session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Branches that ran so far. */
  get reached(): number {
    return this.#seen.size;
  }

  /**
   * The inputs of a round that reached a branch that none before did.
   * @param again runs one of them
   */
  fresh(round: readonly Input[], again: (input: Input) => void): Input[] {
    const before = this.reached;
    const left = new Set([...this.#branches()].filter((branch) => !this.#seen.has(branch)));
    for (const branch of left) this.#seen.add(branch);
    if (this.reached === before) return [];
    const blamed: Input[] = [];
    for (const input of round) {
      if (left.size === 0) break;
      again(input);
      const had = left.size;
      for (const branch of this.#branches()) left.delete(branch);
      if (left.size < had) blamed.push(input);
    }
    return blamed;
  }

  end(): void {
    this.#session.disconnect();
  }

  /** What ran since the last question: the file, and where the branch begins and ends in it. */
  #branches(): Set<string> {
    const found = new Set<string>();
    this.#session.post('Profiler.takePreciseCoverage', (error, coverage) => {
      if (error !== null) throw error;
      for (const { url, functions } of (coverage as Coverage).result) {
        const at = url.indexOf('/src/');
        if (at < 0 || url.includes('node_modules')) continue;
        const file = url.slice(at);
        for (const { ranges } of functions) {
          for (const { startOffset, endOffset, count } of ranges) {
            if (count > 0) found.add(`${file} ${startOffset} ${endOffset}`);
          }
        }
      }
    });
    return found;
  }
}
