// A machine of the cluster: its own network stack, one UDP socket for all its VTEPs, and a sandbox for each network that
// has tasks here.

import type { Ip } from '../../core/wire/address.ts';
import type { PeerId } from '../fabric/peers.ts';
import type { Underlay } from '../fabric/underlay.ts';
import { VniDemux } from '../fabric/vni-demux.ts';
import type { Host } from '../host/host.ts';
import type { ResolverFace } from '../host/names.ts';
import type { NodeSpec } from './cluster.ts';
import type { Container, Naming } from './container.ts';
import type { Encryption } from './encryption.ts';
import { GatewayBridge } from './gateway-bridge.ts';
import type { Ground } from './ground.ts';
import type { Network } from './network.ts';
import type { SandboxSite } from './sandbox.ts';
import { Sandbox } from './sandbox.ts';

/** Gives a node its way to the other VTEPs: an emulated socket, or a real one. */
export type UnderlayFactory = (node: NodeSpec, demux: VniDemux, host: Host) => Underlay;

/** libnetwork's fwMarkCtr begins here. */
const FIRST_MARK = 256;

export class Node implements SandboxSite {
  readonly spec: NodeSpec;
  readonly name: string;
  readonly id: string;
  readonly ip: Ip;
  readonly peer: PeerId;
  readonly host: Host;
  readonly demux: VniDemux;
  readonly underlay: Underlay;
  readonly sandboxes: Map<string, Sandbox> = new Map();
  readonly containers: Map<string, Container> = new Map();
  /** null where no network is encrypted. */
  encryption: Encryption | null = null;
  readonly #ground: Ground;
  readonly #naming: Naming<Node>;
  readonly #tunnelPort: number;
  #gateway: GatewayBridge | null = null;
  #marks = FIRST_MARK;

  constructor(
    spec: NodeSpec,
    id: string,
    ground: Ground,
    host: Host,
    underlay: UnderlayFactory,
    naming: Naming<Node>,
    tunnelPort: number,
  ) {
    this.spec = spec;
    this.name = spec.name;
    this.id = id;
    this.ip = spec.ip;
    this.peer = ground.peers.idOf(spec.ip);
    this.host = host;
    this.#ground = ground;
    this.#naming = naming;
    this.#tunnelPort = tunnelPort;
    this.demux = new VniDemux(ground.registry.add('demux', 'vxlan socket', spec.name), ground.trace);
    this.underlay = underlay(spec, this.demux, host);
  }

  /** Knows the names of all nodes. */
  get resolver(): ResolverFace {
    return this.#naming.resolver(this);
  }

  /** The next firewall mark of a service. */
  mark(): number {
    return this.#marks++;
  }

  /** The network's sandbox here, made when there is none. */
  open(network: Network): Sandbox {
    const key = network.plan.id;
    const known = this.sandboxes.get(key);
    if (known !== undefined) return known;
    const sandbox = new Sandbox(this, network, this.#ground);
    this.sandboxes.set(key, sandbox);
    this.encryption?.opened(this, network.plan);
    network.sandboxOpened(sandbox);
    return sandbox;
  }

  /** The node's docker_gwbridge, made when it is first needed unless told otherwise. */
  gatewayBridge(): GatewayBridge;
  gatewayBridge(make: false): GatewayBridge | null;
  gatewayBridge(make = true): GatewayBridge | null {
    if (this.#gateway === null && make)
      this.#gateway = new GatewayBridge(this.host, this.#ground, this.#tunnelPort);
    return this.#gateway;
  }

  /** Destroys a network's sandbox when its last task is gone. */
  settle(network: Network): void {
    const sandbox = this.sandboxes.get(network.plan.id);
    if (sandbox === undefined || sandbox.tasks > 0 || network.plan.ingress) return;
    this.sandboxes.delete(network.plan.id);
    sandbox.close();
    this.encryption?.closed(this, network.plan);
  }

  close(): void {
    for (const sandbox of this.sandboxes.values()) sandbox.close();
    this.sandboxes.clear();
    this.host.close();
  }
}
