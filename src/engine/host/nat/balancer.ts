// A load balancer as Docker sets one up in each network's `lb_` sandbox on each node (libnetwork service_linux.go): packets
// to a virtual address, or in the ingress sandbox to a published port, are marked, and IPVS gives each connection of a mark
// to a task in turn; the task sees the balancer's own address, so that its answers come back here.
//
//   client:40000 ► VIP:80      becomes   lb:40000 ► task:80        the port stays, whichever it is
//   task:80 ► lb:40000         becomes   VIP:80 ► client:40000
//
// Echo requests to a virtual address are the host's own matter, and so is TCP that no SYN began: it is reset.

import type { Ip } from '../../../core/wire/address.ts';
import { PROTO } from '../../../core/wire/numbers.ts';
import * as tcp from '../../../core/wire/tcp.ts';
import { IpMap } from '../../fabric/ip-map.ts';
import { DROP } from '../../trace/drop.ts';
import type { Interface } from '../interface.ts';
import type { Stack } from '../stack.ts';
import { BalancedService } from './balanced-service.ts';
import type { DestinationRule, Opening, SourceRule } from './rule.ts';
import type { ServerList } from './server-list.ts';
import type { Sighting } from './sighting.ts';
import { IPVS } from './tcp-track.ts';

export interface MarkedPort {
  readonly proto: number;
  /** As published. */
  readonly port: number;
}

/** ICMP's port unreachable, for IPv4 and IPv6 alike the port's code of "destination unreachable" (ip_vs_leave). */
const PORT_UNREACHABLE = 3;

export class Balancer implements DestinationRule, SourceRule {
  /** The address that tasks see. */
  readonly address: Ip;
  readonly #host: Stack;
  readonly #services: BalancedService[] = [];
  readonly #byVip: IpMap<BalancedService> = new IpMap();
  /** By protocol and published port. */
  readonly #byPort: Map<number, BalancedService> = new Map();

  constructor(host: Stack, address: Ip) {
    this.#host = host;
    this.address = address;
  }

  get services(): readonly BalancedService[] {
    return this.#services;
  }

  /** Adds a service. @param ports marked besides its virtual address, in the ingress sandbox */
  add(
    name: string,
    mark: number,
    vip: Ip,
    servers: ServerList,
    ports: readonly MarkedPort[] = [],
  ): BalancedService {
    const service = new BalancedService(name, mark, vip, servers);
    this.#services.push(service);
    this.#byVip.set(vip, service);
    for (const { proto, port } of ports) this.#byPort.set(proto * 0x10000 + port, service);
    return service;
  }

  divert(seen: Sighting, _dev: Interface, opening: Opening): boolean {
    const { proto } = seen;
    if (proto !== PROTO.udp && proto !== PROTO.tcp) return false;
    const service = this.#marked(seen);
    if (service === undefined) return false;
    if (proto === PROTO.tcp && (tcp.flags(seen.view, seen.at) & tcp.FLAG.SYN) === 0) return false;
    const server = service.next();
    if (server === null) {
      opening.refused(DROP.noServer, PORT_UNREACHABLE);
      return true;
    }
    opening.dst = server.ip;
    opening.dstPort = seen.dstPort;
    opening.server = server;
    opening.lifetimes = IPVS;
    return true;
  }

  disguise(_seen: Sighting, _from: Interface, _out: Interface, opening: Opening): boolean {
    if (opening.server === null) return false;
    opening.src = this.address;
    return true;
  }

  #marked(seen: Sighting): BalancedService | undefined {
    const { view, six, dstAt, proto, dstPort } = seen;
    const service = six ? this.#byVip.get6(view, dstAt) : this.#byVip.get4(view.getUint32(dstAt));
    if (service !== undefined || this.#byPort.size === 0) return service;
    const marked = this.#byPort.get(proto * 0x10000 + dstPort);
    return marked !== undefined && this.#host.isLocal(seen.dst) ? marked : undefined;
  }
}
