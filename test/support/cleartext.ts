// What can be read in captures, as people and tshark wrote it down (fixtures/captures/cleartext/truth.tsv), and what
// `vxlab eavesdrop` claims of them.

import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { cli } from '../cli/harness.ts';
import { capturePath } from './captures.ts';
import { wrapped } from './wrapped.ts';

/** `cookie` is a secret too, and told apart because its `user` is the cookie's name. */
export interface Entry {
  readonly packet: number;
  readonly protocol: string;
  readonly kind: 'secret' | 'challenge' | 'cookie';
  readonly user: string;
  /** Of a challenge the answer that a password is guessed by. */
  readonly value: string;
}

/** Captures by name, with all that stands in them in clear; none for those in which nothing does. */
export function cleartextTruth(): ReadonlyMap<string, readonly Entry[]> {
  const lines = readFileSync(capturePath('cleartext/truth.tsv'), 'utf8').trimEnd().split('\n').slice(1);
  const truth = new Map<string, Entry[]>();
  for (const line of lines) {
    const [name = '', packet = '', protocol = '', kind = '', user = '', value = ''] = line.split('\t');
    const entries = truth.get(name) ?? [];
    truth.set(name, entries);
    if (kind !== 'nothing')
      entries.push({ packet: Number(packet), protocol, kind: kind as Entry['kind'], user, value });
  }
  return truth;
}

export interface Claimed {
  readonly kind: string;
  readonly protocol: string;
  readonly what: string;
  readonly text: string;
  readonly secret: string | null;
  readonly packet: number;
  readonly offset: number;
  readonly length: number;
  readonly within: 'packet' | 'datagram' | 'opened';
}

export interface Document {
  readonly revealed: boolean;
  readonly readable: Readonly<Record<string, number>>;
  readonly opened: Readonly<Record<string, number>>;
  readonly conversations: readonly {
    readonly vni: number | null;
    readonly protocol: string;
    readonly readings: readonly Claimed[];
    readonly opaque: { readonly bytes: number; readonly printable: number; readonly entropy: number } | null;
  }[];
  readonly hosts: readonly { readonly vni: number | null; readonly ip: string; readonly names: string[] }[];
  readonly sealed: readonly { readonly packets: number; readonly opaque: { readonly entropy: number } }[];
  readonly limits: readonly { readonly limit: string; readonly times: number }[];
}

/** The capture as it stands on an underlay: wrapped, unless it was captured there. */
export function onUnderlay(name: string, folder: string): Promise<string> {
  const isPlain = /^(?:cleartext|logins|public)\//.test(name) && !name.includes('vxlan');
  return isPlain ? wrapped(name, folder) : Promise.resolve(capturePath(name));
}

/** Everything that is claimed to stand in a capture, secrets shown. */
export async function overheardIn(path: string): Promise<Document> {
  const ran = await cli(['eavesdrop', '--json', '--reveal', '--fail-on', 'never', path]);
  expect([path, ran.code, ran.err]).toEqual([path, 0, '']);
  return JSON.parse(ran.out) as Document;
}

export function secretsOf({ conversations }: Document): Claimed[] {
  return conversations
    .flatMap(({ readings }) => readings)
    .filter(({ kind }) => kind === 'secret' || kind === 'challenge');
}

/** Whether a claim is what an entry says. A challenge's user may have a domain in front of it. */
export function matches(entry: Entry, claim: Claimed): boolean {
  if (entry.packet !== claim.packet || claim.secret === null) return false;
  if (entry.kind === 'cookie') return claim.what === `cookie ${entry.user}` && claim.secret === entry.value;
  if (entry.kind === 'secret')
    return claim.kind === 'secret' && claim.text === entry.user && claim.secret === entry.value;
  return claim.kind === 'challenge' && claim.text.includes(entry.user) && claim.secret.includes(entry.value);
}
