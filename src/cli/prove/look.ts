// Somebody on the underlay looks at what a run left there: for the canary, and for whatever else can be read.

import type { Exposed } from '../../core/canary/exposure.ts';
import { Exposure } from '../../core/canary/exposure.ts';
import type { CanaryPlace } from '../../core/canary/place.ts';
import { CanarySearch } from '../../core/canary/search.ts';
import { DEFAULT_WALK } from '../../core/dissect/ports.ts';
import { LINK_TYPE } from '../../core/dissect/walk.ts';
import { Eavesdropper } from '../../core/eavesdrop/eavesdropper.ts';
import type { EavesdropReport } from '../../core/eavesdrop/report.ts';
import type { SecurityAssociation } from '../../core/esp/association.ts';
import { keyOf } from '../../core/esp/key.ts';
import type { OpenerCounts } from '../../core/esp/opener.ts';
import { Opener } from '../../core/esp/opener.ts';
import type { PacketMeta, PacketSink } from '../../core/pcap/record.ts';
import { DIRECTION } from '../../core/pcap/record.ts';
import { Sight } from '../../core/reassembly/sight.ts';
import { SECOND } from '../../engine/time/clock.ts';
import type { LoggedFrame } from '../../lab/capture.ts';
import { EPOCH_SECONDS } from '../../lab/capture.ts';
import { NODE_CIPHER } from '../../live/node-cipher.ts';
import { NODE_INFLATE } from '../../live/node-inflate.ts';
import { INTERVAL } from './run.ts';

export interface Look {
  readonly places: readonly CanaryPlace[];
  /** Places beyond those that were kept. */
  readonly more: number;
  readonly packets: number;
  readonly bytes: number;
}

/** Looks for the canary; with keys, in what they open too. */
export function lookFor(canary: string, frames: readonly LoggedFrame[], opener: Opener | null = null): Look {
  const search = new CanarySearch(Buffer.from(canary, 'latin1'), {
    inflate: NODE_INFLATE,
    sight: new Sight(DEFAULT_WALK, {}, opener),
  });
  replay(frames, search.packet);
  search.end();
  const { places, more, packets, bytes } = search;
  return { places: places.toSorted(byPlace), more, packets, bytes };
}

function byPlace(a: CanaryPlace, b: CanaryPlace): number {
  return a.packet - b.packet || a.offset - b.offset;
}

export interface Opening extends Look {
  readonly counts: OpenerCounts;
}

/** Looks for the canary with these keys. */
export function lookWith(
  canary: string,
  frames: readonly LoggedFrame[],
  associations: readonly SecurityAssociation[],
): Opening {
  const opener = new Opener(associations.map(keyOf), NODE_CIPHER);
  const look = lookFor(canary, frames, opener);
  return { ...look, counts: { ...opener.counts } };
}

export interface Overhearing {
  readonly exposed: Exposed;
  readonly heard: EavesdropReport;
}

/** What else can be read without keys. */
export function overhear(frames: readonly LoggedFrame[]): Overhearing {
  const sight = new Sight();
  const exposure = new Exposure(INTERVAL / 2 / SECOND);
  const eavesdropper = new Eavesdropper({ inflate: NODE_INFLATE });
  replay(frames, (view, start, end, meta) => {
    sight.read(view, start, end, meta);
    exposure.observe(sight, meta);
    eavesdropper.observe(sight, meta);
  });
  eavesdropper.end();
  return { exposed: exposure.read(), heard: eavesdropper.report() };
}

/** Frames as packets of a capture, numbered from 1. */
function replay(frames: readonly LoggedFrame[], sink: PacketSink): void {
  const meta: PacketMeta = {
    number: 0,
    offset: 0,
    seconds: 0,
    nanos: 0,
    timed: true,
    originalLength: 0,
    linkType: LINK_TYPE.ethernet,
    interfaceId: 0,
    direction: DIRECTION.outbound,
    fcsLength: 0,
    optionsStart: 0,
    optionsEnd: 0,
    littleEndian: true,
  };
  for (const { bytes, time } of frames) {
    meta.number++;
    meta.seconds = EPOCH_SECONDS + Math.floor(time / SECOND);
    meta.nanos = time % SECOND;
    meta.originalLength = bytes.length;
    sink(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), 0, bytes.length, meta);
  }
}
