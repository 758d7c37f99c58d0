// What is let through of a DNS message (RFC 1035 s.4): its header, types, classes and times; names as other words; addresses
// mapped. Text, keys, options and whatever is not read here lose their contents and keep their lengths.
//
// A message that is cut or wrong is let through up to there.

import { LABEL_MAX } from '../../wire/dns-name.ts';
import type { Mask } from './mask.ts';
import type { Pseudonyms } from './pseudonyms.ts';

const HEADER_LEN = 12;
/** Record types, with DNAME (RFC 6672). */
const RR = {
  a: 1,
  ns: 2,
  cname: 5,
  soa: 6,
  ptr: 12,
  mx: 15,
  txt: 16,
  aaaa: 28,
  srv: 33,
  dname: 39,
  opt: 41,
} as const;
const STOP = -1;

export function maskDns(m: Mask, names: Pseudonyms, at: number, end: number): void {
  if (end - at < HEADER_LEN) return;
  m.bytes(at, HEADER_LEN);
  let o = at + HEADER_LEN;
  for (let i = m.from.getUint16(at + 4); i > 0; i--) {
    o = maskName(m, names, o, end);
    if (o === STOP || o + 4 > end) return;
    m.bytes(o, 4);
    o += 4;
  }
  const records = m.from.getUint16(at + 6) + m.from.getUint16(at + 8) + m.from.getUint16(at + 10);
  for (let i = records; i > 0; i--) {
    o = maskName(m, names, o, end);
    if (o === STOP || o + 10 > end) return;
    m.bytes(o, 10);
    const next = o + 10 + m.from.getUint16(o + 8);
    if (next > end) return;
    maskData(m, names, m.from.getUint16(o), o + 10, next);
    o = next;
  }
}

/** One name: where it ends, or STOP. */
function maskName(m: Mask, names: Pseudonyms, at: number, end: number): number {
  let o = at;
  while (o < end) {
    const length = m.from.getUint8(o);
    if (length === 0) {
      m.byte(o, 0);
      return o + 1;
    }
    if (length >= 0xc0) {
      if (o + 2 > end) return STOP;
      m.bytes(o, 2);
      return o + 2;
    }
    if (length > LABEL_MAX || o + 1 + length > end) return STOP;
    m.byte(o, length);
    const word = names.label(m.from, o + 1, length);
    for (let i = 0; i < length; i++) m.byte(o + 1 + i, word[i] as number);
    o += 1 + length;
  }
  return STOP;
}

function maskData(m: Mask, names: Pseudonyms, type: number, at: number, end: number): void {
  switch (type) {
    case RR.a:
      if (end - at === 4) m.ip4(at);
      return;
    case RR.aaaa:
      if (end - at === 16) m.ip6(at);
      return;
    case RR.ns:
    case RR.cname:
    case RR.ptr:
    case RR.dname:
      maskName(m, names, at, end);
      return;
    case RR.mx:
      maskBehind(m, names, at, end, 2);
      return;
    case RR.srv:
      maskBehind(m, names, at, end, 6);
      return;
    case RR.soa:
      maskSoa(m, names, at, end);
      return;
    case RR.txt:
      maskLengths(m, at, end, 1);
      return;
    case RR.opt:
      maskLengths(m, at, end, 4);
      return;
    default:
  }
}

/** A name behind `length` bytes of numbers. */
function maskBehind(m: Mask, names: Pseudonyms, at: number, end: number, length: number): void {
  if (at + length > end) return;
  m.bytes(at, length);
  maskName(m, names, at + length, end);
}

function maskSoa(m: Mask, names: Pseudonyms, at: number, end: number): void {
  const mailbox = maskName(m, names, at, end);
  if (mailbox === STOP) return;
  const numbers = maskName(m, names, mailbox, end);
  if (numbers !== STOP && numbers + 20 <= end) m.bytes(numbers, 20);
}

/** Strings of a text record, or options of EDNS: what says how long each is, which takes `head` bytes and ends in the length. */
function maskLengths(m: Mask, at: number, end: number, head: number): void {
  let o = at;
  while (o + head <= end) {
    const length = head === 1 ? m.from.getUint8(o) : m.from.getUint16(o + 2);
    m.bytes(o, head);
    o += head + length;
  }
}
