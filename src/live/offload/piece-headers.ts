// The headers of a frame that stands for several, made anew for each of its pieces, as a network card makes them
// (Documentation/networking/segmentation-offloads.rst; Linux: tcp_gso_segment, __udp_gso_segment): lengths, the next IPv4
// identification, sequence number, FIN and PSH in the last piece and CWR in the first, checksums. Only the payload is summed for
// each; the rest is summed once.

import { finish, finishUdp, sum } from '../../core/wire/checksum.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import { PROTO } from '../../core/wire/numbers.ts';
import * as tcp from '../../core/wire/tcp.ts';
import { Transport } from './transport.ts';

const LAST_ONLY = tcp.FLAG.FIN | tcp.FLAG.PSH;
const FIRST_ONLY = tcp.FLAG.CWR;

/** One object serves every frame of its owner. */
export class PieceHeaders {
  readonly #at: Transport = new Transport();
  #view: DataView = new DataView(new ArrayBuffer(0));
  #start = 0;
  #sequence = 0;
  #flags = 0;
  #id = 0;
  #ipSum = 0;
  #transportSum = 0;
  /** Bytes before the payload, from the start that was given. */
  front = 0;
  /** Where the payload is, and its bytes. */
  payloadAt = 0;
  payload = 0;

  /** TCP, not UDP. */
  get stream(): boolean {
    return this.#at.protocol === PROTO.tcp;
  }

  /** Bytes of IP and transport headers. */
  get packetHeaders(): number {
    return this.payloadAt - this.#at.ip;
  }

  /**
   * Reads the headers of [start, end). False when there is no whole TCP or UDP header. Any bytes will do.
   * @param ethernet where the Ethernet header is: what is between `start` and it is copied to every piece
   */
  read(view: DataView, start: number, ethernet: number, end: number): boolean {
    const at = this.#at;
    if (!at.find(view, ethernet, end)) return false;
    this.#view = view;
    this.#start = start;
    this.payloadAt = at.at + at.header(view);
    this.front = this.payloadAt - start;
    this.payload = at.end - this.payloadAt;
    return true;
  }

  /** Sums what is the same in every piece, all but its own fields: once, before the first `write`. */
  prepare(): void {
    const view = this.#view;
    const { ip, at, six } = this.#at;
    if (!six) {
      this.#id = ipv4.id(view, ip);
      const options = sum(view, ip + 12, ip + ipv4.headerLength(view, ip));
      this.#ipSum = view.getUint16(ip) + sum(view, ip + 6, ip + 10, options);
    }
    const pseudo = this.#at.pseudo(view, 0);
    if (this.stream) {
      this.#sequence = tcp.seq(view, at);
      this.#flags = view.getUint8(at + 13);
      const ports = sum(view, at, at + 4, pseudo);
      const acknowledged = sum(view, at + 8, at + 12, ports) + (view.getUint8(at + 12) << 8);
      this.#transportSum = acknowledged + view.getUint16(at + 14) + sum(view, at + 18, this.payloadAt);
    } else this.#transportSum = pseudo + view.getUint32(at);
  }

  /**
   * Writes the headers of piece number `n`, whose payload is [from, from + length) of the frame that was read.
   * @param to where they begin in `target`; @param last whether it is the last piece
   */
  write(target: DataView, to: number, n: number, from: number, length: number, last: boolean): void {
    const source = this.#view;
    const start = this.#start;
    const { front } = this;
    let at = 0;
    for (; at + 4 <= front; at += 4) target.setUint32(to + at, source.getUint32(start + at));
    for (; at < front; at++) target.setUint8(to + at, source.getUint8(start + at));
    const { six } = this.#at;
    const ip = to + this.#at.ip - start;
    const transport = to + this.#at.at - start;
    const bytes = this.payloadAt - this.#at.at + length;
    const total = this.payloadAt - this.#at.ip + length;
    if (six) target.setUint16(ip + 4, total - ipv6.HEADER_LEN);
    else {
      const id = (this.#id + n) & 0xffff;
      target.setUint16(ip + 2, total);
      target.setUint16(ip + 4, id);
      target.setUint16(ip + 10, finish(this.#ipSum + total + id));
    }
    const base = this.#transportSum + sum(source, from, from + length, bytes);
    if (this.stream) {
      const sequence = (this.#sequence + from - this.payloadAt) >>> 0;
      const flags = this.#flags & ~(last ? 0 : LAST_ONLY) & ~(n === 0 ? 0 : FIRST_ONLY);
      target.setUint32(transport + 4, sequence);
      target.setUint8(transport + 13, flags);
      target.setUint16(transport + 16, finish(base + sequence + flags));
    } else {
      target.setUint16(transport + 4, bytes);
      target.setUint16(transport + 6, finishUdp(base + bytes));
    }
  }
}
