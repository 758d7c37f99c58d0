// A segment as it arrived, read once: numbers as signed 32 bits, the time stamp if it has one.

import * as tcp from '../../../core/wire/tcp.ts';
import type { TcpTimestamps } from '../../../core/wire/tcp-options.ts';
import * as options from '../../../core/wire/tcp-options.ts';

/** NOP NOP time stamps: what nearly every segment has. */
const USUAL = 0x0101_080a;

export class Reading implements TcpTimestamps {
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Where the IP header begins, and the TCP header; the payload is [from, to). */
  ip = 0;
  at = 0;
  from = 0;
  to = 0;
  seq = 0;
  ack = 0;
  flags = 0;
  /** As it stands. */
  window = 0;
  stamped = false;
  value = 0;
  echo = 0;

  /** Reads the segment [at, end), which was checked. */
  read(view: DataView, ip: number, at: number, end: number): void {
    this.view = view;
    this.ip = ip;
    this.at = at;
    this.from = tcp.payloadAt(view, at);
    this.to = end;
    this.seq = tcp.seq(view, at) | 0;
    this.ack = tcp.ack(view, at) | 0;
    this.flags = tcp.flags(view, at);
    this.window = tcp.window(view, at);
    if (this.from - at === 32 && view.getInt32(at + 20) === USUAL) {
      this.stamped = true;
      this.value = view.getUint32(at + 24);
      this.echo = view.getUint32(at + 28);
    } else this.stamped = this.from - at > tcp.HEADER_LEN && options.timestamps(view, at, this);
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** Sequence numbers that it takes: bytes, SYN, FIN. */
  get length(): number {
    const { flags } = this;
    return this.to - this.from + (flags & tcp.FLAG.FIN) + ((flags & tcp.FLAG.SYN) >> 1);
  }
}
