// Where a canary was found, and how it stands there.

import type { Packing } from '../eavesdrop/inflate.ts';
import type { Within } from '../streams/listener.ts';
import type { PlainEncoding } from './needles.ts';

export type PackedEncoding = Packing | `${Packing}+${PlainEncoding}`;
export type CanaryEncoding = PlainEncoding | PackedEncoding;

/** Where a byte stands. */
export interface Whereabouts {
  /** Number of the packet, from 1. */
  readonly packet: number;
  /** Offset from the packet's first byte, or, as `within` says, from that of a datagram put together or opened. */
  readonly offset: number;
  readonly within: Within;
}

export interface CanaryPlace extends Whereabouts {
  readonly encoding: CanaryEncoding;
  /** The bytes that say it, over segment borders if need be; of something packed the first HEAD_SHOWN. */
  readonly bytes: Uint8Array;
}

export const HEAD_SHOWN = 32;
