// VXLAN encapsulation in place and decapsulation, by the codecs that the packet path uses, with and without an outer UDP
// checksum. The inner frames are UDP of many flows; the outer source port comes from the flow.

import type { Frame } from '../../src/core/frame/frame.ts';
import { FramePool } from '../../src/core/frame/frame-pool.ts';
import { parseIp } from '../../src/core/wire/address.ts';
import { pseudo4 } from '../../src/core/wire/checksum.ts';
import * as ethernet from '../../src/core/wire/ethernet.ts';
import * as ipv4 from '../../src/core/wire/ipv4.ts';
import { ETHERTYPE, PROTO, VXLAN_PORT } from '../../src/core/wire/numbers.ts';
import * as udp from '../../src/core/wire/udp.ts';
import * as vxlan from '../../src/core/wire/vxlan.ts';
import { entropyOf, portFor } from '../../src/engine/fabric/entropy.ts';
import { decapsulateBuffers, encapsulateBuffers } from './encap-buffers.ts';
import type { Figure, Round } from './harness.ts';
import { keep, millions } from './harness.ts';
import { native } from './native.ts';

const FRAMES = 256;
const VNI = 4097;
const FROM = parseIp('192.0.2.11') as number;
const TO = parseIp('192.0.2.12') as number;
const UNDERLAY: readonly number[] = [ethernet.HEADER_LEN, ipv4.HEADER_LEN, udp.HEADER_LEN, vxlan.HEADER_LEN];
const OUTER: number = UNDERLAY.reduce((x, y) => x + y);

export function encapFigures(): Figure[] {
  const figures: Figure[] = [];
  for (const mode of ['encapsulate', 'decapsulate'] as const) {
    for (const bytes of [64, 1450]) {
      for (const checksum of [false, true]) {
        const packets = bytes > 64 && checksum ? 50_000 : 500_000;
        const encapsulating = mode === 'encapsulate';
        figures.push({
          name: `${mode}, ${bytes} bytes, UDP checksum ${checksum ? 'full' : '0'}`,
          unit: 'M packets/s',
          ours: encapsulating ? ours(bytes, checksum, packets) : oursBack(bytes, checksum, packets),
          peers: [
            {
              name: encapsulating ? 'Buffer.concat, JS' : 'objects and slices, JS',
              round: encapsulating ? naive(bytes, checksum) : naiveBack(bytes, checksum),
            },
            {
              name: 'in place, C',
              round: native('encap.c', mode, bytes, checksum ? 1 : 0, packets * 4),
            },
          ],
        });
      }
    }
  }
  return figures;
}

/** Inner frames, each of a flow of its own. */
function frames(bytes: number): Frame[] {
  const pool = new FramePool();
  const src = parseIp('10.0.1.3') as number;
  return Array.from({ length: FRAMES }, (_, i) => {
    const frame = pool.take(bytes);
    const { view, start, end } = frame;
    for (let at = start; at < end; at++) view.setUint8(at, i * 131 + at * 7);
    ethernet.writeWords(view, start, 0x0242, 0x0a000104, 0x0242, 0x0a000103, ETHERTYPE.ipv4);
    const ip = start + ethernet.HEADER_LEN;
    const dst = src + 1 + (i >> 4);
    const at = ip + ipv4.HEADER_LEN;
    udp.write(view, at, end, 40_000 + i, 53, pseudo4(src, dst, PROTO.udp, end - at));
    ipv4.write(view, ip, end, src, dst, PROTO.udp, 64, 0, i, true);
    return frame;
  });
}

function encapsulate(frame: Frame, id: number, checksum: boolean): void {
  const view = frame.view;
  const port = portFor(entropyOf(view, frame.start, frame.end), 32768, 60999);
  vxlan.write(view, frame.push(vxlan.HEADER_LEN), VNI);
  const at = frame.push(udp.HEADER_LEN);
  const pseudo = checksum ? pseudo4(FROM, TO, PROTO.udp, frame.end - at) : -1;
  udp.write(view, at, frame.end, port, VXLAN_PORT, pseudo);
  ipv4.write(view, frame.push(ipv4.HEADER_LEN), frame.end, FROM, TO, PROTO.udp, 64, 0, id, false);
  ethernet.writeWords(view, frame.push(ethernet.HEADER_LEN), 0x0200, 2, 0x0200, 1, ETHERTYPE.ipv4);
}

