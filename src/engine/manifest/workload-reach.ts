// Which service a name means, and whether a workload can reach it: names are those of the embedded DNS, which answers only
// for networks that the asking container is on (Docker, "Networking: DNS services"; engine/orchestrate has the zones).

import type { Diagnostics } from '../model/diagnostic.ts';
import type { ServiceSpec } from '../model/spec.ts';
import { didYouMean } from './suggest.ts';
import type { WorkloadDraft } from './workloads.ts';

/** A service whose workloads are not settled yet. */
export interface Party {
  readonly spec: ServiceSpec;
  /** What its `x-vxlab` says; null where it has none. */
  readonly declared: readonly WorkloadDraft[] | null;
}

export interface Meant {
  readonly spec: ServiceSpec;
  /** The name by which it answers in this stack. */
  readonly host: string;
}

/**
 * The service that a name means: its own, an alias, or one that another stack's name leads to: `mystack1_mysql` is the
 * service `mysql` even where this stack is called otherwise.
 */
export function serviceOf(host: string, services: readonly ServiceSpec[]): Meant | null {
  const named = services.find((spec) => namesOf(spec).includes(host));
  if (named !== undefined) return { spec: named, host };
  let best: ServiceSpec | null = null;
  for (const spec of services) {
    if (host.endsWith(`_${spec.key}`) && spec.key.length > (best?.key.length ?? 0)) best = spec;
  }
  return best === null ? null : { spec: best, host: best.key };
}

/** Services on one of this one's networks, itself left out. */
export function neighbours(spec: ServiceSpec, services: readonly ServiceSpec[]): readonly ServiceSpec[] {
  return services.filter((other) => other !== spec && commonNetworks(spec, other).length > 0);
}

/** Warns of workloads that ask for a name which will not resolve where they run. */
export function checkReach(parties: readonly Party[], found: Diagnostics): void {
  const services = parties.map(({ spec }) => spec);
  for (const { spec, declared } of parties) {
    for (const { target } of declared ?? []) {
      if (target === null || isAddress(target.host) || target.host === 'localhost') continue;
      const host = target.host.replace(/^tasks\./, '');
      const meant = services.filter((other) => answersTo(other, host));
      if (meant.length === 0) {
        const message = `"${target.host}" is the name of no service here`;
        const hint =
          didYouMean(host, services.flatMap(namesOf)) ?? 'names from outside do not resolve in the lab';
        found.report('OV1803', target.where, message, hint);
      } else if (meant.every((other) => other !== spec && commonNetworks(spec, other).length === 0)) {
        const [other] = meant as [ServiceSpec];
        const message = `"${spec.key}" and "${other.key}" have no network in common: "${target.host}" does not resolve here`;
        const networks = other.networks.map(({ network }) => `"${network}"`).join(' or ');
        found.report('OV1804', target.where, message, `let "${spec.key}" join ${networks}`);
      }
    }
  }
}

/** The names that a service has on all its networks together. */
function namesOf(spec: ServiceSpec): string[] {
  const aliases = spec.networks.flatMap((one) => one.aliases);
  return [...new Set([spec.key, spec.name, ...aliases])];
}

/** By a name of its own, or one of its containers': `<stack>_<service>.<slot>...`. */
function answersTo(spec: ServiceSpec, host: string): boolean {
  return namesOf(spec).includes(host) || host.startsWith(`${spec.name}.`);
}

function commonNetworks(one: ServiceSpec, other: ServiceSpec): readonly string[] {
  const theirs = new Set(other.networks.map(({ network }) => network));
  return one.networks.map(({ network }) => network).filter((network) => theirs.has(network));
}

function isAddress(host: string): boolean {
  return /^\d+\.\d+\.\d+\.\d+$/.test(host) || host.includes(':');
}
