// The three runs and what is looked for in each: plain VXLAN, VXLAN inside ESP, VXLAN with TLS inside; then the controls, which show
// that the search would have found what it did not find.

import { createHash } from 'node:crypto';
import { certificateFor } from '../../apps/canary/certificate.ts';
import type { SecurityAssociation } from '../../core/esp/association.ts';
import type { StackSpec } from '../../engine/model/spec.ts';
import type { ClusterOptions } from '../../engine/orchestrate/cluster.ts';
import type { Io } from '../io.ts';
import type { ControlRow, ProveDocument, RunRow } from './document.ts';
import { controlOf, judge, placesOf } from './document.ts';
import { leaksOf, vanished } from './leaks.ts';
import { lookFor, lookWith, overhear } from './look.ts';
import type { Recording, Tunnel } from './run.ts';
import { isUnderlay, record, TUNNELS } from './run.ts';

export interface ProveOptions {
  readonly canary: string;
  readonly seed: string;
  readonly cluster: ClusterOptions;
  /** Says where the capture of a run went; null where none is kept. */
  keep(recording: Recording): string | null;
  /** Says where the keys went; null where none are kept. */
  keepKeys(associations: readonly SecurityAssociation[]): string | null;
  /** Called before each run. */
  begin(tunnel: Tunnel): void;
}

/** @throws VxlabError NOT_PROVABLE; as `Lab` */
export async function prove(io: Io, spec: StackSpec, options: ProveOptions): Promise<ProveDocument> {
  const { canary, seed } = options;
  const runs: RunRow[] = [];
  let controls: ControlRow[] = [];
  let keys: string | null = null;
  let legs: ProveDocument['legs'] = [];
  for (const tunnel of TUNNELS) {
    options.begin(tunnel);
    const recording = await record(io, spec, tunnel, {
      canary,
      seed,
      cluster: options.cluster,
      certificate: (names) => certificateFor(names, seed),
    });
    legs = recording.legs;
    runs.push(rowOf(recording, canary, runs[0] ?? null, options.keep(recording)));
    if (tunnel !== 'vxlan+esp') continue;
    keys = options.keepKeys(recording.associations);
    controls = controlsOf(recording, canary);
  }
  return {
    schema: 'vxlab.prove/1',
    stack: spec.name,
    seed,
    canary,
    legs,
    runs,
    controls,
    keys,
    ...judge(runs, controls),
  };
}

function rowOf(recording: Recording, canary: string, plain: RunRow | null, capture: string | null): RunRow {
  const look = lookFor(canary, recording.underlay);
  const leaks = leaksOf(recording, overhear(recording.underlay));
  return {
    tunnel: recording.tunnel,
    recovered: look.places.length > 0,
    places: placesOf(look, recording),
    more: look.more,
    leaks,
    vanished: plain === null ? [] : vanished(plain.leaks, leaks),
    packets: look.packets,
    bytes: look.bytes,
    requests: recording.said,
    capture,
  };
}

function controlsOf({ all, underlay, associations }: Recording, canary: string): ControlRow[] {
  const inside = all.filter(({ tap }) => !isUnderlay(tap));
  const opened = lookWith(canary, underlay, associations);
  const other = lookWith(canary, underlay, associations.map(withOtherKey));
  return [
    controlOf('inner', lookFor(canary, inside), null),
    controlOf('keys', opened, opened.counts),
    controlOf('other-keys', other, other.counts),
  ];
}

/** The same in all but the key. */
function withOtherKey(association: SecurityAssociation): SecurityAssociation {
  const key = createHash('sha256').update(association.key).digest().subarray(0, association.key.length);
  return { ...association, key: new Uint8Array(key) };
}
