// How the names of a world reach those who ask: a zone and a hosts file for each container, a hosts file for each node,
// and the resolvers and name servers over them, all made when they are first needed.
//
// Which tables a container sees, and in which order, follows moby libnetwork (sandbox.go, ResolveName): its networks by
// name, and for a name with dots also `<name>.<network>`.

import type { Ip } from '../../core/wire/address.ts';
import type { Zone } from '../host/answer.ts';
import type { Host } from '../host/host.ts';
import { LOCALHOST, LOCALHOST6 } from '../host/loopback.ts';
import { NameServer, RESOLVER_ADDRESS } from '../host/name-server.ts';
import type { ResolverFace } from '../host/names.ts';
import type { HostsFile } from '../host/resolver.ts';
import { Resolver } from '../host/resolver.ts';
import { contains } from '../ipam/cidr.ts';
import type { RandomSource } from '../time/random.ts';
import type { Container, Naming } from './container.ts';
import type { Names, Scope } from './names.ts';
import type { Plan } from './plan.ts';

/** What a node is to its own resolver. */
interface NamedHost {
  readonly name: string;
  readonly host: Host;
}

/** One container's view of the names. */
export class ContainerZone implements Zone {
  readonly #names: Names;
  readonly #plan: Plan;
  readonly #container: Container;

  constructor(names: Names, plan: Plan, container: Container) {
    this.#names = names;
    this.#plan = plan;
    this.#container = container;
  }

  addresses(name: string): readonly Ip[] | null {
    const scopes = this.#names.scopesOf(this.#container);
    const whole = first(scopes, (scope) => this.#names.addresses(scope, name));
    if (whole !== null) return whole;
    for (let dot = name.lastIndexOf('.'); dot > 0; dot = name.lastIndexOf('.', dot - 1)) {
      const suffix = name.slice(dot + 1);
      const named = scopes.filter((scope) => this.#names.scopeName(scope).toLowerCase() === suffix);
      const found = first(named, (scope) => this.#names.addresses(scope, name.slice(0, dot)));
      if (found !== null) return found;
    }
    return null;
  }

  pointer(ip: Ip): string | null {
    for (const scope of this.#names.scopesOf(this.#container)) {
      const name = this.#names.pointer(scope, ip);
      if (name !== null) return name;
    }
    return null;
  }

  /** Names without a dot, of tasks, under a network's name, and whatever begins with a service's name. */
  owns(name: string): boolean {
    const dot = name.indexOf('.');
    if (dot < 0 || name.startsWith('tasks.') || this.#names.hasService(name.slice(0, dot))) return true;
    const suffix = (scope: Scope): string => `.${this.#names.scopeName(scope).toLowerCase()}`;
    return this.#names.scopesOf(this.#container).some((scope) => name.endsWith(suffix(scope)));
  }

  ownsAddress(ip: Ip): boolean {
    return this.#names.scopesOf(this.#container).some((scope) => {
      const networks = scope === null ? [...this.#plan.pods.values()] : [scope];
      return networks.some(({ subnet }) => contains(subnet, ip));
    });
  }
}

/** The resolvers of a world's containers. */
export class ContainerNaming implements Naming<Container> {
  readonly #names: Names;
  readonly #plan: Plan;
  readonly #random: RandomSource;
  readonly #resolvers: Map<Container, Resolver> = new Map();
  readonly #servers: Map<Container, NameServer> = new Map();

  constructor(names: Names, plan: Plan, random: RandomSource) {
    this.#names = names;
    this.#plan = plan;
    this.#random = random;
  }

  zone(container: Container): ContainerZone {
    return new ContainerZone(this.#names, this.#plan, container);
  }

  /** Puts Docker's name server on a container's 127.0.0.11. */
  serve(container: Container): void {
    const random = this.#random.stream(`names/${container.name}`);
    this.#servers.set(container, new NameServer(container.host, this.zone(container), random));
  }

  resolver(container: Container): ResolverFace {
    const known = this.#resolvers.get(container);
    if (known !== undefined) return known;
    const random = this.#random.stream(`resolver/${container.name}`);
    const made = new Resolver(container.host, RESOLVER_ADDRESS, containerHosts(container), random);
    this.#resolvers.set(container, made);
    return made;
  }

  /** The container stops: whoever waits for an answer hears nothing more. */
  close(container: Container): void {
    this.#resolvers.get(container)?.close();
    this.#resolvers.delete(container);
    this.#servers.get(container)?.close();
    this.#servers.delete(container);
  }
}

/** The resolvers of nodes: a hosts file that lists all of them, and no server. */
export class NodeNaming implements Naming<NamedHost> {
  readonly #addresses: Map<string, Ip> = new Map();
  readonly #random: RandomSource;
  readonly #resolvers: Map<NamedHost, Resolver> = new Map();

  constructor(plan: Plan, random: RandomSource) {
    for (const { name, ip } of plan.cluster.nodes) this.#addresses.set(name.toLowerCase(), ip);
    this.#random = random;
  }

  resolver(node: NamedHost): ResolverFace {
    const known = this.#resolvers.get(node);
    if (known !== undefined) return known;
    const hosts: HostsFile = (name) => {
      const ip = this.#addresses.get(name);
      return ip === undefined ? loopbackHosts(name) : [ip];
    };
    const made = new Resolver(node.host, null, hosts, this.#random.stream(`resolver/${node.name}`));
    this.#resolvers.set(node, made);
    return made;
  }

  close(): void {
    for (const resolver of this.#resolvers.values()) resolver.close();
    this.#resolvers.clear();
  }
}

/** What Docker writes into a container's /etc/hosts: localhost, and its hostname once for each overlay address. */
function containerHosts({ task }: Container): HostsFile {
  const hostname = task?.hostname.toLowerCase();
  return (name) => {
    if (name !== hostname) return loopbackHosts(name);
    const endpoints = task?.endpoints ?? [];
    const of = (ingress: boolean): Ip[] =>
      endpoints.filter(({ network }) => network.ingress === ingress).map(({ ip }) => ip);
    return [...of(false), ...of(true)];
  };
}

function loopbackHosts(name: string): readonly Ip[] {
  if (name === 'localhost') return [LOCALHOST, LOCALHOST6];
  return name === 'ip6-localhost' || name === 'ip6-loopback' ? [LOCALHOST6] : [];
}

/** The first answer that has an address. */
function first<T>(list: readonly T[], ask: (item: T) => readonly Ip[]): readonly Ip[] | null {
  for (const item of list) {
    const found = ask(item);
    if (found.length > 0) return found;
  }
  return null;
}
