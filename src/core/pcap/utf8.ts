// UTF-8, RFC 3629, for the texts in pcapng options. The pure rooms have no TextDecoder.

const REPLACEMENT = 0xfffd;
const LEAST = [0, 0, 0x80, 0x800, 0x10000] as const;

/** Text of the bytes [start, end). Whatever is not UTF-8 becomes U+FFFD, a byte at a time. */
export function decodeUtf8(view: DataView, start: number, end: number): string {
  let text = '';
  let at = start;
  while (at < end) {
    const lead = view.getUint8(at);
    const length =
      lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf8 ? 4 : 0;
    let code = length === 1 ? lead : lead & (0x7f >> length);
    let good = length > 0 && at + length <= end;
    for (let i = 1; good && i < length; i++) {
      const next = view.getUint8(at + i);
      good = (next & 0xc0) === 0x80;
      code = (code << 6) | (next & 0x3f);
    }
    if (good && length > 1) {
      good = code >= (LEAST[length] as number) && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
    }
    text += String.fromCodePoint(good ? code : REPLACEMENT);
    at += good ? length : 1;
  }
  return text;
}

/** The bytes of a text. Half a surrogate pair becomes U+FFFD. */
export function encodeUtf8(text: string): Uint8Array {
  const bytes: number[] = [];
  for (const char of text) {
    let code = char.codePointAt(0) as number;
    if (code >= 0xd800 && code <= 0xdfff) code = REPLACEMENT;
    if (code < 0x80) bytes.push(code);
    else if (code < 0x800) bytes.push(0xc0 | (code >> 6), 0x80 | (code & 0x3f));
    else if (code < 0x10000)
      bytes.push(0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    else {
      bytes.push(0xf0 | (code >> 18), 0x80 | ((code >> 12) & 0x3f));
      bytes.push(0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f));
    }
  }
  return Uint8Array.from(bytes);
}
