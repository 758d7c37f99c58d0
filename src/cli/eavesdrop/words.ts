// What the text view and the page say alike: how a reading, a speaker, a share reads in words.

import type { Reading, ReadingKind } from '../../core/eavesdrop/reading.ts';
import type { Conversation, Host, Opacity, Speaker } from '../../core/eavesdrop/report.ts';
import { formatIp } from '../../core/wire/address.ts';
import { bytesText } from '../render/overview.ts';
import { count } from '../units.ts';
import type { Counts, View } from './view.ts';
import { KINDS } from './view.ts';

/** Conversations of one network, those outside tunnels last. */
export interface Group {
  readonly vni: number | null;
  readonly conversations: readonly Conversation[];
}

export function groupsOf({ conversations }: View): Group[] {
  const groups = new Map<number | null, Conversation[]>();
  for (const one of conversations) {
    const group = groups.get(one.vni);
    if (group === undefined) groups.set(one.vni, [one]);
    else group.push(one);
  }
  return [...groups]
    .map(([vni, list]) => ({ vni, conversations: list }))
    .toSorted((x, y) => (x.vni ?? 2 ** 24) - (y.vni ?? 2 ** 24));
}

/** Something was read in it, or there is a measure of what was not. */
export function isTold({ readings, opaque, protocol }: Conversation): boolean {
  return readings.length > 0 || opaque !== null || protocol !== '';
}

/** 0 for a conversation with a secret, and so on in the order of KINDS; behind them those of which nothing was read. */
export function rankOf({ readings }: Conversation): number {
  return readings.reduce<number>((best, { kind }) => Math.min(best, KINDS.indexOf(kind)), KINDS.length);
}

export function vniText(vni: number | null): string {
  return vni === null ? 'Outside tunnels' : `VNI ${vni}`;
}

export type Names = ReadonlyMap<string, string>;

/** The first name of each host that has one, by network and address. */
export function namesOf(hosts: readonly Host[]): Names {
  const named = hosts.filter(({ names }) => names.length > 0);
  return new Map(named.map(({ vni, ip, names }) => [`${vni} ${formatIp(ip)}`, oneLine(names[0] as string)]));
}

/** `10.0.1.5:80`, with a name `10.0.1.5:80 (web)`. */
export function speakerText({ ip, port }: Speaker, vni: number | null, names: Names): string {
  const address = formatIp(ip);
  const name = names.get(`${vni} ${address}`);
  const place = typeof ip === 'number' ? `${address}:${port}` : `[${address}]:${port}`;
  return name === undefined ? place : `${place} (${name})`;
}

/** `HTTP over TCP, packets 4 to 12, 312 bytes`. */
export function factsText(one: Conversation): string {
  const { firstPacket, lastPacket, bytes, missing } = one;
  const where =
    firstPacket === lastPacket ? `packet ${firstPacket}` : `packets ${firstPacket} to ${lastPacket}`;
  const gaps = missing > 0 ? `, ${bytesText(missing)} not in the capture` : '';
  return `${one.protocol || 'unknown protocol'} over ${one.transport}, ${where}, ${bytesText(bytes)}${gaps}`;
}

export function opacityText({ bytes, printable, entropy }: Opacity): string {
  return `${bytesText(bytes)} measured: ${Math.round(printable * 100)} % printable, ${entropy.toFixed(2)} bits of entropy a byte`;
}

/** What a reader should know of where a reading's bytes stand; '' where they stand in the packet. */
export function withinText({ place }: Reading): string {
  return WITHIN[place.within];
}

const WITHIN: Readonly<Record<Reading['place']['within'], string>> = {
  packet: '',
  datagram: 'in the datagram put together',
  opened: 'only with the key',
};

/** What all readings of a conversation have in common in that, which need not be said of each. */
export function commonText(readings: readonly Reading[]): string {
  const [first = ''] = readings.map(withinText);
  return readings.every((one) => withinText(one) === first) ? first : '';
}

/** A text as one line. */
export function oneLine(text: string): string {
  return text.replace(/\r?\n/g, '\\n').replace(/\r/g, '\\r').replace(/\t/g, '\\t');
}

const WORDS: Readonly<Record<ReadingKind, readonly [one: string, many: string]>> = {
  secret: ['secret', 'secrets'],
  challenge: ['answer to a challenge', 'answers to challenges'],
  identity: ['identity', 'identities'],
  content: ['piece of content', 'pieces of content'],
  name: ['name', 'names'],
};

/** `2 secrets, 1 identity`; `nothing` where there is nothing. */
export function countsText(counts: Counts): string {
  const parts = KINDS.filter((kind) => counts[kind] > 0).map((kind) => count(counts[kind], ...WORDS[kind]));
  return parts.length === 0 ? 'nothing' : parts.join(', ');
}
