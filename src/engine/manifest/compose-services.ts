// The services of a Compose v3 file, as docker/cli turns them into services of the swarm (cli/compose/convert).

import type { Diagnostics } from '../model/diagnostic.ts';
import type { AttachmentSpec, ServiceSpec } from '../model/spec.ts';
import { readDeploy } from './compose-deploy.ts';
import type { Surroundings } from './compose-environment.ts';
import { readEnvironment } from './compose-environment.ts';
import type { NetworkDraft } from './compose-networks.ts';
import { undefinedNetworkHint } from './compose-networks.ts';
import type { PortBudget, PortDraft } from './compose-ports.ts';
import { PORTS_MAX, readPorts } from './compose-ports.ts';
import { pairsOf } from './pairs.ts';
import { joinPath } from './path.ts';
import { suggest } from './suggest.ts';
import type { Entry, TreeNode } from './tree.ts';
import { booleanOf, childOf, entriesOf, entryOf, itemsOf, textOf, whereOf } from './tree.ts';
import { splitWords } from './words.ts';
import type { Party } from './workload-reach.ts';
import { settleWorkloads } from './workload-tiers.ts';
import { EXTENSION, readWorkloads, remarkExtensions } from './workloads.ts';

/** The network that a service joins when it names none. */
export const DEFAULT_NETWORK = 'default';

export interface ServiceDraft {
  readonly spec: ServiceSpec;
  readonly ports: readonly PortDraft[];
}

export interface ServiceContext extends Surroundings {
  readonly networks: readonly NetworkDraft[];
  readonly found: Diagnostics;
}

/** @param section the top-level mapping `services`, already held against its shape */
export function readServices(
  section: TreeNode | undefined,
  context: ServiceContext,
): readonly ServiceDraft[] {
  const budget = { left: PORTS_MAX };
  const drafts = entriesOf(section).map((entry) => readService(entry, budget, context));
  const settled = settleWorkloads(drafts, context.found);
  return drafts.map(({ ports }, index) => ({ spec: settled[index] as ServiceSpec, ports }));
}

function readService(entry: Entry, budget: PortBudget, context: ServiceContext): ServiceDraft & Party {
  const { key, value } = entry;
  const { found } = context;
  const path = joinPath('services', key);
  const image = textOf(childOf(value, 'image')) ?? '';
  if (image === '') {
    const hint = 'a swarm does not build: give the name of an image that every node can pull';
    found.report('OV1401', whereOf(entry.where, path), `service "${key}" has no image`, hint);
  }
  remark(value, path, found);
  const deploy = readDeploy(value, path, found);
  const ports = readPorts(childOf(value, 'ports'), `${path}.ports`, budget, found);
  const extension = childOf(value, EXTENSION);
  remarkExtensions(value, path, true, context);
  // The key's own age was judged with the service.
  const declared = readWorkloads(extension, joinPath(path, EXTENSION), { ...context, minor: 0 });
  const spec: ServiceSpec = {
    key,
    name: `${context.stack}_${key}`,
    image,
    hostname: textOf(childOf(value, 'hostname')) ?? null,
    command: readCommand(childOf(value, 'command')),
    environment: readEnvironment(childOf(value, 'environment'), `${path}.environment`, context, found),
    labels: Object.fromEntries(
      pairsOf(childOf(value, 'labels')).map((pair) => [pair.name, pair.value ?? '']),
    ),
    networks: readAttachments(entry, path, context),
    ...deploy,
    ports: ports.map((port) => port.spec),
    workloads: [],
    workloadOrigin: null,
    at: entry.where.at,
  };
  if (deploy.endpointMode === 'dnsrr') {
    for (const port of ports) {
      if (port.spec.mode !== 'ingress') continue;
      const message = `service "${key}" has endpoint_mode dnsrr, which cannot publish through ingress`;
      found.report('OV1507', port.where, message, 'publish it with mode: host, or leave out endpoint_mode');
    }
  }
  return { spec, ports, declared };
}

