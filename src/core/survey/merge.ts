// A survey of a file's later part put to the survey of its beginning, as if one had counted both. What crosses from one thread
// to another is plain: numbers and the rows of tables.

import { ROW_WORDS } from './key-table.ts';
import type { Lanes } from './lanes.ts';
import { LANE } from './lanes.ts';
import type { Survey } from './survey.ts';

/** A survey's counts; the arrays may be transferred. */
export interface SurveyPart {
  readonly totals: Totals;
  readonly ports: Uint8Array;
  readonly linkTypes: readonly number[];
  readonly lanes: Int32Array;
  readonly spare: Int32Array;
  readonly addresses: Int32Array;
}

const TOTALS = [
  'packets',
  'bytes',
  'vxlanPackets',
  'vxlanBytes',
  'malformed',
  'withoutFlow',
  'withoutTunnel',
] as const;
const TIMES = ['firstSeconds', 'firstNanos', 'lastSeconds', 'lastNanos'] as const;
type Totals = Readonly<Record<(typeof TOTALS)[number] | (typeof TIMES)[number], number>>;

export function partOf(survey: Survey): SurveyPart {
  const rows = (lanes: Lanes): Int32Array => lanes.keys.rows.slice(0, lanes.count * ROW_WORDS);
  return {
    totals: Object.fromEntries([...TOTALS, ...TIMES].map((name) => [name, survey[name]])) as Totals,
    ports: survey.ports.slice(),
    linkTypes: [...survey.linkTypes],
    lanes: rows(survey.lanes),
    spare: rows(survey.spare),
    addresses: survey.addresses.words(),
  };
}

/** Adds a part that was counted behind all that `survey` has counted. */
export function addPart(survey: Survey, part: SurveyPart): void {
  for (const name of TOTALS) survey[name] += part.totals[name];
  addTimes(survey, part.totals);
  for (const type of part.linkTypes) survey.linkTypes.add(type);
  part.ports.forEach((seen, port) => {
    if (seen !== 0) survey.ports[port] = 1;
  });
  const addresses = survey.addresses.take(part.addresses);
  renumberAll(part.lanes, addresses);
  renumberAll(part.spare, addresses);
  addLanes(survey, part.lanes, survey.sweep?.merge(part.lanes) ?? 0);
  addLanes(survey, part.spare, 0);
}

function addTimes(survey: Survey, totals: Totals): void {
  const earlier =
    totals.firstSeconds < survey.firstSeconds ||
    (totals.firstSeconds === survey.firstSeconds && totals.firstNanos < survey.firstNanos);
  if (earlier) {
    survey.firstSeconds = totals.firstSeconds;
    survey.firstNanos = totals.firstNanos;
  }
  const later =
    totals.lastSeconds > survey.lastSeconds ||
    (totals.lastSeconds === survey.lastSeconds && totals.lastNanos > survey.lastNanos);
  if (later) {
    survey.lastSeconds = totals.lastSeconds;
    survey.lastNanos = totals.lastNanos;
  }
}

/** @param addresses the numbers that the part's IPv6 addresses have in the survey */
function renumberAll(rows: Int32Array, addresses: Int32Array): void {
  if (addresses.length === 0) return;
  for (let o = 0; o < rows.length; o += ROW_WORDS) {
    const flags = rows[o + 7] as number;
    if ((flags & LANE.inner6) !== 0) renumber(rows, o, addresses);
    if ((flags & LANE.outer6) !== 0) renumber(rows, o + 4, addresses);
  }
}

/** @param from the word to begin with */
function addLanes(survey: Survey, rows: Int32Array, from: number): void {
  for (let o = from; o < rows.length; o += ROW_WORDS) survey.addRow(rows, o);
}

function renumber(words: Int32Array, at: number, addresses: Int32Array): void {
  words[at] = addresses[words[at] as number] as number;
  words[at + 1] = addresses[words[at + 1] as number] as number;
}
