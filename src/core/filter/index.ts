// The display filter: Wireshark 4.0's language over the fields that inspect knows, asked about one packet at a time.
// docs/filters.md tells users what it can do; `outer.` and `inner.` in front of a name are our own addition.

import type { PacketMeta } from '../pcap/record.ts';
import type { Sight } from '../reassembly/sight.ts';
import { compileTest } from './compile.ts';
import { Complaint, FilterError } from './error.ts';
import { parse } from './parser.ts';
import { Subject } from './subject.ts';

export { FilterError } from './error.ts';

export interface DisplayFilter {
  readonly text: string;
  /**
   * True when the packet passes. Ask about the packets of a capture in order, each once: frame.time_relative and
   * frame.time_delta are told from what was asked before. A number that is not higher than the last begins a new capture.
   */
  matches(sight: Sight, meta: PacketMeta): boolean;
}

/**
 * Compiles a filter. A blank one lets every packet through.
 * @throws FilterError (VxlabError BAD_FILTER) that says what is wrong, in which column, and what to write instead
 */
export function compileFilter(text: string): DisplayFilter {
  try {
    const tree = parse(text);
    if (tree === null) return { text, matches: () => true };
    const test = compileTest(tree);
    const subject = new Subject();
    return {
      text,
      matches: (sight, meta) => {
        subject.take(sight, meta);
        return test(subject);
      },
    };
  } catch (error) {
    if (error instanceof Complaint) throw new FilterError(text, error.span, error.message);
    throw error;
  }
}
