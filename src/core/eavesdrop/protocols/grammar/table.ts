// Tables of AMQP 0-9-1 (s.4.2.5.5; as RabbitMQ types them): names and values, of which the texts are wanted.

import { textOf } from '../../text.ts';
import type { Cursor, Stretch } from './cursor.ts';

/** Bytes of a value by its letter; strings, tables and lists have their own size before them. */
const SIZES: Readonly<Record<string, number>> = {
  ...{ t: 1, b: 1, B: 1, s: 2, u: 2, U: 2, I: 4, i: 4, f: 4, D: 5, l: 8, L: 8, d: 8, T: 8, V: 0 },
};
const SIZED = 'SFAx';
const FIELDS_MAX = 64;

/** The texts of a table at the cursor, which is passed over. */
export function tableTexts(cursor: Cursor): Map<string, Stretch> {
  const size = cursor.big(4);
  const end = cursor.at + size;
  const texts = new Map<string, Stretch>();
  for (let i = 0; i < FIELDS_MAX && cursor.ok && cursor.at < end; i++) {
    const name = textOf(cursor.bytes(cursor.stretch(cursor.big(1))));
    const letter = String.fromCharCode(cursor.big(1));
    const fixed = SIZES[letter];
    if (fixed !== undefined) cursor.skip(fixed);
    else if (SIZED.includes(letter)) {
      const value = cursor.stretch(cursor.big(4));
      if (letter === 'S' && cursor.ok) texts.set(name, value);
    } else break;
  }
  if (end <= cursor.end) cursor.at = end;
  else cursor.ok = false;
  return texts;
}
