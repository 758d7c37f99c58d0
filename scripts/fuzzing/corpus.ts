// What inputs are made of: the packets and files of fixtures/captures, the filters of fixtures/filters.tsv, and whatever reached
// something new on the way.
//
// What grows is bounded: when it is full a newcomer takes the place of an earlier newcomer, never of a fixture. So memory that
// grows on is somebody else's.

import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { readAll } from '../../src/core/pcap/reader.ts';
import type { Chance } from './chance.ts';
import type { FileInput, Scene, ScenePacket } from './input.ts';

const FIXTURES = new URL('../../fixtures/', import.meta.url);
/** Packets of one capture that are taken: the first, and each that has a length not seen before. */
const PACKETS_EACH = 400;
/** A file is cut to this, so that a damage has a chance to matter. */
const FILE_BYTES = 4096;
/** Longer packets are cut: what breaks stands in front. A few are kept whole. */
const PACKET_BYTES = 1600;

/** A list that takes newcomers up to a bound. */
class Growing<T> {
  readonly list: T[] = [];
  #fixed = 0;
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  /** What stays. */
  plant(...items: readonly T[]): void {
    this.list.push(...items);
    this.#fixed = this.list.length;
  }

  add(item: T, chance: Chance): void {
    const grown = this.list.length - this.#fixed;
    if (grown < this.#most) this.list.push(item);
    else this.list[this.#fixed + chance.below(grown)] = item;
  }

  /** Newcomers are asked for as often as all others together: they have been mutated less. */
  pick(chance: Chance): T {
    const grown = this.list.length - this.#fixed;
    if (grown > 0 && chance.oneIn(2)) return this.list[this.#fixed + chance.below(grown)] as T;
    return this.list[chance.below(this.#fixed)] as T;
  }
}

export class Corpus {
  readonly packets: Growing<ScenePacket> = new Growing<ScenePacket>(20_000);
  readonly scenes: Growing<Scene> = new Growing<Scene>(2000);
  readonly files: Growing<FileInput> = new Growing<FileInput>(8000);
  readonly texts: Growing<string> = new Growing<string>(4000);
  /** The packets of each capture in their order. */
  readonly captures: (readonly ScenePacket[])[] = [];

  constructor() {
    const root = new URL('captures/', FIXTURES);
    const names = readdirSync(root, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && /\.(pcap|pcapng|cap|gz|bin|snoop)$/.test(entry.name))
      .map((entry) => `${entry.parentPath}/${entry.name}`)
      .sort();
    for (const name of names) {
      const raw = readFileSync(name);
      const bytes = new Uint8Array(name.endsWith('.gz') ? gunzipSync(raw) : raw);
      this.files.plant({ kind: 'file', bytes: bytes.slice(0, FILE_BYTES) });
      const packets = packetsOf(bytes);
      if (packets.length === 0) continue;
      this.captures.push(packets);
      this.packets.plant(...packets);
      this.scenes.plant({ kind: 'scene', walk: 'default', packets: packets.slice(0, 32) });
    }
    this.texts.plant(...filters());
  }
}

/** Where the fixtures are that a find becomes. */
export const FOUND: string = fileURLToPath(new URL('found/', FIXTURES));

function packetsOf(file: Uint8Array): ScenePacket[] {
  const lengths = new Set<string>();
  const taken: ScenePacket[] = [];
  for (const packet of readAll(file).packets) {
    const shape = `${packet.linkType} ${packet.bytes.length}`;
    if (taken.length >= PACKETS_EACH && lengths.has(shape)) continue;
    if (taken.length >= 2 * PACKETS_EACH) break;
    lengths.add(shape);
    const time = packet.time ?? 0n;
    taken.push({
      bytes: packet.bytes.slice(0, PACKET_BYTES),
      linkType: packet.linkType,
      original: packet.originalLength,
      seconds: Number(time / 1_000_000_000n),
      nanos: Number(time % 1_000_000_000n),
    });
  }
  return taken;
}

function filters(): string[] {
  const lines = readFileSync(new URL('filters.tsv', FIXTURES), 'utf8').split('\n');
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split('\t')[1] as string);
}
