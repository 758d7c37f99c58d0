// Putting IPv6 fragments together (RFC 8200 s.4.5): 60 seconds as Linux (ip6frag_time), a payload of at most 65535 bytes.
// The headers in front of the fragment header are taken from the first fragment. What waits is kept in gathering.ts.

import type { Frame } from '../../core/frame/frame.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import { PROBLEM_CODE } from '../../core/wire/icmpv6.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import {
  extensionLength,
  FRAGMENT_LEN,
  fragmentId,
  fragmentOffset,
  moreFragments,
} from '../../core/wire/ipv6-extensions.ts';
import { DROP, drop } from '../trace/drop.ts';
import type { Gathering, Piece } from './gathering.ts';
import { Gatherings, join } from './gathering.ts';
import type { Icmp6 } from './icmp6.ts';
import type { Interface } from './interface.ts';
import type { Stack } from './stack.ts';

const LIFETIME_SECONDS = 60;
const LONGEST = 65535;

export class Reassembly6 {
  readonly #host: Stack;
  readonly #icmp: Icmp6;
  readonly #gatherings: Gatherings;

  constructor(host: Stack, icmp: Icmp6) {
    this.#host = host;
    this.#icmp = icmp;
    this.#gatherings = new Gatherings(host, LIFETIME_SECONDS, (gathering) => this.#expired(gathering));
  }

  /**
   * Takes a fragment over: IPv6 header at `ip`, fragment header at `at`, payload up to `end`. Answers with the whole
   * packet, without fragment header, when it was the last piece missing.
   */
  add(frame: Frame, ip: number, at: number, end: number, dev: Interface): Frame | null {
    const host = this.#host;
    const view = frame.view;
    const start = at + FRAGMENT_LEN;
    const length = end - start;
    const offset = fragmentOffset(view, at);
    const more = moreFragments(view, at);
    const before = at - ip - ipv6.HEADER_LEN;
    if (length <= 0 || (more && length % 8 !== 0) || before + offset + length > LONGEST) {
      // The payload length is at fault, or the offset (RFC 8200 s.4.5).
      const pointer = more && length % 8 !== 0 ? 4 : at + 2 - ip;
      if (length > 0) this.#icmp.problem(frame, ip, dev, PROBLEM_CODE.field, pointer);
      drop(host, frame, DROP.reassembly, offset);
      return null;
    }
    const gathering = this.#gatherings.add(
      keyOf(view, ip, at),
      { frame, at: start, offset, length },
      more,
      dev,
    );
    if (gathering === null) return null;
    const first = gathering.first as Piece;
    const header = first.at - FRAGMENT_LEN - first.frame.start;
    const payload = header - ethernet.HEADER_LEN - ipv6.HEADER_LEN + gathering.total;
    if (payload > LONGEST) {
      for (const piece of gathering.pieces) drop(host, piece.frame, DROP.reassembly, piece.offset);
      return null;
    }
    const next = first.frame.view.getUint8(first.at - FRAGMENT_LEN);
    const whole = join(host, gathering, header);
    const wholeIp = whole.start + ethernet.HEADER_LEN;
    whole.view.setUint16(wholeIp + 4, payload);
    whole.view.setUint8(nextHeaderAt(whole.view, wholeIp, whole.start + header), next);
    return whole;
  }

  close(): void {
    this.#gatherings.close();
  }

  #expired(gathering: Gathering): void {
    const first = gathering.first;
    if (first === undefined) return;
    this.#icmp.timeExceeded(first.frame, first.frame.start + ethernet.HEADER_LEN, gathering.dev, 1);
  }
}

/** Source, destination and identification say which datagram a fragment belongs to. */
function keyOf(view: DataView, ip: number, at: number): string {
  let key = `${fragmentId(view, at)}`;
  for (let word = ip + 8; word < ip + ipv6.HEADER_LEN; word += 4) key += ` ${view.getUint32(word)}`;
  return key;
}

/** Where the field stands that names the header at `stop`. */
function nextHeaderAt(view: DataView, ip: number, stop: number): number {
  let field = ip + 6;
  let at = ip + ipv6.HEADER_LEN;
  while (at < stop) {
    const length = extensionLength(view, view.getUint8(field), at, stop);
    field = at;
    at += length;
  }
  return field;
}
