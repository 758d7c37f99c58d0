// The names of a stack, as Docker's control plane writes them into each network's table (moby libnetwork
// service_common.go): looked up in the plan and in what runs, so that nothing is kept twice.
//
//   <service>, <stack>_<service>, an alias    the service's virtual address; in dnsrr mode its running tasks
//   tasks.<any of those>                      its running tasks
//   <stack>_<service>.<slot>[.<task id>]      the container, likewise by hostname and by the first 12 digits of its id
//
// A scope is what one table covers: an overlay network, or in the routed shape all pod subnets together, which stands for
// a cluster's DNS. Names of one scope are merged as Docker merges them: a hostname that is also a service's adds to it.

import type { Ip } from '../../core/wire/address.ts';
import { sameIp } from '../../core/wire/address.ts';
import { IpMap } from '../fabric/ip-map.ts';
import type { Container } from './container.ts';
import type { EndpointPlan, NetworkPlan, Plan, ServicePlan, TaskPlan } from './plan.ts';

/** How many digits of a container's id make a name. */
const SHORT_ID = 12;
const TASKS = 'tasks.';

/** A network, or null for all pod subnets. */
export type Scope = NetworkPlan | null;

/** One service under one of its names; `network` null where the name holds on all of them. */
interface ServiceName {
  readonly service: ServicePlan;
  readonly network: string | null;
}

export class Names {
  readonly #plan: Plan;
  readonly #containers: ReadonlyMap<string, Container>;
  #services: Map<string, ServiceName[]> | null = null;
  /** By the names that cannot be told from a container's name; made when first needed. */
  #index: Map<string, Container | Container[]> | null = null;

  /** @param containers those that run now, by name */
  constructor(plan: Plan, containers: ReadonlyMap<string, Container>) {
    this.#plan = plan;
    this.#containers = containers;
  }

  /** Whether there is one scope for all, as with pods. */
  get routed(): boolean {
    return this.#plan.pods.size > 0;
  }

  /** The scopes a container is in, in the order in which they are searched; ingress has no names. */
  scopesOf(container: Container): readonly Scope[] {
    if (this.routed) return [null];
    const endpoints = container.task?.endpoints ?? [];
    return endpoints.flatMap(({ network }) => (network.ingress ? [] : [network]));
  }

  /** What stands behind a name's last dot: `webserver.mywebnw`. */
  scopeName(scope: Scope): string {
    return scope === null ? 'pods' : scope.name;
  }

