// A service's `deploy`: mode, replicas, placement, endpoint mode, restarts (docker/cli, cli/compose/convert/service.go;
// swarmkit, manager/constraint and manager/controlapi for what the manager refuses).

import type { Diagnostics } from '../model/diagnostic.ts';
import type { Constraint, EndpointMode, RestartSpec, ServiceMode } from '../model/spec.ts';
import { parseDuration } from './scalar.ts';
import { didYouMean } from './suggest.ts';
import type { TreeNode } from './tree.ts';
import { childOf, entryOf, itemsOf, numberOf, textOf, whereOf } from './tree.ts';

export interface DeployDraft {
  readonly mode: ServiceMode;
  readonly replicas: number;
  readonly endpointMode: EndpointMode;
  readonly constraints: readonly Constraint[];
  readonly preferences: readonly string[];
  readonly maxReplicasPerNode: number;
  readonly restart: RestartSpec;
}

const MODES: readonly ServiceMode[] = ['replicated', 'global', 'replicated-job', 'global-job'];
const ENDPOINT_MODES: readonly EndpointMode[] = ['vip', 'dnsrr'];
const CONDITIONS = ['any', 'on-failure', 'none'] as const;
const FIELDS: readonly string[] = [
  'node.id',
  'node.hostname',
  'node.ip',
  'node.role',
  'node.platform.os',
  'node.platform.arch',
];
const LABELS: readonly string[] = ['node.labels', 'engine.labels'];

/** swarmkit, manager/controlapi and api/defaults: restart always, five seconds apart. */
const RESTART: RestartSpec = { condition: 'any', delay: 5e9, maxAttempts: null, window: 0 };

/** @param service the service's mapping; @param path its path */
export function readDeploy(service: TreeNode, path: string, found: Diagnostics): DeployDraft {
  const deploy = childOf(service, 'deploy');
  const below = `${path}.deploy`;
  const mode = readWord(deploy, 'mode', MODES, 'OV1501', below, found);
  const placement = childOf(deploy, 'placement');
  checkUpdates(deploy, below, found);
  return {
    mode,
    replicas: readReplicas(deploy, mode, below, found),
    endpointMode: readWord(deploy, 'endpoint_mode', ENDPOINT_MODES, 'OV1506', below, found),
    constraints: readConstraints(childOf(placement, 'constraints'), `${below}.placement.constraints`, found),
    preferences: itemsOf(childOf(placement, 'preferences')).flatMap(
      (item) => textOf(childOf(item, 'spread')) ?? [],
    ),
    maxReplicasPerNode: readCount(placement, 'max_replicas_per_node', `${below}.placement`, found) ?? 0,
    restart: readRestart(service, deploy, path, found),
  };
}

/** One of a few words; the first is the default. Swarm reads endpoint modes without regard to case. */
function readWord<T extends string>(
  deploy: TreeNode | undefined,
  key: string,
  words: readonly [T, ...T[]] | readonly T[],
  rule: 'OV1501' | 'OV1506',
  path: string,
  found: Diagnostics,
): T {
  const first = words[0] as T;
  const node = childOf(deploy, key);
  const text = textOf(node);
  if (node === undefined || text === undefined || text === '') return first;
  const word = words.find((one) => one === (rule === 'OV1506' ? text.toLowerCase() : text));
  if (word !== undefined) return word;
  const hint = didYouMean(text, words) ?? `the words are ${words.join(', ')}`;
  found.report(rule, whereOf(node, `${path}.${key}`), `"${text}" is not a value of "${key}"`, hint);
  return first;
}

function readCount(node: TreeNode | undefined, key: string, path: string, found: Diagnostics): number | null {
  const given = childOf(node, key);
  const count = numberOf(given);
  if (given === undefined || count === undefined) return null;
  if (count >= 0) return count;
  found.report('OV1503', whereOf(given, `${path}.${key}`), `"${key}" cannot be negative, and ${count} is`);
  return null;
}

function readReplicas(
  deploy: TreeNode | undefined,
  mode: ServiceMode,
  path: string,
  found: Diagnostics,
): number {
  const given = entryOf(deploy, 'replicas');
  const count = readCount(deploy, 'replicas', path, found);
  if (mode !== 'global' && mode !== 'global-job') return count ?? 1;
  if (given !== undefined) {
    const where = whereOf(given.where, `${path}.replicas`);
    const hint = `remove it: mode "${mode}" runs one task on every node`;
    found.report('OV1502', where, `"replicas" means nothing in mode "${mode}"`, hint);
  }
  return 1;
}

function readConstraints(
  node: TreeNode | undefined,
  path: string,
  found: Diagnostics,
): readonly Constraint[] {
  return itemsOf(node).flatMap((item, index) => {
    const text = textOf(item) ?? '';
    const where = whereOf(item, `${path}[${index}]`);
    const parsed = parseConstraint(text);
    if (parsed === null) {
      const single = /^([^=!]+)=([^=]+)$/.exec(text);
      const hint =
        single === null
          ? 'write a field, == or !=, and a value, as in node.role == worker'
          : `write ${(single[1] as string).trim()} == ${(single[2] as string).trim()}`;
      found.report('OV1504', where, `"${text}" is not a constraint`, hint);
      return [];
    }
    const [field, op, value] = parsed;
    const hint = fieldHint(field, value);
    if (hint !== null) found.report('OV1505', where, `no node can meet or fail "${text}" as meant`, hint);
    return [{ field, op, value, at: item.at }];
  });
}

