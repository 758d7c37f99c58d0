// Makes the next input: something from the corpus, damaged.

import type { Chance } from './chance.ts';
import type { Corpus } from './corpus.ts';
import type { FileInput, Scene, ScenePacket, TextInput } from './input.ts';
import { mutated } from './mutator.ts';
import { fragmented, stacked } from './stacking.ts';

/** Packets of a scene at most, before some of them become fragments. */
const SCENE_MOST = 24;
const SECONDS_MOST = 0x1_0000_0000;
/** Link types that the walk reads, and one that it does not. */
const LINK_TYPES = [0, 1, 1, 1, 12, 14, 101, 108, 113, 147, 228, 229, 276];

export interface MadeScene {
  readonly scene: Scene;
  /** How many of its packets are damaged. */
  readonly damaged: number;
}

export function nextScene(corpus: Corpus, chance: Chance): MadeScene {
  const packets: ScenePacket[] = [];
  let damaged = 0;
  for (const packet of begin(corpus, chance)) {
    // One in eight stays as it is: findings come from talk that goes on around what is damaged.
    if (chance.oneIn(8)) {
      packets.push(packet);
      continue;
    }
    const one = damage(chance.oneIn(3) ? corpus.packets.pick(chance) : packet, corpus, chance);
    const pieces = chance.oneIn(12) ? fragmented(one, chance) : null;
    packets.push(...(pieces ?? [one]));
    damaged += pieces?.length ?? 1;
  }
  const walk = chance.oneIn(6) ? chance.pick(['deep', 'bare'] as const) : 'default';
  return { scene: { kind: 'scene', walk, packets }, damaged };
}

function begin(corpus: Corpus, chance: Chance): readonly ScenePacket[] {
  const length = 1 + chance.below(SCENE_MOST);
  if (chance.oneIn(3)) return corpus.scenes.pick(chance).packets.slice(0, SCENE_MOST);
  if (chance.oneIn(3)) return Array.from({ length }, () => corpus.packets.pick(chance));
  const capture = chance.pick(corpus.captures);
  const from = chance.below(capture.length);
  return capture.slice(from, from + length);
}

function damage(packet: ScenePacket, corpus: Corpus, chance: Chance): ScenePacket {
  let one = packet;
  while (chance.oneIn(3)) one = stacked(one, chance);
  const bytes = mutated(one.bytes, chance, () => corpus.packets.pick(chance).bytes);
  const linkType = chance.oneIn(24) ? chance.pick(LINK_TYPES) : one.linkType;
  const { seconds, nanos } = damagedTime(one, chance);
  return { bytes, linkType, original: damagedLength(one, bytes.length, chance), seconds, nanos };
}

/** The length on the wire: true, as it was, longer, or any number. */
function damagedLength({ original, bytes }: ScenePacket, captured: number, chance: Chance): number {
  if (!chance.oneIn(6)) return captured + (original > bytes.length ? original - bytes.length : 0);
  if (chance.oneIn(2)) return captured + chance.below(2000);
  return chance.pick([0, 1, captured >> 1, 0xffff, 0x1_0000, 0x7fff_ffff, 0xffff_ffff, chance.next()]);
}

function damagedTime({ seconds, nanos }: ScenePacket, chance: Chance): { seconds: number; nanos: number } {
  if (!chance.oneIn(20)) return { seconds, nanos };
  const by = chance.pick([-1, 1, 2, 31, -31, 3600, 1_000_000]);
  // A pcapng file can hold 64 bits of seconds and move them by as many.
  const far = chance.pick([-1, 0, 2 ** 32, 2 ** 53, 2 ** 62, -(2 ** 62)]);
  const near = chance.oneIn(8) ? chance.next() : Math.max(0, seconds + by) % SECONDS_MOST;
  const moved = chance.oneIn(12) ? far : near;
  return {
    seconds: moved,
    nanos: chance.oneIn(4) ? chance.next() * chance.pick([1, 1000]) : chance.below(1_000_000_000),
  };
}

export function nextFile(corpus: Corpus, chance: Chance): FileInput {
  const { bytes } = corpus.files.pick(chance);
  return { kind: 'file', bytes: mutated(bytes, chance, () => corpus.files.pick(chance).bytes) };
}

const TOKENS = (
  '&& || ! not and or == != < > <= >= === !== ~= contains matches in { } ( ) [ ] : , .. # - + * / % & any all 0 1 -1 0x 1e9 ' +
  '\'a\' "a" r"\\d" ip ip.src tcp.port vxlan vxlan.vni outer. inner. frame.time frame.len len( count( string( upper( abs( max( ' +
  '10.0.0.0/8 fe80::/10 ::1 02:42:0a:00:00:01 aa.bb 2026-01-01 "2026-01-01 00:00:00" $x \\ \\x \\u0000 \u0000 é 😀 9999999999999999999'
).split(' ');

export function nextText(corpus: Corpus, chance: Chance): TextInput {
  let text = corpus.texts.pick(chance);
  do {
    const at = chance.below(text.length + 1);
    const to = Math.min(text.length, at + chance.below(12));
    switch (chance.below(6)) {
      case 0:
        text = text.slice(0, at) + text.slice(to);
        break;
      case 1:
        text = `${text.slice(0, at)}${chance.pick(TOKENS)}${text.slice(at)}`;
        break;
      case 2:
        text = `${text.slice(0, at)} ${chance.pick(TOKENS)} ${text.slice(to)}`;
        break;
      case 3:
        text =
          text.slice(0, at) +
          String.fromCharCode(chance.oneIn(8) ? chance.below(0x1_0000) : chance.below(128)) +
          text.slice(at + 1);
        break;
      case 4:
        text = text.slice(0, at) + corpus.texts.pick(chance).slice(chance.below(20));
        break;
      default:
        text =
          text.slice(0, at) +
          text.slice(at, to).repeat(1 + chance.below(chance.oneIn(20) ? 400 : 3)) +
          text.slice(to);
    }
  } while (chance.oneIn(2));
  return { kind: 'text', text: text.slice(0, 3000) };
}
