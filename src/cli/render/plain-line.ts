// The line of a plain packet (core/dissect/plain.ts), written as bytes: what `packetLine` says of it, character for character,
// some ten times as fast. What it does not know it leaves to `packetLine`.

import { PlainPacket } from '../../core/dissect/plain.ts';
import type { WalkOptions } from '../../core/dissect/ports.ts';
import type { PacketMeta } from '../../core/pcap/record.ts';
import { fold, pseudo4, sum } from '../../core/wire/checksum.ts';
import { PROTO } from '../../core/wire/numbers.ts';
import { putBytes, putDecimal, putHex, putIp4Left, putIp4Right } from './byte-text.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { PacketTime } from './packet-time.ts';

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
const TO = encode(' → ');
const TCP = encode(' TCP ');
const UDP = encode(' UDP ');
const ICMP = encode(' ICMP ');
const SEQ = encode('] Seq=');
const ACK = encode(' Ack=');
const WIN = encode(' Win=');
const LEN = encode(' Len=');
const BAD_TCP = encode(' [TCP CHECKSUM INCORRECT]');
const BAD_UDP = encode(' [UDP CHECKSUM INCORRECT]');
const TSVAL = encode(' TSval=');
const TSECR = encode(' TSecr=');
const REQUEST = encode('Echo (ping) request  id=0x');
const REPLY = encode('Echo (ping) reply    id=0x');
const ICMP_SEQ = encode(', seq=');
const ICMP_TTL = encode(', ttl=');

const FLAG_NAMES = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'AE'];
const FLAG_ACK = 0x10;
const FLAG_URG = 0x20;
/** The names of every set of flags, in brackets up to the closing one. */
const FLAGS: readonly Uint8Array[] = Array.from({ length: 512 }, (_, flags) => {
  const names = FLAG_NAMES.filter((_name, bit) => (flags & (1 << bit)) !== 0);
  return encode(` [${names.length === 0 ? '<None>' : names.join(', ')}`);
});

const SPACE = 0x20;
const SLASH = 0x2f;
const NEWLINE = 0x0a;
/** Two NOPs and a timestamp option (RFC 7323 app. A). */
const TIMESTAMPS = 0x0101_080a;

export class PlainLine {
  readonly #plain = new PlainPacket();
  readonly #carries: Uint8Array;

  constructor(options: WalkOptions) {
    this.#carries = options.ports;
  }

  /**
   * True when `write` can be called for the packet in [start, end): it is plain, and what it carries needs no more words.
   */
  knows(view: DataView, start: number, end: number, meta: PacketMeta): boolean {
    const length = end - start;
    if (length !== meta.originalLength || meta.linkType !== 1 || meta.number > 99_999_999) return false;
    const plain = this.#plain;
    if (!plain.read(view, start, length, this.#carries) || plain.isArp) return false;
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
    const { net, vniWord, protocol, total } = this.#plain;
    const b = w.block;
    let at = putDecimal(b, w.at, meta.number, 5);
    b[at++] = SPACE;
    at = clock.put(b, at, meta);
    b[at++] = SPACE;
    at = putIp4Right(b, at, view.getInt32(start + 26));
    at = putBytes(b, at, TO);
    at = putIp4Left(b, at, view.getInt32(start + 30));
    b[at++] = SPACE;
    at = putDecimal(b, at, vniWord >>> 8);
    b[at++] = SPACE;
    at = putIp4Right(b, at, view.getInt32(net + 12));
    at = putBytes(b, at, TO);
    at = putIp4Left(b, at, view.getInt32(net + 16));
    at = putBytes(b, at, protocol === PROTO.tcp ? TCP : protocol === PROTO.udp ? UDP : ICMP);
    at = putDecimal(b, at, meta.originalLength);
    b[at++] = SPACE;
    if (protocol === PROTO.tcp) at = putTcp(b, at, view, net, total - 20);
    else if (protocol === PROTO.udp) at = putUdp(b, at, view, net, total - 20);
    else at = putEcho(b, at, view, net);
    b[at++] = NEWLINE;
    w.at = at;
    return true;
  }
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

function putPorts(b: Uint8Array, begin: number, view: DataView, l4: number): number {
  let at = putDecimal(b, begin, view.getUint16(l4));
  at = putBytes(b, at, TO);
  return putDecimal(b, at, view.getUint16(l4 + 2));
}

function putTcp(b: Uint8Array, begin: number, view: DataView, net: number, length: number): number {
  const l4 = net + 20;
  const word = view.getUint16(l4 + 12);
  let at = putPorts(b, begin, view, l4);
  at = putBytes(b, at, FLAGS[word & 0x1ff] as Uint8Array);
  at = putBytes(b, at, SEQ);
  at = putDecimal(b, at, view.getUint32(l4 + 4));
  if ((word & FLAG_ACK) !== 0) {
    at = putBytes(b, at, ACK);
    at = putDecimal(b, at, view.getUint32(l4 + 8));
  }
  at = putBytes(b, at, WIN);
  at = putDecimal(b, at, view.getUint16(l4 + 14));
  if (!verified(view, net, length, PROTO.tcp)) at = putBytes(b, at, BAD_TCP);
  const header = (word >> 12) * 4;
  at = putBytes(b, at, LEN);
  at = putDecimal(b, at, length - header);
  if (header !== 32) return at;
  at = putBytes(b, at, TSVAL);
  at = putDecimal(b, at, view.getUint32(l4 + 24));
  at = putBytes(b, at, TSECR);
  return putDecimal(b, at, view.getUint32(l4 + 28));
}

function putUdp(b: Uint8Array, begin: number, view: DataView, net: number, length: number): number {
  let at = putPorts(b, begin, view, net + 20);
  at = putBytes(b, at, LEN);
  at = putDecimal(b, at, length - 8);
  const isGood = view.getUint16(net + 26) === 0 || verified(view, net, length, PROTO.udp);
  return isGood ? at : putBytes(b, at, BAD_UDP);
}

function verified(view: DataView, net: number, length: number, protocol: number): boolean {
  const pseudo = pseudo4(view.getUint32(net + 12), view.getUint32(net + 16), protocol, length);
  return fold(sum(view, net + 20, net + 20 + length, pseudo)) === 0xffff;
}

/** An echo request or reply. The sequence number is shown in both byte orders, as tshark does. */
function putEcho(b: Uint8Array, begin: number, view: DataView, net: number): number {
  const l4 = net + 20;
  let at = putBytes(b, begin, view.getUint8(l4) === 8 ? REQUEST : REPLY);
  at = putHex(b, at, view.getUint16(l4 + 4), 4);
  at = putBytes(b, at, ICMP_SEQ);
  at = putDecimal(b, at, view.getUint16(l4 + 6));
  b[at++] = SLASH;
  at = putDecimal(b, at, view.getUint16(l4 + 6, true));
  at = putBytes(b, at, ICMP_TTL);
  return putDecimal(b, at, view.getUint8(net + 8));
}
