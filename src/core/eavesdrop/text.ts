// Bytes as text: UTF-8 (RFC 3629), percent-encoding (RFC 3986 s.2.1), base64 (RFC 4648 s.4 and s.5). The pure rooms have no
// TextDecoder and no atob. Nothing here throws: what is no text is shown as it is.

const DIGITS = '0123456789abcdef';

/** `\x1b` */
function escaped(byte: number): string {
  return `\\x${DIGITS.charAt(byte >>> 4)}${DIGITS.charAt(byte & 15)}`;
}

/** How many bytes the character at `at` takes, 0 where there is none. */
function sequenceAt(bytes: Uint8Array, at: number): number {
  const lead = bytes[at] as number;
  if (lead < 0x80) return 1;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  const n = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  for (let i = 1; i < n; i++) if (((bytes[at + i] ?? 0) & 0xc0) !== 0x80) return 0;
  const second = bytes[at + 1] as number;
  // Forms that are too long, surrogates, and what lies behind U+10FFFF.
  if ((lead === 0xe0 && second < 0xa0) || (lead === 0xed && second > 0x9f)) return 0;
  if ((lead === 0xf0 && second < 0x90) || (lead === 0xf4 && second > 0x8f)) return 0;
  return n;
}

/** Whether all bytes stand for themselves. */
function isAscii(bytes: Uint8Array): boolean {
  for (let i = 0; i < bytes.length; i++) if ((bytes[i] as number) > 0x7f) return false;
  return true;
}

/** @param most characters; there is at least one more where bytes are left */
function decode(bytes: Uint8Array, odd: (byte: number) => string, most = Number.MAX_SAFE_INTEGER): string {
  const first = bytes.length > most ? bytes.subarray(0, most + 1) : bytes;
  if (isAscii(first)) return latin1(first);
  let text = '';
  for (let at = 0; at < bytes.length && text.length <= most; ) {
    const n = sequenceAt(bytes, at);
    if (n <= 1) {
      text += n === 1 ? String.fromCharCode(bytes[at] as number) : odd(bytes[at] as number);
      at++;
      continue;
    }
    let code = (bytes[at] as number) & (0x7f >> n);
    for (let i = 1; i < n; i++) code = (code << 6) | ((bytes[at + i] as number) & 0x3f);
    text += String.fromCodePoint(code);
    at += n;
  }
  return text;
}

/** With U+FFFD for each byte that is no UTF-8. */
export function utf8(bytes: Uint8Array): string {
  return decode(bytes, () => '\ufffd');
}

/**
 * UTF-8, with \xNN for each byte that is none and for control characters other than tab, CR and LF.
 * @param most characters that are asked for: a longer text is at least one character longer, and need not be whole
 */
export function textOf(bytes: Uint8Array, most?: number): string {
  return shown(decode(bytes, escaped, most));
}

/** One character a byte. */
export function latin1(bytes: Uint8Array): string {
  if (bytes.length <= PIECE) return lettersOf(bytes);
  let text = '';
  for (let i = 0; i < bytes.length; i += PIECE) text += lettersOf(bytes.subarray(i, i + PIECE));
  return text;
}

/** Arguments of a call at most. Spread would be five times as slow: it asks an iterator for each byte. */
const PIECE = 4096;

function lettersOf(bytes: Uint8Array): string {
  return Reflect.apply(String.fromCharCode, null, bytes);
}

/** The bytes of a text of one character a byte. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** The text with \xNN for the bytes of control characters other than tab, CR and LF: a terminal obeys some of them. */
export function shown(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  return text.replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]/g, (letter) => {
    const code = letter.charCodeAt(0);
    return code < 0x80 ? escaped(code) : `${escaped(0xc2)}${escaped(code)}`;
  });
}

/** A percent-encoded text of one character a byte; `+` is a blank in forms (WHATWG URL, s.5.1). A stray `%` stays. */
export function percentDecoded(text: string, form = false): string {
  const plain = form ? text.replaceAll('+', ' ') : text;
  const bytes = plain.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return textOf(bytesOf(bytes));
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const VALUES = new Int8Array(128).fill(-1);
for (let i = 0; i < 64; i++) VALUES[BASE64.charCodeAt(i)] = i;
VALUES[0x2d] = 62; // - and _ of the URL's alphabet
VALUES[0x5f] = 63;

/** null for what is no base64; padding may be absent. */
export function base64(text: string): Uint8Array | null {
  const body = text.replace(/={0,2}$/, '');
  if (body.length % 4 === 1) return null;
  const bytes = new Uint8Array((body.length * 3) >> 2);
  let bits = 0;
  let held = 0;
  let o = 0;
  for (let i = 0; i < body.length; i++) {
    const value = VALUES[body.charCodeAt(i)] ?? -1;
    if (value < 0) return null;
    bits = ((bits << 6) | value) & 0xffff;
    held += 6;
    if (held < 8) continue;
    held -= 8;
    bytes[o++] = (bits >>> held) & 0xff;
  }
  return bytes;
}
