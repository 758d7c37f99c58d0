// The services of one network as its load balancers must know them (libnetwork's service bindings): virtual address,
// published ports where the network is ingress, and the tasks that run now. Held once for all nodes.

import type { Ip } from '../../core/wire/address.ts';
import type { MarkedPort } from '../host/nat/balancer.ts';
import { ServerList } from '../host/nat/server-list.ts';
import type { EndpointPlan, NetworkPlan, ServicePlan } from './plan.ts';

export class NetworkService {
  readonly name: string;
  /** Null in dnsrr mode: it has a mark and nothing is balanced. */
  readonly vip: EndpointPlan | null;
  readonly ports: readonly MarkedPort[];
  readonly servers: ServerList = new ServerList();

  constructor(service: ServicePlan, network: NetworkPlan) {
    this.name = service.spec.name;
    this.vip = service.vips.find((vip) => vip.network === network) ?? null;
    this.ports = network.ingress ? ingressPorts(service) : [];
  }
}

export class NetworkServices {
  /** In the plan's order, which is the order of their marks. */
  readonly all: readonly NetworkService[];
  readonly #byKey: Map<string, NetworkService>;

  constructor(services: readonly ServicePlan[], network: NetworkPlan) {
    this.#byKey = new Map(
      services
        .filter((service) => isOn(service, network))
        .map((service) => [service.spec.key, new NetworkService(service, network)]),
    );
    this.all = [...this.#byKey.values()];
  }

  /** A task of a service runs: every node's balancer may choose it. */
  joined(key: string, ip: Ip): void {
    this.#byKey.get(key)?.servers.add(ip);
  }

  left(key: string, ip: Ip): void {
    this.#byKey.get(key)?.servers.remove(ip);
  }
}

/** The ports of a service that the whole swarm answers on. */
function ingressPorts({ ports }: ServicePlan): MarkedPort[] {
  return ports.flatMap(({ mode, proto, published }) =>
    mode === 'ingress' && published !== null ? [{ proto, port: published }] : [],
  );
}

function isOn(service: ServicePlan, network: NetworkPlan): boolean {
  if (network.ingress) return service.vips.some((vip) => vip.network === network);
  return service.spec.networks.some((attachment) => attachment.network === network.key);
}
