// Which node a task goes to: swarmkit's filters, then its spread strategy (manager/scheduler): fewest tasks of the same
// service, then fewest tasks at all. Swarm breaks further ties by chance; here the earlier node of the list wins, so that
// a run can be told in advance.

import { formatIp } from '../../core/wire/address.ts';
import type { Constraint, ServiceSpec } from '../model/spec.ts';
import type { NodeSpec } from './cluster.ts';

export interface Candidate {
  readonly node: NodeSpec;
  readonly id: string;
  /** Ready and active: takes tasks. */
  available: boolean;
  /** Tasks on it, and tasks by service key. */
  tasks: number;
  readonly byService: Map<string, number>;
}

export function candidates(nodes: readonly NodeSpec[], idOf: (node: NodeSpec) => string): Candidate[] {
  return nodes.map((node) => ({ node, id: idOf(node), available: true, tasks: 0, byService: new Map() }));
}

/** True when a node satisfies a constraint (`docs: docker service create --constraint`); values compare without case. */
export function satisfies(candidate: Candidate, constraint: Constraint): boolean {
  const value = fieldOf(candidate, constraint.field);
  const equal = value !== null && value.toLowerCase() === constraint.value.toLowerCase();
  return constraint.op === '==' ? equal : !equal;
}

function fieldOf(candidate: Candidate, field: string): string | null {
  const { node, id } = candidate;
  switch (field) {
    case 'node.id':
      return id;
    case 'node.hostname':
      return node.name;
    case 'node.role':
      return node.role;
    case 'node.ip':
      return formatIp(node.ip);
    case 'node.platform.os':
      return 'linux';
    case 'node.platform.arch':
      return 'x86_64';
  }
  if (field.startsWith('node.labels.')) return node.labels[field.slice('node.labels.'.length)] ?? null;
  return null;
}

/** The nodes that a service's tasks may run on. */
export function eligible(all: readonly Candidate[], service: ServiceSpec): Candidate[] {
  return all.filter(
    (one) => one.available && service.constraints.every((constraint) => satisfies(one, constraint)),
  );
}

/** The node for the next task, its counts raised; null when none may take it (the task stays Pending). */
export function place(all: readonly Candidate[], service: ServiceSpec): Candidate | null {
  const limit = service.maxReplicasPerNode;
  const spread = service.preferences.length > 0;
  const may = spread || service.constraints.length > 0 ? eligible(all, service) : all;
  let best: Candidate | null = null;
  for (const one of may) {
    if (!one.available || (limit > 0 && own(one, service) >= limit)) continue;
    if (best === null || (spread ? compare(one, best, may, service) : lighter(one, best, service)) < 0)
      best = one;
  }
  if (best !== null) assign(best, service.key);
  return best;
}

/** Counts a task of a service on a node. */
export function assign(to: Candidate, service: string): void {
  to.tasks++;
  to.byService.set(service, (to.byService.get(service) ?? 0) + 1);
}

function own(one: Candidate, service: ServiceSpec): number {
  return one.byService.get(service.key) ?? 0;
}

/** Negative when `one` should be filled before `other`. */
function compare(one: Candidate, other: Candidate, may: readonly Candidate[], service: ServiceSpec): number {
  for (const preference of service.preferences) {
    const difference = branch(one, preference, may, service) - branch(other, preference, may, service);
    if (difference !== 0) return difference;
  }
  return lighter(one, other, service);
}

function lighter(one: Candidate, other: Candidate, service: ServiceSpec): number {
  return own(one, service) - own(other, service) || one.tasks - other.tasks;
}

/** Tasks of the service on all nodes that share this node's value of a label (`placement.preferences: spread`). */
function branch(one: Candidate, preference: string, may: readonly Candidate[], service: ServiceSpec): number {
  const value = fieldOf(one, preference);
  let tasks = 0;
  for (const other of may) if (fieldOf(other, preference) === value) tasks += own(other, service);
  return tasks;
}
