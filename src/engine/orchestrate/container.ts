// A running task, or a container attached by hand: a network stack with one interface for each network it joined, and a
// resolver.

import type { Host } from '../host/host.ts';
import type { ResolverFace } from '../host/names.ts';
import type { TaskPlan } from './plan.ts';

export interface Container {
  /** `<stack>_<service>.<slot>` of a task. */
  readonly name: string;
  /** 64 hex digits. */
  readonly id: string;
  readonly node: string;
  readonly host: Host;
  /** The task it runs for; null when attached by hand. */
  readonly task: TaskPlan | null;
  /** Asks as programs in it would; made when first used, closed with the container. */
  readonly resolver: ResolverFace;
}

/** Who makes resolvers for what has a network stack. */
export interface Naming<T> {
  resolver(of: T): ResolverFace;
}

/** A container of the world's. */
export class RunningContainer implements Container {
  readonly name: string;
  readonly id: string;
  readonly node: string;
  readonly host: Host;
  readonly task: TaskPlan;
  readonly #naming: Naming<Container>;

  constructor(id: string, node: string, host: Host, task: TaskPlan, naming: Naming<Container>) {
    this.name = task.name;
    this.id = id;
    this.node = node;
    this.host = host;
    this.task = task;
    this.#naming = naming;
  }

  get resolver(): ResolverFace {
    return this.#naming.resolver(this);
  }
}
