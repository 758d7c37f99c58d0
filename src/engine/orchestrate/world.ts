// A plan carried out: nodes, networks, containers on one ground. The same world runs on virtual time over emulated cables
// and on the wall clock over real sockets; what differs is handed in.

import type { Ip } from '../../core/wire/address.ts';
import { formatIp } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { parseIp } from '../../core/wire/parse-ip.ts';
import type { Host } from '../host/host.ts';
import type { NextHop } from '../host/routes.ts';
import type { Container } from './container.ts';
import { RunningContainer } from './container.ts';
import type { EncryptionOptions } from './encryption.ts';
import { Encryption } from './encryption.ts';
import type { Ground } from './ground.ts';
import { containerId } from './ids.ts';
import { Names } from './names.ts';
import { Network } from './network.ts';
import type { UnderlayFactory } from './node.ts';
import { Node } from './node.ts';
import type { EndpointPlan, NetworkPlan, Plan, ServicePlan, TaskPlan } from './plan.ts';
import { PodSubnet } from './pod-subnet.ts';
import { withFlood } from './profile.ts';
import { redirect } from './redirected-ports.ts';
import { ContainerNaming, NodeNaming } from './resolution.ts';
import type { Attachment } from './sandbox.ts';

/** Something with addresses that can be pinged: what a name on the command line stands for. */
export interface Party {
  readonly name: string;
  readonly node: string;
  readonly host: Host;
}

/** How a world gets a node's stack onto the underlay. */
export interface WorldWiring {
  readonly underlay: UnderlayFactory;
  /** Gives the stack its underlay interface; does nothing where a real socket takes its place. */
  plug(spec: Plan['cluster']['nodes'][number], host: Host): void;
  close(): void;
  /** What encrypted networks are carried with; left out, they carry nothing. */
  readonly encryption?: Omit<EncryptionOptions, 'port'>;
}

export class World {
  readonly plan: Plan;
  readonly ground: Ground;
  readonly nodes: Map<string, Node> = new Map();
  readonly networks: Map<string, Network> = new Map();
  readonly containers: Map<string, Container> = new Map();
  /** Routed shape: by node name. */
  readonly pods: Map<string, PodSubnet> = new Map();
  readonly names: Names;
  /** null where no network is encrypted. */
  readonly encryption: Encryption | null;
  readonly #wiring: WorldWiring;
  readonly #services: ReadonlyMap<string, ServicePlan>;
  readonly #naming: ContainerNaming;
  readonly #nodeNaming: NodeNaming;
  readonly #onLoopback: (host: Host) => void;

  constructor(plan: Plan, ground: Ground, wiring: WorldWiring) {
    this.plan = plan;
    this.ground = ground;
    this.#wiring = wiring;
    this.#services = new Map(plan.services.map((service) => [service.spec.key, service]));
    this.names = new Names(plan, this.containers);
    this.#naming = new ContainerNaming(this.names, plan, ground.random);
    this.#nodeNaming = new NodeNaming(plan, ground.random);
    this.encryption = plan.networks.some(({ encrypted }) => encrypted)
      ? new Encryption(ground, { cipher: null, ...wiring.encryption, port: plan.profile.port })
      : null;
    this.#onLoopback = ({ name }) => {
      const container = this.containers.get(name);
      if (container !== undefined) this.#naming.serve(container);
    };
    for (const spec of plan.cluster.nodes) {
      const host = ground.host(spec.name, {
        name: spec.name,
        reassembly: !plan.profile.discardFragments,
        forwarding: plan.profile.shape === 'routed' || plan.profile.gateway,
      });
      wiring.plug(spec, host);
      const id = plan.nodeIds.get(spec.name) as string;
      const { port } = plan.profile;
      const node = new Node(spec, id, ground, host, wiring.underlay, this.#nodeNaming, port);
      node.encryption = this.encryption;
      this.nodes.set(spec.name, node);
    }
    if (plan.pods.size > 0) this.#routed(plan.pods);
    else this.#bridged(plan.networks);
  }

