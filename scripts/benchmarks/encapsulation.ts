// Putting an inner frame into VXLAN and taking it out again, in memory: the codecs as the packet path calls them, beside the
// same in allocated Buffers, as it is usually written, and in C.

import { Buffer } from 'node:buffer';
import { FramePool } from '../../src/core/frame/frame-pool.ts';
import { pseudo4 } from '../../src/core/wire/checksum.ts';
import * as ethernet from '../../src/core/wire/ethernet.ts';
import * as ipv4 from '../../src/core/wire/ipv4.ts';
import { ETHERTYPE, PROTO, VXLAN_PORT } from '../../src/core/wire/numbers.ts';
import * as udp from '../../src/core/wire/udp.ts';
import * as vxlan from '../../src/core/wire/vxlan.ts';
import { entropyOf, portFor } from '../../src/engine/fabric/entropy.ts';
import type { Figure, Round } from './harness.ts';
import { keep, millions } from './harness.ts';
import { native } from './native.ts';

const VNI = 4097;
const FROM = 0xc000020b;
const TO = 0xc000020c;
const FRAMES = 64;
const OUTER = 50;

export function encapsulationFigures(): Figure[] {
  return [64, 1450].flatMap((bytes) => [
    {
      name: `encapsulate, ${bytes} bytes`,
      unit: 'M frames/s',
      ours: encapsulate(bytes, false),
      peers: [
        { name: 'Buffer.concat, JS', round: naive(bytes) },
        { name: 'template in headroom, C', round: native('encap.c', 'encapsulate', bytes) },
      ],
    },
    {
      name: `encapsulate, ${bytes} bytes, UDP checksum`,
      unit: 'M frames/s',
      ours: encapsulate(bytes, true),
      peers: [{ name: 'template in headroom, C', round: native('encap.c', 'checksum', bytes) }],
    },
    {
      name: `decapsulate, ${bytes} bytes`,
      unit: 'M frames/s',
      ours: decapsulate(bytes),
      peers: [
        { name: 'objects and subarrays, JS', round: naiveDecapsulate(bytes) },
        { name: 'checks in place, C', round: native('encap.c', 'decapsulate', bytes) },
      ],
    },
  ]);
}

/** An IPv4 UDP frame of so many bytes; `n` tells flows apart. */
function inner(bytes: number, n: number): Uint8Array {
  const frame = new Uint8Array(bytes);
  const view = new DataView(frame.buffer);
  ethernet.write(view, 0, 0x02420a000103, 0x02420a000102, ETHERTYPE.ipv4);
  udp.write(view, 34, bytes, 40_000 + n, 80, pseudo4(0x0a000102, 0x0a000103, PROTO.udp, bytes - 34));
  ipv4.write(view, 14, bytes, 0x0a000102, 0x0a000103, PROTO.udp, 64, 0, n, true);
  return frame;
}

function push(frame: ReturnType<FramePool['take']>, checksum: boolean, id: number): void {
  const { view } = frame;
  const port = portFor(entropyOf(view, frame.start, frame.end), 49_152, 65_535);
  vxlan.write(view, frame.push(vxlan.HEADER_LEN), VNI);
  const at = frame.push(udp.HEADER_LEN);
  udp.write(
    view,
    at,
    frame.end,
    port,
    VXLAN_PORT,
    checksum ? pseudo4(FROM, TO, PROTO.udp, frame.end - at) : -1,
  );
  const ip = frame.push(ipv4.HEADER_LEN);
  ipv4.write(view, ip, frame.end, FROM, TO, PROTO.udp, 64, 0, id, false);
  const mac = frame.push(ethernet.HEADER_LEN);
  ethernet.writeWords(view, mac, 0x0200, 2, 0x0200, 1, ETHERTYPE.ipv4);
}

function frames(bytes: number): ReturnType<FramePool['take']>[] {
  const pool = new FramePool();
  return Array.from({ length: FRAMES }, (_, n) => pool.from(inner(bytes, n)));
}

function encapsulate(bytes: number, checksum: boolean): Round {
  const ready = frames(bytes);
  const rounds = checksum && bytes > 1000 ? 2_000 : 20_000;
  return () =>
    millions(rounds * FRAMES, () => {
      for (let round = 0; round < rounds; round++) {
        for (let n = 0; n < FRAMES; n++) {
          const frame = ready[n] as (typeof ready)[number];
          push(frame, checksum, round & 0xffff);
          frame.pull(OUTER);
        }
      }
      keep((ready[0] as (typeof ready)[number]).view.getUint16(0));
    });
}