/** What Docker reads, or not, in ways that surprise. */
function remark(service: TreeNode, path: string, found: Diagnostics): void {
  const depends = entryOf(service, 'depends_on');
  if (depends !== undefined) {
    const hint = 'all services start at once: let a program try again until the other answers';
    found.report(
      'OV1406',
      whereOf(depends.where, `${path}.depends_on`),
      '"depends_on" has no effect in a swarm',
      hint,
    );
  }
  const files = entryOf(service, 'env_file');
  if (files !== undefined) {
    const where = whereOf(files.where, `${path}.env_file`);
    found.report(
      'OV1405',
      where,
      'files named by "env_file" are not read here',
      'Docker adds their variables',
    );
  }
  const health = childOf(service, 'healthcheck');
  const test = entryOf(health, 'test');
  if (test !== undefined && booleanOf(childOf(health, 'disable')) === true) {
    found.report(
      'OV1120',
      whereOf(test.where, `${path}.healthcheck.test`),
      '"test" and "disable" exclude each other',
    );
  }
}

function readCommand(node: TreeNode | undefined): readonly string[] {
  const text = textOf(node);
  if (text !== undefined) return splitWords(text);
  return itemsOf(node).flatMap((item) => textOf(item) ?? []);
}

interface Asked {
  readonly key: string;
  readonly entry: Pick<Entry, 'where' | 'value'>;
  readonly path: string;
}

/** The networks that a service names: a list of keys, or a mapping with settings. */
function askedNetworks(node: TreeNode | undefined, path: string): readonly Asked[] {
  if (node?.kind === 'map') {
    return node.entries.map((entry) => ({ key: entry.key, entry, path: joinPath(path, entry.key) }));
  }
  return itemsOf(node).flatMap((item, index) => {
    const key = textOf(item);
    return key === undefined ? [] : [{ key, entry: { where: item, value: item }, path: `${path}[${index}]` }];
  });
}

function readAttachments(
  service: Entry,
  servicePath: string,
  context: ServiceContext,
): readonly AttachmentSpec[] {
  const asked = askedNetworks(childOf(service.value, 'networks'), `${servicePath}.networks`);
  const attachments = new Map<string, AttachmentSpec>();
  for (const { key, entry, path } of asked) {
    const network = resolve(key, path, entry, context);
    if (network === null) continue;
    reportStatic(entry.value, path, context.found);
    const aliases = itemsOf(childOf(entry.value, 'aliases')).flatMap((alias) => textOf(alias) ?? []);
    attachments.set(network, {
      network,
      aliases: [...aliases.filter((alias) => alias !== service.key), service.key],
    });
  }
  if (asked.length === 0)
    attachments.set(DEFAULT_NETWORK, { network: DEFAULT_NETWORK, aliases: [service.key] });
  const target = (one: AttachmentSpec): string => networkName(one.network, context);
  return [...attachments.values()].sort((a, b) =>
    target(a) < target(b) ? -1 : target(a) > target(b) ? 1 : 0,
  );
}

function networkName(key: string, context: ServiceContext): string {
  return context.networks.find((draft) => draft.spec.key === key)?.spec.name ?? `${context.stack}_${key}`;
}

/** The network's key, or the one that was meant; null when there is none. */
function resolve(
  key: string,
  path: string,
  entry: Pick<Entry, 'where'>,
  context: ServiceContext,
): string | null {
  const keys = context.networks.map((draft) => draft.spec.key);
  if (keys.includes(key) || key === DEFAULT_NETWORK) return key;
  const hint = undefinedNetworkHint(key, context.networks);
  context.found.report('OV1201', whereOf(entry.where, path), `network "${key}" is not defined`, hint);
  return suggest(key, keys);
}

function reportStatic(attachment: TreeNode, path: string, found: Diagnostics): void {
  for (const key of ['ipv4_address', 'ipv6_address']) {
    const given = entryOf(attachment, key);
    if (given === undefined) continue;
    const message = `"${key}" is accepted and then dropped: the swarm chooses the addresses of tasks`;
    found.report(
      'OV1207',
      whereOf(given.where, `${path}.${key}`),
      message,
      'reach the service by its name instead',
    );
  }
}
