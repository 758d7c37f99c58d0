// What of a report is shown: all of it or some kinds, with its secrets or without. A report may hold a hundred thousand readings:
// each is made fit to be shown when it is, and not kept.

import type { Reading, ReadingKind } from '../../core/eavesdrop/reading.ts';
import type { Conversation, EavesdropReport, Host } from '../../core/eavesdrop/report.ts';
import type { Heard } from './listen.ts';
import { Veil } from './mask.ts';

/** The worst first: who has a secret has access, who has a challenge may guess one. */
export const KINDS: readonly ReadingKind[] = ['secret', 'challenge', 'identity', 'content', 'name'];

/** How many readings there are of each kind. */
export type Counts = Readonly<Record<ReadingKind, number>>;

export interface ViewOptions {
  /** With secrets. */
  readonly reveal?: boolean | undefined;
  /** Kinds that are shown; all without. */
  readonly only?: readonly ReadingKind[] | undefined;
}

export class View {
  readonly heard: Heard;
  readonly revealed: boolean;
  /** Those that are shown, as they were heard: see `readings`. */
  readonly conversations: readonly Conversation[];
  readonly hosts: readonly Host[];
  /** What everybody on the underlay could read; what is left out is counted. */
  readonly readable: Counts;
  /** What only the keys opened. */
  readonly opened: Counts;
  readonly #only: ReadonlySet<ReadingKind> | null;
  readonly #veil: Veil | null;

  constructor(heard: Heard, { reveal, only }: ViewOptions = {}) {
    const { report } = heard;
    this.heard = heard;
    this.revealed = reveal === true;
    this.#veil = this.revealed ? null : new Veil(report);
    this.#only = only === undefined ? null : new Set(only);
    this.conversations =
      this.#only === null
        ? report.conversations
        : report.conversations.filter(({ readings }) => readings.some(({ kind }) => this.#shows(kind)));
    this.hosts = report.hosts.map((host) => this.#veil?.host(host) ?? host);
    this.readable = countOf(report, (within) => within !== 'opened');
    this.opened = countOf(report, (within) => within === 'opened');
  }

  /** What is shown of a conversation: the worst `most` of it, in the order in which it was read. */
  readings({ readings }: Conversation, most: number = Number.POSITIVE_INFINITY): Reading[] {
    const asked = this.#only === null ? readings : readings.filter(({ kind }) => this.#shows(kind));
    const shown = worstOf(asked, ({ kind }) => KINDS.indexOf(kind), most);
    return shown.map((one) => this.#veil?.reading(one) ?? one);
  }

  /** How many there are to be shown of a conversation. */
  count({ readings }: Conversation): number {
    return this.#only === null ? readings.length : readings.filter(({ kind }) => this.#shows(kind)).length;
  }

  #shows(kind: ReadingKind): boolean {
    return this.#only === null || this.#only.has(kind);
  }
}

/** The `most` that rank first, in their own order. */
export function worstOf<T>(list: readonly T[], rank: (one: T) => number, most: number): readonly T[] {
  if (list.length <= most) return list;
  const ranked = list.map((one, at) => ({ one, at, by: rank(one) }));
  const kept = ranked.toSorted((x, y) => x.by - y.by || x.at - y.at).slice(0, most);
  return kept.toSorted((x, y) => x.at - y.at).map(({ one }) => one);
}

function countOf(report: EavesdropReport, which: (within: Reading['place']['within']) => boolean): Counts {
  const counts: Record<ReadingKind, number> = { secret: 0, challenge: 0, identity: 0, content: 0, name: 0 };
  for (const { readings } of report.conversations) {
    for (const { kind, place } of readings) if (which(place.within)) counts[kind]++;
  }
  return counts;
}
