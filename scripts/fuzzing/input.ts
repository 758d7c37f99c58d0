// What a target is fed: a scene, which is a few packets in order, as a reader would hand them over; a file; or a filter's text.

import type { PacketMeta } from '../../src/core/pcap/record.ts';

export interface ScenePacket {
  readonly bytes: Uint8Array;
  readonly linkType: number;
  /** What the capture says that the packet had on the wire: any 32-bit number. */
  readonly original: number;
  readonly seconds: number;
  /** A damaged file has more than a second of them. */
  readonly nanos: number;
}

/** `deep` follows 32 tunnels, `bare` asks ports alone and looks into no tunnel. */
export const WALKS = ['default', 'deep', 'bare'] as const;
export type WalkName = (typeof WALKS)[number];

export interface Scene {
  readonly kind: 'scene';
  readonly walk: WalkName;
  readonly packets: readonly ScenePacket[];
}

export interface FileInput {
  readonly kind: 'file';
  readonly bytes: Uint8Array;
}

export interface TextInput {
  readonly kind: 'text';
  readonly text: string;
}

export type Input = Scene | FileInput | TextInput;
export type Kind = Input['kind'];

/** The meta of the packet at `i`. Each link type is an interface of its own, in the order of `types`. */
export function metaOf(packet: ScenePacket, i: number, types: readonly number[]): PacketMeta {
  const { linkType, original, seconds, nanos } = packet;
  return {
    number: i + 1,
    offset: 24 + i,
    seconds,
    nanos,
    timed: true,
    originalLength: original,
    linkType,
    interfaceId: types.indexOf(linkType),
    direction: 0,
    fcsLength: 0,
    optionsStart: 0,
    optionsEnd: 0,
    littleEndian: true,
  };
}

/** The link types of a scene, each once, in the order of appearance. */
export function linkTypes({ packets }: Scene): number[] {
  return [...new Set(packets.map(({ linkType }) => linkType))];
}

/**
 * The packet alone in a buffer: a read behind its end throws a RangeError. In front of it stand `lead` bytes that belong to
 * nobody.
 */
export function place({ bytes }: ScenePacket, lead: number): DataView {
  const room = new Uint8Array(lead + bytes.length);
  room.fill(0xa5, 0, lead);
  room.set(bytes, lead);
  return new DataView(room.buffer);
}