/** Field, operator and value; null unless swarmkit takes it. Fields that it knows are given back in lower case. */
function parseConstraint(text: string): readonly [string, '==' | '!=', string] | null {
  const op = text.includes('==') ? '==' : text.includes('!=') ? '!=' : null;
  if (op === null) return null;
  const cut = text.indexOf(op);
  const field = text.slice(0, cut).trim();
  const value = text.slice(cut + 2).trim();
  if (!/^[a-z_][a-z0-9\-_.]+$/i.test(field) || !/^[a-z0-9:\-_\s.*()?+[\]\\^$|/]+$/i.test(value)) return null;
  const lower = field.toLowerCase();
  if (FIELDS.includes(lower)) return [lower, op, value];
  const label = LABELS.find((prefix) => lower.startsWith(`${prefix}.`));
  return [label === undefined ? field : label + field.slice(label.length), op, value];
}

/** Why a constraint cannot do what was meant; null if it can. */
function fieldHint(field: string, value: string): string | null {
  if (field === 'node.role' && !/^(manager|worker)$/i.test(value)) return 'the roles are manager and worker';
  if (FIELDS.includes(field)) return null;
  if (LABELS.some((prefix) => field.startsWith(`${prefix}.`) && field.length > prefix.length + 1))
    return null;
  const whole = didYouMean(field, FIELDS);
  if (whole !== null) return whole;
  const prefix = field.split('.').slice(0, 2).join('.');
  const label = didYouMean(prefix, LABELS);
  return label ?? `the fields are ${FIELDS.join(', ')}, node.labels.NAME and engine.labels.NAME`;
}

function readRestart(
  service: TreeNode,
  deploy: TreeNode | undefined,
  path: string,
  found: Diagnostics,
): RestartSpec {
  const policy = childOf(deploy, 'restart_policy');
  const legacy = entryOf(service, 'restart');
  if (legacy !== undefined) return readLegacy(legacy.value, policy, path, found);
  return policy === undefined ? RESTART : readPolicy(policy, path, found);
}

function readPolicy(policy: TreeNode, path: string, found: Diagnostics): RestartSpec {
  const below = `${path}.deploy.restart_policy`;
  const node = childOf(policy, 'condition');
  const text = textOf(node) ?? '';
  const condition = CONDITIONS.find((one) => one === text);
  if (node !== undefined && text !== '' && condition === undefined) {
    const hint = didYouMean(text, CONDITIONS) ?? `the conditions are ${CONDITIONS.join(', ')}`;
    found.report('OV1508', whereOf(node, `${below}.condition`), `"${text}" is not a restart condition`, hint);
  }
  return {
    condition: condition ?? RESTART.condition,
    delay: durationOf(childOf(policy, 'delay')) ?? RESTART.delay,
    maxAttempts: readCount(policy, 'max_attempts', below, found) || null,
    window: durationOf(childOf(policy, 'window')) ?? RESTART.window,
  };
}

function durationOf(node: TreeNode | undefined): number | null {
  const text = textOf(node);
  return text === undefined ? null : parseDuration(text);
}

/** `restart` of older files: Docker warns about it, yet reads it where no restart_policy stands. */
function readLegacy(
  node: TreeNode,
  policy: TreeNode | undefined,
  path: string,
  found: Diagnostics,
): RestartSpec {
  const where = whereOf(node, `${path}.restart`);
  if (policy !== undefined) {
    found.report(
      'OV1509',
      where,
      '"restart" has no effect: deploy.restart_policy is there',
      'remove "restart"',
    );
    return readPolicy(policy, path, found);
  }
  const text = textOf(node) ?? '';
  const match = /^(no|always|unless-stopped|on-failure)(?::(\d+))?$/.exec(text);
  if (text !== '' && (match === null || (match[2] !== undefined && match[1] !== 'on-failure'))) {
    const hint = didYouMean(text, ['no', 'always', 'unless-stopped', 'on-failure']);
    found.report(
      'OV1508',
      where,
      `"${text}" is not a restart policy`,
      hint ?? 'write deploy.restart_policy instead',
    );
    return RESTART;
  }
  const condition = match?.[1] === 'on-failure' ? 'on-failure' : 'any';
  const meaning =
    match?.[1] === 'no'
      ? 'a swarm restarts the tasks all the same'
      : `it is read as deploy.restart_policy.condition: ${condition}`;
  found.report(
    'OV1509',
    where,
    `"restart" is a key for single hosts; ${meaning}`,
    'write deploy.restart_policy',
  );
  return { ...RESTART, condition, maxAttempts: Number(match?.[2] ?? 0) || null };
}

const FAILURE_ACTIONS: readonly string[] = ['pause', 'continue', 'rollback'];

function checkUpdates(deploy: TreeNode | undefined, path: string, found: Diagnostics): void {
  for (const key of ['update_config', 'rollback_config']) {
    const node = childOf(childOf(deploy, key), 'failure_action');
    const text = textOf(node);
    if (node === undefined || text === undefined || text === '') continue;
    const words = key === 'update_config' ? FAILURE_ACTIONS : FAILURE_ACTIONS.slice(0, 2);
    if (words.includes(text)) continue;
    const hint = didYouMean(text, words) ?? `the actions are ${words.join(', ')}`;
    found.report(
      'OV1111',
      whereOf(node, `${path}.${key}.failure_action`),
      `"${text}" is not a failure action`,
      hint,
    );
  }
}
