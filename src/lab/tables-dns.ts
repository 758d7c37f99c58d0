// Names and what Docker's embedded resolver answers for them on each network: a service is its virtual address, or in
// dnsrr mode its tasks; `tasks.<service>` is always the tasks; containers answer by name and by hostname.

import { formatIp } from '../core/wire/address.ts';
import type { NetworkPlan, ServicePlan } from '../engine/orchestrate/plan.ts';
import type { World } from '../engine/orchestrate/world.ts';

export interface DnsRow {
  readonly network: string;
  readonly name: string;
  readonly kind: 'service' | 'alias' | 'tasks' | 'container' | 'hostname';
  readonly type: 'A' | 'AAAA';
  /** Seconds: libnetwork's respTTL. */
  readonly ttl: number;
  /** In dnsrr mode the order changes from answer to answer. */
  readonly addresses: readonly string[];
}

const TTL = 600;

export function dnsRows(world: World): DnsRow[] {
  return world.plan.networks
    .filter((network) => !network.ingress)
    .flatMap((network) => world.plan.services.flatMap((service) => serviceRows(world, network, service)));
}

function serviceRows(world: World, network: NetworkPlan, service: ServicePlan): DnsRow[] {
  const { spec } = service;
  const tasks = service.tasks
    .filter((task) => world.containers.has(task.name))
    .flatMap((task) => task.endpoints.map((endpoint) => ({ task, endpoint })))
    .filter(({ endpoint }) => endpoint.network === network);
  const attachment = spec.networks.find((one) => one.network === network.key);
  if (tasks.length === 0 && attachment === undefined) return [];
  const row = (name: string, kind: DnsRow['kind'], addresses: readonly string[]): DnsRow => {
    const type = addresses[0]?.includes(':') === true ? 'AAAA' : 'A';
    return { network: network.name, name, kind, type, ttl: TTL, addresses };
  };
  const all = tasks.map(({ endpoint }) => formatIp(endpoint.ip));
  const containers = tasks.flatMap(({ task, endpoint }) => {
    const address = [formatIp(endpoint.ip)];
    return [row(task.name, 'container', address), row(task.hostname, 'hostname', address)];
  });
  // A pod network has no swarm resolver: names of services are another system's matter.
  if (attachment === undefined) return containers;
  const vip = service.vips.find((one) => one.network === network);
  const answer = vip === undefined ? all : [formatIp(vip.ip)];
  const aliases = attachment.aliases.filter((alias) => alias !== spec.key && alias !== spec.name);
  return [
    row(spec.key, 'service', answer),
    row(spec.name, 'service', answer),
    ...aliases.map((alias) => row(alias, 'alias', answer)),
    row(`tasks.${spec.key}`, 'tasks', all),
    row(`tasks.${spec.name}`, 'tasks', all),
    ...containers,
  ];
}
