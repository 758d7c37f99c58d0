// DER (X.690 s.8), as far as a certificate's names need it: one element after the other, never outside what holds it.

export interface Element {
  readonly tag: number;
  /** Where the content starts and ends. */
  readonly from: number;
  readonly to: number;
}

/** The element at `at`, null where there is none that is whole. Tags above 30 and indefinite lengths are not DER's here. */
export function element(bytes: Uint8Array, at: number, end: number): Element | null {
  if (at + 2 > end) return null;
  const tag = bytes[at] as number;
  if ((tag & 0x1f) === 0x1f) return null;
  const first = bytes[at + 1] as number;
  let from = at + 2;
  let length = first;
  if (first >= 0x80) {
    const n = first & 0x7f;
    // Four, with zeros in front, is how Windows writes every length of LDAP.
    if (n === 0 || n > 4 || from + n > end) return null;
    length = 0;
    for (let i = 0; i < n; i++) length = length * 256 + (bytes[from + i] as number);
    from += n;
  }
  return from + length > end ? null : { tag, from, to: from + length };
}

const ELEMENTS_MAX = 512;

/** The elements that stand one behind the other in [from, to), as far as they are whole. */
export function elements(bytes: Uint8Array, from: number, to: number): Element[] {
  const list: Element[] = [];
  for (let at = from; list.length < ELEMENTS_MAX; ) {
    const one = element(bytes, at, to);
    if (one === null) return list;
    list.push(one);
    at = one.to;
  }
  return list;
}
