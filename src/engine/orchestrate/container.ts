// A running task, or a container attached by hand: a network stack with one interface for each network it joined.

import type { Host } from '../host/host.ts';
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
}