/** Moves the frame's start to the inner Ethernet header; answers the VNI, or -1 for what is to be dropped. */
function decapsulate(frame: Frame): number {
  const view = frame.view;
  const start = frame.start;
  if (ethernet.check(view, start, frame.end) !== 0) return -1;
  if (ethernet.etherType(view, start) !== ETHERTYPE.ipv4) return -1;
  const ip = start + ethernet.HEADER_LEN;
  if (ipv4.check(view, ip, frame.end) !== 0 || !ipv4.checksumOk(view, ip)) return -1;
  if (ipv4.protocol(view, ip) !== PROTO.udp || ipv4.dst(view, ip) !== TO) return -1;
  const at = ip + ipv4.headerLength(view, ip);
  const end = ipv4.payloadEnd(view, ip, frame.end);
  if (udp.check(view, at, end) !== 0 || udp.dstPort(view, at) !== VXLAN_PORT) return -1;
  const stop = udp.payloadEnd(view, at, end);
  const pseudo = pseudo4(ipv4.src(view, ip), ipv4.dst(view, ip), PROTO.udp, stop - at);
  if (!udp.checksumOk(view, at, stop, pseudo, true)) return -1;
  const header = at + udp.HEADER_LEN;
  if (vxlan.check(view, header, stop) !== 0 || !vxlan.vniValid(view, header)) return -1;
  frame.pull(header + vxlan.HEADER_LEN - start);
  return vxlan.vni(view, header);
}

function ours(bytes: number, checksum: boolean, packets: number): Round {
  const list = frames(bytes);
  const first = list.map((frame) => frame.start);
  return () =>
    millions(packets, () => {
      for (let i = 0; i < packets; i++) {
        const frame = list[i & (FRAMES - 1)] as Frame;
        frame.start = first[i & (FRAMES - 1)] as number;
        encapsulate(frame, i & 0xffff, checksum);
      }
      keep((list[0] as Frame).start);
    });
}

function oursBack(bytes: number, checksum: boolean, packets: number): Round {
  const list = frames(bytes);
  for (const [i, frame] of list.entries()) encapsulate(frame, i, checksum);
  const first = list.map((frame) => frame.start);
  return () =>
    millions(packets, () => {
      for (let i = 0; i < packets; i++) {
        const frame = list[i & (FRAMES - 1)] as Frame;
        frame.start = first[i & (FRAMES - 1)] as number;
        if (decapsulate(frame) !== VNI) throw new Error('a good packet was dropped');
      }
    });
}

function naive(bytes: number, checksum: boolean): Round {
  const list = frames(bytes).map((frame) => Buffer.from(frame.toBytes()));
  const packets = 20_000;
  return () =>
    millions(packets, () => {
      let kept = 0;
      for (let i = 0; i < packets; i++) {
        const inner = list[i & (FRAMES - 1)] as Buffer;
        kept += encapsulateBuffers(inner, VNI, i & 0xffff, checksum).length;
      }
      keep(kept);
    });
}

function naiveBack(bytes: number, checksum: boolean): Round {
  const list = frames(bytes).map((frame, i) => {
    encapsulate(frame, i, checksum);
    return Buffer.from(frame.toBytes());
  });
  if (list[0]?.length !== bytes + OUTER) throw new Error('the outer headers have another length');
  const packets = 20_000;
  return () =>
    millions(packets, () => {
      for (let i = 0; i < packets; i++) {
        const packet = decapsulateBuffers(list[i & (FRAMES - 1)] as Buffer);
        if (packet?.vni !== VNI) throw new Error('a good packet was dropped');
      }
    });
}
