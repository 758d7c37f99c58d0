// Did you mean ...? Slips that people really make when they copy a manifest from a slide or a lecture, then spelling.
//
// Spelling is the optimal string alignment distance (Damerau-Levenshtein without repeated edits of one substring),
// bounded: a short word may be off by one, a long one by two or three.

/** Slips that are further off than spelling explains: wrong words that a spelling checker or a hurried ear puts there. */
const CONFUSIONS: Readonly<Record<string, string>> = {
  drier: 'driver',
  dryer: 'driver',
  diver: 'driver',
  divers: 'driver',
  drive: 'driver',
  spam: 'ipam',
  ipma: 'ipam',
  imap: 'ipam',
  sunset: 'subnet',
  submit: 'subnet',
  subset: 'subnet',
  netmask: 'subnet',
  cidr: 'subnet',
  scale: 'replicas',
  instances: 'replicas',
  env: 'environment',
  cmd: 'command',
  publish: 'ports',
  constraint: 'constraints',
  options: 'driver_opts',
  opts: 'driver_opts',
  opt: 'driver_opts',
  driver_options: 'driver_opts',
  network: 'networks',
  service: 'services',
  container: 'services',
  containers: 'services',
};

/**
 * The optimal string alignment distance of two words, or `limit` + 1 as soon as it must be greater than `limit`.
 * Takes time in the product of the lengths, so words longer than 64 are not compared.
 */
export function distance(a: string, b: string, limit: number): number {
  if (Math.abs(a.length - b.length) > limit || a.length > 64 || b.length > 64) return limit + 1;
  let before: number[] = [];
  let last: number[] = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1;
      let cost = Math.min(cell(last, j) + 1, cell(row, j - 1) + 1, cell(last, j - 1) + same);
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) {
        cost = Math.min(cost, cell(before, j - 2) + 1);
      }
      row.push(cost);
      least = Math.min(least, cost);
    }
    if (least > limit) return limit + 1;
    before = last;
    last = row;
  }
  return Math.min(cell(last, b.length), limit + 1);
}

function cell(row: readonly number[], at: number): number {
  return row[at] as number;
}

/** More candidates than this are not looked at: a hostile file could name thousands of names and miss each. */
const CANDIDATES_MAX = 200;

/** Lower case, camel humps and dashes as underscores, and no stray dash or dot at the ends. */
function fold(word: string): string {
  return word
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[-\s]+/g, '_')
    .replace(/^[_.]+|[_.]+$/g, '');
}

/** The candidate that `word` was most likely meant to be, or null. Never `word` itself. */
export function suggest(word: string, candidates: Iterable<string>): string | null {
  const all = [...candidates].filter((candidate) => candidate !== word).slice(0, CANDIDATES_MAX);
  const folded = fold(word);
  const exact = all.find((candidate) => fold(candidate) === folded);
  if (exact !== undefined) return exact;
  const confused = Object.hasOwn(CONFUSIONS, folded) ? CONFUSIONS[folded] : undefined;
  if (confused !== undefined && all.includes(confused)) return confused;
  const limit = folded.length < 3 ? 0 : folded.length < 6 ? 1 : folded.length < 10 ? 2 : 3;
  let best: string | null = null;
  let least = limit + 1;
  for (const candidate of all.sort()) {
    const off = distance(folded, fold(candidate), limit);
    if (off < least) {
      least = off;
      best = candidate;
    }
  }
  return best;
}

/** `did you mean "x"?`, or null. */
export function didYouMean(word: string, candidates: Iterable<string>): string | null {
  const meant = suggest(word, candidates);
  return meant === null ? null : `did you mean "${meant}"?`;
}
