// Fields of forms, queries and JSON by what their names say: a password, a user's name, or something else. The encodings:
// WHATWG URL s.5.1 (x-www-form-urlencoded), RFC 8259 (JSON).

import { bytesOf, percentDecoded, textOf } from '../text.ts';

/** `hidden` is the part of the name that a form gives to something that lets its sender in. */
export type FieldSort = 'hidden' | 'user' | 'plain';

const HIDDEN_PART = /pass(?:w(?:or)?d|phrase|code|wort)|secret|api[-_]?key|credential/i;
const HIDDEN_WORD =
  /(?:^|[^a-z])(?:pass|pwd|passwd|pw|pin|otp|token|jwt|sid|session|session[-_]?id|php_?sessid|jsession_?id|private[-_]?key)$/i;
/** Made to be sent along and of no use to others. */
const HARMLESS = /csrf|xsrf|authenticity|^__requestverification|public/i;
const USER =
  /(?:^|[^a-z])(?:user|user[-_]?name|user[-_]?id|usr|uname|uid|login|log|e?-?mail|account|nick|nick[-_]?name|client[-_]?id)$/i;

export function sortOf(name: string): FieldSort {
  // `newPassword` and `user[password]` as `new_password` and `user_password`.
  const words = name
    .replace(/([a-z\d])([A-Z])/g, '$1_$2')
    .replace(/[[\].]+/g, '_')
    .replace(/_$/, '');
  if (HARMLESS.test(words)) return 'plain';
  if (HIDDEN_PART.test(words) || HIDDEN_WORD.test(words)) return 'hidden';
  return USER.test(words) ? 'user' : 'plain';
}

export interface Field {
  readonly name: string;
  readonly value: string;
  /** Where the value stands in the text it was read from, as it is encoded there. */
  readonly from: number;
  readonly to: number;
}

const FIELDS_MAX = 256;

/** The fields of `a=1&b=2`; from one character a byte. */
export function formFields(text: string): Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < text.length && fields.length < FIELDS_MAX; ) {
    const amp = text.indexOf('&', at);
    const end = amp < 0 ? text.length : amp;
    const equals = text.indexOf('=', at);
    if (equals >= at && equals < end) {
      fields.push({
        name: percentDecoded(text.slice(at, equals), true),
        value: percentDecoded(text.slice(equals + 1, end), true),
        from: equals + 1,
        to: end,
      });
    }
    at = end + 1;
  }
  return fields;
}

const MEMBER = /"((?:[^"\\]|\\.){1,64})"\s*:\s*(?:"((?:[^"\\]|\\.)*)"|(-?\d[\d.eE+-]*))/g;

/** The members of a JSON text that are strings or numbers, however deep; of a text that is cut short too. */
export function jsonFields(text: string): Field[] {
  const fields: Field[] = [];
  for (const match of text.matchAll(MEMBER)) {
    if (fields.length === FIELDS_MAX) break;
    const raw = match[2] ?? (match[3] as string);
    const to = match.index + match[0].length - (match[2] === undefined ? 0 : 1);
    const name = unescaped(match[1] as string);
    fields.push({ name, value: unescaped(raw), from: to - raw.length, to });
  }
  return fields;
}

/** A JSON string's content, from one character a byte. */
function unescaped(raw: string): string {
  return textOf(bytesOf(raw)).replace(
    /\\(?:u([0-9a-f]{4})|(.))/gi,
    (_, code: string | undefined, letter: string) => {
      if (code !== undefined) return String.fromCharCode(Number.parseInt(code, 16));
      const at = 'bfnrt'.indexOf(letter);
      return at < 0 ? letter : ('\b\f\n\r\t'[at] as string);
    },
  );
}

/** What stands for a secret in a text that is shown in the open. */
export const HIDDEN = '***';

/** The text without the values of these fields. */
export function without(text: string, fields: readonly Field[]): string {
  let out = '';
  let at = 0;
  for (const { from, to } of fields) {
    if (to === from) continue;
    out += text.slice(at, from) + HIDDEN;
    at = to;
  }
  return out + text.slice(at);
}
