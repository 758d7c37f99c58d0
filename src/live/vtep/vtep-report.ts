// What a live VTEP has done so far: datagrams at the underlay, frames of each VNI, and every refusal by its reason. Counts add
// up: a datagram that was received is in a VNI's frames, was joined to one before it, or is in a drop of the door, the
// demultiplexer or a VNI.

import { formatIp } from '../../core/wire/address.ts';
import { SECOND } from '../../engine/time/clock.ts';
import type { Counters } from '../../engine/trace/counters.ts';
import type { OffloadCounters } from '../offload/offload.ts';
import type { UnderlayCounters } from '../underlay/live-underlay.ts';
import type { LiveVtep } from './live-vtep.ts';
import type { Segment } from './segment.ts';

type Drops = Readonly<Record<string, number>>;

export interface SegmentReport {
  readonly vni: number;
  /** Frames taken from the tunnels and put into them. */
  readonly rxFrames: number;
  readonly rxBytes: number;
  readonly txFrames: number;
  readonly txBytes: number;
  /** MAC addresses behind other VTEPs, pinned ones among them. */
  readonly macs: number;
  /** By reason, wherever in the VNI: guard, VTEP, bridge, hosts. */
  readonly drops: Drops;
  /** What a network card would have done to frames from the tunnels; null where one does. */
  readonly offload: OffloadCounters | null;
}

export interface VtepReport {
  readonly local: string;
  readonly port: number;
  readonly backend: string;
  readonly mtu: number;
  /** Since it was opened. */
  readonly seconds: number;
  readonly underlay: UnderlayCounters & {
    /** Dropped by the kernel because the socket's buffer was full; null where it does not tell. */
    readonly kernelDrops: number | null;
    /** At the door and the VNI demultiplexer, by reason. */
    readonly drops: Drops;
  };
  readonly segments: readonly SegmentReport[];
}

export function reportOf(live: LiveVtep): VtepReport {
  const { config, underlay } = live;
  return {
    local: formatIp(config.local),
    port: config.port,
    backend: live.backend,
    mtu: live.mtu,
    seconds: Math.round((live.clock.tick() - live.openedAt) / (SECOND / 1000)) / 1000,
    underlay: {
      ...underlay.counters,
      trains: { ...underlay.counters.trains },
      kernelDrops: underlay.kernelDrops(),
      drops: dropsOf([live.door, live.demux.counters]),
    },
    segments: live.segments.map((segment) => segmentReport(live, segment)),
  };
}

function segmentReport(live: LiveVtep, segment: Segment): SegmentReport {
  const { vtep, guard, bridge, hosts, config } = segment;
  const { rxPackets, rxBytes, txPackets, txBytes } = vtep.counters;
  const learned = vtep.fdb.entries(live.clock.now).length;
  const ports = segment.localPorts.flatMap(({ port }) =>
    'counters' in port ? [port.counters as Counters] : [],
  );
  return {
    vni: config.vni,
    rxFrames: rxPackets,
    rxBytes,
    txFrames: txPackets,
    txBytes,
    macs: learned + config.fdb.length,
    offload: offloadOf(segment),
    drops: dropsOf([
      guard.counters,
      vtep.counters,
      bridge.counters,
      ...ports,
      ...hosts.map(({ counters }) => counters),
    ]),
  };
}

/** Of the tunnels and of what is attached, added up. */
function offloadOf({ offload, attachments }: Segment): OffloadCounters | null {
  const all = [offload?.counters, ...attachments.map((one) => one.offload)].filter((one) => one != null);
  if (all.length === 0) return null;
  return all.reduce((sum, { completed, cut, pieces, whole }) => ({
    completed: sum.completed + completed,
    cut: sum.cut + cut,
    pieces: sum.pieces + pieces,
    whole: sum.whole + whole,
  }));
}

/** Drops by reason, added up. */
export function dropsOf(places: readonly Counters[]): Drops {
  const sums: Record<string, number> = {};
  for (const counters of places) {
    for (const [reason, count] of Object.entries(counters.snapshot().drops)) {
      sums[reason] = (sums[reason] ?? 0) + count;
    }
  }
  return sums;
}
