// One finding about a manifest, and the order in which findings are shown.
//
// A bad manifest is never an exception: it is a list of these, all of them at once. The rules and their numbers stand in
// rules.ts and docs/lint-rules.md; a number, once given, keeps its meaning.

import type { RuleId, Severity } from './rules.ts';
import { RULES } from './rules.ts';
import type { Place } from './spec.ts';

export type { RuleId, Severity } from './rules.ts';

/** What a report points at. */
export interface Where {
  readonly at: Place;
  /** Just behind the last offending character; null where only a point is known. */
  readonly end: Place | null;
  /** Where in the document, with dots: `networks.mydbnw.ipam.config[0].subnet`. */
  readonly path: string;
}

export interface Diagnostic extends Where {
  /** For example `OV1103`. */
  readonly rule: RuleId;
  readonly severity: Severity;
  /** One sentence: what is wrong. */
  readonly message: string;
  /** One sentence: what to write instead, or what it means. */
  readonly hint: string | null;
}

const SEVERITY_ORDER = { error: 0, warning: 1, note: 2 } as const;

/** Reading order; at one place errors first, then by rule, then by text, so that the order is total. */
export function compareDiagnostics(a: Diagnostic, b: Diagnostic): number {
  return (
    a.at.line - b.at.line ||
    a.at.column - b.at.column ||
    SEVERITY_ORDER[a.severity] - SEVERITY_ORDER[b.severity] ||
    compareText(a.rule, b.rule) ||
    compareText(a.path, b.path) ||
    compareText(a.message, b.message)
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

export function hasErrors(diagnostics: readonly Diagnostic[]): boolean {
  return diagnostics.some((found) => found.severity === 'error');
}

/** How many diagnostics there are of each severity. */
export function countSeverities(diagnostics: readonly Diagnostic[]): Record<Severity, number> {
  const counts = { error: 0, warning: 0, note: 0 };
  for (const found of diagnostics) counts[found.severity]++;
  return counts;
}

/** A list that grows while a manifest is read. The same report twice counts once. */
export class Diagnostics {
  readonly #seen: Map<string, Diagnostic> = new Map();

  /** The severity is the rule's. */
  report(rule: RuleId, where: Where, message: string, hint: string | null = null): void {
    const key = `${rule} ${where.at.line} ${where.at.column} ${where.path} ${message}`;
    if (this.#seen.has(key)) return;
    this.#seen.set(key, {
      rule,
      severity: RULES[rule].severity,
      message,
      hint,
      at: where.at,
      end: where.end,
      path: where.path,
    });
  }

  get failed(): boolean {
    return hasErrors([...this.#seen.values()]);
  }

  sorted(): readonly Diagnostic[] {
    return [...this.#seen.values()].sort(compareDiagnostics);
  }
}
