// What the tunnel rules have in common: they are made over one census, which the doctor fills before it calls them.

import type { Rule } from '../rule.ts';
import type { Census } from './census.ts';

/** Makes a rule that reads the crossing in hand from this census. */
export type TunnelRule = (census: Census) => Rule;

/** The `observe` of a rule that looks at crossings only: the doctor does not call it. */
export function idle(): void {}

/** Seconds with one place, from microseconds. */
export function seconds(microseconds: number): string {
  return `${Math.round(microseconds / 1e5) / 10} s`;
}

/** `4789, 8472 and 3 more`: a few of many for a title. */
export function list(items: readonly (string | number)[], most = 4): string {
  const shown = items.slice(0, most).join(', ');
  return items.length > most ? `${shown} and ${items.length - most} more` : shown;
}
