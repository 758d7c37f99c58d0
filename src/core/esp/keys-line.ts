// The fields of one line of a keys file: quotes, addresses with wildcards, SPIs, keys. See keys-file.ts.

import { VxlabError } from '../wire/numbers.ts';
import { parseIp4, parseIp6 } from '../wire/parse-ip.ts';
import type { AddressPattern } from './key.ts';
import { addressBytes, EVERY_SPI } from './key.ts';

/** What is wrong with a line, as a sentence without its place. */
export class Complaint extends Error {}

const FIELDS_MIN = 8;
const FIELDS_MAX = 10;
/** A text is shown up to here. */
const SHOWN = 60;

export function quoted(text: string): string {
  const cut = text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: what a terminal must not get
  return `"${cut.replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')}"`;
}

/** Eight to ten texts in quotes, between commas; `\"`, `\\` and `\xNN` in them stand for what they say. */
export function fieldsOf(line: string): string[] {
  const field = /[ \t]*"((?:[^"\\]|\\.)*)"[ \t]*(,|$)/y;
  const fields: string[] = [];
  let more = true;
  while (more) {
    const found = field.exec(line);
    if (found === null || fields.length > FIELDS_MAX) {
      throw new Complaint(
        `field ${fields.length + 1} is not a text in double quotes; a line is "IPv4","source","destination","0xSPI","algorithm","0xkey","NULL",""`,
      );
    }
    fields.push(unescaped(found[1] as string));
    more = found[2] === ',';
  }
  if (fields.length < FIELDS_MIN || fields.length > FIELDS_MAX) {
    throw new Complaint(
      `it has ${fields.length} fields; an association has ${FIELDS_MIN}, or ${FIELDS_MAX} with a sequence number's length`,
    );
  }
  return fields;
}

function unescaped(text: string): string {
  return text.replace(/\\(?:x([0-9a-fA-F]{2})|(.))/g, (_, code: string | undefined, plain: string) =>
    code === undefined ? plain : String.fromCharCode(Number.parseInt(code, 16)),
  );
}

/** An address; `*` is any, and stands for one part of one: `192.0.2.*`, `2001:db8::*`. */
export function pattern(text: string, family: 0 | 4 | 6): AddressPattern | null {
  if (text === '*') return null;
  const six = text.includes(':');
  if (family !== 0 && six !== (family === 6))
    throw new Complaint(`${quoted(text)} is not an IPv${family} address`);
  if (/[0-9a-f]\*|\*[0-9a-f*]/i.test(text)) {
    throw new Complaint(
      `in ${quoted(text)} a * stands for less than one whole part; write 192.0.2.* or 2001:db8::*`,
    );
  }
  const bytes = parsed(text, six, '0');
  const full = parsed(text, six, six ? 'ffff' : '255');
  return { bytes, mask: bytes.map((byte, i) => ~(byte ^ (full[i] as number))) };
}

function parsed(text: string, six: boolean, inPlace: string): Uint8Array {
  const whole = text.replaceAll('*', inPlace);
  try {
    return addressBytes(six ? parseIp6(whole) : parseIp4(whole));
  } catch (error) {
    if (error instanceof VxlabError) throw new Complaint(`${quoted(text)} is not an IP address`);
    throw error;
  }
}

/** `0x` and up to eight digits, of which any may be `*`; a number in decimal; `*` alone for all. */
export function spiPattern(text: string): { spi: number; spiMask: number } {
  if (text === '*') return { spi: 0, spiMask: 0 };
  const digits = /^0x([0-9a-f*]{1,8})$/i.exec(text)?.[1];
  if (digits !== undefined) {
    const spi = Number.parseInt(digits.replaceAll('*', '0'), 16);
    const full = Number.parseInt(digits.replaceAll('*', 'f'), 16);
    return { spi, spiMask: ~(spi ^ full) >>> 0 };
  }
  const spi = /^[0-9]{1,10}$/.test(text) ? Number(text) : Number.NaN;
  if (!(spi <= EVERY_SPI)) {
    throw new Complaint(
      `${quoted(text)} is not an SPI; write up to eight digits in hex, as in "0x5639e44a", or "*"`,
    );
  }
  return { spi, spiMask: EVERY_SPI };
}

/** Key and salt: in hex behind `0x`, else the text's own bytes, as Wireshark has it. The text is never shown: it is a secret. */
export function keyBytes(text: string): Uint8Array {
  const digits = /^0x(.*)$/i.exec(text)?.[1];
  if (digits !== undefined && !/^[0-9a-f]*$/i.test(digits)) {
    throw new Complaint('the key has something behind 0x that is no hex digit');
  }
  const bytes = digits === undefined ? Uint8Array.from(text, (one) => one.charCodeAt(0)) : fromHex(digits);
  if (bytes.length !== 20 && bytes.length !== 28 && bytes.length !== 36) {
    throw new Complaint(
      `the key has ${bytes.length} bytes; AES-GCM's has 20, 28 or 36, of which the last four are the salt`,
    );
  }
  return bytes;
}

function fromHex(digits: string): Uint8Array {
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  return Uint8Array.from({ length: even.length / 2 }, (_, i) =>
    Number.parseInt(even.slice(2 * i, 2 * i + 2), 16),
  );
}
