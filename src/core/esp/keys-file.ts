// Keys of ESP as Wireshark keeps them: the file `esp_sa` of its profile folder (Preferences > Protocols > ESP > ESP SAs).
// Wireshark 4.0 to 4.4, epan/dissectors/packet-ipsec.c; https://www.wireshark.org/docs/wsug_html_chunked/ChUserTable.html
//
//   "IPv4","192.0.2.11","192.0.2.12","0x5639e44a","AES-GCM with 8 octet ICV [RFC4106]","0x<key, then 4 bytes of salt>","NULL",""
//
// One association a line, eight fields in quotes, # in front of a comment. Wireshark 4.2 and later have two fields more, for
// extended sequence numbers, and take what is missing for "32-bit" and "0": eight fields are what all of them read. AES-GCM
// carries its own check, so the authentication must be "NULL"; the ICV's length is in the algorithm's name. An SPI is compared
// as text and needs all its eight digits.

import { formatIp, isIp6 } from '../wire/address.ts';
import { VxlabError } from '../wire/numbers.ts';
import type { SecurityAssociation } from './association.ts';
import type { IcvLength } from './cipher.ts';
import type { EspKey } from './key.ts';
import { Complaint, fieldsOf, keyBytes, pattern, quoted, spiPattern } from './keys-line.ts';

export interface KeysFile {
  readonly keys: readonly EspKey[];
  /** Lines for ciphers that vxlab does not open: no fault, and of no use here. */
  readonly others: readonly { readonly line: number; readonly algorithm: string }[];
}

/** AES-GCM by name; an empty list where the length is in the authentication's name or nowhere. */
const ALGORITHMS: ReadonlyMap<string, readonly IcvLength[]> = new Map([
  ['AES-GCM with 8 octet ICV [RFC4106]', [8]],
  ['AES-GCM with 12 octet ICV [RFC4106]', [12]],
  ['AES-GCM with 16 octet ICV [RFC4106]', [16]],
  ['AES-GCM [RFC4106]', []],
]);

/** What Wireshark before 3.6 took an ICV's length from. */
const AUTHENTICATIONS: ReadonlyMap<string, readonly IcvLength[]> = new Map([
  ['NULL', [16, 12, 8]],
  ['ANY 64 bit authentication [no checking]', [8]],
  ['ANY 96 bit authentication [no checking]', [12]],
  ['ANY 128 bit authentication [no checking]', [16]],
]);

/** Wireshark's other ciphers. */
const OTHERS: ReadonlySet<string> = new Set([
  'NULL',
  'TripleDES-CBC [RFC2451]',
  'AES-CBC [RFC3602]',
  'AES-CTR [RFC3686]',
  'DES-CBC [RFC2405]',
  'CAST5-CBC [RFC2144]',
  'BLOWFISH-CBC [RFC2451]',
  'TWOFISH-CBC',
  'ChaCha20 with Poly1305 [RFC7634]',
]);

const FAMILIES: ReadonlyMap<string, 0 | 4 | 6> = new Map([
  ['IPv4', 4],
  ['IPv6', 6],
  ['Any', 0],
]);

const HEADING =
  '# ESP security associations, for Wireshark: the file esp_sa of a profile folder. Then in the preferences of ESP, or with -o:\n' +
  '# esp.enable_encryption_decode:TRUE esp.enable_authentication_check:TRUE\n';

/**
 * The file as text, each association once, in the order given.
 * @throws VxlabError BAD_KEY for a key that is not 16, 24 or 32 bytes or a salt that is not 4
 */
export function writeKeysFile(associations: Iterable<SecurityAssociation>): string {
  const lines = new Set<string>();
  for (const association of associations) lines.add(lineOf(association));
  return HEADING + [...lines].join('');
}

/** One line, with its newline: also what `tshark -o uat:esp_sa:LINE` takes. */
function lineOf({ src, dst, spi, key, salt, icvLength }: SecurityAssociation): string {
  if (![16, 24, 32].includes(key.length) || salt.length !== 4) {
    throw new VxlabError(
      'BAD_KEY',
      `a key of ${key.length} bytes with a salt of ${salt.length} is none of AES-GCM's; it has 16, 24 or 32, and 4`,
    );
  }
  const fields = [
    isIp6(src) ? 'IPv6' : 'IPv4',
    formatIp(src),
    formatIp(dst),
    `0x${spi.toString(16).padStart(8, '0')}`,
    `AES-GCM with ${icvLength} octet ICV [RFC4106]`,
    `0x${hex(key)}${hex(salt)}`,
    'NULL',
    '',
  ];
  return `${fields.map((field) => `"${field}"`).join(',')}\n`;
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/**
 * Reads a keys file.
 * @param name what the sentence of an error calls it
 * @throws VxlabError BAD_KEYS for the first line that cannot be understood, with its number
 */
export function readKeysFile(text: string, name = 'keys file'): KeysFile {
  const keys: EspKey[] = [];
  const others: { line: number; algorithm: string }[] = [];
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  for (const [i, line] of lines.entries()) {
    if (/^[ \t]*(?:#|$)/.test(line)) continue;
    try {
      const fields = fieldsOf(line);
      const algorithm = fields[4] as string;
      if (OTHERS.has(algorithm)) others.push({ line: i + 1, algorithm });
      else keys.push(keyFrom(fields));
    } catch (error) {
      if (!(error instanceof Complaint)) throw error;
      throw new VxlabError('BAD_KEYS', `${name} line ${i + 1}: ${error.message}`);
    }
  }
  return { keys, others };
}

function keyFrom(fields: readonly string[]): EspKey {
  const at = (i: number, absent = ''): string => fields[i] ?? absent;
  const family = FAMILIES.get(at(0));
  if (family === undefined) throw new Complaint(`${quoted(at(0))} is none of "IPv4", "IPv6" and "Any"`);
  const bytes = keyBytes(at(5));
  return {
    family,
    src: pattern(at(1), family),
    dst: pattern(at(2), family),
    ...spiPattern(at(3)),
    key: bytes.subarray(0, -4),
    salt: bytes.subarray(-4),
    icvLengths: icvLengthsOf(at(4), at(6)),
    sequenceHigh: sequenceHighOf(at(8, '32-bit'), at(9, '0')),
  };
}

function icvLengthsOf(algorithm: string, authentication: string): readonly IcvLength[] {
  const named = ALGORITHMS.get(algorithm);
  if (named === undefined) throw new Complaint(`${quoted(algorithm)} is no encryption that Wireshark has`);
  const said = AUTHENTICATIONS.get(authentication);
  if (said === undefined || (named.length > 0 && authentication !== 'NULL')) {
    throw new Complaint(
      `${quoted(authentication)} does not go with AES-GCM, which checks itself; write "NULL"`,
    );
  }
  return named.length > 0 ? named : said;
}

/** Wireshark's fields 9 and 10. */
function sequenceHighOf(length: string, high: string): number {
  if (length !== '32-bit' && length !== '64-bit') {
    throw new Complaint(`${quoted(length)} is no length of a sequence number; it is "32-bit" or "64-bit"`);
  }
  if (!/^(?:0x)?[0-9a-f]{1,8}$/i.test(high)) {
    throw new Complaint(
      `${quoted(high)} is no upper half of a sequence number; write up to eight digits in hex`,
    );
  }
  return length === '32-bit' ? -1 : Number.parseInt(high, 16);
}
