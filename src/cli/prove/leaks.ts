// What still leaks from a run: fact by fact, how much of it somebody on the underlay reads, beside what there was to be read. The
// numbers are measured on the packets; what there was is known from inside the containers.

import type { Exposed } from '../../core/canary/exposure.ts';
import type { EavesdropReport } from '../../core/eavesdrop/report.ts';
import type { LoggedFrame } from '../../lab/capture.ts';
import type { Overhearing } from './look.ts';
import type { Recording } from './run.ts';
import { isUnderlay } from './run.ts';

/** In the order in which they are told. */
export const FACTS = [
  'vtep-addresses',
  'vtep-pairs',
  'timing',
  'sizes',
  'connections',
  'vni',
  'inner-macs',
  'inner-addresses',
  'inner-ports',
  'protocols',
  'names',
  'secrets',
  'content',
] as const;
export type Fact = (typeof FACTS)[number];

export interface Leak {
  readonly fact: Fact;
  /** Somebody on the underlay learns it. */
  readonly readable: boolean;
  /** How many there are of it, as `text` says. */
  readonly count: number;
  /** What was read; at most VALUES_MAX of it. */
  readonly values: readonly string[];
  /** One clause with the numbers. */
  readonly text: string;
}

const VALUES_MAX = 20;
/** Letters of a list that is shown in full. */
const WORDS_MAX = 24;
/** What is read of it are the terms of the conversation, and nothing that was said in it. */
const HANDSHAKE = 'TLS';

/** @param recording what there was; @param overhearing what was read of it */
export function leaksOf(recording: Recording, { exposed, heard }: Overhearing): Leak[] {
  return [
    list('vtep-addresses', exposed.vteps, 'address', 'addresses'),
    list('vtep-pairs', exposed.pairs, 'direction', 'directions'),
    timing(recording, exposed),
    sizes(recording, exposed),
    connections(recording, exposed, heard),
    list('vni', exposed.vnis, 'VNI', 'VNIs'),
    list('inner-macs', exposed.macs, 'MAC', 'MACs'),
    list('inner-addresses', exposed.addresses, 'address', 'addresses'),
    list('inner-ports', exposed.ports, 'port', 'ports'),
    list('protocols', protocols(heard), 'protocol', 'protocols'),
    list('names', names(heard), 'name', 'names'),
    secrets(heard),
    content(heard),
  ];
}

/** Facts that are readable in one run and not in another. */
export function vanished(from: readonly Leak[], to: readonly Leak[]): Fact[] {
  return from
    .filter(({ fact, readable }) => readable && to.some((leak) => leak.fact === fact && !leak.readable))
    .map(({ fact }) => fact);
}

function leak(fact: Fact, readable: boolean, count: number, values: readonly string[], text: string): Leak {
  return { fact, readable, count, values: values.slice(0, VALUES_MAX), text };
}

function list(fact: Fact, values: readonly string[], one: string, many: string): Leak {
  const { length } = values;
  const counted = length === 0 ? 'none' : `${length} ${length === 1 ? one : many}`;
  return leak(fact, length > 0, length, values, fewWords(values) ?? counted);
}

/** A list that is short enough to be shown instead of its length. */
function fewWords(values: readonly string[]): string | null {
  const words = values.join(', ');
  return words.length > 0 && words.length <= WORDS_MAX ? words : null;
}

/** A burst of packets for each request shows who asks when. */
function timing({ said }: Recording, { bursts }: Exposed): Leak {
  const requests = said.length;
  const text = `${bursts} bursts, ${requests} requests`;
  return leak('timing', requests > 0 && bursts >= requests, bursts, [], text);
}

/** What the tunnel adds to each frame: the less that varies, the nearer a packet's length tells the frame's. */
function sizes({ all }: Recording, { sizes: lengths }: Exposed): Leak {
  const added = addedBytes(all);
  const least = Math.min(...added);
  const most = Math.max(...added);
  const spread = most - least;
  const distinct = `${lengths.length} lengths`;
  if (added.length === 0) return leak('sizes', lengths.length > 1, lengths.length, lengths, distinct);
  const how = spread === 0 ? `frame + ${least}` : `frame + ${least} to ${most}`;
  return leak('sizes', true, lengths.length, lengths, `${distinct}: ${how}`);
}

