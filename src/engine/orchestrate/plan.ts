// What a stack becomes on a cluster, before anything is built: VNIs, addresses, MACs, placement. Pure: the same stack,
// cluster, profile and seed give the same plan.
//
// Who takes which address follows Docker (see docs/fidelity.md): the gateway the first, then service by service its VIP
// and its tasks, and after all tasks one load-balancer address for each node that has the network.

import type { Ip, Ip4, Mac } from '../../core/wire/address.ts';
import { OVERHEAD_IPV4, OVERHEAD_IPV6, VxlabError } from '../../core/wire/numbers.ts';
import type { Cidr } from '../ipam/cidr.ts';
import { parseCidr } from '../ipam/cidr.ts';
import { AddressSpace, SubnetLeases } from '../ipam/ipam.ts';
import { dockerMac } from '../ipam/mac-scheme.ts';
import { AddressPool } from '../ipam/pool.ts';
import { VniPool } from '../ipam/vni-pool.ts';
import type { AttachmentSpec, FloodMode, NetworkSpec, ServiceSpec, StackSpec } from '../model/spec.ts';
import type { RandomSource, RandomStream } from '../time/random.ts';
import type { ClusterSpec } from './cluster.ts';
import { swarmId } from './ids.ts';
import type { Profile } from './profile.ts';
import type { PublishedPort } from './published-ports.ts';
import { PortAllocator } from './published-ports.ts';
import type { Candidate } from './scheduler.ts';
import { assign, candidates, eligible, place } from './scheduler.ts';

export interface EndpointPlan {
  readonly network: NetworkPlan;
  readonly ip: Ip;
  readonly mac: Mac;
}

export interface NetworkPlan {
  readonly key: string;
  readonly name: string;
  readonly id: string;
  readonly vni: number;
  readonly subnet: Cidr;
  readonly gateway: Ip;
  readonly mtu: number;
  readonly internal: boolean;
  readonly attachable: boolean;
  readonly ingress: boolean;
  /** Its datagrams cross the underlay in ESP. */
  readonly encrypted: boolean;
  /** Null for the profile's manner, and for a group made of the VNI. */
  readonly flood: FloodMode | null;
  readonly group: Ip | null;
  readonly pool: AddressPool;
  /** Load-balancer endpoints by node name, in the order they were given. */
  readonly balancers: Map<string, EndpointPlan>;
}

export interface ServicePlan {
  readonly spec: ServiceSpec;
  readonly id: string;
  /** The virtual address on each network, in vip mode. */
  readonly vips: readonly EndpointPlan[];
  /** As the file has them, with those chosen that it leaves open. */
  readonly ports: readonly PublishedPort[];
  readonly tasks: TaskPlan[];
}

export interface TaskPlan {
  readonly id: string;
  /** `<service>.<slot>`, or `<service>.<node id>` of a global service. */
  readonly name: string;
  readonly service: string;
  readonly slot: number;
  readonly hostname: string;
  /** The node it runs on; null while no node may take it. */
  readonly node: string | null;
  readonly endpoints: readonly EndpointPlan[];
}

export interface Plan {
  readonly stack: string;
  readonly profile: Profile;
  readonly cluster: ClusterSpec;
  readonly nodeIds: ReadonlyMap<string, string>;
  readonly networks: readonly NetworkPlan[];
  readonly services: readonly ServicePlan[];
  readonly candidates: readonly Candidate[];
  /** Routed shape: each node's pod subnet, by node name; the stack's own networks are then not made. */
  readonly pods: ReadonlyMap<string, NetworkPlan>;
}

/**
 * Draws up the plan.
 * @throws VxlabError POOL_OVERLAP, POOL_EXHAUSTED, VNI_TAKEN, BAD_VNI as the pools say them
 */
export function plan(spec: StackSpec, cluster: ClusterSpec, profile: Profile, random: RandomSource): Plan {
  const ids = random.stream('ids');
  const nodeIds = new Map(cluster.nodes.map((node) => [node.name, swarmId(ids)]));
  const all = candidates(cluster.nodes, (node) => nodeIds.get(node.name) as string);
  const draft = new Draft(spec, cluster, profile, ids);
  const services = spec.services.map((service) => draft.service(service, all));
  draft.balancers(services);
  return {
    stack: spec.name,
    profile,
    cluster,
    nodeIds,
    networks: draft.networks,
    services,
    candidates: all,
    pods: draft.pods,
  };
}

class Draft {
  readonly networks: NetworkPlan[] = [];
  readonly pods: Map<string, NetworkPlan> = new Map();
  readonly #byKey: Map<string, NetworkPlan> = new Map();
  /** Endpoints whose addresses were asked for. */
  readonly #fixed: Map<AttachmentSpec, EndpointPlan> = new Map();
  readonly #ids: RandomStream;
  readonly #spec: StackSpec;
  readonly #ports: PortAllocator;

