// Which service's connections go to which: counted as TCP connections end, from both of their ends. Behind a load balancer a
// server sees the balancer's address, so who asked is looked up in the balancer's own table.

import type { Ip } from '../core/wire/address.ts';
import { formatIp, sameIp } from '../core/wire/address.ts';
import { PROTO } from '../core/wire/numbers.ts';
import type { ConnectionLedger, EndedConnection, Stack } from '../engine/host/stack.ts';
import type { Container } from '../engine/orchestrate/container.ts';
import type { NetworkPlan } from '../engine/orchestrate/plan.ts';
import type { World } from '../engine/orchestrate/world.ts';

/** Connections that one service opened to another. */
export interface ConnectionRow {
  readonly from: string;
  readonly to: string;
  /** The port connected to. */
  readonly port: number;
  readonly connections: number;
  /** Payload bytes each way, each byte once. */
  readonly bytesSent: number;
  readonly bytesReceived: number;
  /** Segments that either end sent again. */
  readonly retransmits: number;
}

type Sum = { -readonly [K in keyof ConnectionRow]: ConnectionRow[K] };

export class ServicePairs implements ConnectionLedger {
  readonly #world: World;
  readonly #sums: Map<string, Sum> = new Map();
  #containers: Map<Stack, Container> = new Map();

  constructor(world: World) {
    this.#world = world;
  }

  ended(connection: EndedConnection): void {
    const container = this.#containerOf(connection.host);
    if (container === null) return;
    const own = serviceOf(container);
    if (connection.opener) {
      const to = this.#named(container, connection.remoteIp);
      const sum = this.#sum(own, to, connection.remotePort);
      sum.connections++;
      sum.bytesSent += connection.bytesSent;
      sum.bytesReceived += connection.bytesReceived;
      sum.retransmits += connection.retransmits;
    } else if (connection.retransmits > 0) {
      const from = this.#asker(container, connection);
      this.#sum(from, own, connection.localPort).retransmits += connection.retransmits;
    }
  }

  /** In the order of the plan's services, then by who is asked; what is still open counts too. */
  rows(): ConnectionRow[] {
    const all = new ServicePairs(this.#world);
    for (const [key, sum] of this.#sums) all.#sums.set(key, { ...sum });
    for (const { host } of this.#world.containers.values()) {
      for (const connection of openConnections(host)) all.ended(connection);
    }
    const order = this.#world.plan.services.map(({ spec }) => spec.key);
    const place = (name: string): number => (order.indexOf(name) + order.length + 1) % (order.length + 1);
    return [...all.#sums.values()].sort(
      (x, y) => place(x.from) - place(y.from) || place(x.to) - place(y.to) || x.port - y.port,
    );
  }

  #sum(from: string, to: string, port: number): Sum {
    const key = `${from} ${to} ${port}`;
    let sum = this.#sums.get(key);
    if (sum === undefined) {
      sum = { from, to, port, connections: 0, bytesSent: 0, bytesReceived: 0, retransmits: 0 };
      this.#sums.set(key, sum);
    }
    return sum;
  }

  #containerOf(host: Stack): Container | null {
    let found = this.#containers.get(host);
    if (found === undefined) {
      this.#containers = new Map([...this.#world.containers.values()].map((one) => [one.host, one]));
      found = this.#containers.get(host);
    }
    return found ?? null;
  }

  /** The service that an address is on one of the container's networks; else the address. */
  #named(container: Container, ip: Ip): string {
    for (const network of networksOf(container)) {
      for (const { spec, vips, tasks } of this.#world.plan.services) {
        const here = vips.some((vip) => vip.network === network && sameIp(vip.ip, ip));
        const task = tasks.some(({ endpoints }) =>
          endpoints.some((one) => one.network === network && sameIp(one.ip, ip)),
        );
        if (here || task) return spec.key;
      }
    }
    return formatIp(ip);
  }

  /** Who opened a connection that came to a container. */
  #asker(container: Container, { remoteIp, remotePort, localIp, localPort }: EndedConnection): string {
    for (const network of networksOf(container)) {
      for (const node of this.#world.nodes.values()) {
        const sandbox = node.sandboxes.get(network.id);
        const balancer = network.balancers.get(node.name);
        if (sandbox?.connections == null || balancer === undefined || !sameIp(balancer.ip, remoteIp))
          continue;
        const flow = sandbox.connections.table
          .live()
          .find(
            ({ proto, back }) =>
              proto === PROTO.tcp &&
              back.dstPort === remotePort &&
              back.srcPort === localPort &&
              sameIp(back.src, localIp),
          );
        if (flow !== undefined) return this.#named(container, flow.out.src);
      }
    }
    return this.#named(container, remoteIp);
  }
}

function serviceOf(container: Container): string {
  return container.task?.service ?? container.name;
}

function networksOf(container: Container): NetworkPlan[] {
  return (container.task?.endpoints ?? []).map(({ network }) => network);
}

function openConnections(host: Container['host']): readonly EndedConnection[] {
  return host.speaksTcp ? host.tcp.connections : [];
}
