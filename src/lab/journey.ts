// One frame followed through the lab: an echo request from one party to another, and every frame that it took (questions
// for MACs, answers, replies), hop by hop with the reasons. The words are made in trace-words.ts.

import type { Ip } from '../core/wire/address.ts';
import { formatIp } from '../core/wire/address.ts';
import { ETHERTYPE, PROTO, VxlabError } from '../core/wire/numbers.ts';
import * as tcp from '../core/wire/tcp.ts';
import type { Simulation } from '../engine/orchestrate/simulation.ts';
import type { ElementId } from '../engine/trace/event.ts';
import { TRACE } from '../engine/trace/event.ts';
import type { Recorder, TraceEvent } from '../engine/trace/recorder.ts';
import type { Located } from './elements.ts';
import { elementsOf } from './elements.ts';
import type { JourneyStep } from './trace-words.ts';
import { stepOf } from './trace-words.ts';

export type { JourneyStep } from './trace-words.ts';

/** One frame's way. */
export interface FrameStory {
  readonly frame: number;
  readonly title: string;
  readonly steps: readonly JourneyStep[];
  /** How it ended. */
  readonly outcome: 'delivered' | 'dropped' | 'lost';
}

export interface Journey extends FrameStory {
  readonly from: string;
  readonly to: string;
  readonly address: string;
  /** True when the answer came back. */
  readonly answered: boolean;
  /** Round-trip time in nanoseconds; null without an answer. */
  readonly rtt: number | null;
  /** The other frames, in the order in which they set out. */
  readonly others: readonly FrameStory[];
}

/** Bytes that a step may need of a frame: outer headers, inner headers, an ARP packet. */
export const JOURNEY_SNAP = 192;

/**
 * Sends one echo request and tells what became of it. The simulation must record with `snap: JOURNEY_SNAP`.
 * @throws VxlabError NO_SUCH_PARTY, NOT_REACHABLE; NOT_RECORDING
 */
export function journeyOf(sim: Simulation, from: string, to: string, size = 56): Journey {
  const recorder = sim.recorder;
  if (recorder === null) throw new VxlabError('NOT_RECORDING', 'a journey needs a simulation that records');
  const party = sim.world.party(from);
  const address = sim.world.addressFor(party, to);
  recorder.clear();
  const result = sim.pingNow(from, to, { count: 1, size });
  const elements = elementsOf(sim);
  const stories = framesOf(recorder).map((events) => storyOf(events, sim, elements));
  const request = stories.find((story) => isRequest(recorder, story.frame, party.host.id));
  if (request === undefined) {
    throw new VxlabError(
      'NOT_REACHABLE',
      `${party.name} cannot send to ${formatIp(address)}: it has no route there`,
    );
  }
  const reply = result.replies[0];
  return {
    ...request,
    from: party.name,
    to,
    address: formatIp(address as Ip),
    answered: reply !== undefined,
    rtt: reply?.rtt ?? null,
    others: stories.filter((story) => story !== request),
  };
}

/** The recorded events by frame, frames in the order in which they set out. */
function framesOf(recorder: Recorder): TraceEvent[][] {
  const byFrame = new Map<number, TraceEvent[]>();
  for (let i = 0; i < recorder.length; i++) {
    const event = recorder.at(i);
    if (event.frame === 0) continue;
    const events = byFrame.get(event.frame);
    if (events === undefined) byFrame.set(event.frame, [event]);
    else events.push(event);
  }
  return [...byFrame.values()];
}

function storyOf(
  events: readonly TraceEvent[],
  sim: Simulation,
  elements: Map<ElementId, Located>,
): FrameStory {
  const first = events[0] as TraceEvent;
  const steps = events.map((event) => stepOf(event, first.time, sim, elements));
  const delivered = events.some((event) => event.what === TRACE.deliver && !isTunnel(event));
  const dropped = events.some((event) => event.what === TRACE.drop);
  const outcome = delivered ? 'delivered' : dropped ? 'dropped' : 'lost';
  return { frame: first.frame, title: titleOf(first), steps, outcome };
}

/** A delivery of the outer datagram to the VTEP's socket: the frame goes on from there. */
function isTunnel(event: TraceEvent): boolean {
  return event.a === PROTO.udp && event.length > 50 && isVxlan(event.bytes);
}

function isVxlan(view: DataView): boolean {
  const at = 14 + (view.getUint16(12) === ETHERTYPE.ipv6 ? 40 : 20);
  return view.byteLength > at + 16 && view.getUint8(at + 8) === 0x08;
}

function isRequest(recorder: Recorder, frame: number, host: ElementId): boolean {
  const first = recorder.journey(frame)[0];
  return (
    first !== undefined &&
    first.what === TRACE.send &&
    first.where === host &&
    titleOf(first).startsWith('echo request')
  );
}

const TCP_FLAGS = ['SYN', 'FIN', 'RST', 'PSH', 'ACK'] as const;

/** What a frame is, from its first event: an IP packet or an Ethernet frame, behind a VLAN tag maybe. */
function titleOf(first: TraceEvent): string {
  const view = untagged(first.bytes);
  const version = view.byteLength > 0 ? view.getUint8(0) >>> 4 : 0;
  const bare = first.what === TRACE.send && (version === 4 || version === 6) && !isArp(view);
  const ip = bare ? 0 : 14;
  if (isArp(view)) return view.getUint16(20) === 1 ? 'ARP request' : 'ARP reply';
  const six = (bare ? version : view.getUint8(14) >>> 4) === 6;
  const proto = view.getUint8(ip + (six ? 6 : 9));
  const payload = ip + (six ? 40 : (view.getUint8(ip) & 15) * 4);
  if (payload >= view.byteLength) return 'frame';
  const type = view.getUint8(payload);
  if (proto === PROTO.icmp) return ICMP[type] ?? `ICMP type ${type}`;
  if (proto === PROTO.icmpv6) return ICMPV6[type] ?? `ICMPv6 type ${type}`;
  if (proto === PROTO.igmp) return 'IGMP report';
  if (proto === PROTO.tcp) return tcpTitle(view, payload);
  return proto === PROTO.udp ? 'UDP datagram' : proto === PROTO.esp ? 'ESP packet' : `IP protocol ${proto}`;
}

/** Flags and ports, as far as they were recorded. */
function tcpTitle(view: DataView, at: number): string {
  if (view.byteLength < at + 14) return 'TCP segment';
  const bits = tcp.flags(view, at);
  const names = TCP_FLAGS.filter((name) => (bits & tcp.FLAG[name]) !== 0);
  return `TCP ${names.join(', ') || 'segment'} from port ${tcp.srcPort(view, at)} to ${tcp.dstPort(view, at)}`;
}

/** The view with its first bytes moved up over a tag, as far as titles read them. */
function untagged(view: DataView): DataView {
  if (view.byteLength < 18 || view.getUint16(12) !== ETHERTYPE.vlan) return view;
  return new DataView(view.buffer, view.byteOffset + 4, view.byteLength - 4);
}

function isArp(view: DataView): boolean {
  return view.byteLength >= 42 && view.getUint16(12) === ETHERTYPE.arp;
}

const ICMP: Readonly<Record<number, string>> = {
  0: 'echo reply',
  3: 'destination unreachable',
  8: 'echo request',
  11: 'time exceeded',
};
const ICMPV6: Readonly<Record<number, string>> = {
  1: 'destination unreachable',
  2: 'packet too big',
  3: 'time exceeded',
  128: 'echo request',
  129: 'echo reply',
  135: 'neighbour solicitation',
  136: 'neighbour advertisement',
};