  constructor(spec: StackSpec, cluster: ClusterSpec, profile: Profile, ids: RandomStream) {
    this.#ids = ids;
    this.#spec = spec;
    this.#ports = new PortAllocator(spec.services);
    const six = typeof cluster.nodes[0]?.ip !== 'number';
    const overhead = six ? OVERHEAD_IPV6 : OVERHEAD_IPV4;
    if (profile.shape === 'routed') this.#podSubnets(cluster, cluster.underlay.mtu - OVERHEAD_IPV4);
    else this.#overlays(spec, cluster, profile, cluster.underlay.mtu, overhead);
    this.#claim(spec);
  }

  /** Takes the addresses that were asked for, before any is chosen. */
  #claim(spec: StackSpec): void {
    if (this.pods.size > 0) return;
    for (const { name, networks } of spec.services) {
      for (const attachment of networks) {
        const { ip, mac } = attachment;
        if (ip === undefined) continue;
        const network = this.#network(attachment.network);
        network.pool.leaseExact(ip, name);
        this.#fixed.set(attachment, { network, ip, mac: mac ?? dockerMac(ip) });
      }
    }
  }

  /** flannel's way: VNI 1, one subnet a node, 50 bytes of overhead whatever the underlay (backend/vxlan). */
  #podSubnets(cluster: ClusterSpec, mtu: number): void {
    const leases = new SubnetLeases();
    for (const node of cluster.nodes) {
      const name = `pods-${node.name}`;
      const pool = new AddressPool({ subnet: leases.lease(node.name), network: name });
      const made: NetworkPlan = {
        key: 'pods',
        name,
        id: swarmId(this.#ids),
        vni: 1,
        subnet: pool.subnet,
        gateway: pool.gateway ?? pool.subnet.ip,
        mtu,
        internal: false,
        attachable: true,
        ingress: false,
        encrypted: false,
        flood: null,
        group: null,
        pool,
        balancers: new Map(),
      };
      this.networks.push(made);
      this.pods.set(node.name, made);
    }
  }

  #overlays(
    spec: StackSpec,
    cluster: ClusterSpec,
    profile: Profile,
    underlayMtu: number,
    overhead: number,
  ): void {
    const ids = this.#ids;
    const space = new AddressSpace();
    const vnis = new VniPool();
    const ingress = cluster.nodes.length > SMALL ? LARGE_INGRESS : INGRESS;
    const given = spec.topology !== undefined;
    const all = profile.control === 'pinned' && !given ? [ingress, ...spec.networks] : spec.networks;
    // What is asked for by number is taken before anything is chosen, so that a choice cannot stand in its way.
    const vniOf = new Map<NetworkSpec, number>();
    const subnetOf = new Map<NetworkSpec, Cidr>();
    for (const network of all) {
      const [vni] = network.vnis;
      const [subnet] = network.subnets;
      if (vni !== undefined) vniOf.set(network, vnis.takeExact(vni, network.name));
      // Tenants of a topology may have the same addresses.
      if (subnet !== undefined) subnetOf.set(network, given ? subnet : space.claim(subnet, network.name));
    }
    for (const network of all) {
      const subnet = subnetOf.get(network) ?? space.allocate(network.name);
      const { name, gateway } = network;
      const pool = new AddressPool({ subnet, network: name, ...(gateway === undefined ? {} : { gateway }) });
      const made: NetworkPlan = {
        key: network.key,
        name: network.name,
        id: swarmId(ids),
        vni: vniOf.get(network) ?? vnis.take(network.name),
        subnet: pool.subnet,
        gateway: pool.gateway ?? pool.subnet.ip,
        // Docker takes 50 bytes whatever the underlay; over IPv6 it must be 70.
        mtu: mtuInside((network.mtu ?? underlayMtu) - overhead, network.encrypted),
        internal: network.internal,
        attachable: network.attachable,
        ingress: network === ingress,
        encrypted: network.encrypted,
        flood: network.flood ?? null,
        group: network.group ?? null,
        pool,
        balancers: new Map(),
      };
      this.networks.push(made);
      if (!made.ingress) this.#byKey.set(network.key, made);
      // Every node's ingress_sbox has its address from `swarm init` on, before any task.
      else for (const node of cluster.nodes) made.balancers.set(node.name, lease(made, `lb ${node.name}`));
    }
  }

  service(spec: ServiceSpec, all: readonly Candidate[]): ServicePlan {
    const routed = this.pods.size > 0;
    const attached = routed ? [] : spec.networks.map((attachment) => this.#network(attachment.network));
    const ingress = this.networks.find((network) => network.ingress);
    const published = ingress !== undefined && spec.ports.some((port) => port.mode === 'ingress');
    const joined = published && ingress !== undefined ? [ingress, ...attached] : attached;
    const id = swarmId(this.#ids);
    const vips =
      spec.endpointMode === 'vip' && !routed
        ? joined.map((network) => lease(network, `vip ${spec.name}`))
        : [];
    const tasks: TaskPlan[] = [];
    const made: ServicePlan = { spec, id, vips, ports: this.#ports.allocate(spec), tasks };
    if (spec.mode === 'global' || spec.mode === 'global-job') {
      for (const [i, candidate] of eligible(all, spec).entries()) {
        assign(candidate, spec.key);
        tasks.push(this.#task(spec, i + 1, candidate, joined, candidate.id));
      }
    } else {
      for (let slot = 1; slot <= spec.replicas; slot++) {
        tasks.push(this.#task(spec, slot, place(all, spec), joined, String(slot)));
      }
    }
    return made;
  }

  /** One address for each network on each node that has tasks there, in the order in which the nodes came by it. */
  balancers(services: readonly ServicePlan[]): void {
    if (this.#spec.topology !== undefined) return;
    const wanted = new Map<NetworkPlan, Set<string>>();
    for (const service of services) {
      for (const task of service.tasks) {
        if (task.node === null) continue;
        for (const { network } of task.endpoints) {
          const nodes = wanted.get(network) ?? new Set<string>();
          nodes.add(task.node);
          wanted.set(network, nodes);
        }
      }
    }
    for (const [network, nodes] of wanted) {
      if (network.ingress || network.key === 'pods') continue;
      for (const node of nodes) network.balancers.set(node, lease(network, `lb ${node}`));
    }
  }

  #network(key: string): NetworkPlan {
    const found = this.#byKey.get(key);
    if (found === undefined)
      throw new VxlabError('NO_SUCH_NETWORK', `stack ${this.#spec.name} has no network "${key}"`);
    return found;
  }

  #task(
    spec: ServiceSpec,
    slot: number,
    candidate: Candidate | null,
    joined: readonly NetworkPlan[],
    suffix: string,
  ): TaskPlan {
    const id = swarmId(this.#ids);
    const name = spec.single === true ? spec.name : `${spec.name}.${suffix}`;
    const pod = candidate === null ? undefined : this.pods.get(candidate.node.name);
    const networks = pod === undefined ? joined : [pod];
    const endpoints =
      candidate === null ? [] : networks.map((network) => this.#endpoint(network, spec, name));
    const hostname = hostnameOf(spec, id, slot);
    return { id, name, service: spec.key, slot, hostname, node: candidate?.node.name ?? null, endpoints };
  }

  #endpoint(network: NetworkPlan, spec: ServiceSpec, name: string): EndpointPlan {
    const attachment = spec.networks.find((one) => one.network === network.key);
    const fixed = attachment === undefined ? undefined : this.#fixed.get(attachment);
    if (fixed !== undefined) return fixed;
    const endpoint = lease(network, name);
    return attachment?.mac === undefined ? endpoint : { ...endpoint, mac: attachment.mac };
  }
}

/** What a task's container calls itself: as the service says, with its slot filled in, or by the task's id. */
export function hostnameOf(spec: ServiceSpec, id: string, slot: number): string {
  return (spec.hostname ?? id.slice(0, 12)).replace(/\{\{\s*\.Task\.Slot\s*\}\}/g, String(slot));
}

/** What ESP takes: SPI 4, sequence 4, IV 8, pad length 1, next header 1, ICV 8; and padding to four bytes (ov_network.go, maxMTU). */
const ESP_OVERHEAD = 26;

function mtuInside(mtu: number, encrypted: boolean): number {
  return encrypted ? (mtu - ESP_OVERHEAD) & ~3 : mtu;
}

const INGRESS: NetworkSpec = {
  key: 'ingress',
  name: 'ingress',
  driver: 'overlay',
  subnets: [parseCidr('10.0.0.0/24')],
  internal: false,
  attachable: false,
  external: false,
  encrypted: false,
  mtu: null,
  vnis: [],
  driverOpts: {},
  labels: {},
  at: { line: 0, column: 0 },
  implicit: true,
};

/** More nodes than this fill Docker's /24 for ingress; a swarm that large is given another by its operator. */
const SMALL = 200;
const LARGE_INGRESS: NetworkSpec = { ...INGRESS, subnets: [parseCidr('10.255.0.0/16')] };

/** Takes the next address of a network. Also for endpoints that come later: attached containers, moved tasks. */
export function lease(network: NetworkPlan, owner: string): EndpointPlan {
  const ip = network.pool.lease(owner);
  return { network, ip, mac: dockerMac(ip as Ip4) };
}
