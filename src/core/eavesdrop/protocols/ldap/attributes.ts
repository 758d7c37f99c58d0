// The attributes of an LDAP entry (RFC 4511 s.4.1.7): who somebody is, and what must not be read: passwords and their hashes.

import type { Side } from '../../reader.ts';
import { latin1, textOf } from '../../text.ts';
import type { Element } from '../../tls/der.ts';
import { elements } from '../../tls/der.ts';
import type { Notes } from '../grammar/notes.ts';
import { CUT, hex, isText, TEXT_MAX, textOrHex } from '../grammar/notes.ts';

/** Attributes that hold a password, a hash of one, or a key (RFC 4519 s.2.41; Samba, FreeIPA, Active Directory). */
const SECRETS: ReadonlySet<string> = new Set([
  ...['userpassword', 'unicodepwd', 'sambantpassword', 'sambalmpassword', 'krbprincipalkey', 'authpassword'],
  ...['ms-mcs-admpwd', 'mslaps-password', 'olcrootpw', 'clearpassword', 'userpkcs12'],
]);
const HASH_OF_NT: ReadonlySet<string> = new Set(['sambantpassword', 'sambalmpassword']);
const ATTRIBUTES_MAX = 32;
const VALUES_MAX = 8;

/**
 * Tells attributes, each a sequence of a name and a set of values, or a name and one value.
 * @param bytes the message, which stands at the start of what the side has said
 */
export function tellAttributes(
  notes: Notes,
  side: Side,
  bytes: Uint8Array,
  whose: string,
  attributes: readonly Element[],
): void {
  const shown: string[] = [];
  for (const attribute of attributes.slice(0, ATTRIBUTES_MAX)) {
    const [name, set] = elements(bytes, attribute.from, attribute.to);
    if (name === undefined || set === undefined) continue;
    const word = textOf(bytes.subarray(name.from, name.to));
    const values = set.tag === 0x31 ? elements(bytes, set.from, set.to) : [set];
    const key = (word.split(';')[0] as string).toLowerCase();
    if (SECRETS.has(key)) tellSecrets(notes, side, bytes, whose, word, key, values);
    else
      shown.push(
        `${word}=${values
          .slice(0, VALUES_MAX)
          .map((value) => shownValue(bytes, value))
          .join(', ')}`,
      );
  }
  const first = attributes[0];
  const last = attributes.at(-1);
  if (shown.length === 0 || first === undefined || last === undefined) return;
  const text = shown.join('; ');
  const isCut = text.length > TEXT_MAX || attributes.length > ATTRIBUTES_MAX;
  notes.content(side, first.from, last.to, 'attributes', isCut ? text.slice(0, TEXT_MAX) + CUT : text);
}

function tellSecrets(
  notes: Notes,
  side: Side,
  bytes: Uint8Array,
  whose: string,
  word: string,
  key: string,
  values: readonly Element[],
): void {
  for (const { from, to } of values.slice(0, VALUES_MAX)) {
    if (to === from) continue;
    const raw = bytes.subarray(from, to);
    const isHash = HASH_OF_NT.has(key) || /^\{(?!CLEAR)[A-Z0-9-]{2,20}\}/i.test(latin1(raw.subarray(0, 24)));
    const value =
      key === 'unicodepwd' ? textOf(raw.filter((_, i) => i % 2 === 0)) : isText(raw) ? textOf(raw) : hex(raw);
    if (isHash) notes.challenge(side, from, to, word, whose, value.slice(0, TEXT_MAX));
    else notes.secret(side, from, to, word, whose, value.slice(0, TEXT_MAX));
  }
}

function shownValue(bytes: Uint8Array, { from, to }: Element): string {
  const raw = bytes.subarray(from, Math.min(to, from + 256));
  const text = textOrHex(raw);
  return to - from > 256 ? text + CUT : text;
}
