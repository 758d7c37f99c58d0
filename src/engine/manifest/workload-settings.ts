// The settings of one workload: what the file says, within its bounds, or the default.

import type { Diagnostics, RuleId, Where } from '../model/diagnostic.ts';
import { parseDuration, parseSize } from './scalar.ts';
import type { Entry, TreeNode } from './tree.ts';
import { booleanOf, childOf, entriesOf, entryOf, numberOf, textOf, whereOf } from './tree.ts';

type Bounds = readonly [least: number, most: number];

export class Settings {
  readonly kind: string;
  /** Where the workload stands. */
  readonly where: Where;
  readonly found: Diagnostics;
  readonly #map: TreeNode | undefined;

  constructor(kind: string, map: TreeNode | undefined, where: Where, found: Diagnostics) {
    this.kind = kind;
    this.#map = map;
    this.where = where;
    this.found = found;
  }

  has(key: string): boolean {
    return childOf(this.#map, key) !== undefined;
  }

  /** Where a setting's value stands; the workload itself where it is not given. */
  at(key: string): Where {
    const entry = entryOf(this.#map, key);
    return entry === undefined ? this.where : whereOf(entry.value, `${this.where.path}.${key}`);
  }

  text(key: string): string | null {
    return textOf(childOf(this.#map, key)) ?? null;
  }

  flag(key: string, fallback: boolean): boolean {
    return booleanOf(childOf(this.#map, key)) ?? fallback;
  }

  node(key: string): TreeNode | undefined {
    return childOf(this.#map, key);
  }

  entries(key: string): readonly Entry[] {
    return entriesOf(childOf(this.#map, key));
  }

  /** A number within bounds, both included. */
  number<T>(key: string, fallback: T, bounds: Bounds, rule: RuleId = 'OV1503'): number | T {
    const value = numberOf(childOf(this.#map, key));
    return value === undefined || !this.#within(key, value, String(value), bounds, rule) ? fallback : value;
  }

  port(fallback: number): number {
    return this.number('port', fallback, [1, 65535], 'OV1601');
  }

  count(): number | null {
    return this.number('count', null, [1, Number.MAX_SAFE_INTEGER]);
  }

  /** How often a second. */
  rate(fallback: number): number {
    const value = numberOf(childOf(this.#map, 'rate'));
    if (value === undefined) return fallback;
    if (value > 0 && value <= RATE_MAX) return value;
    const message = `"rate" is ${value}; it must be more than 0 and at most ${RATE_MAX}`;
    this.found.report('OV1503', this.at('rate'), message, 'it is how often a second');
    return fallback;
  }

  /** Bytes. */
  size<T>(key: string, fallback: T, bounds: Bounds): number | T {
    const node = childOf(this.#map, key);
    const value = numberOf(node) ?? parseSize(textOf(node) ?? '');
    if (node === undefined || value === null) return fallback;
    return this.#within(key, value, textOf(node) ?? '', bounds, 'OV1503') ? value : fallback;
  }

  /** Nanoseconds, at least a microsecond. */
  duration<T>(key: string, fallback: T): number | T {
    const text = this.text(key);
    const value = text === null ? null : parseDuration(text);
    if (text === null || value === null) return fallback;
    if (value >= 1000) return value;
    this.found.report('OV1503', this.at(key), `"${key}" is ${text}; it must be at least 1us`);
    return fallback;
  }

  /** Reports that one of several settings must be there. */
  missing(keys: readonly string[], hint: string | null = null): void {
    const named = keys.map((key) => `"${key}"`).join(' or ');
    this.found.report('OV1113', this.where, `${this.kind} needs the key ${named}`, hint);
  }

  /** Reports a second setting that says what the first says already. */
  exclude(first: string, second: string): void {
    if (!this.has(first) || !this.has(second)) return;
    const message = `"${first}" and "${second}" exclude each other`;
    this.found.report('OV1120', this.at(second), message, 'keep one of them');
  }

  #within(key: string, value: number, text: string, [least, most]: Bounds, rule: RuleId): boolean {
    if (value >= least && value <= most) return true;
    const bounds = most === Number.MAX_SAFE_INTEGER ? `${least} or more` : `${least} to ${most}`;
    this.found.report(rule, this.at(key), `"${key}" is ${text}; it must be ${bounds}`);
    return false;
  }
}

export const RATE_MAX = 1_000_000;
