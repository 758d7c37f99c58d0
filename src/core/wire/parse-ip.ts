// IP addresses from text, apart from address.ts: only who reads text loads the package that knows how it may be written.

import { Address4, Address6 } from 'ip-address';
import type { Ip, Ip4, Ip6 } from './address.ts';
import { VxlabError } from './numbers.ts';

/** @throws VxlabError BAD_IP unless `text` is dotted decimal with four parts of 0 to 255; no prefix length */
export function parseIp4(text: string): Ip4 {
  if (!Address4.isValid(text) || text.includes('/')) throw badIp(text);
  return Number(new Address4(text).bigInt());
}

/** @throws VxlabError BAD_IP unless `text` is an IPv6 address (RFC 4291 s.2.2); no zone, no prefix length */
export function parseIp6(text: string): Ip6 {
  if (!Address6.isValid(text) || /[/%]/.test(text)) throw badIp(text);
  const whole = new Address6(text).bigInt();
  const word = (shift: bigint): number => Number((whole >> shift) & 0xffffffffn);
  return { a: word(96n), b: word(64n), c: word(32n), d: word(0n) };
}

/** @throws VxlabError BAD_IP */
export function parseIp(text: string): Ip {
  return text.includes(':') ? parseIp6(text) : parseIp4(text);
}

function badIp(text: string): VxlabError {
  return new VxlabError('BAD_IP', `"${text}" is not an IP address; write it as 10.0.1.2 or 2001:db8::2`);
}
