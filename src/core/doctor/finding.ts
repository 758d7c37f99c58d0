// Findings of the traffic rules: how they are put together, and kept few when a whole network has the same fault.

import type { Finding, Severity } from './rule.ts';
import { EVIDENCE_MAX, SEVERITIES } from './rule.ts';

/** What is the same for every finding of a code. */
export interface Advice {
  readonly code: string;
  readonly explain: string;
  readonly cure: string;
}

/** The packets that show something: an Evidence, or several together. */
export interface Shown {
  readonly count: number;
  readonly packets: readonly number[];
}

/** All packets of several, each once in `packets`. */
export function together(all: readonly Shown[]): Shown {
  const packets = all.flatMap((one) => one.packets).toSorted((x, y) => x - y);
  return {
    count: all.reduce((sum, one) => sum + one.count, 0),
    packets: [...new Set(packets)].slice(0, EVIDENCE_MAX),
  };
}

/** @param more said behind the explanation about this very case */
export function finding(advice: Advice, severity: Severity, title: string, shown: Shown, more = ''): Finding {
  return {
    code: advice.code,
    severity,
    title,
    explain: more === '' ? advice.explain : `${advice.explain} ${more}`,
    cure: advice.cure,
    count: shown.count,
    packets: shown.packets,
    verdicts: [],
  };
}

/** Findings of one code in one report at most; what is over becomes one. */
export const LIKE_MOST = 8;

/** The worst findings, most packets first, and one in place of all that are over LIKE_MOST. */
export function few(findings: readonly Finding[]): Finding[] {
  const worst = (one: Finding): number => SEVERITIES.indexOf(one.severity);
  const sorted = findings.toSorted((x, y) => worst(x) - worst(y) || y.count - x.count);
  if (sorted.length <= LIKE_MOST) return sorted;
  const rest = sorted.slice(LIKE_MOST - 1);
  const first = rest[0] as Finding;
  const merged: Finding = {
    ...first,
    ...together(rest),
    title: `${rest.length} more like these, the next one: ${first.title}`,
  };
  return [...sorted.slice(0, LIKE_MOST - 1), merged];
}

/** `1 packet`, `12 packets` */
export function many(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** A share as a percentage: `4 %`, `0.4 %`. */
export function share(part: number, whole: number): string {
  const percent = whole === 0 ? 0 : (100 * part) / whole;
  return `${percent >= 10 ? Math.round(percent) : Math.round(percent * 10) / 10} %`;
}
