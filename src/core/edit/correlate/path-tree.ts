// Ways that frames took from tap to tap, as a tree: a way is its last step, and every way begins with those it goes on from.
//
//   (root) -- a -- b -- c        the way a b c; a frame that took a b was on it and came no further
//          \_ d

/** Ways that are told apart; a frame on one that is new beyond them stays where it was. */
const NODES_MAX = 0x1_0000;
/** Taps that there can be. */
export const TAPS_MAX = 4096;

export class PathTree {
  readonly #parents: number[] = [-1];
  readonly #taps: number[] = [-1];
  readonly #depths: number[] = [0];
  readonly #children: Map<number, number> = new Map();

  /** The way `node` and then tap `tap`; 0 is the way of no steps. */
  step(node: number, tap: number): number {
    const key = node * TAPS_MAX + tap;
    const known = this.#children.get(key);
    if (known !== undefined) return known;
    const child = this.#parents.length;
    if (child === NODES_MAX) return node;
    this.#parents.push(node);
    this.#taps.push(tap);
    this.#depths.push((this.#depths[node] as number) + 1);
    this.#children.set(key, child);
    return child;
  }

  parent(node: number): number {
    return this.#parents[node] as number;
  }

  /** The tap of a way's last step. */
  tap(node: number): number {
    return this.#taps[node] as number;
  }

  depth(node: number): number {
    return this.#depths[node] as number;
  }

  /** True when the way goes by the tap. */
  passes(node: number, tap: number): boolean {
    for (let at = node; at > 0; at = this.parent(at)) if (this.tap(at) === tap) return true;
    return false;
  }

  /** The tap of a way's first step. */
  first(node: number): number {
    let at = node;
    while (this.depth(at) > 1) at = this.parent(at);
    return this.tap(at);
  }

  /** All taps of a way, in order. */
  taps(node: number): number[] {
    const taps: number[] = [];
    for (let at = node; at > 0; at = this.parent(at)) taps.push(this.tap(at));
    return taps.reverse();
  }
}
