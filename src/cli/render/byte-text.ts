// Text as bytes, without strings: each function writes at a place of a block and answers with the place behind what it wrote. The
// block must have room; up to three bytes behind the answer may be overwritten.

/** Decimal text of 0 to 255 in three bytes, left-aligned, and its length. */
const OCTETS: Uint8Array = new Uint8Array(256 * 4);
/** Decimal text of 0 to 9999 in four bytes with zeros in front. */
const FOURS: Uint8Array = new Uint8Array(10_000 * 4);

for (let i = 0; i < 256; i++) {
  const text = String(i);
  for (let k = 0; k < text.length; k++) OCTETS[i * 4 + k] = text.charCodeAt(k);
  OCTETS[i * 4 + 3] = text.length;
}
for (let i = 0; i < 10_000; i++) {
  for (let k = 0, rest = i; k < 4; k++, rest = (rest / 10) | 0) FOURS[i * 4 + 3 - k] = 0x30 + (rest % 10);
}

const SPACE = 0x20;
const DOT = 0x2e;
const HEX: Uint8Array = new TextEncoder().encode('0123456789abcdef');

/** Bytes that were made beforehand. */
export function putBytes(block: Uint8Array, at: number, bytes: Uint8Array): number {
  const length = bytes.length;
  for (let i = 0; i < length; i++) block[at + i] = bytes[i] as number;
  return at + length;
}

/** `digits` digits of a whole number below 2^32 with zeros in front; digits that do not fit are left out. */
export function putDigits(block: Uint8Array, at: number, value: number, digits: number): number {
  // Divisions of unsigned 32-bit numbers by a constant: the compiler multiplies instead.
  let rest = value >>> 0;
  let left = digits;
  while (left >= 4) {
    const quotient = (rest / 10_000) >>> 0;
    const o = (rest - quotient * 10_000) << 2;
    left -= 4;
    block[at + left] = FOURS[o] as number;
    block[at + left + 1] = FOURS[o + 1] as number;
    block[at + left + 2] = FOURS[o + 2] as number;
    block[at + left + 3] = FOURS[o + 3] as number;
    rest = quotient;
  }
  if (left === 0) return at + digits;
  const o = ((rest - ((rest / 10_000) >>> 0) * 10_000) << 2) + 4 - left;
  block[at] = FOURS[o] as number;
  if (left > 1) block[at + 1] = FOURS[o + 1] as number;
  if (left > 2) block[at + 2] = FOURS[o + 2] as number;
  return at + digits;
}

/** A whole number below 2^32, at least `width` wide with spaces in front. */
export function putDecimal(block: Uint8Array, at: number, value: number, width = 0): number {
  const digits = digitsOf(value);
  let begin = at;
  for (let i = digits; i < width; i++) block[begin++] = SPACE;
  return putDigits(block, begin, value, digits);
}

function digitsOf(value: number): number {
  if (value < 100_000) {
    if (value < 100) return value < 10 ? 1 : 2;
    return value < 1000 ? 3 : value < 10_000 ? 4 : 5;
  }
  if (value < 10_000_000) return value < 1_000_000 ? 6 : 7;
  return value < 100_000_000 ? 8 : value < 1_000_000_000 ? 9 : 10;
}

/** Lower-case hex digits, `digits` of them. */
export function putHex(block: Uint8Array, at: number, value: number, digits: number): number {
  for (let i = 0; i < digits; i++) block[at + i] = HEX[(value >>> ((digits - 1 - i) * 4)) & 0xf] as number;
  return at + digits;
}

/** An IPv4 address, given as 32 bits, in at least twelve characters: spaces in front. */
export function putIp4Right(block: Uint8Array, at: number, ip: number): number {
  const length =
    3 +
    octetLength(ip >>> 24) +
    octetLength((ip >>> 16) & 0xff) +
    octetLength((ip >>> 8) & 0xff) +
    octetLength(ip & 0xff);
  let begin = at;
  for (let i = length; i < 12; i++) block[begin++] = SPACE;
  return putIp4(block, begin, ip);
}

function octetLength(octet: number): number {
  return OCTETS[octet * 4 + 3] as number;
}

/** Likewise with the spaces behind. */
export function putIp4Left(block: Uint8Array, at: number, ip: number): number {
  let end = putIp4(block, at, ip);
  while (end < at + 12) block[end++] = SPACE;
  return end;
}

function putIp4(block: Uint8Array, at: number, ip: number): number {
  let end = putOctet(block, at, ip >>> 24);
  block[end++] = DOT;
  end = putOctet(block, end, (ip >>> 16) & 0xff);
  block[end++] = DOT;
  end = putOctet(block, end, (ip >>> 8) & 0xff);
  block[end++] = DOT;
  return putOctet(block, end, ip & 0xff);
}

function putOctet(block: Uint8Array, at: number, value: number): number {
  const o = value * 4;
  block[at] = OCTETS[o] as number;
  block[at + 1] = OCTETS[o + 1] as number;
  block[at + 2] = OCTETS[o + 2] as number;
  return at + (OCTETS[o + 3] as number);
}
