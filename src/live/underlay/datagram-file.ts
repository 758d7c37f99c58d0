// `--capture`: every datagram at the underlay, whoever sent it and whatever became of it, as bare IP packets. A socket does not
// show the IP and UDP headers, so they are written anew around the payload: addresses and ports are true, TTL and
// identification are not known.

import type { Frame } from '../../core/frame/frame.ts';
import { LINKTYPE } from '../../core/pcap/linktype.ts';
import { PcapngWriter } from '../../core/pcap/pcapng-writer.ts';
import type { Ip } from '../../core/wire/address.ts';
import { isIp6 } from '../../core/wire/address.ts';
import { pseudo6 } from '../../core/wire/checksum.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import { PROTO } from '../../core/wire/numbers.ts';
import { parseIp } from '../../core/wire/parse-ip.ts';
import * as udp from '../../core/wire/udp.ts';
import { CaptureFile } from '../capture/pcap-file.ts';
import type { DatagramWatch } from './live-underlay.ts';

/** epb_flags: inbound 1, outbound 2. */
const INBOUND = 1;
const OUTBOUND = 2;
const TTL = 64;
/** Bytes that wait for the disk; past them packets are left out and counted. */
const WAITING_MAX = 64 * 1024 * 1024;
/** Milliseconds between two writes of what was collected. */
const FLUSH_EVERY = 200;
/** Addresses whose numbers are kept. */
const KNOWN_MAX = 4096;

export class DatagramFile implements DatagramWatch {
  /** Packets that are not in the file because the disk was too slow. */
  missed = 0;
  written = 0;
  readonly #own: Ip;
  readonly #port: number;
  readonly #file: CaptureFile;
  readonly #writer: PcapngWriter;
  readonly #bytes: Uint8Array = new Uint8Array(66_048);
  readonly #view: DataView = new DataView(this.#bytes.buffer);
  readonly #known: Map<string, Ip> = new Map();
  readonly #flusher: NodeJS.Timeout;

  /** @param path as CaptureFile's @param own the VTEP's address and UDP port */
  constructor(path: string, own: Ip, port: number, name: string) {
    this.#own = own;
    this.#port = port;
    this.#file = new CaptureFile(path);
    this.#writer = new PcapngWriter(this.#file.write, { application: 'vxlab vtep' });
    this.#writer.addInterface({
      linkType: LINKTYPE.raw,
      name,
      description: 'outer headers are made: TTL and identification are not what was on the wire',
    });
    this.#flusher = setInterval(() => this.#writer.flush(), FLUSH_EVERY);
  }

  datagram(inbound: boolean, address: string, port: number, frame: Frame): void {
    if (this.#file.waiting > WAITING_MAX) {
      this.missed++;
      return;
    }
    const other = this.#address(address);
    const end = inbound
      ? this.#packet(other, this.#own, port, this.#port, frame)
      : this.#packet(this.#own, other, port, this.#port, frame);
    const now = performance.timeOrigin + performance.now();
    const seconds = Math.floor(now / 1000);
    const nanos = Math.floor((now - seconds * 1000) * 1e6);
    this.#writer.writePacket(0, seconds, nanos, this.#view, 0, end, end, inbound ? INBOUND : OUTBOUND);
    this.written++;
  }

  /** @throws VxlabError CAPTURE_UNWRITABLE */
  async close(): Promise<void> {
    clearInterval(this.#flusher);
    this.#writer.flush();
    await this.#file.close();
  }

  /** Writes the packet at 0 and answers with its end. */
  #packet(src: Ip, dst: Ip, srcPort: number, dstPort: number, frame: Frame): number {
    const view = this.#view;
    const header = isIp6(src) ? ipv6.HEADER_LEN : ipv4.HEADER_LEN;
    const at = header + udp.HEADER_LEN;
    const end = at + frame.end - frame.start;
    this.#bytes.set(frame.bytes.subarray(frame.start, frame.end), at);
    if (isIp6(src) && isIp6(dst)) {
      ipv6.write(view, 0, end, src, dst, PROTO.udp, TTL, 0, 0);
      udp.write(view, header, end, srcPort, dstPort, pseudo6(view, 0, PROTO.udp, end - header));
    } else if (!isIp6(src) && !isIp6(dst)) {
      ipv4.write(view, 0, end, src, dst, PROTO.udp, TTL, 0, 0, false);
      // RFC 7348 s.5 has no checksum over IPv4.
      udp.write(view, header, end, srcPort, dstPort, -1);
    }
    return end;
  }

  #address(text: string): Ip {
    let ip = this.#known.get(text);
    if (ip === undefined) {
      ip = parseIp(text.replace(/%.*$/, ''));
      if (this.#known.size >= KNOWN_MAX) this.#known.clear();
      this.#known.set(text, ip);
    }
    return ip;
  }
}
