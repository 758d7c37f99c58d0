// Measures one thing beside its peers. All take turns, round by round, so that a machine that slows down slows down for
// everyone; what counts is the median of each and the ratio.

/** Does one round of some 50 ms and answers its rate in the figure's unit. State may stay from round to round. */
export type Round = () => number;

export interface Peer {
  readonly name: string;
  /** null where the machine lacks what this peer needs. */
  readonly round: Round | null;
}

export interface Figure {
  readonly name: string;
  /** A rate: more is better. */
  readonly unit: string;
  readonly ours: Round;
  readonly peers: readonly Peer[];
}

export interface Measured {
  readonly name: string;
  readonly unit: string;
  readonly ours: number;
  readonly peers: readonly { readonly name: string; readonly rate: number | null }[];
}

/** Two rounds of each go before and do not count: they are for the compilers and the caches. */
const WARM_UP = 2;

export function measure(figure: Figure, rounds: number): Measured {
  const ours: number[] = [];
  const theirs = figure.peers.map((): number[] => []);
  for (let i = -WARM_UP; i < rounds; i++) {
    const rate = figure.ours();
    if (i >= 0) ours.push(rate);
    for (const [p, peer] of figure.peers.entries()) {
      const other = peer.round?.();
      if (i >= 0 && other !== undefined) theirs[p]?.push(other);
    }
  }
  const peers = figure.peers.map((peer, p) => {
    const rates = theirs[p] as number[];
    return { name: peer.name, rate: rates.length === 0 ? null : median(rates) };
  });
  return { name: figure.name, unit: figure.unit, ours: median(ours), peers };
}

/** Millions of operations a second. */
export function millions(operations: number, work: () => void): number {
  const began = performance.now();
  work();
  return operations / (performance.now() - began) / 1000;
}

/** The middle one, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((x, y) => x - y);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] as number;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2;
}

const SINK = { value: 0 };

/** Takes a result, so that no compiler finds the work useless. */
export function keep(value: number): void {
  SINK.value ^= value;
}

/** xorshift32: the same cheap numbers for everyone, in C too. */
export class Numbers {
  #state = 12345;

  /** 0 to 2^32 - 1. */
  next(): number {
    let s = this.#state;
    s ^= s << 13;
    s ^= s >>> 17;
    s ^= s << 5;
    this.#state = s;
    return s >>> 0;
  }
}
