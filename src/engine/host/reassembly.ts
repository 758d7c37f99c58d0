// Putting IPv4 fragments together (RFC 791 s.3.2): 30 seconds as Linux (ip_frag_time), at most 65535 bytes. What waits is
// kept in gathering.ts.

import type { Frame } from '../../core/frame/frame.ts';
import * as ethernet from '../../core/wire/ethernet.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import { DROP, drop } from '../trace/drop.ts';
import type { Gathering, Piece } from './gathering.ts';
import { Gatherings, join } from './gathering.ts';
import type { Interface } from './interface.ts';
import type { Stack } from './stack.ts';

const LIFETIME_SECONDS = 30;
const LONGEST = 65535;

export class Reassembly4 {
  readonly #host: Stack;
  readonly #gatherings: Gatherings;

  constructor(host: Stack) {
    this.#host = host;
    this.#gatherings = new Gatherings(host, LIFETIME_SECONDS, (gathering) => this.#expired(gathering));
  }

  /** Takes a fragment over (its IP header is at `at`); answers with the whole packet when it was the last one missing. */
  add(frame: Frame, at: number, dev: Interface): Frame | null {
    const host = this.#host;
    const view = frame.view;
    const start = at + ipv4.headerLength(view, at);
    const length = ipv4.payloadEnd(view, at, frame.end) - start;
    const offset = ipv4.fragmentOffset(view, at);
    const more = ipv4.moreFragments(view, at);
    if (length <= 0 || (more && length % 8 !== 0) || start - at + offset + length > LONGEST) {
      drop(host, frame, DROP.reassembly, offset);
      return null;
    }
    const key = `${ipv4.src(view, at)} ${ipv4.dst(view, at)} ${ipv4.id(view, at)} ${ipv4.protocol(view, at)}`;
    const gathering = this.#gatherings.add(key, { frame, at: start, offset, length }, more, dev);
    if (gathering === null) return null;
    const first = gathering.first as Piece;
    const header = first.at - first.frame.start;
    if (header - ethernet.HEADER_LEN + gathering.total > LONGEST) {
      for (const piece of gathering.pieces) drop(host, piece.frame, DROP.reassembly, piece.offset);
      return null;
    }
    const whole = join(host, gathering, header);
    ipv4.setFragment(whole.view, whole.start + ethernet.HEADER_LEN, whole.end, 0, false);
    return whole;
  }

  close(): void {
    this.#gatherings.close();
  }

  #expired(gathering: Gathering): void {
    const first = gathering.first;
    if (first === undefined) return;
    this.#host.ip4.icmp.timeExceeded(first.frame, first.frame.start + ethernet.HEADER_LEN, gathering.dev, 1);
  }
}
