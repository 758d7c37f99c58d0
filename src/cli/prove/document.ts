// What came of the three runs, judged: `vxlab.prove/1`, described in docs/schema/prove.schema.json.

import type { Said } from '../../apps/canary/exchange.ts';
import type { CanaryEncoding, CanaryPlace } from '../../core/canary/place.ts';
import type { OpenerCounts } from '../../core/esp/opener.ts';
import type { Fact, Leak } from './leaks.ts';
import type { Leg } from './legs.ts';
import type { Look } from './look.ts';
import type { Recording, Tunnel } from './run.ts';

export interface PlaceRow {
  /** Number of the packet in the run's capture, from 1. */
  readonly packet: number;
  readonly offset: number;
  readonly encoding: CanaryEncoding;
  readonly within: CanaryPlace['within'];
  /** Bytes on the wire, in hexadecimal. */
  readonly bytes: string;
  /** Where the packet left a node. */
  readonly tap: string;
  /** Nanoseconds since the run began. */
  readonly time: number;
}

export interface RunRow {
  readonly tunnel: Tunnel;
  readonly recovered: boolean;
  readonly places: readonly PlaceRow[];
  readonly more: number;
  readonly leaks: readonly Leak[];
  /** Facts that are readable in the first run and not in this one. */
  readonly vanished: readonly Fact[];
  readonly packets: number;
  readonly bytes: number;
  readonly requests: readonly Said[];
  /** The capture's file; null where none is kept. */
  readonly capture: string | null;
}

export interface ControlRow {
  /** `inner`: the ESP run's frames inside; `keys`: its capture with its keys; `other-keys`: with others. */
  readonly control: 'inner' | 'keys' | 'other-keys';
  readonly passed: boolean;
  readonly places: number;
  readonly packets: number;
  /** ESP packets among them, and those that the keys opened; null where no keys are used. */
  readonly sealed: number | null;
  readonly opened: number | null;
}

export interface ProveDocument {
  readonly schema: 'vxlab.prove/1';
  readonly stack: string;
  readonly seed: string;
  readonly canary: string;
  readonly legs: readonly Leg[];
  readonly runs: readonly RunRow[];
  readonly controls: readonly ControlRow[];
  /** The keys' file; null where none is kept. */
  readonly keys: string | null;
  readonly proved: boolean;
  readonly verdict: string;
}

export function placesOf({ places }: Look, { underlay }: Recording): PlaceRow[] {
  return places.map(({ packet, offset, encoding, within, bytes }) => {
    const frame = underlay[packet - 1];
    return {
      packet,
      offset,
      encoding,
      within,
      bytes: Buffer.from(bytes).toString('hex'),
      tap: frame?.tap ?? '',
      time: frame?.time ?? 0,
    };
  });
}

export function controlOf(
  control: ControlRow['control'],
  look: Look,
  counts: OpenerCounts | null,
): ControlRow {
  const found = look.places.length;
  const opened = counts?.opened ?? null;
  const sealed = counts?.packets ?? null;
  const passed =
    control === 'other-keys' ? found === 0 && opened === 0 && sealed !== 0 : found > 0 && opened === sealed;
  return { control, passed, places: found, packets: look.packets, sealed, opened };
}

const NAMES: Readonly<Record<Tunnel, string>> = {
  vxlan: 'plain VXLAN',
  'vxlan+esp': 'VXLAN inside ESP',
  'vxlan+tls': 'VXLAN with TLS inside',
};

const CONTROLS: Readonly<Record<ControlRow['control'], string>> = {
  inner: 'the search does not find the canary inside the tunnel either',
  keys: 'the capture of the ESP run does not show the canary when it is opened with its keys',
  'other-keys': 'other keys open the capture of the ESP run',
};

/** Whether it is proved, and one sentence. */
export function judge(
  runs: readonly RunRow[],
  controls: readonly ControlRow[],
): { readonly proved: boolean; readonly verdict: string } {
  const reasons = [
    ...runs.flatMap(({ requests, tunnel }) =>
      requests.some(({ crossed }) => crossed) ? [] : [`nothing crossed the underlay over ${NAMES[tunnel]}`],
    ),
    ...controls.filter(({ passed }) => !passed).map(({ control }) => CONTROLS[control]),
    ...runs
      .filter(({ tunnel, recovered }) => recovered !== (tunnel === 'vxlan'))
      .map(
        ({ tunnel, recovered }) => `the canary was ${recovered ? '' : 'not '}recovered from ${NAMES[tunnel]}`,
      ),
  ];
  if (reasons.length > 0) return { proved: false, verdict: `not proved: ${reasons.join('; ')}` };
  const [plain] = runs;
  const times = plain?.places.length ?? 0;
  return {
    proved: true,
    verdict:
      `VXLAN does not encrypt: the canary was read off the underlay byte for byte, in ${times} places; inside ESP and with ` +
      'TLS inside it was nowhere, and the same search finds it where it is in the clear',
  };
}
