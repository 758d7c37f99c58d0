// Which UDP port carries what, as one table that the walk looks up once per datagram, and how deep tunnels are followed.
//
// The destination port is asked first and the source port only where the destination says nothing (RFC 7348 s.5 gives a
// meaning to the destination port alone; replies of some implementations carry the port as their source).

import * as mpls from '../wire/mpls.ts';
import { GENEVE_PORT, VXLAN_GPE_PORT, VXLAN_PORT, VXLAN_PORT_LINUX, VxlabError } from '../wire/numbers.ts';

/** What a UDP payload is taken for. 0 is unknown. */
export const CARRIES = { nothing: 0, vxlan: 1, gpe: 2, geneve: 3, mpls: 4, dns: 5, esp: 6 } as const;

export interface WalkSettings {
  /** UDP ports of VXLAN instead of the defaults, 4789 and 8472; a port in several lists is the upper list's. */
  readonly vxlan?: readonly number[];
  /** UDP ports of VXLAN-GPE instead of 4790. */
  readonly gpe?: readonly number[];
  /** UDP ports of Geneve instead of 6081. */
  readonly geneve?: readonly number[];
  /** How many tunnels within one another are followed, 0 to 32; default 8. */
  readonly depth?: number;
  /** Whether bytes are asked where no port says what they are: for VXLAN and for DNS queries; default true. */
  readonly heuristics?: boolean;
}

/** DNS, multicast DNS (RFC 6762) and LLMNR (RFC 4795): one format. */
const DNS_PORTS = [53, 5353, 5355];

/** ESP and IKE through address translators (RFC 3948 s.2). */
const ESP_PORT = 4500;

export const DEPTH_DEFAULT = 8;
export const DEPTH_MAX = 32;

export class WalkOptions {
  /** CARRIES by UDP port. */
  readonly ports: Uint8Array = new Uint8Array(0x10000);
  readonly depth: number;
  readonly heuristics: boolean;

  /** @throws VxlabError BAD_PORT, BAD_DEPTH */
  constructor(settings: WalkSettings = {}) {
    this.depth = settings.depth ?? DEPTH_DEFAULT;
    if (!Number.isInteger(this.depth) || this.depth < 0 || this.depth > DEPTH_MAX) {
      throw new VxlabError(
        'BAD_DEPTH',
        `${this.depth} is not a tunnel depth; it must be a whole number from 0 to ${DEPTH_MAX}`,
      );
    }
    this.heuristics = settings.heuristics ?? true;
    this.#carry(DNS_PORTS, CARRIES.dns);
    this.#carry([mpls.UDP_PORT], CARRIES.mpls);
    this.#carry([ESP_PORT], CARRIES.esp);
    if (settings.geneve === undefined) this.#carry([GENEVE_PORT], CARRIES.geneve);
    if (settings.gpe === undefined) this.#carry([VXLAN_GPE_PORT], CARRIES.gpe);
    if (settings.vxlan === undefined) this.#carry([VXLAN_PORT, VXLAN_PORT_LINUX], CARRIES.vxlan);
    // What the user says comes last: it wins over any default.
    this.#carry(settings.geneve ?? [], CARRIES.geneve);
    this.#carry(settings.gpe ?? [], CARRIES.gpe);
    this.#carry(settings.vxlan ?? [], CARRIES.vxlan);
  }

  #carry(ports: readonly number[], what: number): void {
    for (const port of ports) {
      if (!Number.isInteger(port) || port < 1 || port > 0xffff) {
        throw new VxlabError(
          'BAD_PORT',
          `${port} is not a UDP port; it must be a whole number from 1 to 65535`,
        );
      }
      this.ports[port] = what;
    }
  }
}

/** The defaults: VXLAN on 4789 and 8472, GPE on 4790, Geneve on 6081, eight tunnels deep. */
export const DEFAULT_WALK: WalkOptions = new WalkOptions();
