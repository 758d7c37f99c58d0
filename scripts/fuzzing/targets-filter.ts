// Targets about display filters: every field of any packet, and any text as a filter.

import type { DisplayFilter } from '../../src/core/filter/index.ts';
import { compileFilter, FilterError } from '../../src/core/filter/index.ts';
import { everyName } from '../../src/core/filter/names.ts';
import { Sight } from '../../src/core/reassembly/sight.ts';
import type { Input, Scene, TextInput } from './input.ts';
import type { Target } from './target.ts';
import { eachPacket, eachSight, hashOf, must, reads } from './target.ts';
import type { Trail } from './trail.ts';
import { MARK } from './trail.ts';

/** Filters that no packet can pass, whatever is in it. */
const NEVER: readonly DisplayFilter[] = [
  ...[...new Set(everyName())].flatMap((name) => [`${name} && !(${name})`, `count(${name}) < 0`]),
  'len(frame) != frame.cap_len',
  'frame contains tcp.payload && !tcp.payload',
  'ip[12:4] == ip.src && !ip',
  'data[0:2,-2:] == 00 && !data',
  'ip.src#-1 == ip.dst#1 && !ip',
  'inner.ip.src == outer.ip.dst && !vxlan',
].map(compileFilter);
/** How many of them each packet is asked. */
const ASKED = 12;

const filter: Target = {
  name: 'filter',
  takes: 'scene',
  run(input: Input): void {
    eachSight(input as Scene, (sight, { meta, packet }) => {
      const from = hashOf(packet);
      for (let i = 0; i < ASKED; i++) {
        const asked = NEVER[(from + i * 97) % NEVER.length] as DisplayFilter;
        must(!asked.matches(sight, meta), 'no packet passes a contradiction', asked.text);
      }
    });
  },
};

/** Any text: a filter, or one sentence about what is wrong with it and where. */
const text: Target = {
  name: 'filter-text',
  takes: 'text',
  run(input: Input, trail: Trail): void {
    const { text: words } = input as TextInput;
    let compiled: DisplayFilter;
    try {
      compiled = compileFilter(words);
    } catch (error) {
      if (!(error instanceof FilterError)) throw error;
      must(error.code === 'BAD_FILTER', 'a filter error has its code', error.code);
      must(
        error.column >= 1 && error.column <= words.length + 2,
        'a filter error has a column',
        error.column,
      );
      must(error.caret.split('\n').length === 2, 'a filter error has a picture', error.caret);
      if (!/undefined|NaN|object/.test(words)) reads(error.message, 'a filter error');
      trail.words(MARK.filter, error.message.replace(/"[^"]*"/g, '').replace(/column \d+/, ''));
      return;
    }
    trail.words(MARK.filter, words.replace(/[^a-z&|!=<>~[\]{}()]+/gi, ' ').slice(0, 40));
    // A pattern of the user's own may take as long as it likes.
    if (/matches|~/.test(words)) return;
    const sight = new Sight();
    eachPacket(WITNESSES, ({ view, start, end, meta }) => {
      sight.read(view, start, end, meta);
      compiled.matches(sight, meta);
    });
  },
};

/** One packet of VXLAN with TCP inside, one of ARP, one that is empty. */
const WITNESSES: Scene = {
  kind: 'scene',
  walk: 'default',
  packets: [
    '0242c000020c0242c000020b0800450000620000400040114a3dc000020bc000020cc00012b5004e0000080000000010010002420a00000302420a00000208004500003000014000400626c20a0000020a000003c35000500000000100000000500220000000000047455420',
    'ffffffffffff0242c000020b080600010800060400010242c000020bc000020b000000000000c000020c',
    '',
  ].map((digits) => ({
    bytes: new Uint8Array(Buffer.from(digits, 'hex')),
    linkType: 1,
    original: digits.length / 2,
    seconds: 1_700_000_000,
    nanos: 0,
  })),
};

export const FILTER_TARGETS: readonly Target[] = [filter, text];
