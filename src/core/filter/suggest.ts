// The known name that is nearest to a misspelt one.

const NEAR = 3;

/** The nearest name, or null when none is near. The last parts count: `vni` finds `vxlan.vni`. */
export function nearest(word: string, names: Iterable<string>): string | null {
  const wanted = word.toLowerCase();
  // One slip for three letters, three at most.
  let best = Math.min(NEAR, Math.floor(wanted.length / 3)) + 1;
  let found: string | null = null;
  for (const name of names) {
    if (wanted.length > 2 && name.endsWith(`.${wanted}`) && best > 1) {
      best = 1;
      found = name;
      continue;
    }
    const d = distance(wanted, name, best);
    if (d < best) {
      best = d;
      found = name;
    }
  }
  return found;
}

/** Letters to add, drop, change or swap with the next to make `a` into `b`; `limit` or more is only known to be so. */
export function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) >= limit) return limit;
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = a[i - 1] === b[j - 1] ? 0 : 1;
      let d = Math.min((row[j] as number) + 1, (next[j - 1] as number) + 1, (row[j - 1] as number) + change);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        d = Math.min(d, (before[j - 2] as number) + 1);
      }
      next.push(d);
    }
    if (Math.min(...next) >= limit) return limit;
    before = row;
    row = next;
  }
  return row[b.length] as number;
}