/**
 * Lengths of packets less those of the frames in them: what comes up from a node's VXLAN device is of the packet that came to
 * its underlay interface last.
 */
function addedBytes(all: readonly LoggedFrame[]): number[] {
  const added = new Set<number>();
  const last = new Map<string, number>();
  for (const { tap, inbound, bytes } of all) {
    if (!inbound) continue;
    const node = tap.slice(0, tap.indexOf('/'));
    if (isUnderlay(tap)) last.set(node, bytes.length);
    else if (tap.endsWith('/vxlan0')) {
      const outer = last.get(node);
      if (outer !== undefined) added.add(outer - bytes.length);
      last.delete(node);
    }
  }
  return [...added].sort((a, b) => a - b);
}

/** Source ports outside keep inner connections apart for routers; one SPI a pair does not. */
function connections({ said }: Recording, { flows, spis }: Exposed, heard: EavesdropReport): Leak {
  const there = said.length;
  const seen = heard.conversations.filter(({ transport, vni }) => transport === 'TCP' && vni !== null).length;
  const outside = `${flows.length} ${spis.length > 0 ? 'SPIs' : 'UDP flows'}`;
  return leak(
    'connections',
    seen >= there || (spis.length === 0 && flows.length >= there),
    Math.max(seen, flows.length),
    flows,
    `${outside}, ${there} connections`,
  );
}

function protocols({ conversations }: EavesdropReport): string[] {
  // What began in the clear and went on in TLS is called by both.
  const found = conversations
    .filter(({ vni }) => vni !== null)
    .flatMap(({ protocol }) => protocol.split(', '));
  return [...new Set(found)].filter((name) => name !== '').sort();
}

/** What names say of containers: a request's host, TLS's server name, a certificate's, DNS's. */
function names({ hosts, conversations }: EavesdropReport): string[] {
  const read = conversations.flatMap(({ readings }) =>
    readings.filter(({ kind }) => kind === 'name').map(({ text }) => text),
  );
  return [...new Set([...hosts.flatMap((host) => host.names), ...read])].filter((name) => name !== '').sort();
}

function secrets({ conversations }: EavesdropReport): Leak {
  const found = conversations.flatMap(({ readings }) =>
    readings
      .filter(({ kind }) => kind === 'secret' || kind === 'challenge')
      .map(({ protocol, what }) => `${protocol}: ${what}`),
  );
  const values = [...new Set(found)].sort();
  const text = found.length === 0 ? 'none' : `${found.length} read`;
  return leak('secrets', found.length > 0, found.length, values, text);
}

/** What was read of it; where nothing was, how much it looks like text. */
function content({ conversations, sealed }: EavesdropReport): Leak {
  const read = conversations
    .filter(({ vni }) => vni !== null)
    .flatMap(({ readings }) =>
      readings.filter(({ kind, protocol }) => kind === 'content' && protocol !== HANDSHAKE),
    );
  if (read.length > 0) {
    const values = [...new Set(read.map(({ protocol, what }) => `${protocol}: ${what}`))].sort();
    return leak('content', true, read.length, values, fewWords(values) ?? `${read.length} things said`);
  }
  const measured = [
    ...sealed.map(({ opaque }) => opaque),
    ...conversations.flatMap(({ opaque }) => opaque ?? []),
  ];
  const bytes = measured.reduce((sum, one) => sum + one.bytes, 0);
  if (bytes === 0) return leak('content', false, 0, [], 'none');
  const mean = (of: (one: (typeof measured)[number]) => number): number =>
    measured.reduce((sum, one) => sum + of(one) * one.bytes, 0) / bytes;
  const entropy = mean((one) => one.entropy).toFixed(2);
  const printable = Math.round(mean((one) => one.printable) * 100);
  return leak('content', false, 0, [], `${entropy} bits a byte, ${printable} % printable`);
}
