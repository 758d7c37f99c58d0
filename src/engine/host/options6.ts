// What a receiver has to do about extension headers besides passing over them: options that it does not know say
// themselves whether they may be skipped (RFC 8200 s.4.2), routes that it does not follow (s.4.4, RFC 5095), and
// hop-by-hop options out of their place (s.4.1). Only after ExtensionWalk found the chain within its bounds.

import { PROBLEM_CODE } from '../../core/wire/icmpv6.ts';
import { HEADER_LEN } from '../../core/wire/ipv6.ts';
import { extensionLength, fragmentOffset, isExtension } from '../../core/wire/ipv6-extensions.ts';
import { PROTO } from '../../core/wire/numbers.ts';

export const ACTION = {
  pass: 0,
  /** Drop it and say nothing. */
  discard: 1,
  /** Drop it and answer with a parameter problem. */
  tell: 2,
} as const;

const PAD1 = 0;
const PADN = 1;
const ROUTER_ALERT = 5;

/** What is to be done. One object serves its owner again and again. */
export class Judgement {
  action: number = ACTION.pass;
  /** Of the parameter problem. */
  code = 0;
  /** Bytes from the IPv6 header to what is wrong. */
  pointer = 0;
  /** Bytes from the IPv6 header to the field that names the protocol behind the headers. */
  nextAt = 6;
}

/** Judges the headers of the packet at `ip`. */
export function judge(view: DataView, ip: number, into: Judgement): void {
  into.action = ACTION.pass;
  into.nextAt = 6;
  let next = view.getUint8(ip + 6);
  let at = ip + HEADER_LEN;
  while (isExtension(next)) {
    const length = extensionLength(view, next, at, view.byteLength);
    if (next === PROTO.hopByHop && at !== ip + HEADER_LEN) {
      return tell(into, PROBLEM_CODE.nextHeader, into.nextAt);
    }
    if (next === PROTO.hopByHop || next === PROTO.destination) {
      judgeOptions(view, ip, at + 2, at + length, into);
      if (into.action !== ACTION.pass) return;
    } else if (next === PROTO.routing && view.getUint8(at + 3) !== 0) {
      return tell(into, PROBLEM_CODE.field, at + 2 - ip);
    }
    into.nextAt = at - ip;
    if (next === PROTO.fragment && fragmentOffset(view, at) !== 0) return;
    next = view.getUint8(at);
    at += length;
  }
}

function judgeOptions(view: DataView, ip: number, from: number, end: number, into: Judgement): void {
  let at = from;
  while (at < end) {
    const type = view.getUint8(at);
    if (type === PAD1) {
      at++;
      continue;
    }
    if (at + 2 > end || at + 2 + view.getUint8(at + 1) > end) {
      into.action = ACTION.discard;
      return;
    }
    if (type !== PADN && type !== ROUTER_ALERT && type >>> 6 !== 0) {
      const group = view.getUint8(ip + 24) === 0xff;
      if (type >>> 6 === 1 || (type >>> 6 === 3 && group)) into.action = ACTION.discard;
      else tell(into, PROBLEM_CODE.option, at - ip);
      return;
    }
    at += 2 + view.getUint8(at + 1);
  }
}

function tell(into: Judgement, code: number, pointer: number): void {
  into.action = ACTION.tell;
  into.code = code;
  into.pointer = pointer;
}
