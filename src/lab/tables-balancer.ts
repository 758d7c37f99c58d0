// What each load balancer gives its connections to, as `ipvsadm -Ln` in each `lb_` and ingress sandbox shows it.

import { formatIp } from '../core/wire/address.ts';
import { PROTO } from '../core/wire/numbers.ts';
import type { Flow } from '../engine/host/nat/flow.ts';
import type { RealServer } from '../engine/host/nat/real-server.ts';
import { TCP_STATE } from '../engine/host/nat/tcp-track.ts';
import type { Sandbox } from '../engine/orchestrate/sandbox.ts';
import type { World } from '../engine/orchestrate/world.ts';

/** A real server of a service on a node; one with `server` null for a service that has none. */
export interface IpvsRow {
  readonly node: string;
  /** The load balancer's sandbox. */
  readonly namespace: string;
  readonly network: string;
  readonly service: string;
  readonly vip: string;
  /** Firewall mark, by which IPVS knows the service. */
  readonly mark: number;
  readonly scheduler: 'rr';
  /** Published ports that have the mark too, in the ingress sandbox: `8085/tcp`. */
  readonly ports: readonly string[];
  readonly server: string | null;
  readonly task: string | null;
  readonly weight: number;
  /** Established TCP connections, and all others that have an entry. */
  readonly active: number;
  readonly inactive: number;
  /** Since the server was added: connections, packets and bytes towards it and from it. */
  readonly connections: number;
  readonly inPackets: number;
  readonly outPackets: number;
  readonly inBytes: number;
  readonly outBytes: number;
}

export function ipvsRows(world: World): IpvsRow[] {
  const tasks = new Map<string, string>();
  for (const { name, task } of world.containers.values())
    for (const { network, ip } of task?.endpoints ?? []) tasks.set(`${network.id} ${formatIp(ip)}`, name);
  return [...world.nodes.values()].flatMap((node) =>
    [...node.sandboxes.values()].flatMap((sandbox) => sandboxRows(node.name, sandbox, tasks)),
  );
}

function sandboxRows(node: string, sandbox: Sandbox, tasks: ReadonlyMap<string, string>): IpvsRow[] {
  const { balance, connections, network } = sandbox;
  const flows = connections?.table.live() ?? [];
  return (balance?.services ?? []).flatMap((service): IpvsRow[] => {
    const known = network.services.all.find(({ name }) => name === service.name);
    const place = {
      node,
      namespace: sandbox.balancer?.name ?? '',
      network: network.plan.name,
      service: service.name,
      vip: formatIp(service.vip),
      mark: service.mark,
      scheduler: 'rr' as const,
      ports: (known?.ports ?? []).map(({ proto, port }) => `${port}/${PROTOCOLS[proto] ?? proto}`),
    };
    if (service.list.size === 0) return [{ ...place, ...NONE }];
    return service.servers().map((server) => ({
      ...place,
      server: formatIp(server.ip),
      task: tasks.get(`${network.plan.id} ${formatIp(server.ip)}`) ?? null,
      ...numbersOf(server, flows),
    }));
  });
}

const PROTOCOLS: Readonly<Record<number, string>> = {
  [PROTO.tcp]: 'tcp',
  [PROTO.udp]: 'udp',
  [PROTO.sctp]: 'sctp',
};

const NONE = {
  server: null,
  task: null,
  weight: 0,
  active: 0,
  inactive: 0,
  connections: 0,
  inPackets: 0,
  outPackets: 0,
  inBytes: 0,
  outBytes: 0,
} as const;

function numbersOf(server: RealServer, flows: readonly Flow[]): Numbers {
  const mine = flows.filter((flow) => flow.server === server);
  const active = mine.filter(({ state }) => state === TCP_STATE.established).length;
  const { weight, connections, inPackets, outPackets, inBytes, outBytes } = server;
  return {
    weight,
    active,
    inactive: mine.length - active,
    connections,
    inPackets,
    outPackets,
    inBytes,
    outBytes,
  };
}

type Numbers = Pick<
  IpvsRow,
  'weight' | 'active' | 'inactive' | 'connections' | 'inPackets' | 'outPackets' | 'inBytes' | 'outBytes'
>;
