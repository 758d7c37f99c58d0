// What came of `vxlab prove --cve` on one screen.

import type { LoggedFrame } from '../../lab/capture.ts';
import type { CveDocument, CveRow } from '../prove/cve-document.ts';
import { count } from '../units.ts';
import type { Colors } from './paint.ts';
import { bytesAround } from './prove.ts';
import { table } from './table.ts';

/** @param frames the underlay's, by whether the defence was on */
export function renderCve(
  document: CveDocument,
  frames: ReadonlyMap<string, readonly LoggedFrame[]>,
  paint: Colors,
): string {
  const { cve, title, advisory, runs, proved, verdict } = document;
  const rows = table(
    [
      { head: 'DEFENCE' },
      { head: 'IN THE CLEAR', align: 'right' },
      { head: 'IN ESP', align: 'right' },
      { head: 'PROPER TRAFFIC' },
      { head: 'AND' },
    ],
    runs.map((run) => [
      run.defence,
      String(run.vxlan),
      String(run.esp),
      run.requests === 0 ? '-' : `${run.answered} of ${run.requests} arrived`,
      outcome(run),
    ]),
  );
  return [
    `${paint.bold(cve)}: ${title}\n${advisory}\n`,
    rows,
    ...runs.flatMap((run) => evidence(run, frames.get(run.defence) ?? [], paint)),
    `${proved ? paint.green(verdict) : paint.red(verdict)}\n`,
  ].join('\n');
}

function outcome({ injected, drops, recovered, places }: CveRow): string {
  if (injected === null)
    return recovered ? `the canary was read in ${count(places.length, 'place')}` : 'the canary is nowhere';
  const dropped = drops.map(({ node, reason, count: n }) => `${n} dropped on ${node}: ${reason}`).join(', ');
  return injected.delivered
    ? `the forged datagram reached ${injected.task}`
    : dropped || 'the forged datagram did not arrive';
}

function evidence(
  { defence, injected, places }: CveRow,
  frames: readonly LoggedFrame[],
  paint: Colors,
): string[] {
  if (defence === 'on') return [];
  if (injected !== null) {
    const { packet, vni, from, to, as, task, bytes } = injected;
    const frame = Buffer.from(bytes, 'hex');
    return [
      `${paint.bold('What was put in')}: packet ${packet}, plain VXLAN from ${from} to ${to}, VNI ${vni}, as ${as} for ${task}\n` +
        bytesAround(frame, frame.length, frame.length, paint, frame.length),
    ];
  }
  const [place] = places;
  const frame = place === undefined ? undefined : frames[place.packet - 1];
  if (place === undefined || frame === undefined) return [];
  const where = `packet ${place.packet} on ${place.tap}, byte ${place.offset}`;
  const end = place.offset + place.bytes.length / 2;
  return [
    `${paint.bold('What stands there')}: ${where}\n${bytesAround(frame.bytes, place.offset, end, paint)}`,
  ];
}