function decapsulate(bytes: number): Round {
  const ready = frames(bytes);
  for (const frame of ready) push(frame, false, 1);
  const rounds = 20_000;
  return () => {
    let sum = 0;
    const rate = millions(rounds * FRAMES, () => {
      for (let round = 0; round < rounds; round++) {
        for (let n = 0; n < FRAMES; n++) sum += pull(ready[n] as (typeof ready)[number]);
      }
    });
    keep(sum);
    return rate;
  };
}

/** The checks of host, socket and demultiplexer, then the inner frame's start; the frame is left as it was. */
function pull(frame: ReturnType<FramePool['take']>): number {
  const { view, start, end } = frame;
  const ip = start + ethernet.HEADER_LEN;
  if (ethernet.etherType(view, start) !== ETHERTYPE.ipv4 || ipv4.check(view, ip, end) !== 0) return 0;
  if (!ipv4.checksumOk(view, ip) || ipv4.isFragment(view, ip) || ipv4.protocol(view, ip) !== PROTO.udp)
    return 0;
  const at = ip + ipv4.headerLength(view, ip);
  if (udp.check(view, at, end) !== 0 || udp.dstPort(view, at) !== VXLAN_PORT) return 0;
  const header = at + udp.HEADER_LEN;
  if (vxlan.check(view, header, end) !== 0 || !vxlan.vniValid(view, header)) return 0;
  frame.pull(OUTER);
  const result = vxlan.vni(view, header) + ethernet.dstLo(view, frame.start);
  frame.push(OUTER);
  return result;
}

function naive(bytes: number): Round {
  const ready = Array.from({ length: FRAMES }, (_, n) => Buffer.from(inner(bytes, n)));
  const rounds = 400;
  return () =>
    millions(rounds * FRAMES, () => {
      for (let round = 0; round < rounds; round++) {
        for (const frame of ready) keep(concatenated(frame, round).length);
      }
    });
}

/** As a first version is written: a buffer for each header, fields by name, and all of them put together. */
function concatenated(frame: Buffer, id: number): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt8(0x08, 0);
  header.writeUIntBE(VNI, 4, 3);
  const datagram = Buffer.alloc(8);
  const hash = frame.readUInt32BE(26) ^ frame.readUInt32BE(30) ^ frame.readUInt32BE(34);
  datagram.writeUInt16BE(49_152 + ((hash >>> 0) % 16_384), 0);
  datagram.writeUInt16BE(VXLAN_PORT, 2);
  datagram.writeUInt16BE(16 + frame.length, 4);
  const packet = Buffer.alloc(20);
  packet.writeUInt8(0x45, 0);
  packet.writeUInt16BE(36 + frame.length, 2);
  packet.writeUInt16BE(id & 0xffff, 4);
  packet.writeUInt8(64, 8);
  packet.writeUInt8(17, 9);
  packet.writeUInt32BE(FROM, 12);
  packet.writeUInt32BE(TO, 16);
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += packet.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  packet.writeUInt16BE(~sum & 0xffff, 10);
  const mac = Buffer.from([2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0]);
  return Buffer.concat([mac, packet, datagram, header, frame]);
}

function naiveDecapsulate(bytes: number): Round {
  const ready = Array.from({ length: FRAMES }, (_, n) => concatenated(Buffer.from(inner(bytes, n)), n));
  const rounds = 1_000;
  return () =>
    millions(rounds * FRAMES, () => {
      for (let round = 0; round < rounds; round++) {
        for (const packet of ready) keep(parsed(packet)?.frame.length ?? 0);
      }
    });
}

function parsed(packet: Buffer): { vni: number; dst: string; frame: Buffer } | null {
  const ip = packet.subarray(14);
  let sum = 0;
  for (let i = 0; i < 20; i += 2) sum += ip.readUInt16BE(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  const datagram = ip.subarray(20);
  if (sum !== 0xffff || datagram.readUInt16BE(2) !== VXLAN_PORT) return null;
  const header = datagram.subarray(8);
  if ((header.readUInt8(0) & 8) === 0) return null;
  const frame = header.subarray(8);
  return { vni: header.readUIntBE(4, 3), dst: frame.subarray(0, 6).toString('hex'), frame };
}
