// Makes a failing input small while it fails in the same way: fewer packets, fewer bytes, zeros.

import type { FileInput, Input, Scene, ScenePacket, TextInput } from './input.ts';

/** Runs of the target at most. */
const TRIES = 3000;

export type Fails = (input: Input) => boolean;

export function minimised(input: Input, fails: Fails): Input {
  return new Minimiser(fails).input(input);
}

class Minimiser {
  readonly #fails: Fails;
  #tries = TRIES;

  constructor(fails: Fails) {
    this.#fails = fails;
  }

  input(input: Input): Input {
    switch (input.kind) {
      case 'file':
        return this.#file(input);
      case 'text':
        return this.#text(input);
      case 'scene':
        return this.#scene(input);
    }
  }

  get #spent(): boolean {
    return this.#tries <= 0;
  }

  #still(input: Input): boolean {
    return this.#tries-- > 0 && this.#fails(input);
  }

  #file(input: FileInput): FileInput {
    return { kind: 'file', bytes: this.#small(input.bytes, (bytes) => this.#still({ kind: 'file', bytes })) };
  }

  #text({ text }: TextInput): TextInput {
    const back = (codes: Uint16Array): TextInput => ({ kind: 'text', text: String.fromCharCode(...codes) });
    const codes = Uint16Array.from(text, (c) => c.charCodeAt(0));
    return back(this.#shorter(codes, (fewer) => this.#still(back(fewer))));
  }

  #scene(scene: Scene): Scene {
    let best = this.#fewer(scene);
    if (best.walk !== 'default' && this.#still({ ...best, walk: 'default' }))
      best = { ...best, walk: 'default' };
    for (let i = 0; i < best.packets.length && !this.#spent; i++) best = this.#packet(best, i);
    return best;
  }

  #fewer(scene: Scene): Scene {
    let best = scene;
    for (let size = best.packets.length >> 1; size >= 1; size >>= 1) {
      for (let i = best.packets.length - size; i >= 0 && !this.#spent; i -= size) {
        const packets = best.packets.filter((_, at) => at < i || at >= i + size);
        if (this.#still({ ...best, packets })) best = { ...best, packets };
      }
    }
    return best;
  }

  #packet(scene: Scene, i: number): Scene {
    let best = scene;
    const attempt = (change: Partial<ScenePacket>): boolean => {
      const packets = best.packets.map((packet, at) => (at === i ? { ...packet, ...change } : packet));
      if (!this.#still({ ...best, packets })) return false;
      best = { ...best, packets };
      return true;
    };
    attempt({ seconds: 1, nanos: 0 });
    this.#small((scene.packets[i] as ScenePacket).bytes, (bytes) => {
      const { bytes: was, original } = best.packets[i] as ScenePacket;
      return attempt({ bytes, original: original === was.length ? bytes.length : original });
    });
    attempt({ original: (best.packets[i] as ScenePacket).bytes.length });
    return best;
  }

  #small(bytes: Uint8Array, still: (bytes: Uint8Array) => boolean): Uint8Array {
    return this.#zeroed(this.#shorter(bytes, still), still);
  }

  /** Without stretches that do not matter, from the end to the front. */
  #shorter<A extends Uint8Array | Uint16Array>(codes: A, still: (codes: A) => boolean): A {
    let best = codes;
    for (let size = 1 << Math.floor(Math.log2(Math.max(1, best.length))); size >= 1; size >>= 1) {
      for (let at = best.length - size; at >= 0 && !this.#spent; at -= size) {
        const next = best.slice(0, best.length - size) as A;
        next.set(best.subarray(at + size) as A & ArrayLike<number>, at);
        if (still(next)) best = next;
      }
    }
    return best;
  }

  #zeroed(bytes: Uint8Array, still: (bytes: Uint8Array) => boolean): Uint8Array {
    let best = bytes;
    for (let size = 32; size >= 1; size >>= 1) {
      for (let at = 0; at < best.length && !this.#spent; at += size) {
        const next = best.slice();
        next.fill(0, at, at + size);
        if (Buffer.compare(next, best) !== 0 && still(next)) best = next;
      }
    }
    return best;
  }
}
