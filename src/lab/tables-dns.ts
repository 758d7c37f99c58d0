// Names and what Docker's embedded resolver answers for them on each network: a service is its virtual address, or in
// dnsrr mode its tasks; `tasks.<service>` is always the tasks; containers answer by name and by hostname. Containers also
// answer to the first 12 digits of their ids and to their names with the task's id, which the table leaves out.
//
// The answers are those of the table that the containers' name servers read (engine/orchestrate/names.ts).

import { formatIp } from '../core/wire/address.ts';
import { TTL } from '../engine/host/answer.ts';
import type { Scope } from '../engine/orchestrate/names.ts';
import type { ServicePlan } from '../engine/orchestrate/plan.ts';
import type { World } from '../engine/orchestrate/world.ts';

export interface DnsRow {
  /** `pods` where all pod subnets are one. */
  readonly network: string;
  readonly name: string;
  readonly kind: 'service' | 'alias' | 'tasks' | 'container' | 'hostname';
  readonly type: 'A' | 'AAAA';
  /** Seconds: libnetwork's respTTL. */
  readonly ttl: number;
  /** Of several the order changes from answer to answer. */
  readonly addresses: readonly string[];
}

export function dnsRows(world: World): DnsRow[] {
  const { plan, names } = world;
  const scopes: readonly Scope[] = names.routed ? [null] : plan.networks.filter(({ ingress }) => !ingress);
  return scopes.flatMap((scope) => {
    const seen = new Set<string>();
    return plan.services.flatMap((service) =>
      namesOf(service, scope).flatMap(([name, kind]) => {
        const key = name.toLowerCase();
        if (seen.has(key)) return [];
        seen.add(key);
        const addresses = names.addresses(scope, key).map(formatIp);
        if (addresses.length === 0) return [];
        const type = addresses[0]?.includes(':') === true ? 'AAAA' : 'A';
        return [{ network: names.scopeName(scope), name, kind, type, ttl: TTL, addresses }];
      }),
    );
  });
}

/** Names that a service and its tasks may have in a scope. */
function namesOf({ spec, tasks }: ServicePlan, scope: Scope): (readonly [string, DnsRow['kind']])[] {
  const attachment = spec.networks.find(({ network }) => network === scope?.key);
  return [
    [spec.key, 'service'],
    [spec.name, 'service'],
    ...(attachment?.aliases ?? []).map((alias) => [alias, 'alias'] as const),
    [`tasks.${spec.key}`, 'tasks'],
    [`tasks.${spec.name}`, 'tasks'],
    ...tasks.flatMap(
      ({ name, hostname }) =>
        [
          [name, 'container'],
          [hostname, 'hostname'],
        ] as const,
    ),
  ];
}
