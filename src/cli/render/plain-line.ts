// The line of a plain packet (core/dissect/plain.ts), written as bytes: what `packetLine` says of it, character for character,
// some ten times as fast. What it does not know it leaves to `packetLine`.

import { PLAIN_OUTER, PlainPacket } from '../../core/dissect/plain.ts';
import type { WalkOptions } from '../../core/dissect/ports.ts';
import type { PacketMeta } from '../../core/pcap/record.ts';
import { fold, pseudo4, sum } from '../../core/wire/checksum.ts';
import { PROTO } from '../../core/wire/numbers.ts';
import {
  Label,
  putDecimal,
  putHex16,
  putIp4,
  putIp4Left,
  putIp4Right,
  putMac,
  putRight,
} from './byte-text.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { PacketTime } from './packet-time.ts';

const TO = new Label(' → ');
const TCP = new Label(' TCP ');
const UDP = new Label(' UDP ');
const ICMP = new Label(' ICMP ');
const ARP = new Label(' ARP ');
const WHO_HAS = new Label('Who has ');
const TELL = new Label('? Tell ');
const IS_AT = new Label(' is at ');
const SEQ = new Label('] Seq=');
const ACK = new Label(' Ack=');
const WIN = new Label(' Win=');
const LEN = new Label(' Len=');
const BAD_TCP = new Label(' [TCP CHECKSUM INCORRECT]');
const BAD_UDP = new Label(' [UDP CHECKSUM INCORRECT]');
const TSVAL = new Label(' TSval=');
const TSECR = new Label(' TSecr=');
const REQUEST = new Label('Echo (ping) request  id=0x');
const REPLY = new Label('Echo (ping) reply    id=0x');
const ICMP_SEQ = new Label(', seq=');
const ICMP_TTL = new Label(', ttl=');

const FLAG_NAMES = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'AE'];
const FLAG_ACK = 0x10;
const FLAG_URG = 0x20;
/** The names of every set of flags, in brackets up to the closing one. */
const FLAGS: readonly Label[] = Array.from({ length: 512 }, (_, flags) => {
  const names = FLAG_NAMES.filter((_name, bit) => (flags & (1 << bit)) !== 0);
  return new Label(` [${names.length === 0 ? '<None>' : names.join(', ')}`);
});

const SPACE = 0x20;
const SLASH = 0x2f;
const NEWLINE = 0x0a;
/** Two NOPs and a timestamp option (RFC 7323 app. A). */
const TIMESTAMPS = 0x0101_080a;

export class PlainLine {
  readonly #plain = new PlainPacket();
  readonly #carries: Uint8Array;
  /** False where no tunnel is entered. */
  readonly #enters: boolean;

  constructor(options: WalkOptions) {
    this.#carries = options.ports;
    this.#enters = options.depth > 0;
  }

