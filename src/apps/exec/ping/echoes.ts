// Echo requests of one `ping` and what comes back, told outside the packet path. The payload is iputils': seconds and microseconds
// of the sending time in eight bytes each, little-endian, then bytes that count up from 0x10.

import type { AsyncResource } from 'node:async_hooks';
import type { Frame } from '../../../core/frame/frame.ts';
import type { Ip } from '../../../core/wire/address.ts';
import { formatIp } from '../../../core/wire/address.ts';
import type { Sent } from '../../../engine/host/destination.ts';
import type { Host } from '../../../engine/host/host.ts';
import type { EchoListener } from '../../../engine/host/stack.ts';
import type { Inbox, Recipient } from '../../inbox.ts';
import { scopeOf } from '../../inbox.ts';

export interface EchoReply {
  readonly kind: 'reply';
  readonly seq: number;
  readonly from: string;
  readonly ttl: number;
  /** ICMP header and payload. */
  readonly bytes: number;
  /** Nanoseconds. */
  readonly rtt: number;
  readonly duplicate: boolean;
}

export interface EchoError {
  readonly kind: 'error';
  readonly seq: number;
  readonly from: string;
  readonly type: number;
  readonly code: number;
  readonly mtu: number;
}

/** Requests whose answers are still known apart from strangers and duplicates. */
const REMEMBERED = 1024;
/** Answers that wait to be told. */
const WAITING_MAX = 4096;

export class Echoes implements EchoListener, Recipient {
  readonly scope: AsyncResource = scopeOf('VXLABPING');
  readonly #host: Host;
  readonly #inbox: Inbox;
  readonly #to: Ip;
  readonly #id: number;
  readonly #told: (event: EchoReply | EchoError) => void;
  /** By the 16 bits of a sequence number: when it was sent, and whether it was answered. */
  readonly #sent: Map<number, { readonly at: number; readonly seq: number; answered: boolean }> = new Map();
  readonly #waiting: (EchoReply | EchoError)[] = [];

  /** @param id of its requests, 1 to 65535 */
  constructor(host: Host, inbox: Inbox, to: Ip, id: number, told: (event: EchoReply | EchoError) => void) {
    this.#host = host;
    this.#inbox = inbox;
    this.#to = to;
    this.#id = id;
    this.#told = told;
    if (typeof to === 'number') host.ip4.icmp.listen(id, this);
    else host.ip6.icmp.listen(id, this);
  }

  /** @param date nanoseconds since 1970, for the time stamp */
  send(seq: number, size: number, ttl: number, dontFragment: boolean, date: number): Sent {
    const { pool, clock } = this.#host.ground;
    const frame = pool.take(size);
    for (let i = 0; i < size; i++) frame.view.setUint8(frame.start + i, i & 0xff);
    if (size >= 16) {
      const micros = Math.floor(date / 1000);
      frame.view.setBigUint64(frame.start, BigInt(Math.floor(micros / 1e6)), true);
      frame.view.setBigUint64(frame.start + 8, BigInt(micros % 1e6), true);
    }
    const wire = seq & 0xffff;
    this.#sent.delete(wire);
    this.#sent.set(wire, { at: clock.now, seq, answered: false });
    if (this.#sent.size > REMEMBERED) this.#sent.delete(this.#sent.keys().next().value as number);
    return typeof this.#to === 'number'
      ? this.#host.ip4.icmp.echo(this.#to, this.#id, wire, frame, ttl, dontFragment)
      : this.#host.ip6.icmp.echo(this.#to, this.#id, wire, frame, ttl);
  }

  reply(from: Ip, _id: number, wire: number, ttl: number, _frame: Frame, at: number, end: number): void {
    const sent = this.#sent.get(wire);
    if (sent === undefined) return;
    const rtt = this.#host.ground.clock.now - sent.at;
    const duplicate = sent.answered;
    sent.answered = true;
    this.#post({
      kind: 'reply',
      seq: sent.seq,
      from: formatIp(from),
      ttl,
      bytes: end - at + 8,
      rtt,
      duplicate,
    });
  }

  error(from: Ip, type: number, code: number, _id: number, wire: number, mtu: number): void {
    const seq = this.#sent.get(wire)?.seq ?? wire;
    this.#post({ kind: 'error', seq, from: formatIp(from), type, code, mtu });
  }

  deliver(): void {
    const event = this.#waiting.shift();
    if (event !== undefined) this.#told(event);
  }

  close(): void {
    if (typeof this.#to === 'number') this.#host.ip4.icmp.unlisten(this.#id);
    else this.#host.ip6.icmp.unlisten(this.#id);
    this.#waiting.length = 0;
    this.scope.emitDestroy();
  }

  #post(event: EchoReply | EchoError): void {
    if (this.#waiting.length >= WAITING_MAX) return;
    this.#waiting.push(event);
    this.#inbox.post(this, 0);
  }
}
