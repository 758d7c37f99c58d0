// What is known when an eavesdropper has heard a capture to its end: plain values, for tables, JSON and pages.

import type { Ip, Mac } from '../wire/address.ts';
import type { Reading } from './reading.ts';

/** How much of what could not be understood looks like text, and how much like noise. */
export interface Opacity {
  /** Bytes measured. */
  readonly bytes: number;
  /** Share of bytes that are printable ASCII, tab, CR or LF: 0 to 1. English text about 1, random bytes 0.38. */
  readonly printable: number;
  /** Shannon entropy of byte values in bits, 0 to 8; from few bytes it comes out low, so see `bytes`. */
  readonly entropy: number;
}

/** Whoever speaks inside the tunnel. */
export interface Speaker {
  readonly ip: Ip;
  readonly port: number;
  /** null where the tunnel carries no Ethernet. */
  readonly mac: Mac | null;
}

export interface Conversation {
  /** From 1, in order of appearance. */
  readonly number: number;
  /** null outside any tunnel. */
  readonly vni: number | null;
  readonly transport: 'TCP' | 'UDP';
  readonly client: Speaker;
  readonly server: Speaker;
  /** Who read it: `HTTP`, ...; '' where nobody did. */
  readonly protocol: string;
  readonly firstPacket: number;
  readonly lastPacket: number;
  readonly packets: number;
  /** Payload bytes, each once. */
  readonly bytes: number;
  /** Payload bytes that the capture does not have. */
  readonly missing: number;
  readonly readings: readonly Reading[];
  /** Readings beyond those that were kept. */
  readonly more: number;
  /** What nobody understood; null where all was, or nothing was said. */
  readonly opaque: Opacity | null;
}

/** A machine inside the tunnel, by its names. */
export interface Host {
  readonly vni: number | null;
  readonly ip: Ip;
  readonly mac: Mac | null;
  /** Behind which VTEP it was seen; null outside a tunnel. */
  readonly vtep: Ip | null;
  readonly names: readonly string[];
}

/** ESP between two VTEPs: nothing inside is readable, this much is. */
export interface Sealed {
  readonly src: Ip;
  readonly dst: Ip;
  readonly spi: number;
  readonly packets: number;
  readonly bytes: number;
  readonly opaque: Opacity;
}

/** A bound that was reached, and how often: what is said about the capture is incomplete by so much. */
export interface LimitHit {
  readonly limit: string;
  readonly times: number;
}

export interface EavesdropReport {
  readonly packets: number;
  readonly tunnelled: number;
  readonly conversations: readonly Conversation[];
  /** Conversations beyond those that were kept. */
  readonly more: number;
  readonly hosts: readonly Host[];
  readonly sealed: readonly Sealed[];
  readonly limits: readonly LimitHit[];
}
