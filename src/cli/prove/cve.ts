// Three faults that Docker's encrypted networks once had, each shown by packets with the defence left out and with it in place.

import type { Heard } from '../../apps/canary/datagram.ts';
import { datagramClient, datagramServer } from '../../apps/canary/datagram.ts';
import { formatIp, isIp6 } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { Weakness } from '../../engine/host/esp/weakness.ts';
import { dockerMac } from '../../engine/ipam/mac-scheme.ts';
import type { StackSpec } from '../../engine/model/spec.ts';
import type { ClusterOptions } from '../../engine/orchestrate/cluster.ts';
import type { EndpointPlan } from '../../engine/orchestrate/plan.ts';
import type { World } from '../../engine/orchestrate/world.ts';
import { MILLISECOND } from '../../engine/time/clock.ts';
import { DROP, DROP_NAMES } from '../../engine/trace/drop.ts';
import type { LoggedFrame } from '../../lab/capture.ts';
import { FrameLog } from '../../lab/capture.ts';
import { NODE_CIPHER } from '../../live/node-cipher.ts';
import type { Io } from '../io.ts';
import { LivingLab } from '../living-lab.ts';
import type { CveDocument, CveRow } from './cve-document.ts';
import { judgeCve } from './cve-document.ts';
import { placesOf } from './document.ts';
import type { End } from './intruder.ts';
import { forged, inject } from './intruder.ts';
import { legOf } from './legs.ts';
import { lookFor, overhear } from './look.ts';
import { encrypting, isUnderlay, record } from './run.ts';

export interface CveOptions {
  readonly canary: string;
  readonly seed: string;
  readonly cluster: ClusterOptions;
  /** Says where the underlay's frames of a run went; null where they are not kept. */
  keep(defence: CveRow['defence'], frames: readonly LoggedFrame[]): string | null;
}

const DEFENCES = ['off', 'on'] as const;
/** A port that no workload has. */
const PORT = 4000;
/** What a peer says by the proper way, to show that the network works. */
const PROPER = 'by the proper way';
const INTRUDER_MAC = 0x02_66_66_66_66_66;
const PAUSE = 100 * MILLISECOND;

/** @throws VxlabError NOT_PROVABLE; as `Lab` */
export async function proveCve(
  io: Io,
  spec: StackSpec,
  cve: Weakness,
  options: CveOptions,
): Promise<CveDocument> {
  const runs: CveRow[] = [];
  for (const defence of DEFENCES) {
    const weakness = defence === 'off' ? cve : null;
    const row =
      cve === 'CVE-2023-28841'
        ? await sending(io, spec, weakness, options)
        : await receiving(io, spec, cve, weakness, options);
    runs.push(row);
  }
  const { canary, seed } = options;
  return { schema: 'vxlab.cve/1', cve, stack: spec.name, seed, canary, runs, ...judgeCve(cve, runs) };
}

/** Containers ask each other with the canary, as in `vxlab prove`: does it leave in the clear? */
async function sending(
  io: Io,
  spec: StackSpec,
  weakness: Weakness | null,
  options: CveOptions,
): Promise<CveRow> {
  const recording = await record(io, spec, 'vxlan+esp', {
    ...options,
    weakness,
    certificate: () => ({ cert: '', key: '' }),
  });
  const { underlay, said } = recording;
  const look = lookFor(options.canary, underlay);
  const defence = weakness === null ? 'on' : 'off';
  return {
    defence,
    ...counted(underlay),
    requests: said.length,
    answered: said.filter(({ answer }) => answer === '201' || answer === 'ok').length,
    recovered: look.places.length > 0,
    places: placesOf(look, recording),
    injected: null,
    drops: [],
    capture: options.keep(defence, underlay),
  };
}

interface Target {
  readonly task: string;
  readonly node: string;
  readonly endpoint: EndpointPlan;
  /** Whom the frame says that it comes from, and the VTEP that it says to be behind. */
  readonly as: { readonly ip: number; readonly mac: number };
  readonly vtep: number;
  /** The task that is really there and says something by the proper way; null where nobody is. */
  readonly peer: string | null;
}

