// A capture of plain VXLAN made into one of ESP in transport mode, packet by packet, with a key for each direction between two
// VTEPs: for judges who get the keys and are to find the frames that went in.

import { Dissection, L } from '../../src/core/dissect/layer.ts';
import { dissect } from '../../src/core/dissect/walk.ts';
import type { SecurityAssociation } from '../../src/core/esp/association.ts';
import { writeKeysFile } from '../../src/core/esp/keys-file.ts';
import type { Packet } from '../../src/core/pcap/index.ts';
import { PcapWriter } from '../../src/core/pcap/index.ts';
import type { Ip } from '../../src/core/wire/address.ts';
import { formatIp, readIp6 } from '../../src/core/wire/address.ts';
import { finish, sum } from '../../src/core/wire/checksum.ts';
import { toHex, viewOf } from './bytes.ts';
import { packetsOf } from './columns.ts';
import { sealed } from './esp.ts';

const ESP = 50;
const SECOND = 1_000_000_000n;

export interface SealedCapture {
  /** pcap: the VXLAN packets of the capture, in the clear and in ESP. */
  readonly plain: Uint8Array;
  readonly closed: Uint8Array;
  readonly associations: readonly SecurityAssociation[];
  /** The keys as a file. */
  readonly keys: string;
  /** Of each packet the frame in the tunnel, in hex. */
  readonly frames: readonly string[];
}

/** @param icvLength of all associations */
export function sealCapture(capture: Uint8Array, icvLength: 8 | 12 | 16 = 8): SealedCapture {
  const [plain, closed] = [new Written(), new Written()];
  const associations = new Map<string, SecurityAssociation>();
  const sequences = new Map<string, number>();
  const frames: string[] = [];
  for (const packet of packetsOf(capture)) {
    const { bytes } = packet;
    const view = viewOf(bytes);
    const d = new Dissection();
    dissect(view, 0, bytes.length, packet.linkType, d);
    if (d.vxlan < 0 || (d.fragment >= 0 && d.fragment < d.vxlan)) continue;
    const ip = d.below(d.vxlan, L.ipv4, L.ipv6);
    const [src, dst] = addresses(view, d, ip);
    const name = `${formatIp(src)} ${formatIp(dst)}`;
    const association = associations.get(name) ?? made(associations.size, src, dst, icvLength);
    associations.set(name, association);
    const sequence = (sequences.get(name) ?? 0) + 1;
    sequences.set(name, sequence);
    const esp = sealed(bytes.subarray(d.head(ip), d.end(ip)), association, sequence);
    plain.add(packet, bytes);
    closed.add(packet, around(bytes, d, ip, esp));
    frames.push(toHex(bytes.subarray(d.head(d.vxlan), d.end(d.vxlan))));
  }
  const all = [...associations.values()];
  return { plain: plain.file(), closed: closed.file(), associations: all, keys: writeKeysFile(all), frames };
}

function made(index: number, src: Ip, dst: Ip, icvLength: 8 | 12 | 16): SecurityAssociation {
  const spi = (0x1000_0000 * (index + 1) + 0x39e4_4a) >>> 0;
  const salt = new Uint8Array(4);
  viewOf(salt).setUint32(0, spi);
  const key = Uint8Array.from({ length: 16 }, (_, i) => (31 * i + 7 * index + 1) & 0xff);
  return { src, dst, spi, key, salt, icvLength };
}

function addresses(view: DataView, d: Dissection, ip: number): readonly [Ip, Ip] {
  const at = d.start(ip);
  if (d.kind(ip) === L.ipv6) return [readIp6(view, at + 8), readIp6(view, at + 24)];
  return [view.getUint32(at + 12), view.getUint32(at + 16)];
}

/** The headers up to IP, made to carry ESP. */
function around(bytes: Uint8Array, d: Dissection, ip: number, esp: Uint8Array): Uint8Array {
  const packet = Uint8Array.from([...bytes.subarray(0, d.head(ip)), ...esp]);
  const view = viewOf(packet);
  const at = d.start(ip);
  if (d.kind(ip) === L.ipv6) {
    view.setUint16(at + 4, esp.length);
    view.setUint8(at + 6, ESP);
  } else {
    view.setUint16(at + 2, packet.length - at);
    view.setUint8(at + 9, ESP);
    view.setUint16(at + 10, 0);
    view.setUint16(at + 10, finish(sum(view, at, d.head(ip))));
  }
  return packet;
}

class Written {
  readonly #chunks: Uint8Array[] = [];
  readonly #writer = new PcapWriter((bytes) => this.#chunks.push(bytes.slice()), { linkType: 1 });

  add({ time }: Packet, bytes: Uint8Array): void {
    const [seconds, nanos] = [Number((time ?? 0n) / SECOND), Number((time ?? 0n) % SECOND)];
    this.#writer.writePacket(0, seconds, nanos, viewOf(bytes), 0, bytes.length, bytes.length);
  }

  file(): Uint8Array {
    this.#writer.flush();
    return Uint8Array.from(Buffer.concat(this.#chunks));
  }
}
