// The naive way that encap.ts is measured against, as programs in the wild do it: a Buffer for each header, joined with
// Buffer.concat, and on the way back an object for each header, with slices and text.

function checksum(...parts: readonly Buffer[]): number {
  const bytes = Buffer.concat(parts);
  let sum = 0;
  for (let i = 0; i + 1 < bytes.length; i += 2) sum += bytes.readUInt16BE(i);
  if (bytes.length % 2 === 1) sum += (bytes[bytes.length - 1] as number) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

function macBytes(text: string): Buffer {
  return Buffer.from(text.split(':').map((part) => Number.parseInt(part, 16)));
}

function ipBytes(text: string): Buffer {
  return Buffer.from(text.split('.').map(Number));
}

const TO_MAC = macBytes('02:00:00:00:00:02');
const FROM_MAC = macBytes('02:00:00:00:00:01');
const FROM = ipBytes('192.0.2.11');
const TO = ipBytes('192.0.2.12');

function pseudoHeader(from: Buffer, to: Buffer, length: number): Buffer {
  return Buffer.concat([from, to, Buffer.from([0, 17, length >>> 8, length & 0xff])]);
}

export function encapsulateBuffers(inner: Buffer, vni: number, id: number, summed: boolean): Buffer {
  let hash = 0;
  for (const byte of inner.subarray(26, 38)) hash = (hash * 31 + byte) >>> 0;

  const vxlan = Buffer.alloc(8);
  vxlan.writeUInt8(0x08, 0);
  vxlan.writeUIntBE(vni, 4, 3);

  const udp = Buffer.alloc(8);
  udp.writeUInt16BE(32768 + (hash % 28232), 0);
  udp.writeUInt16BE(4789, 2);
  udp.writeUInt16BE(inner.length + 16, 4);
  if (summed)
    udp.writeUInt16BE(checksum(pseudoHeader(FROM, TO, inner.length + 16), udp, vxlan, inner) || 0xffff, 6);

  const ip = Buffer.alloc(20);
  ip.writeUInt8(0x45, 0);
  ip.writeUInt16BE(inner.length + 36, 2);
  ip.writeUInt16BE(id, 4);
  ip.writeUInt8(64, 8);
  ip.writeUInt8(17, 9);
  FROM.copy(ip, 12);
  TO.copy(ip, 16);
  ip.writeUInt16BE(checksum(ip), 10);

  const ethernet = Buffer.concat([TO_MAC, FROM_MAC, Buffer.from([0x08, 0x00])]);
  return Buffer.concat([ethernet, ip, udp, vxlan, inner]);
}

export interface Packet {
  readonly ethernet: { readonly dst: string; readonly src: string; readonly type: number };
  readonly ip: { readonly src: string; readonly dst: string; readonly ttl: number };
  readonly udp: { readonly srcPort: number; readonly dstPort: number };
  readonly vni: number;
  readonly inner: Buffer;
}

function macText(bytes: Buffer): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}

/** null for what is no VXLAN packet or has a wrong checksum. */
export function decapsulateBuffers(packet: Buffer): Packet | null {
  if (packet.length < 50 || packet.readUInt16BE(12) !== 0x0800) return null;
  const ip = packet.subarray(14, 34);
  if (ip[0] !== 0x45 || ip[9] !== 17 || checksum(ip) !== 0) return null;
  const datagram = packet.subarray(34, 14 + ip.readUInt16BE(2));
  if (datagram.readUInt16BE(2) !== 4789) return null;
  const pseudo = pseudoHeader(ip.subarray(12, 16), ip.subarray(16, 20), datagram.length);
  if (datagram.readUInt16BE(6) !== 0 && checksum(pseudo, datagram) !== 0) return null;
  if (((datagram[8] as number) & 0x08) === 0) return null;
  return {
    ethernet: {
      dst: macText(packet.subarray(0, 6)),
      src: macText(packet.subarray(6, 12)),
      type: packet.readUInt16BE(12),
    },
    ip: { src: ip.subarray(12, 16).join('.'), dst: ip.subarray(16, 20).join('.'), ttl: ip[8] as number },
    udp: { srcPort: datagram.readUInt16BE(0), dstPort: datagram.readUInt16BE(2) },
    vni: datagram.readUIntBE(12, 3),
    inner: datagram.subarray(16),
  };
}
