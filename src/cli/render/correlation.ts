// What `vxlab correlate` says: hops with their delays and losses, the ways that frames took, and a line for each frame.

import type { Correlation, FollowedFrame } from '../../core/edit/correlate/correlate.ts';
import type { Io } from '../io.ts';
import { count, millis } from '../units.ts';
import type { Colors } from './paint.ts';
import { firstOf, table } from './table.ts';

/** Rows shown of a long table. */
const MOST = 40;

interface Named {
  readonly name: string;
}

export function renderCorrelation(taps: readonly Named[], found: Correlation, paint: Colors): string {
  const name = (tap: number): string => taps[tap]?.name ?? '';
  const hops = firstOf(found.hops, MOST);
  const ways = firstOf(found.ways, MOST);
  return [
    paint.bold(`${count(found.frames, 'frame')} at ${count(taps.length, 'tap')}\n`),
    table(
      [{ head: 'TAP' }, ...['PACKETS', 'FIRST SEEN', 'AGAIN', 'SENT AGAIN'].map(right)],
      found.taps.map((tap, i) => [
        name(i),
        ...[tap.packets, tap.first, tap.duplicates, tap.repeats].map(String),
      ]),
    ),
    table(
      [{ head: 'FROM' }, { head: 'TO' }, right('FRAMES'), right('LOST'), right('DELAY MIN/MEDIAN/MAX MS')],
      hops.shown.map(({ from, to, frames, lost, delay }) => [
        name(from),
        name(to),
        String(frames),
        String(lost),
        delay === null ? '-' : [delay.min, delay.median, delay.max].map(millis).join('/'),
      ]),
    ) + hops.more,
    table(
      [right('FRAMES'), right('FLOODED'), right('LOST'), { head: 'WAY' }],
      ways.shown.map((way) => [
        String(way.frames),
        String(way.floods),
        String(way.lost),
        way.taps.map(name).join(' > '),
      ]),
    ) + ways.more,
  ].join('\n');
}

function right(head: string): { readonly head: string; readonly align: 'right' } {
  return { head, align: 'right' };
}

/** One frame: when, what, its taps with the time since the first, and where it died. */
export function frameLine(frame: FollowedFrame, taps: readonly Named[], found: Correlation): string {
  const name = (tap: number): string => taps[tap]?.name ?? '';
  const way = frame.steps
    .map(({ tap, number, after }, i) =>
      i === 0 ? `${name(tap)} #${number}` : `${name(tap)} #${number} +${millis(after)}`,
    )
    .join(', ');
  const died = found.diedBefore(frame);
  const end = died < 0 ? '' : `; lost before ${name(died)}`;
  return `${timeOf(frame)}  ${frame.text}  ${way}${end}\n`;
}

/** The same as an object. */
export function frameObject(frame: FollowedFrame, taps: readonly Named[], found: Correlation): object {
  const name = (tap: number): string => taps[tap]?.name ?? '';
  const died = found.diedBefore(frame);
  return {
    time: timeOf(frame),
    frame: frame.text,
    judged: frame.judged,
    steps: frame.steps.map(({ tap, number, after }) => ({ tap: name(tap), number, after })),
    lostBefore: died < 0 ? null : name(died),
  };
}

function timeOf({ seconds, nanos }: FollowedFrame): string {
  return `${seconds}.${String(nanos).padStart(9, '0')}`;
}

/** The outcome in a line, on standard error. */
export function tellCorrelation(io: Io, found: Correlation): void {
  const alone = found.ways.reduce((sum, { taps, frames }) => sum + (taps.length === 1 ? frames : 0), 0);
  const told = [
    `${count(found.frames, 'frame')} followed`,
    `${found.lost} lost`,
    `${alone} seen at one tap only`,
  ];
  if (found.unjudged > 0) told.push(`${found.unjudged} while not all captures were being taken, not judged`);
  if (found.early > 0) told.push(`${found.early} given up early to bound memory`);
  io.err(`${told.join(', ')}\n`);
}
