// The outer IP and UDP headers of a datagram, for a backend that writes them itself (RFC 7348 s.5): the source port is the inner
// flow's entropy within the range, so that routers spread flows; the UDP checksum is zero over IPv4 and there over IPv6.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip } from '../../core/wire/address.ts';
import { isIp6 } from '../../core/wire/address.ts';
import { pseudo6 } from '../../core/wire/checksum.ts';
import * as ipv4 from '../../core/wire/ipv4.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import { PROTO } from '../../core/wire/numbers.ts';
import * as udp from '../../core/wire/udp.ts';
import * as vxlan from '../../core/wire/vxlan.ts';
import { ipAt, tosAt } from '../../engine/fabric/ecn.ts';
import { portFor } from '../../engine/fabric/entropy.ts';
import type { UnderlayConfig } from './underlay-config.ts';

const DSCP = 0xfc;
const ECN = 0x03;

export class OuterHeaders {
  readonly #config: UnderlayConfig;
  #id = 0;

  constructor(config: UnderlayConfig) {
    this.#config = config;
  }

  /** The source port of a flow. */
  port(entropy: number): number {
    const [min, max] = this.#config.sourcePorts;
    return portFor(entropy, min, max);
  }

  /** The outer TOS or traffic class of a frame that begins with its VXLAN header; `ecn` is what the VTEP wants there. */
  tos(frame: Frame, ecn: number): number {
    const { tos } = this.#config;
    if (tos !== 'inherit') return (tos & DSCP) | (ecn & ECN);
    const { view } = frame;
    return (tosAt(view, ipAt(view, frame.start + vxlan.HEADER_LEN, frame.end)) & DSCP) | (ecn & ECN);
  }

  /** Puts both headers in front of the VXLAN header. */
  push(frame: Frame, to: Ip, port: number, tos: number): void {
    const { local, port: service, ttl, dontFragment } = this.#config;
    const { view, end } = frame;
    const at = frame.push(udp.HEADER_LEN);
    if (isIp6(local) && isIp6(to)) {
      const ip = frame.push(ipv6.HEADER_LEN);
      ipv6.write(view, ip, end, local, to, PROTO.udp, ttl, tos, 0);
      udp.write(view, at, end, port, service, pseudo6(view, ip, PROTO.udp, end - at));
    } else if (!isIp6(local) && !isIp6(to)) {
      const ip = frame.push(ipv4.HEADER_LEN);
      // An atomic datagram needs no identification (RFC 6864 s.4.1).
      this.#id = dontFragment ? 0 : (this.#id + 1) & 0xffff;
      ipv4.write(view, ip, end, local, to, PROTO.udp, ttl, tos, this.#id, dontFragment);
      udp.write(view, at, end, port, service, -1);
    }
  }
}
