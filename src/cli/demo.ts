// The lecture's stack told once: who runs where, who asks whom, one request's way through the tiers, one packet, and what
// somebody on the wire reads.

import type { ServiceRow } from '../apps/runtime.ts';
import { Crossing } from '../core/dissect/crossing.ts';
import { Dissection, L } from '../core/dissect/layer.ts';
import { dissect, LINK_TYPE } from '../core/dissect/walk.ts';
import type { PacketTree } from '../core/inspect/tree.ts';
import { tree } from '../core/inspect/tree.ts';
import { formatIp } from '../core/wire/address.ts';
import * as ipv4 from '../core/wire/ipv4.ts';
import { VxlabError } from '../core/wire/numbers.ts';
import type { StackSpec } from '../engine/model/spec.ts';
import { SECOND } from '../engine/time/clock.ts';
import type { LoggedFrame } from '../lab/capture.ts';
import { FrameLog } from '../lab/capture.ts';
import type { ConnectionRow } from '../lab/service-pairs.ts';
import type { Population, Totals } from '../lab/summary.ts';
import type { Io } from './io.ts';
import { LivingLab } from './living-lab.ts';

const RUN = 3 * SECOND;

/** A packet on the underlay that carries something of a request. */
export interface Step {
  readonly frame: number;
  readonly time: number;
  readonly tap: string;
  readonly vni: number;
  readonly from: string;
  readonly to: string;
  /** Text in it, as it stands on the wire. */
  readonly reads: string;
}

/** What is read off the underlay, and where: the frame's number and the offset in it in bytes. */
export interface Overheard {
  readonly text: string;
  readonly frame: number;
  readonly offset: number;
  readonly vni: number;
  readonly from: string;
  readonly to: string;
}

export interface Story extends Population, Totals {
  readonly stack: string;
  readonly profile: string;
  readonly requests: readonly ServiceRow[];
  readonly connections: readonly ConnectionRow[];
  /** One customer's request, from the web tier to the database and back. */
  readonly steps: readonly Step[];
  /** The frame with the question to the database, as it left its node. */
  readonly frame: LoggedFrame;
  readonly packet: PacketTree;
  /** Underlay frames seen in all. */
  readonly frames: number;
  readonly overheard: readonly Overheard[];
}

/** How the customer that the story is about shows on the wire: in the question and in the answer. */
const QUESTION = /SELECT [ -~]*FROM customer[ -~]*WHERE id = (\d+)/;
const answerOf = (id: string): RegExp => new RegExp(`\\{"id":${id},[ -~]*\\}`);
const askedFor = (id: string): RegExp => new RegExp(`GET /customers/${id} `);

/** @throws VxlabError NO_STORY for a stack whose tiers do not ask each other across nodes */
export async function tell(io: Io, spec: StackSpec): Promise<Story> {
  const log = new FrameLog();
  const living = new LivingLab(io, spec, { manifest: null, log });
  try {
    await living.start();
    const population = living.lab.population();
    await living.run(RUN, io.signal);
    const { world } = living.lab.sim;
    const names = namesOf(living);
    const question = find(log.frames, QUESTION, names);
    const id = QUESTION.exec(question.text)?.[1] as string;
    const asked = find(log.frames, askedFor(id), names);
    const answer = find(log.frames, answerOf(id), names);
    const { bytes } = log.frames[question.frame - 1] as LoggedFrame;
    const { view, d } = opened(bytes);
    return {
      ...population,
      ...living.lab.totals(),
      stack: spec.name,
      profile: world.plan.profile.name,
      requests: living.runtime.rows(),
      connections: living.lab.connections(),
      steps: stepsBetween(log.frames, asked.frame, answer.frame, names),
      frame: log.frames[question.frame - 1] as LoggedFrame,
      packet: tree(view, d),
      frames: log.frames.length,
      overheard: [question, answer],
    };
  } finally {
    await living.close();
  }
}

/** Who has an address: a container, or a node's load balancer. */
type Names = ReadonlyMap<string, string>;

function namesOf(living: LivingLab): Names {
  const names = new Map<string, string>();
  const { world } = living.lab.sim;
  for (const network of world.plan.networks) {
    for (const [node, { ip }] of network.balancers)
      names.set(`${network.vni} ${formatIp(ip)}`, `lb of ${node}`);
  }
  for (const { name, task } of world.containers.values()) {
    for (const { network, ip } of task?.endpoints ?? []) names.set(`${network.vni} ${formatIp(ip)}`, name);
  }
  return names;
}

/** The first VXLAN packet that has the text in it, which is all that an eavesdropper looks for. */
function find(frames: readonly LoggedFrame[], text: RegExp, names: Names): Overheard {
  for (const frame of frames) {
    const found = text.exec(Buffer.from(frame.bytes).toString('latin1'));
    if (found === null) continue;
    const ends = endsOf(frame.bytes, names);
    if (ends !== null) return { text: found[0], frame: frame.number, offset: found.index, ...ends };
  }
  throw new VxlabError(
    'NO_STORY',
    'the story needs a web tier, an application and a database on several nodes',
  );
}

interface Ends {
  readonly vni: number;
  readonly from: string;
  readonly to: string;
}

function opened(bytes: Uint8Array): { view: DataView; d: Dissection } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const d = new Dissection();
  dissect(view, 0, bytes.length, LINK_TYPE.ethernet, d);
  return { view, d };
}

/** The ends of the inner IPv4 packet; null where none crosses. */
function endsOf(bytes: Uint8Array, names: Names): Ends | null {
  const { view, d } = opened(bytes);
  const crossing = new Crossing();
  if (!crossing.find(view, d, 0) || crossing.network < 0) return null;
  const at = d.start(crossing.network);
  const name = (ip: string): string => names.get(`${crossing.vni} ${ip}`) ?? ip;
  const from = name(formatIp(ipv4.src(view, at)));
  return { vni: crossing.vni, from, to: name(formatIp(ipv4.dst(view, at))) };
}

/** The packets that carry more than acknowledgements, from the question's to the answer's. */
function stepsBetween(frames: readonly LoggedFrame[], first: number, last: number, names: Names): Step[] {
  return frames.slice(first - 1, last).flatMap((frame) => {
    const { view, d } = opened(frame.bytes);
    const crossing = new Crossing();
    const ends = endsOf(frame.bytes, names);
    if (ends === null || !crossing.find(view, d, 0) || crossing.transport < 0) return [];
    const payload = frame.bytes.subarray(d.head(crossing.transport), d.limit(crossing.transport));
    if (d.kind(crossing.transport) !== L.tcp || payload.length === 0) return [];
    return [{ frame: frame.number, time: frame.time, tap: frame.tap, ...ends, reads: readable(payload) }];
  });
}

/** HTTP's first line, or the longest text there is; empty where nothing is text. */
function readable(payload: Uint8Array): string {
  const texts =
    Buffer.from(payload)
      .toString('latin1')
      .match(/[ -~]{4,}/g) ?? [];
  const [first = ''] = texts;
  if (/^(GET|POST|HTTP)/.test(first)) return first;
  return texts.reduce((longest, text) => (text.length > longest.length ? text : longest), '');
}
