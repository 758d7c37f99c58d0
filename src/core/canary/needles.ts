// The forms in which a canary may stand in bytes: as it is, base64 (RFC 4648 s.4 and s.5), hexadecimal (s.8), UTF-16 (RFC 2781).
// Percent-encoding has too many forms to list (any character may be encoded or not): see percent.ts.
//
//   base64 of  .C A N A R Y.   depends on where in a group of three bytes the canary begins:
//   0 before:  |CAN|ARY|       and the first and last characters hold bits of its neighbours too, so that only those
//   1 before:  |.CA|NAR|Y..|   in between are looked for: at least ten of them, since a canary has at least eight bytes.
//   2 before:  |..C|ANA|RY.|

import { bytesOf } from '../eavesdrop/text.ts';
import { VxlabError } from '../wire/numbers.ts';

/** Bytes of a canary: fewer might be met by chance. */
export const CANARY_MIN = 8;
export const CANARY_MAX = 128;

/** How a canary stands in the bytes. What was packed says so first: `gzip`, `gzip+base64`. */
export type PlainEncoding = 'plain' | 'base64' | 'base64url' | 'hex' | 'percent' | 'utf-16';

export interface Needle {
  readonly bytes: Uint8Array;
  readonly encoding: PlainEncoding;
}

/** The longest stretch of bytes that holds a canary: every character percent-encoded. */
export const SPAN_MAX: number = CANARY_MAX * 3;

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/**
 * Every form but percent-encoding, each sequence of bytes once.
 * @throws VxlabError BAD_CANARY for one that is too short or too long
 */
export function needlesOf(canary: Uint8Array): Needle[] {
  if (canary.length < CANARY_MIN || canary.length > CANARY_MAX) {
    throw new VxlabError(
      'BAD_CANARY',
      `a canary of ${canary.length} bytes: it must have ${CANARY_MIN} to ${CANARY_MAX}, so that no chance brings it about`,
    );
  }
  const hex = Array.from(canary, (byte) => byte.toString(16).padStart(2, '0')).join('');
  const forms: [PlainEncoding, Uint8Array][] = [['plain', canary]];
  for (const before of [0, 1, 2]) forms.push(['base64', bytesOf(base64Core(canary, before, BASE64))]);
  for (const before of [0, 1, 2]) forms.push(['base64url', bytesOf(base64Core(canary, before, BASE64URL))]);
  forms.push(['hex', bytesOf(hex)], ['hex', bytesOf(hex.toUpperCase())]);
  forms.push(['utf-16', widened(canary)]);
  const seen = new Set<string>();
  return forms.flatMap(([encoding, bytes]) => {
    const key = bytes.join();
    if (seen.has(key)) return [];
    seen.add(key);
    return [{ encoding, bytes }];
  });
}

/** The characters that depend on the canary alone, when `before` bytes stand between a group's beginning and it. */
function base64Core(canary: Uint8Array, before: number, alphabet: string): string {
  const first = Math.ceil((before * 8) / 6);
  const last = Math.floor(((before + canary.length) * 8) / 6);
  let text = '';
  for (let i = first; i < last; i++) {
    const bit = i * 6 - before * 8;
    const at = bit >> 3;
    const two = ((canary[at] as number) << 8) | (canary[at + 1] ?? 0);
    text += alphabet.charAt((two >> (10 - (bit & 7))) & 63);
  }
  return text;
}

/** Zeros between the bytes: in either byte order the same from the first byte to the last. */
function widened(canary: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(canary.length * 2 - 1);
  for (const [i, byte] of canary.entries()) bytes[i * 2] = byte;
  return bytes;
}