  /**
   * The addresses of a name within a scope, services before containers and in the plan's order; empty for one that is not
   * there.
   * @param name in small letters, without a final dot
   */
  addresses(scope: Scope, name: string): readonly Ip[] {
    const running = this.#containers;
    const lists = this.#servicesOf(scope, name).map((service) => serviceAddresses(service, scope, running));
    if (name.startsWith(TASKS)) {
      for (const service of this.#servicesOf(scope, name.slice(TASKS.length)))
        lists.push(taskAddresses(service, scope, running));
    }
    const own = this.#called(name).flatMap(({ task }) => {
      const endpoint = task === null ? undefined : endpointIn(task, scope);
      return endpoint === undefined ? [] : [endpoint.ip];
    });
    return merged([...lists, own].filter((list) => list.length > 0));
  }

  /** The container that has an address within a scope, as reverse look-ups name it; null without one. */
  pointer(scope: Scope, ip: Ip): string | null {
    for (const network of scope === null ? this.#plan.pods.values() : [scope]) {
      const { task } = this.#containers.get(network.pool.owner(ip) ?? '') ?? {};
      if (
        task?.endpoints.some((endpoint) => endpoint.network === network && sameIp(endpoint.ip, ip)) !== true
      )
        continue;
      const name = `${task.name}.${task.id}`;
      return `${name}.${this.scopeName(scope)}`;
    }
    return null;
  }

  /** True for the name of a service, wherever it may be. */
  hasService(name: string): boolean {
    return this.#named().has(name);
  }

  added(container: Container): void {
    if (this.#index !== null) enter(this.#index, container);
  }

  removed(container: Container): void {
    if (this.#index === null) return;
    for (const name of indexedNames(container)) {
      const left = listed(this.#index.get(name)).filter((other) => other !== container);
      if (left.length === 0) this.#index.delete(name);
      else this.#index.set(name, left);
    }
  }

  #servicesOf(scope: Scope, name: string): readonly ServicePlan[] {
    const all = this.#named().get(name) ?? [];
    const here = all.filter(({ network }) => network === null || scope === null || network === scope.key);
    return here.map(({ service }) => service);
  }

  #named(): Map<string, ServiceName[]> {
    if (this.#services !== null) return this.#services;
    const named = new Map<string, ServiceName[]>();
    this.#services = named;
    const put = (name: string, entry: ServiceName): void => {
      const key = name.toLowerCase();
      const there = named.get(key) ?? [];
      if (there.some(({ service, network }) => service === entry.service && network === null)) return;
      named.set(key, [...there, entry]);
    };
    for (const service of this.#plan.services) {
      const { key, name, networks } = service.spec;
      put(key, { service, network: null });
      put(name, { service, network: null });
      for (const { network, aliases } of networks) {
        for (const alias of aliases) put(alias, { service, network });
      }
    }
    return named;
  }

  /** The containers that have a name, each once. */
  #called(name: string): Container[] {
    if (this.#index === null) {
      this.#index = new Map();
      for (const container of this.#containers.values()) enter(this.#index, container);
    }
    const dot = name.lastIndexOf('.');
    const short = dot < 0 ? undefined : this.#containers.get(name.slice(0, dot));
    const byTask = short?.task?.id === name.slice(dot + 1) ? short : undefined;
    const named = [this.#containers.get(name), byTask, ...listed(this.#index.get(name))];
    return [...new Set(named.filter((one) => one !== undefined))];
  }
}

function listed(entry: Container | Container[] | undefined): Container[] {
  return entry === undefined ? [] : Array.isArray(entry) ? entry : [entry];
}

function enter(index: Map<string, Container | Container[]>, container: Container): void {
  for (const name of indexedNames(container)) {
    const there = index.get(name);
    if (Array.isArray(there)) there.push(container);
    else index.set(name, there === undefined ? container : [there, container]);
  }
}

/** Hostname and short id; and where capitals are in a container's name, what it is in small letters. */
function indexedNames({ name, id, task }: Container): ReadonlySet<string> {
  const names = new Set([id.slice(0, SHORT_ID)]);
  if (task !== null) names.add(task.hostname.toLowerCase());
  const small = name.toLowerCase();
  if (small !== name) {
    names.add(small);
    if (task !== null) names.add(`${small}.${task.id}`);
  }
  return names;
}

function serviceAddresses(
  service: ServicePlan,
  scope: Scope,
  running: ReadonlyMap<string, Container>,
): readonly Ip[] {
  const vip = service.vips.find(({ network }) => network === scope);
  if (vip === undefined) return taskAddresses(service, scope, running);
  // The virtual address is entered with the first task and taken out with the last.
  return service.tasks.some(({ name }) => running.has(name)) ? [vip.ip] : [];
}

function taskAddresses(
  service: ServicePlan,
  scope: Scope,
  running: ReadonlyMap<string, Container>,
): readonly Ip[] {
  return service.tasks.flatMap((task) => {
    const endpoint = running.has(task.name) ? endpointIn(task, scope) : undefined;
    return endpoint === undefined ? [] : [endpoint.ip];
  });
}

function endpointIn(task: TaskPlan, scope: Scope): EndpointPlan | undefined {
  return scope === null ? task.endpoints[0] : task.endpoints.find(({ network }) => network === scope);
}

/** Lists one after the other, each address once. */
function merged(lists: readonly (readonly Ip[])[]): readonly Ip[] {
  const [only] = lists;
  if (lists.length < 2) return only ?? [];
  const all = new IpMap<true>();
  return lists.flat().filter((ip) => {
    if (all.has(ip)) return false;
    all.set(ip, true);
    return true;
  });
}