  /**
   * True when `write` can be called for the packet in [start, end): it is plain, and what it carries needs no more words.
   */
  knows(view: DataView, start: number, end: number, meta: PacketMeta): boolean {
    const length = end - start;
    if (!this.#enters || length !== meta.originalLength || meta.linkType !== 1 || meta.number > 99_999_999)
      return false;
    const plain = this.#plain;
    if (!plain.read(view, start, length, this.#carries)) return false;
    if (plain.isArp) return knowsArp(view, plain.net);
    const l4 = plain.net + 20;
    const last = plain.net + plain.total;
    switch (plain.protocol) {
      case PROTO.tcp:
        return knowsTcp(view, l4, last);
      case PROTO.udp:
        // One question, no answer: it may be DNS on a port of its own.
        return last - l4 < 25 || view.getInt32(l4 + 12) !== 0x10000;
      default:
        return (view.getUint16(l4) & 0xf7ff) === 0;
    }
  }

  /**
   * Writes the line of the packet that `knows` was asked about; false when its time has a form of its own, and then nothing
   * was written.
   */
  write(w: ByteWriter, view: DataView, start: number, meta: PacketMeta, clock: PacketTime): boolean {
    if (!clock.isPlain(meta)) return false;
    w.room();
    const { net, vniWord, isArp, protocol, total } = this.#plain;
    const b = w.view;
    let at = putRight(b, w.at, meta.number, 5);
    b.setUint8(at++, SPACE);
    at = clock.put(b, at, meta);
    b.setUint8(at++, SPACE);
    at = putIp4Right(b, at, view.getInt32(start + 26));
    at = TO.put(b, at);
    at = putIp4Left(b, at, view.getInt32(start + 30));
    b.setUint8(at++, SPACE);
    at = putDecimal(b, at, vniWord >>> 8);
    b.setUint8(at++, SPACE);
    const frame = start + PLAIN_OUTER;
    at = isArp ? putMac(b, at, view, frame + 6) : putIp4Right(b, at, view.getInt32(net + 12));
    at = TO.put(b, at);
    at = isArp ? putMac(b, at, view, frame) : putIp4Left(b, at, view.getInt32(net + 16));
    at = (isArp ? ARP : protocol === PROTO.tcp ? TCP : protocol === PROTO.udp ? UDP : ICMP).put(b, at);
    at = putDecimal(b, at, meta.originalLength);
    b.setUint8(at++, SPACE);
    if (isArp) at = putArp(b, at, view, net);
    else if (protocol === PROTO.tcp) at = putTcp(b, at, view, net, total - 20);
    else if (protocol === PROTO.udp) at = putUdp(b, at, view, net, total - 20);
    else at = putEcho(b, at, view, net);
    b.setUint8(at++, NEWLINE);
    w.at = at;
    return true;
  }
}

/** A question or an answer between two addresses; announcements and probes have words of their own. */
function knowsArp(view: DataView, net: number): boolean {
  const operation = view.getUint16(net + 6);
  const sender = view.getInt32(net + 14);
  if (sender === view.getInt32(net + 24)) return false;
  return operation === 2 || (operation === 1 && sender !== 0);
}

function putArp(b: DataView, begin: number, view: DataView, net: number): number {
  const sender = view.getInt32(net + 14);
  if (view.getUint16(net + 6) === 2) {
    const at = IS_AT.put(b, putIp4(b, begin, sender));
    return putMac(b, at, view, net + 8);
  }
  const at = TELL.put(b, putIp4(b, WHO_HAS.put(b, begin), view.getInt32(net + 24)));
  return putIp4(b, at, sender);
}

function knowsTcp(view: DataView, l4: number, last: number): boolean {
  const word = view.getUint16(l4 + 12);
  const header = (word >> 12) * 4;
  if ((word & FLAG_URG) !== 0) return false;
  if (header !== 20 && (header !== 32 || view.getInt32(l4 + 20) !== TIMESTAMPS)) return false;
  if (last === l4 + header) return true;
  // A capital letter may begin an HTTP message.
  const first = view.getUint8(l4 + header);
  return first < 0x41 || first > 0x5a;
}

function putPorts(b: DataView, begin: number, view: DataView, l4: number): number {
  let at = putDecimal(b, begin, view.getUint16(l4));
  at = TO.put(b, at);
  return putDecimal(b, at, view.getUint16(l4 + 2));
}

function putTcp(b: DataView, begin: number, view: DataView, net: number, length: number): number {
  const l4 = net + 20;
  const word = view.getUint16(l4 + 12);
  let at = putPorts(b, begin, view, l4);
  at = (FLAGS[word & 0x1ff] as Label).put(b, at);
  at = SEQ.put(b, at);
  at = putDecimal(b, at, view.getUint32(l4 + 4));
  if ((word & FLAG_ACK) !== 0) {
    at = ACK.put(b, at);
    at = putDecimal(b, at, view.getUint32(l4 + 8));
  }
  at = WIN.put(b, at);
  at = putDecimal(b, at, view.getUint16(l4 + 14));
  if (!verified(view, net, length, PROTO.tcp)) at = BAD_TCP.put(b, at);
  const header = (word >> 12) * 4;
  at = LEN.put(b, at);
  at = putDecimal(b, at, length - header);
  if (header !== 32) return at;
  at = TSVAL.put(b, at);
  at = putDecimal(b, at, view.getUint32(l4 + 24));
  at = TSECR.put(b, at);
  return putDecimal(b, at, view.getUint32(l4 + 28));
}

function putUdp(b: DataView, begin: number, view: DataView, net: number, length: number): number {
  let at = putPorts(b, begin, view, net + 20);
  at = LEN.put(b, at);
  at = putDecimal(b, at, length - 8);
  const isGood = view.getUint16(net + 26) === 0 || verified(view, net, length, PROTO.udp);
  return isGood ? at : BAD_UDP.put(b, at);
}

function verified(view: DataView, net: number, length: number, protocol: number): boolean {
  const pseudo = pseudo4(view.getUint32(net + 12), view.getUint32(net + 16), protocol, length);
  return fold(sum(view, net + 20, net + 20 + length, pseudo)) === 0xffff;
}

/** An echo request or reply. The sequence number is shown in both byte orders, as tshark does. */
function putEcho(b: DataView, begin: number, view: DataView, net: number): number {
  const l4 = net + 20;
  let at = (view.getUint8(l4) === 8 ? REQUEST : REPLY).put(b, begin);
  at = putHex16(b, at, view.getUint16(l4 + 4));
  at = ICMP_SEQ.put(b, at);
  at = putDecimal(b, at, view.getUint16(l4 + 6));
  b.setUint8(at++, SLASH);
  at = putDecimal(b, at, view.getUint16(l4 + 6, true));
  at = ICMP_TTL.put(b, at);
  return putDecimal(b, at, view.getUint8(net + 8));
}
