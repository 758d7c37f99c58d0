// Text as bytes, without strings: each function writes at a place of a block and answers with the place behind what it wrote. Four
// bytes go at a time; up to SPILL bytes behind the answer may be overwritten, and the block must have room for them.

export const SPILL = 16;

const COLON = 0x3a;
const SPACES = 0x2020_2020;

/** Decimal text of 0 to 255 and a dot behind it as four bytes, first byte uppermost; and how long the digits are. */
const OCTETS: Int32Array = new Int32Array(256);
const OCTET_LENGTHS: Uint8Array = new Uint8Array(256);
/** Decimal text of 0 to 9999 with zeros in front, as four bytes. */
const FOURS: Int32Array = new Int32Array(10_000);
/** Hex text of 0 to 0xff, as two bytes. */
const HEX: Uint16Array = new Uint16Array(256);

for (let i = 0; i < 256; i++) {
  OCTETS[i] = packed(`${i}.`);
  OCTET_LENGTHS[i] = String(i).length;
  HEX[i] = packed(i.toString(16).padStart(2, '0')) >>> 16;
}
for (let i = 0; i < 10_000; i++) FOURS[i] = packed(String(i).padStart(4, '0'));

/** Up to four characters as one number, zeros behind them. */
function packed(text: string): number {
  let word = 0;
  for (let k = 0; k < 4; k++) word = (word << 8) | (k < text.length ? text.charCodeAt(k) : 0);
  return word;
}

/** Words that are written often, at most SPILL bytes. */
export class Label {
  readonly length: number;
  readonly #words: Int32Array;

  constructor(text: string) {
    const bytes = new TextEncoder().encode(text);
    const padded = new DataView(new ArrayBuffer((bytes.length + 3) & ~3));
    bytes.forEach((byte, i) => {
      padded.setUint8(i, byte);
    });
    this.length = bytes.length;
    this.#words = Int32Array.from({ length: padded.byteLength / 4 }, (_, i) => padded.getInt32(i * 4));
  }

  put(block: DataView, at: number): number {
    const words = this.#words;
    for (let i = 0; i < words.length; i++) block.setInt32(at + i * 4, words[i] as number);
    return at + this.length;
  }
}

/** `digits` digits of a whole number below 2^32 with zeros in front; digits that do not fit are left out. */
export function putDigits(block: DataView, at: number, value: number, digits: number): number {
  // Divisions of unsigned 32-bit numbers by a constant: the compiler multiplies instead.
  let rest = value >>> 0;
  let left = digits;
  while (left >= 4) {
    const quotient = (rest / 10_000) >>> 0;
    left -= 4;
    block.setInt32(at + left, FOURS[rest - quotient * 10_000] as number);
    rest = quotient;
  }
  if (left === 0) return at + digits;
  const four = FOURS[rest - ((rest / 10_000) >>> 0) * 10_000] as number;
  if (left === 1) block.setUint8(at, four);
  else if (left === 2) block.setUint16(at, four);
  else {
    block.setUint8(at, four >>> 16);
    block.setUint16(at + 1, four);
  }
  return at + digits;
}

/** A whole number below 2^32. */
export function putDecimal(block: DataView, at: number, value: number): number {
  if (value < 10_000) {
    const digits = fewDigits(value);
    block.setInt32(at, (FOURS[value] as number) << ((4 - digits) * 8));
    return at + digits;
  }
  if (value < 100_000_000) {
    const upper = (value / 10_000) >>> 0;
    const digits = fewDigits(upper);
    block.setInt32(at, (FOURS[upper] as number) << ((4 - digits) * 8));
    block.setInt32(at + digits, FOURS[value - upper * 10_000] as number);
    return at + digits + 4;
  }
  const upper = (value / 100_000_000) >>> 0;
  const digits = upper < 10 ? 1 : 2;
  block.setInt32(at, (FOURS[upper] as number) << ((4 - digits) * 8));
  return putDigits(block, at + digits, value - upper * 100_000_000, 8);
}

/** Digits of a number below 10,000. */
function fewDigits(value: number): number {
  return value < 100 ? (value < 10 ? 1 : 2) : value < 1000 ? 3 : 4;
}

/** A whole number below 2^32 in at least `width` characters (8 at most), spaces in front. */
export function putRight(block: DataView, at: number, value: number, width: number): number {
  const digits =
    value < 10_000
      ? fewDigits(value)
      : value < 10_000_000
        ? value < 100_000
          ? 5
          : value < 1_000_000
            ? 6
            : 7
        : 8;
  if (digits >= width) return putDecimal(block, at, value);
  block.setInt32(at, SPACES);
  block.setInt32(at + 4, SPACES);
  return putDecimal(block, at + width - digits, value);
}

/** A MAC address. */
export function putMac(block: DataView, at: number, view: DataView, from: number): number {
  for (let i = 0; i < 6; i++) {
    block.setUint16(at + i * 3, HEX[view.getUint8(from + i)] as number);
    block.setUint8(at + i * 3 + 2, COLON);
  }
  return at + 17;
}

/** Lower-case hex digits of a 16-bit number, four of them. */
export function putHex16(block: DataView, at: number, value: number): number {
  block.setUint16(at, HEX[value >>> 8] as number);
  block.setUint16(at + 2, HEX[value & 0xff] as number);
  return at + 4;
}

/** An IPv4 address, given as 32 bits, in at least twelve characters: spaces in front. */
export function putIp4Right(block: DataView, at: number, ip: number): number {
  const length =
    3 +
    (OCTET_LENGTHS[ip >>> 24] as number) +
    (OCTET_LENGTHS[(ip >>> 16) & 0xff] as number) +
    (OCTET_LENGTHS[(ip >>> 8) & 0xff] as number) +
    (OCTET_LENGTHS[ip & 0xff] as number);
  if (length >= 12) return putIp4(block, at, ip);
  block.setInt32(at, SPACES);
  block.setInt32(at + 4, SPACES);
  return putIp4(block, at + 12 - length, ip);
}

/** Likewise with the spaces behind. */
export function putIp4Left(block: DataView, at: number, ip: number): number {
  const end = putIp4(block, at, ip);
  if (end >= at + 12) return end;
  block.setInt32(end, SPACES);
  block.setInt32(end + 4, SPACES);
  return at + 12;
}

/** An IPv4 address as it is. */
export function putIp4(block: DataView, at: number, ip: number): number {
  const a = ip >>> 24;
  const b = (ip >>> 16) & 0xff;
  const c = (ip >>> 8) & 0xff;
  const d = ip & 0xff;
  block.setInt32(at, OCTETS[a] as number);
  let end = at + 1 + (OCTET_LENGTHS[a] as number);
  block.setInt32(end, OCTETS[b] as number);
  end += 1 + (OCTET_LENGTHS[b] as number);
  block.setInt32(end, OCTETS[c] as number);
  end += 1 + (OCTET_LENGTHS[c] as number);
  block.setInt32(end, OCTETS[d] as number);
  return end + (OCTET_LENGTHS[d] as number);
}
