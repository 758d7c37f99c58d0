// TCP segments made by hand, with their checksums, and what a frame on the wire says of its flow.

import { pseudo4 } from '../../../../src/core/wire/checksum.ts';
import { ipv4, tcp, udp } from '../../../../src/core/wire/index.ts';
import { parseIp4 } from '../../../../src/core/wire/parse-ip.ts';
import { viewOf } from '../../../support/bytes.ts';

const { SYN, ACK, FIN, RST } = tcp.FLAG;
export const FLAGS = { syn: SYN, synAck: SYN | ACK, ack: ACK, fin: FIN | ACK, rst: RST } as const;

export function segment(
  src: string,
  dst: string,
  srcPort: number,
  dstPort: number,
  flags: number,
  payload: Uint8Array = new Uint8Array(),
): Uint8Array {
  const bytes = new Uint8Array(20 + payload.length);
  bytes.set(payload, 20);
  const pseudo = pseudo4(parseIp4(src), parseIp4(dst), 6, bytes.length);
  tcp.write(viewOf(bytes), 0, bytes.length, srcPort, dstPort, 1, 1, flags, 1000, 20, pseudo);
  return bytes;
}

/** `src:port > dst:port` of the packet in an Ethernet frame, and what is wrong with its checksums, if anything. */
export function told(bytes: Uint8Array): string {
  const view = viewOf(bytes);
  const at = 14 + ipv4.headerLength(view, 14);
  const [src, dst] = [ipv4.src(view, 14), ipv4.dst(view, 14)];
  const end = ipv4.payloadEnd(view, 14, bytes.length);
  const proto = ipv4.protocol(view, 14);
  const pseudo = pseudo4(src, dst, proto, end - at);
  const right =
    proto === 6 ? tcp.checksumOk(view, at, end, pseudo) : udp.checksumOk(view, at, end, pseudo, true);
  const ends = `${dotted(src)}:${udp.srcPort(view, at)} > ${dotted(dst)}:${udp.dstPort(view, at)}`;
  return `${ends}${ipv4.checksumOk(view, 14) ? '' : ' header'}${right ? '' : ' checksum'}`;
}

export const dotted = (ip: number): string =>
  [ip >>> 24, (ip >>> 16) & 255, (ip >>> 8) & 255, ip & 255].join('.');
