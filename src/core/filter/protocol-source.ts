// A protocol in a filter: a test of presence, and the bytes that it spans. Its header when it is cut into slices, compared or
// measured; all that it carries too when it is searched with `contains` and `matches`. Wireshark does the same.

import type { Dissection } from '../dissect/layer.ts';
import { L, LAYER_PROTOCOLS, reportFault } from '../dissect/layer.ts';
import type { Part } from '../reassembly/sight.ts';
import type { Range } from './ast.ts';
import { slice } from './field-source.ts';
import { httpBodyAt } from './http-body.ts';
import { LayerCount } from './layer-count.ts';
import type { NamedSource, Visit } from './source.ts';
import type { Side, Subject } from './subject.ts';

/** Protocols whose every byte is their own. */
const WHOLE = new Set<number>([L.icmp, L.icmpv6, L.igmp, L.dns, L.payload]);

/** The names that are protocols, besides `frame`. */
export const PROTOCOLS: ReadonlySet<string> = new Set([
  ...LAYER_PROTOCOLS.filter((_, kind) => kind !== L.none),
  '_ws.malformed',
]);

export class ProtocolSource implements NamedSource {
  readonly name: string;
  readonly type = 'bytes';
  readonly max: number = Number.POSITIVE_INFINITY;
  readonly names = null;
  readonly #side: Side;
  readonly #ranges: readonly Range[] | null;
  readonly #wide: boolean;
  /** By layer kind. */
  readonly #kinds: readonly boolean[];
  readonly #isHttp: boolean;
  readonly #isData: boolean;
  readonly #isFault: boolean;

  constructor(name: string, side: Side, ranges: readonly Range[] | null, wide = false) {
    this.name = name;
    this.#side = side;
    this.#ranges = ranges;
    this.#wide = wide;
    this.#kinds = LAYER_PROTOCOLS.map((protocol) => protocol === name);
    this.#isHttp = name === 'http';
    this.#isData = name === 'data';
    this.#isFault = name === '_ws.malformed';
  }

  /** The same protocol with all that it carries. */
  widened(): ProtocolSource {
    return new ProtocolSource(this.name, this.#side, this.#ranges, true);
  }

  present(subject: Subject): boolean {
    if (this.#ranges !== null || this.#isHttp || this.#isData || this.#isFault) {
      return this.#rows(subject, () => true);
    }
    for (let i = 0; i < subject.parts.length; i++) {
      const { d } = subject.parts[i] as Part;
      const cover = subject.covered(i);
      const to = subject.to(i, this.#side);
      for (let row = subject.from(i, this.#side); row < to; row++) {
        if (row !== cover && this.#kinds[d.kind(row)] === true) return true;
      }
    }
    return false;
  }

  each(subject: Subject, visit: Visit): boolean {
    return this.#rows(subject, (view, from, to) => visit(slice(view, from, to)));
  }

  #rows(subject: Subject, take: (view: DataView, from: number, to: number) => boolean): boolean {
    const layers = this.#ranges === null ? null : new LayerCount(subject, this.#side, this.#ranges);
    for (let i = 0; i < subject.parts.length; i++) {
      const { view, d } = subject.parts[i] as Part;
      const cover = subject.covered(i);
      const to = subject.to(i, this.#side);
      for (let row = subject.from(i, this.#side); row < to; row++) {
        const kind = row === cover ? L.payload : d.kind(row);
        if (layers !== null && !layers.counts(LAYER_PROTOCOLS[kind] as string)) continue;
        if (this.#isFault) {
          if (reportFault(d, row) !== null && take(view, d.start(row), d.end(row))) return true;
        } else if (kind === L.payload) {
          if ((this.#isHttp || this.#isData) && this.#payload(view, d, row, take)) return true;
        } else if (this.#kinds[kind] === true) {
          const whole = this.#wide || WHOLE.has(kind);
          if (take(view, d.start(row), whole ? d.end(row) : d.head(row))) return true;
        }
      }
    }
    return false;
  }

  /** A payload is data, or HTTP with data behind its headers. */
  #payload(
    view: DataView,
    d: Dissection,
    row: number,
    take: (view: DataView, from: number, to: number) => boolean,
  ): boolean {
    const body = httpBodyAt(view, d, row);
    const end = d.end(row);
    if (this.#isHttp) return body >= 0 && take(view, d.start(row), end);
    const from = body < 0 ? d.start(row) : body;
    return from < end && take(view, from, end);
  }
}
