// Which layer a row is: the first, second, ... of its protocol in the packet, for `ip.src#2` and `ip.src#-1`.

import { L, LAYER_PROTOCOLS } from '../dissect/layer.ts';
import type { Part } from '../reassembly/sight.ts';
import type { Range } from './ast.ts';
import { hasLayer } from './ranges.ts';
import type { Side, Subject } from './subject.ts';

/** Counts along while the rows of a packet are gone through in order. */
export class LayerCount {
  readonly #ranges: readonly Range[];
  readonly #totals: ReadonlyMap<string, number>;
  readonly #seen: Map<string, number> = new Map();

  constructor(subject: Subject, side: Side, ranges: readonly Range[]) {
    this.#ranges = ranges;
    const totals = new Map<string, number>();
    for (let i = 0; i < subject.parts.length; i++) {
      const { d } = subject.parts[i] as Part;
      for (let row = subject.from(i, side); row < subject.to(i, side); row++) {
        const kind = row === subject.covered(i) ? L.payload : d.kind(row);
        const protocol = LAYER_PROTOCOLS[kind] as string;
        totals.set(protocol, (totals.get(protocol) ?? 0) + 1);
      }
    }
    this.#totals = totals;
  }

  /** True when the next row, of this protocol, is one of those asked for. Call it once for every row. */
  counts(protocol: string): boolean {
    const number = (this.#seen.get(protocol) ?? 0) + 1;
    this.#seen.set(protocol, number);
    return hasLayer(this.#ranges, number, this.#totals.get(protocol) ?? 0);
  }
}
