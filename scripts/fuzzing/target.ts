// What a target is: some reading code, and what must hold of it for any bytes.

import { Dissection } from '../../src/core/dissect/layer.ts';
import type { WalkOptions } from '../../src/core/dissect/ports.ts';
import { WalkOptions as Options } from '../../src/core/dissect/ports.ts';
import type { PacketMeta } from '../../src/core/pcap/record.ts';
import { Sight } from '../../src/core/reassembly/sight.ts';
import type { Input, Kind, Scene, ScenePacket, WalkName } from './input.ts';
import { linkTypes, metaOf, place } from './input.ts';
import type { Trail } from './trail.ts';

export interface Target {
  readonly name: string;
  readonly takes: Kind;
  /** True for what makes large tables: it is fed several scenes as one (run.ts). */
  readonly broad?: true;
  /** Reads the input in every way that it is about. Throws when something throws or does not hold. State does not stay. */
  run(input: Input, trail: Trail): void;
}

/** What does not hold. The message has no numbers of one case in front, so that like finds are told together. */
export class Broken extends Error {}

/** @param about more of this very case; a Dissection is told by the kinds of its rows */
export function must(ok: boolean, what: string, about: unknown = ''): void {
  if (ok) return;
  const more = about instanceof Dissection ? `rows ${kinds(about)}` : String(about);
  throw new Broken(more === '' ? what : `${what}: ${more.slice(0, 300)}`);
}

/** Words that a text must not hold, unless the packet brings them. */
const ACCIDENT = /\bundefined\b|\bNaN\b|\[object Object\]/;

export function reads(text: string, what: string, source: Uint8Array | Scene | null = null): void {
  if (!ACCIDENT.test(text)) return;
  const packets = source === null || source instanceof Uint8Array ? [] : source.packets;
  const bytes = source instanceof Uint8Array ? [source] : packets.map((packet) => packet.bytes);
  must(ACCIDENT.test(Buffer.concat(bytes).toString('latin1')), `${what} reads well`, text);
}

const OPTIONS: Readonly<Record<WalkName, WalkOptions>> = {
  default: new Options(),
  deep: new Options({ depth: 32 }),
  bare: new Options({ depth: 0, heuristics: false }),
};

export function walkOf({ walk }: Scene): WalkOptions {
  return OPTIONS[walk];
}

/** Bytes that stand in front of the packet on its view: they differ, so that a place counted from 0 shows. */
const LEADS = [0, 0, 16, 5];

export interface Placed {
  readonly view: DataView;
  readonly start: number;
  readonly end: number;
  readonly meta: PacketMeta;
  readonly packet: ScenePacket;
}

/** Calls `look` with each packet of a scene in order, each alone in a buffer. */
export function eachPacket(scene: Scene, look: (placed: Placed, i: number) => void): void {
  const types = linkTypes(scene);
  scene.packets.forEach((packet, i) => {
    const start = LEADS[i & 3] as number;
    const view = place(packet, start);
    look({ view, start, end: view.byteLength, meta: metaOf(packet, i, types), packet }, i);
  });
}

/** Calls `look` with a Sight that has read each packet of a scene. */
export function eachSight(scene: Scene, look: (sight: Sight, placed: Placed, i: number) => void): void {
  const sight = new Sight(walkOf(scene), { datagrams: 12, bytes: 200_000 });
  eachPacket(scene, (placed, i) => {
    const { view, start, end, meta } = placed;
    sight.read(view, start, end, meta);
    look(sight, placed, i);
  });
}

/** A number for a packet, to choose among settings by: the same packet gets the same. */
export function hashOf({ bytes }: ScenePacket): number {
  let hash = bytes.length;
  const last = Math.min(bytes.length, 96);
  for (let i = 0; i < last; i++) hash = Math.imul(hash ^ (bytes[i] as number), 0x0100_0193);
  return hash >>> 0;
}

function kinds(d: Dissection): string {
  return Array.from({ length: Math.min(d.count, 12) }, (_, i) => d.kind(i)).join('-');
}
