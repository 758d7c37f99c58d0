// Docker's embedded DNS server as a container meets it: 127.0.0.11, port 53, UDP and TCP. What it says is answer.ts's.
//
// In Docker the daemon listens on random ports inside the container's namespace and iptables leads port 53 there, so the
// container may have a server of its own on 0.0.0.0:53. Here both sockets are bound beside such a server.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip, Ip4 } from '../../core/wire/address.ts';
import { DNS_PORT, UDP_MAX } from '../../core/wire/dns.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { RandomStream } from '../time/random.ts';
import type { Zone } from './answer.ts';
import { answer, STREAM_MAX } from './answer.ts';
import type { Host } from './host.ts';
import { NameListener } from './name-listener.ts';
import type { TcpFace } from './tcp/socket.ts';
import type { DatagramReceiver, UdpSocket } from './udp.ts';

/** 127.0.0.11. */
export const RESOLVER_ADDRESS: Ip4 = 0x7f00000b;

export class NameServer implements DatagramReceiver {
  readonly zone: Zone;
  readonly #random: RandomStream;
  readonly #host: Host;
  readonly #socket: UdpSocket;
  readonly #listener: NameListener | null;
  /** Answers sent. */
  answered = 0;

  /**
   * @param random for the order of several addresses
   * @throws VxlabError PORT_IN_USE when somebody has that very address
   */
  constructor(host: Host, zone: Zone, random: RandomStream, address: Ip = RESOLVER_ADDRESS) {
    this.zone = zone;
    this.#host = host;
    this.#random = random;
    this.#socket = host.udp.bind(DNS_PORT, this, { address, translated: true });
    this.#listener = this.#listen(host.tcp, address);
  }

  datagram(frame: Frame, ip: number, at: number, end: number, srcPort: number): void {
    const { view } = frame;
    const from = view.getUint8(ip) >>> 4 === 4 ? ipv4.src(view, ip) : ipv6.src(view, ip);
    const said = this.#say(view, at, end, UDP_MAX);
    frame.release();
    if (said !== null) this.#socket.send(from, srcPort, said);
  }

  /** The asker is gone: nothing to do. */
  error(): void {}

  close(): void {
    this.#listener?.close();
    this.#host.udp.unbind(this.#socket);
  }

  /** null where the host's own server has the port of all addresses: then answers come by UDP alone. */
  #listen(tcp: TcpFace, address: Ip): NameListener | null {
    try {
      return new NameListener(this.#host.ground, tcp, address, (bytes) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        return this.#say(view, 0, bytes.length, STREAM_MAX);
      });
    } catch (error) {
      if (error instanceof VxlabError && error.code === 'PORT_IN_USE') return null;
      throw error;
    }
  }

  #say(view: DataView, at: number, end: number, room: number): Uint8Array | null {
    const said = answer(this.zone, view, at, end, this.#random, room);
    if (said !== null) this.answered++;
    return said;
  }
}
