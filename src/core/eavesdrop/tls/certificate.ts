// The names in an X.509 certificate (RFC 5280 s.4.1): the subject's common name and the alternative names.

import { formatIp4, formatIp6, readIp6 } from '../../wire/address.ts';
import { textOf } from '../text.ts';
import type { Element } from './der.ts';
import { element, elements } from './der.ts';

const TAG = { sequence: 0x30, set: 0x31, oid: 0x06, octets: 0x04, extensions: 0xa3, version: 0xa0 } as const;
/** Object identifiers as they are encoded: id-at-commonName 2.5.4.3, id-ce-subjectAltName 2.5.29.17. */
const COMMON_NAME = [0x55, 0x04, 0x03];
const ALT_NAME = [0x55, 0x1d, 0x11];
/** GeneralName (s.4.2.1.6). */
const GENERAL = { mail: 0x81, dns: 0x82, uri: 0x86, ip: 0x87 } as const;
/** BMPString: two bytes a character. */
const BMP = 0x1e;

export interface CertificateName {
  readonly sort: 'subject' | 'dns' | 'mail' | 'uri' | 'ip';
  readonly text: string;
  /** Where its bytes stand. */
  readonly from: number;
  readonly to: number;
}

const NAMES_MAX = 64;

/** The names in the certificate at [from, to); none where it is none. Never throws. */
export function certificateNames(bytes: Uint8Array, from: number, to: number): CertificateName[] {
  const whole = element(bytes, from, to);
  const signed = whole?.tag === TAG.sequence ? element(bytes, whole.from, whole.to) : null;
  if (signed?.tag !== TAG.sequence) return [];
  const fields = elements(bytes, signed.from, signed.to);
  // version, serial number, signature, issuer, validity, subject; version 1 is told by leaving it out.
  const subject = fields[fields[0]?.tag === TAG.version ? 5 : 4];
  const names: CertificateName[] = [];
  if (subject?.tag === TAG.sequence) commonNames(bytes, subject, names);
  const extensions = fields.find(({ tag }) => tag === TAG.extensions);
  if (extensions !== undefined) altNames(bytes, extensions, names);
  return names.slice(0, NAMES_MAX);
}

function commonNames(bytes: Uint8Array, subject: Element, names: CertificateName[]): void {
  for (const set of elements(bytes, subject.from, subject.to)) {
    for (const pair of elements(bytes, set.from, set.to)) {
      const [oid, value] = elements(bytes, pair.from, pair.to);
      if (oid === undefined || value === undefined || !isOid(bytes, oid, COMMON_NAME)) continue;
      const raw = bytes.subarray(value.from, value.to);
      const text = value.tag === BMP ? textOf(raw.filter((_, i) => i % 2 === 1)) : textOf(raw);
      names.push({ sort: 'subject', text, from: value.from, to: value.to });
    }
  }
}

function altNames(bytes: Uint8Array, extensions: Element, names: CertificateName[]): void {
  const list = element(bytes, extensions.from, extensions.to);
  if (list === null) return;
  for (const extension of elements(bytes, list.from, list.to)) {
    const parts = elements(bytes, extension.from, extension.to);
    const [oid] = parts;
    const value = parts.at(-1);
    if (oid === undefined || value?.tag !== TAG.octets || !isOid(bytes, oid, ALT_NAME)) continue;
    const general = element(bytes, value.from, value.to);
    if (general === null) continue;
    for (const one of elements(bytes, general.from, general.to)) altName(bytes, one, names);
  }
}

function altName(bytes: Uint8Array, { tag, from, to }: Element, names: CertificateName[]): void {
  const raw = bytes.subarray(from, to);
  if (tag === GENERAL.dns) names.push({ sort: 'dns', text: textOf(raw), from, to });
  else if (tag === GENERAL.mail) names.push({ sort: 'mail', text: textOf(raw), from, to });
  else if (tag === GENERAL.uri) names.push({ sort: 'uri', text: textOf(raw), from, to });
  else if (tag === GENERAL.ip && (raw.length === 4 || raw.length === 16)) {
    const view = new DataView(bytes.buffer, bytes.byteOffset + from, raw.length);
    const text = raw.length === 4 ? formatIp4(view.getUint32(0)) : formatIp6(readIp6(view, 0));
    names.push({ sort: 'ip', text, from, to });
  }
}

function isOid(bytes: Uint8Array, { tag, from, to }: Element, oid: readonly number[]): boolean {
  return tag === TAG.oid && to - from === oid.length && oid.every((byte, i) => bytes[from + i] === byte);
}