/** An intruder on the underlay sends a plain datagram with the canary into an encrypted network: does it arrive? */
async function receiving(
  io: Io,
  spec: StackSpec,
  cve: Weakness,
  weakness: Weakness | null,
  { canary, seed, cluster, keep }: CveOptions,
): Promise<CveRow> {
  const log = new FrameLog('both');
  const living = new LivingLab(io, encrypting(spec, true), {
    manifest: null,
    // A network with a single endpoint: that of a node without peers.
    cluster: cve === 'CVE-2023-28842' ? { ...cluster, nodes: 1 } : cluster,
    seed,
    workloads: false,
    log,
    encryption: { cipher: NODE_CIPHER, weakness },
  });
  try {
    const { world } = living.lab.sim;
    const target = cve === 'CVE-2023-28842' ? aloneIn(world) : besidePeer(world);
    await living.start();
    const heard: Heard[] = [];
    const run = (task: string, program: ReturnType<typeof datagramClient>): void => {
      const container = world.containers.get(task);
      if (container !== undefined) living.runtime.run(container, 'canary', program);
    };
    run(
      target.task,
      datagramServer(PORT, (one) => heard.push(one)),
    );
    await living.run(PAUSE);
    if (target.peer !== null) run(target.peer, datagramClient(formatIp(target.endpoint.ip), PORT, PROPER));
    await living.run(PAUSE);
    const bytes = forgeryOf(world, target, canary);
    inject(living.lab.sim, bytes);
    await living.run(PAUSE);
    const underlay = log.frames
      .filter(({ tap, inbound, bytes: frame }) => isUnderlay(tap) && (!inbound || same(frame, bytes)))
      .map((frame, i) => ({ ...frame, number: i + 1 }));
    const defence = weakness === null ? 'on' : 'off';
    const node = world.nodes.get(target.node);
    const refused = node?.host.counters.dropped(DROP.notSecured) ?? 0;
    return {
      defence,
      ...counted(underlay.filter(({ bytes: frame }) => !same(frame, bytes))),
      requests: target.peer === null ? 0 : 1,
      answered: heard.filter(({ text }) => text === PROPER).length,
      recovered: false,
      places: [],
      injected: {
        packet: underlay.findIndex(({ bytes: frame }) => same(frame, bytes)) + 1,
        bytes: Buffer.from(bytes).toString('hex'),
        vni: target.endpoint.network.vni,
        from: formatIp(target.vtep),
        to: formatIp(node?.ip ?? 0),
        as: formatIp(target.as.ip),
        task: target.task,
        node: target.node,
        delivered: heard.some(({ text }) => text === canary),
      },
      drops:
        refused === 0
          ? []
          : [{ node: target.node, reason: DROP_NAMES[DROP.notSecured] as string, count: refused }],
      capture: keep(defence, underlay),
    };
  } finally {
    await living.close();
  }
}

function counted(frames: readonly LoggedFrame[]): Pick<CveRow, 'vxlan' | 'esp'> {
  const { packets, inEsp } = overhear(frames).exposed;
  return { vxlan: packets - inEsp, esp: inEsp };
}

/** A task with a peer on another node, whose addresses the intruder takes. */
function besidePeer(world: World): Target {
  const leg = legOf(world.plan, 'HTTP', formatIp);
  const far = leg.servers.find(({ node }) => node !== leg.client.node) ?? leg.client;
  const on = (task: string): EndpointPlan => endpointOf(world, task, leg.vni);
  const peer = on(leg.client.task);
  return {
    task: far.task,
    node: far.node,
    endpoint: on(far.task),
    as: { ip: four(peer.ip), mac: peer.mac },
    vtep: four(world.nodes.get(leg.client.node)?.ip ?? 0),
    peer: leg.client.task,
  };
}

function endpointOf(world: World, task: string, vni: number): EndpointPlan {
  const endpoints = world.containers.get(task)?.task?.endpoints ?? [];
  return endpoints.find(({ network }) => network.vni === vni) as EndpointPlan;
}

/** The first task of an encrypted network, and an address of that network that nobody has. */
function aloneIn(world: World): Target {
  for (const { name, node, task } of world.containers.values()) {
    const endpoint = task?.endpoints.find(({ network }) => network.encrypted);
    if (endpoint === undefined) continue;
    const { ip, prefix } = endpoint.network.subnet;
    const as = (four(ip) + 2 ** (32 - prefix) - 2) >>> 0;
    const own = four(world.nodes.get(node)?.ip ?? 0);
    return {
      task: name,
      node,
      endpoint,
      as: { ip: as, mac: dockerMac(as) },
      vtep: ((own & ~0xff) | 0xc8) >>> 0,
      peer: null,
    };
  }
  throw new VxlabError(
    'NOT_PROVABLE',
    'this cannot be shown here: the stack has no network of its own with a task in it',
  );
}

function forgeryOf(world: World, { node, endpoint, as, vtep }: Target, text: string): Uint8Array {
  const { host, ip } = world.nodes.get(node) as NonNullable<ReturnType<World['nodes']['get']>>;
  const src: End = { mac: INTRUDER_MAC, ip: vtep };
  return forged({
    vteps: { src, dst: { mac: host.interfaces[0]?.mac ?? 0, ip: four(ip) } },
    port: world.plan.profile.port,
    vni: endpoint.network.vni,
    inside: { src: as, dst: { mac: endpoint.mac, ip: four(endpoint.ip) } },
    udpPort: PORT,
    text,
  });
}

/** @throws VxlabError NOT_PROVABLE for an IPv6 address */
function four(ip: EndpointPlan['ip']): number {
  if (isIp6(ip)) throw new VxlabError('NOT_PROVABLE', 'this is shown over IPv4 only');
  return ip;
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
