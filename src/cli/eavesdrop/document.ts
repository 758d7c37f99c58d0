// The document of `vxlab eavesdrop --json`: `vxlab.eavesdrop/1`, described in docs/schema/eavesdrop.schema.json.

import type { Reading, ReadingKind } from '../../core/eavesdrop/reading.ts';
import type {
  Conversation,
  EavesdropReport,
  LimitHit,
  Opacity,
  Speaker,
} from '../../core/eavesdrop/report.ts';
import { formatIp, formatMac } from '../../core/wire/address.ts';
import type { Heard } from './listen.ts';

/** The worst first: who has a secret has access, who has a challenge may guess one. */
export const KINDS: readonly ReadingKind[] = ['secret', 'challenge', 'identity', 'content', 'name'];

/** How many readings there are of each kind; those that only a key opened apart. */
export type Counts = Readonly<Record<ReadingKind, number>>;

export interface EavesdropDocument {
  readonly schema: 'vxlab.eavesdrop/1';
  readonly file: string;
  readonly packets: number;
  readonly tunnelled: number;
  readonly cutShort: Heard['cutShort'];
  /** False when every secret in it is MASK. */
  readonly revealed: boolean;
  /** What everybody on the underlay could read. */
  readonly readable: Counts;
  /** What only the keys opened. */
  readonly opened: Counts;
  readonly conversations: readonly object[];
  readonly more: number;
  readonly hosts: readonly object[];
  readonly sealed: readonly object[];
  readonly limits: readonly LimitHit[];
}

/** @param report what of it is shown, with its secrets or without (mask.ts); all of it is counted */
export function eavesdropDocument(
  heard: Heard,
  report: EavesdropReport,
  revealed: boolean,
): EavesdropDocument {
  return {
    schema: 'vxlab.eavesdrop/1',
    file: heard.name,
    packets: report.packets,
    tunnelled: report.tunnelled,
    cutShort: heard.cutShort,
    revealed,
    readable: countOf(heard.report, ({ place }) => place.within !== 'opened'),
    opened: countOf(heard.report, ({ place }) => place.within === 'opened'),
    conversations: report.conversations.map(conversationOf),
    more: report.more,
    hosts: report.hosts.map(({ vni, ip, mac, vtep, names }) => ({
      vni,
      ip: formatIp(ip),
      mac: mac === null ? null : formatMac(mac),
      vtep: vtep === null ? null : formatIp(vtep),
      names,
    })),
    sealed: report.sealed.map(({ src, dst, spi, packets, bytes, opaque }) => ({
      src: formatIp(src),
      dst: formatIp(dst),
      spi: spiText(spi),
      packets,
      bytes,
      opaque: opacityOf(opaque),
    })),
    limits: report.limits.map(({ limit, times }) => ({ limit, times })),
  };
}

/** Readings by kind, of those that `which` takes. */
export function countOf(report: EavesdropReport, which: (reading: Reading) => boolean): Counts {
  const counts: Record<ReadingKind, number> = { secret: 0, challenge: 0, identity: 0, content: 0, name: 0 };
  for (const { readings } of report.conversations) {
    for (const reading of readings) if (which(reading)) counts[reading.kind]++;
  }
  return counts;
}

export function spiText(spi: number): string {
  return `0x${spi.toString(16).padStart(8, '0')}`;
}

function conversationOf(one: Conversation): object {
  return {
    number: one.number,
    vni: one.vni,
    transport: one.transport,
    client: speakerOf(one.client),
    server: speakerOf(one.server),
    protocol: one.protocol,
    firstPacket: one.firstPacket,
    lastPacket: one.lastPacket,
    packets: one.packets,
    bytes: one.bytes,
    missing: one.missing,
    readings: one.readings.map(readingOf),
    more: one.more,
    opaque: one.opaque === null ? null : opacityOf(one.opaque),
  };
}

function speakerOf({ ip, port, mac }: Speaker): object {
  return { ip: formatIp(ip), port, mac: mac === null ? null : formatMac(mac) };
}

function readingOf({ protocol, kind, what, text, secret, place, length, fromClient }: Reading): object {
  return {
    kind,
    protocol,
    what,
    text,
    secret: secret === '' ? null : secret,
    packet: place.packet,
    offset: place.offset,
    length,
    within: place.within,
    from: fromClient ? 'client' : 'server',
  };
}

/** Shares with four places, so that two runs print the same. */
function opacityOf({ bytes, printable, entropy }: Opacity): Opacity {
  return { bytes, printable: Number(printable.toFixed(4)), entropy: Number(entropy.toFixed(4)) };
}
