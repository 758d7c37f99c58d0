// Which name in a filter is which field or protocol, with `outer.` and `inner.` in front or not.

import { FIELDS } from '../inspect/registry.ts';
import type { Range, Word } from './ast.ts';
import { Complaint, quoted } from './error.ts';
import { EXTRA_FIELDS } from './extra.ts';
import { FieldSource } from './field-source.ts';
import { FRAME_FIELDS } from './frame-fields.ts';
import { PROTOCOLS, ProtocolSource } from './protocol-source.ts';
import type { NamedSource } from './source.ts';
import type { Side } from './subject.ts';
import { SIDE } from './subject.ts';
import { nearest } from './suggest.ts';

/** Fields of Wireshark that are told from packets before and after, and what to ask instead. */
const OF_STREAMS: readonly (readonly [RegExp, string])[] = [
  [/^tcp\.(?:seq|nxtseq)$/, 'use tcp.seq_raw'],
  [/^tcp\.ack$/, 'use tcp.ack_raw'],
  [/^tcp\.window_size$/, 'use tcp.window_size_value'],
  [
    /^(?:tcp|udp)\.(?:stream|analysis|time_|completeness|reassembled)/,
    'pin addresses and ports instead, as in ip.addr == 10.0.1.2 && tcp.port == 80',
  ],
];

function splitSide(name: string): { side: Side; rest: string } {
  if (name.startsWith('outer.')) return { side: SIDE.outer, rest: name.slice(6) };
  if (name.startsWith('inner.')) return { side: SIDE.inner, rest: name.slice(6) };
  return { side: SIDE.any, rest: name };
}

/** The field or protocol of that name, or null when there is none. */
export function find(word: Word, ranges: readonly Range[] | null): NamedSource | null {
  const { side, rest } = splitSide(word.text);
  const places = EXTRA_FIELDS.get(rest) ?? FIELDS.get(rest);
  if (places !== undefined) return new FieldSource(word.text, places, side, ranges);
  if (PROTOCOLS.has(rest)) return new ProtocolSource(rest, side, ranges);
  const frame = FRAME_FIELDS.get(rest);
  if (frame === undefined) return null;
  if (side !== SIDE.any || ranges !== null) {
    throw new Complaint(word, `${rest} is about the whole packet; write it without a side or layer`);
  }
  return frame;
}

/** All names, for finding the nearest. */
export function* everyName(): Generator<string> {
  yield* FIELDS.keys();
  yield* EXTRA_FIELDS.keys();
  yield* FRAME_FIELDS.keys();
  yield* PROTOCOLS;
}

/** The nearest known name with the word's side in front, or null. */
export function nearestName(text: string): string | null {
  const { side, rest } = splitSide(text);
  const name = nearest(rest, everyName());
  return name === null || side === SIDE.any ? name : `${text.slice(0, 6)}${name}`;
}

/** What to say of a word that should be a field and is none. */
export function unknown(word: Word): Complaint {
  const { rest } = splitSide(word.text);
  const stream = OF_STREAMS.find(([pattern]) => pattern.test(rest));
  if (stream !== undefined) {
    return new Complaint(word, `${quoted(word.text)} depends on other packets of the stream; ${stream[1]}`);
  }
  const minus = rest.indexOf('-');
  if (minus > 0 && find({ ...word, text: rest.slice(0, minus) }, null) !== null) {
    return new Complaint(word, `${quoted(word.text)} is one word; put spaces around the minus sign`);
  }
  const name = nearestName(word.text);
  const hint = name === null ? 'docs/filters.md lists the names' : `did you mean ${name}?`;
  return new Complaint(word, `${quoted(word.text)} is neither a field nor a protocol; ${hint}`);
}
