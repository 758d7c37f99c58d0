// Makes a failing input small while it fails in the same way: fewer packets, fewer bytes, zeros.

import type { FileInput, Input, Scene, ScenePacket, TextInput } from './input.ts';

/** Runs of the target at most. */
const TRIES = 3000;

export type Fails = (input: Input) => boolean;

export function minimised(input: Input, fails: Fails): Input {
  const left = { tries: TRIES };
  const still: Fails = (smaller) => left.tries-- > 0 && fails(smaller);
  if (input.kind === 'file') {
    return small(
      input.bytes,
      (bytes) => still({ ...input, bytes }),
      (bytes): FileInput => ({ ...input, bytes }),
    );
  }
  if (input.kind === 'text') {
    const encoded = Uint16Array.from(input.text, (c) => c.charCodeAt(0));
    const back = (codes: Uint16Array): TextInput => ({ kind: 'text', text: String.fromCharCode(...codes) });
    return back(shorter(encoded, (codes) => still(back(codes))));
  }
  return smallScene(input, still);
}

function smallScene(scene: Scene, still: Fails): Scene {
  let best = scene;
  const attempt = (next: Scene): void => {
    if (still(next)) best = next;
  };
  for (let size = best.packets.length >> 1; size >= 1; size >>= 1) {
    for (let i = best.packets.length - size; i >= 0; i -= size) {
      attempt({ ...best, packets: best.packets.filter((_, at) => at < i || at >= i + size) });
      i = Math.min(i, best.packets.length);
    }
  }
  if (best.walk !== 'default') attempt({ ...best, walk: 'default' });
  for (let i = 0; i < best.packets.length; i++) {
    const put = (change: Partial<ScenePacket>): Scene => ({
      ...best,
      packets: best.packets.map((packet, at) => (at === i ? { ...packet, ...change } : packet)),
    });
    attempt(put({ seconds: 1, nanos: 0 }));
    const shrink = (bytes: Uint8Array): Scene => {
      const { bytes: was, original } = best.packets[i] as ScenePacket;
      return put({ bytes, original: original === was.length ? bytes.length : original });
    };
    small(
      (best.packets[i] as ScenePacket).bytes,
      (bytes) => {
        const next = shrink(bytes);
        if (!still(next)) return false;
        best = next;
        return true;
      },
      shrink,
    );
    const { bytes } = best.packets[i] as ScenePacket;
    attempt(put({ original: bytes.length }));
  }
  return best;
}

function small<T>(
  bytes: Uint8Array,
  still: (bytes: Uint8Array) => boolean,
  back: (bytes: Uint8Array) => T,
): T {
  return back(zeroed(shorter(bytes, still), still));
}

/** Without stretches that do not matter, from the end to the front. */
function shorter<A extends Uint8Array | Uint16Array>(codes: A, still: (codes: A) => boolean): A {
  let best = codes;
  for (let size = 1 << Math.floor(Math.log2(Math.max(1, best.length))); size >= 1; size >>= 1) {
    for (let at = best.length - size; at >= 0; at -= size) {
      const next = best.slice(0, best.length - size) as A;
      next.set(best.subarray(at + size) as A & ArrayLike<number>, at);
      if (still(next)) best = next;
    }
  }
  return best;
}

function zeroed(bytes: Uint8Array, still: (bytes: Uint8Array) => boolean): Uint8Array {
  let best = bytes;
  for (let size = 32; size >= 1; size >>= 1) {
    for (let at = 0; at < best.length; at += size) {
      const next = best.slice();
      next.fill(0, at, at + size);
      if (Buffer.compare(next, best) !== 0 && still(next)) best = next;
    }
  }
  return best;
}