  #bridged(networks: readonly NetworkPlan[]): void {
    for (const plan of networks) {
      const profile = withFlood(this.plan.profile, plan.flood);
      const network = new Network(plan, profile, this.ground.peers, this.plan.services);
      this.networks.set(plan.name, network);
      if (plan.ingress) for (const node of this.nodes.values()) this.#ingress(node, network);
    }
  }

  /** What `swarm init` and `join` leave on a node: an ingress sandbox with its leg on docker_gwbridge. */
  #ingress(node: Node, network: Network): void {
    const sandbox = node.open(network);
    const { balancer } = sandbox;
    if (!this.plan.profile.gateway || balancer === null) return;
    node.gatewayBridge().attach(balancer, 'eth1');
    for (const { ports } of network.services.all) {
      for (const { proto, port } of ports) node.gatewayBridge().publish(balancer, proto, port, port);
    }
  }

  #routed(pods: ReadonlyMap<string, NetworkPlan>): void {
    for (const [name, plan] of pods) {
      this.pods.set(name, new PodSubnet(this.#node(name), plan, this.plan.profile, this.ground));
    }
    for (const mine of this.pods.values()) {
      for (const other of this.pods.values()) if (mine !== other) mine.meet(other, this.#direct(mine, other));
    }
  }

  /** DirectRouting: a plain route where the two nodes share an underlay subnet. */
  #direct(mine: PodSubnet, other: PodSubnet): NextHop | null {
    const to = this.#node(other.node.name);
    const from = this.#node(mine.node.name);
    const dev = from.host.interfaces[0];
    if (!this.plan.profile.directRouting || to.spec.rack !== from.spec.rack || dev === undefined) return null;
    // Pods have IPv4 addresses: over an IPv6 underlay only the tunnel leads to them.
    return typeof to.ip === 'number' ? { via: to.ip, dev } : null;
  }

  /** Starts every planned task, service by service. */
  start(): void {
    for (const service of this.plan.services) {
      for (const task of service.tasks) if (task.node !== null) this.run(task);
    }
  }

  /** Runs a task on the node that the plan gave it. */
  run(task: TaskPlan): Container {
    const node = this.#node(task.node as string);
    const name = task.name;
    const host = this.ground.host(node.name, { name });
    const id = containerId(this.ground.random.stream(`container/${task.id}`));
    const container = new RunningContainer(id, node.name, host, task, this.#naming);
    host.onLoopback = this.#onLoopback;
    for (const [i, endpoint] of task.endpoints.entries()) {
      this.#attach(node, host, endpoint, `eth${i}`);
    }
    const outward = task.endpoints.some(
      (endpoint) => !endpoint.network.internal && !endpoint.network.ingress,
    );
    if (this.plan.profile.gateway && outward)
      node.gatewayBridge().attach(host, `eth${task.endpoints.length}`);
    this.#serve(task, node, host);
    node.containers.set(name, container);
    this.containers.set(name, container);
    this.names.added(container);
    return container;
  }

  /** Ends a container: its connections, then its addresses, then sandboxes that nobody needs any more. */
  stop(container: Container): void {
    const node = this.#node(container.node);
    for (const endpoint of container.task?.endpoints ?? []) {
      const network = this.networks.get(endpoint.network.name);
      network?.services.left(container.task?.service ?? '', endpoint.ip);
      this.pods.get(node.name)?.detach(container.host);
      node.sandboxes.get(endpoint.network.id)?.detach(container.host);
      endpoint.network.pool.release(endpoint.ip);
      if (network !== undefined) node.settle(network);
    }
    node.gatewayBridge(false)?.detach(container.host);
    this.#naming.close(container);
    container.host.close();
    node.containers.delete(container.name);
    this.containers.delete(container.name);
    this.names.removed(container);
  }

  /** Takes everything down: containers, sandboxes, nodes, underlay. */
  close(): void {
    for (const container of [...this.containers.values()]) this.stop(container);
    this.#nodeNaming.close();
    this.encryption?.close();
    for (const pods of this.pods.values()) pods.close();
    for (const node of this.nodes.values()) node.close();
    this.#wiring.close();
  }

  /**
   * What a name stands for: a container (`lecture_webserver.1`, `webserver.1`), a service (its first task), or a node.
   * @throws VxlabError NO_SUCH_PARTY listing the names there are
   */
  party(name: string): Party {
    const { stack } = this.plan;
    const container = this.containers.get(name) ?? this.containers.get(`${stack}_${name}`);
    if (container !== undefined) return container;
    for (const suffix of ['.1', `.${this.plan.nodeIds.values().next().value}`]) {
      const first =
        this.containers.get(`${name}${suffix}`) ?? this.containers.get(`${stack}_${name}${suffix}`);
      if (first !== undefined) return first;
    }
    const node = this.nodes.get(name);
    if (node !== undefined) return { name, node: name, host: node.host };
    const names = [...this.containers.keys(), ...this.nodes.keys()];
    const some = names.slice(0, 12).join(', ') + (names.length > 12 ? `, ... (${names.length} in all)` : '');
    throw new VxlabError(
      'NO_SUCH_PARTY',
      `there is no container, service or node "${name}"; there are ${some}`,
    );
  }

  /**
   * The address that `from` uses for a name: an address as it stands; what its resolver answers first, were the order the
   * plan's; a node's underlay address. `webserver.1` stands for `<stack>_webserver.1`.
   * @throws VxlabError NO_SUCH_PARTY, NOT_REACHABLE when they share no network
   */
  addressFor(from: Party, name: string): Ip {
    if (/^[0-9.]+$/.test(name) || name.includes(':')) return parseIp(name);
    const asker = this.containers.get(from.name);
    const zone = asker === undefined ? null : this.#naming.zone(asker);
    const known = zone?.addresses(name.toLowerCase())?.[0];
    if (known !== undefined) return known;
    const to = this.party(name);
    const theirs = this.containers.get(to.name)?.task?.endpoints ?? [];
    if (theirs.length === 0) return this.#node(to.node).ip;
    const found = zone?.addresses(to.name.toLowerCase())?.[0];
    if (found !== undefined) return found;
    // A node reaches pods by its routes.
    if (this.names.routed) return (theirs[0] as EndpointPlan).ip;
    const networks = (list: readonly EndpointPlan[]): string =>
      list.map((endpoint) => endpoint.network.name).join(', ') || 'none';
    throw new VxlabError(
      'NOT_REACHABLE',
      `${from.name} (on ${networks(asker?.task?.endpoints ?? [])}) and ${to.name} (on ${networks(theirs)}) share no ` +
        `network; give an address, for example ${formatIp(theirs[0]?.ip ?? 0)}, to see what would happen`,
    );
  }

  /** Lets connections in: by the load balancers, and by the ports that the task's service publishes. */
  #serve(task: TaskPlan, node: Node, host: Host): void {
    const service = this.#services.get(task.service);
    for (const { network, ip } of task.endpoints) {
      this.networks.get(network.name)?.services.joined(task.service, ip);
      if (network.ingress && service !== undefined) redirect(host, ip, service.ports);
    }
    for (const { mode, proto, published, target } of service?.ports ?? []) {
      if (mode === 'host') node.gatewayBridge(false)?.publish(host, proto, published, target);
    }
  }

  #attach(node: Node, host: Host, endpoint: EndpointPlan, device: string): Attachment {
    const pods = this.pods.get(node.name);
    if (pods !== undefined) return pods.attach(host, endpoint, device);
    return node.open(this.networks.get(endpoint.network.name) as Network).attach(host, endpoint, device);
  }

  #node(name: string): Node {
    const node = this.nodes.get(name);
    if (node === undefined) throw new VxlabError('NO_SUCH_NODE', `there is no node "${name}"`);
    return node;
  }
}
