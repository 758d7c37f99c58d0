// What a stack asks for, as plain data: the answer of every manifest reader and the question that the orchestrator gets.
//
// The shape follows what `docker stack deploy` makes of a Compose v3 file (docker/cli, cli/compose/convert): names carry
// the stack's name, defaults are filled in, lists are in the order in which the engine uses them. No behaviour here.

import type { Ip, Mac } from '../../core/wire/address.ts';
import type { Cidr } from '../ipam/cidr.ts';
import type { Place } from './place.ts';
import type { WorkloadOrigin, WorkloadSpec } from './workload.ts';

export type { Cidr } from '../ipam/cidr.ts';
export type { Place } from './place.ts';

export interface StackSpec {
  readonly name: string;
  /** As the file says it, or null where it says none. */
  readonly version: string | null;
  /** Only those that some service uses, in the file's order; the implicit default last. */
  readonly networks: readonly NetworkSpec[];
  /** In the file's order. */
  readonly services: readonly ServiceSpec[];
  /** What a topology file fixes; absent where the swarm decides. */
  readonly topology?: TopologySpec;
}

/** The machines under a stack. Its networks then get nothing that the file does not name: no ingress, no load balancers. */
export interface TopologySpec {
  /** In the file's order; all addresses of one family. */
  readonly nodes: readonly { readonly name: string; readonly ip: Ip }[];
  /** How the fabric behaves where networks do not say; null leaves it to the caller. */
  readonly profile: string | null;
  /** The VTEPs' UDP port; null for the profile's. */
  readonly port: number | null;
  /** IP MTU of the underlay in bytes, and the length of its subnets' prefix; null for the usual. */
  readonly mtu: number | null;
  readonly prefix: number | null;
}

/** Where BUM frames of a network go: nowhere, since the control plane knows all; a copy to each VTEP; to a group. */
export type FloodMode = 'none' | 'replicate' | 'multicast';

export interface NetworkSpec {
  /** The name inside the file. */
  readonly key: string;
  /** The name in the swarm: `<stack>_<key>`, or what `name` says. */
  readonly name: string;
  readonly driver: string;
  /** What `ipam.config` asks for, host bits cleared; empty means that the address pool chooses. */
  readonly subnets: readonly Cidr[];
  readonly internal: boolean;
  readonly attachable: boolean;
  /** Not created by this stack: it must be there already. */
  readonly external: boolean;
  /** Set by the mere presence of the option, whatever its value. */
  readonly encrypted: boolean;
  /** `com.docker.network.driver.mtu`: the underlay's MTU in bytes, before the tunnel's overhead is taken off. */
  readonly mtu: number | null;
  /** `com.docker.network.driver.overlay.vxlanid_list`, one for each subnet; empty means that the engine chooses. */
  readonly vnis: readonly number[];
  readonly driverOpts: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** An address of the subnet; absent for its first. */
  readonly gateway?: Ip;
  /** Absent for the profile's. */
  readonly flood?: FloodMode;
  /** The multicast group of BUM frames; absent for one made of the VNI. */
  readonly group?: Ip;
  readonly at: Place;
  /** True for `<stack>_default`, which the file need not name. */
  readonly implicit: boolean;
}

export type ServiceMode = 'replicated' | 'global' | 'replicated-job' | 'global-job';
export type EndpointMode = 'vip' | 'dnsrr';

export interface ServiceSpec {
  readonly key: string;
  /** `<stack>_<key>`. */
  readonly name: string;
  readonly image: string;
  /** May hold templates such as `{{.Task.Slot}}`. */
  readonly hostname: string | null;
  /** The words after the image's entry point; empty means that the image decides. */
  readonly command: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  readonly labels: Readonly<Record<string, string>>;
  /** Sorted by the networks' names in the swarm: that is the order of the interfaces. */
  readonly networks: readonly AttachmentSpec[];
  readonly mode: ServiceMode;
  /** Tasks wanted; for the global modes 1 a node. */
  readonly replicas: number;
  readonly endpointMode: EndpointMode;
  readonly constraints: readonly Constraint[];
  /** What to spread over, for example `node.labels.zone`, most important first. */
  readonly preferences: readonly string[];
  /** 0 means no bound. */
  readonly maxReplicasPerNode: number;
  readonly ports: readonly PortSpec[];
  readonly restart: RestartSpec;
  /** A single container: its one task is called as the service. */
  readonly single?: true;
  /** What its containers run, in the file's order; empty for nothing. */
  readonly workloads: readonly WorkloadSpec[];
  /** Who says so; null where neither the file nor the image's name says anything. */
  readonly workloadOrigin: WorkloadOrigin | null;
  readonly at: Place;
}

export interface AttachmentSpec {
  /** A NetworkSpec's `key`. */
  readonly network: string;
  /** Names that resolve to the service on this network; the service's own key is the last. */
  readonly aliases: readonly string[];
  /** The address to have; absent for the next free one. */
  readonly ip?: Ip;
  /** The MAC to have; absent for one made of the address. */
  readonly mac?: Mac;
}

export interface Constraint {
  /** For example `node.role` or `node.labels.zone`. */
  readonly field: string;
  readonly op: '==' | '!=';
  readonly value: string;
  readonly at: Place;
}

export interface PortSpec {
  /** Null where the swarm picks one from 30000 to 32767. */
  readonly published: number | null;
  readonly target: number;
  readonly protocol: 'tcp' | 'udp' | 'sctp';
  readonly mode: 'ingress' | 'host';
}

/** Durations are nanoseconds. */
export interface RestartSpec {
  readonly condition: 'any' | 'on-failure' | 'none';
  readonly delay: number;
  /** Null means without end. */
  readonly maxAttempts: number | null;
  /** 0 means that all attempts count. */
  readonly window: number;
}
