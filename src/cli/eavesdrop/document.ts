// The document of `vxlab eavesdrop --json`: `vxlab.eavesdrop/1`, described in docs/schema/eavesdrop.schema.json. It is printed
// piece by piece, because it may be larger than the capture.

import type { Reading } from '../../core/eavesdrop/reading.ts';
import type { Conversation, Host, Opacity, Sealed, Speaker } from '../../core/eavesdrop/report.ts';
import { formatIp, formatMac } from '../../core/wire/address.ts';
import type { View } from './view.ts';

/** Its text. @param indent spaces; 0 puts all of it in one line */
export function* documentPieces(view: View, indent: number): Generator<string> {
  const [line, space] = indent === 0 ? ['', ''] : [`\n${' '.repeat(indent)}`, ' '];
  let isFirst = true;
  for (const [key, value] of Object.entries(partsOf(view))) {
    yield `${isFirst ? '{' : ','}${line}"${key}":${space}`;
    isFirst = false;
    if (typeof value === 'function') yield* listPieces(value(), indent);
    else yield indented(value, indent, 1);
  }
  yield indent === 0 ? '}\n' : '\n}\n';
}

/** Lists are made while they are printed. */
function partsOf(view: View): Readonly<Record<string, unknown | (() => Iterable<object>)>> {
  const { name, cutShort, report } = view.heard;
  return {
    schema: 'vxlab.eavesdrop/1',
    file: name,
    packets: report.packets,
    tunnelled: report.tunnelled,
    cutShort,
    revealed: view.revealed,
    readable: view.readable,
    opened: view.opened,
    conversations: () => each(view.conversations, (one) => conversationOf(one, view)),
    more: report.more,
    hosts: () => each(view.hosts, hostOf),
    sealed: () => each(report.sealed, sealedOf),
    limits: report.limits.map(({ limit, times }) => ({ limit, times })),
  };
}

function* each<T>(list: readonly T[], objectOf: (one: T) => object): Generator<object> {
  for (const one of list) yield objectOf(one);
}

function* listPieces(list: Iterable<object>, indent: number): Generator<string> {
  const line = indent === 0 ? '' : `\n${' '.repeat(indent * 2)}`;
  let isFirst = true;
  for (const one of list) {
    yield `${isFirst ? '[' : ','}${line}${indented(one, indent, 2)}`;
    isFirst = false;
  }
  if (isFirst) yield '[]';
  else yield indent === 0 ? ']' : `\n${' '.repeat(indent)}]`;
}

/** A line feed in a text is escaped: those that stand here are between values. */
function indented(value: unknown, indent: number, depth: number): string {
  return JSON.stringify(value, null, indent).replaceAll('\n', `\n${' '.repeat(indent * depth)}`);
}

export function spiText(spi: number): string {
  return `0x${spi.toString(16).padStart(8, '0')}`;
}

function conversationOf(one: Conversation, view: View): object {
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
    readings: view.readings(one).map(readingOf),
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

function hostOf({ vni, ip, mac, vtep, names }: Host): object {
  return {
    vni,
    ip: formatIp(ip),
    mac: mac === null ? null : formatMac(mac),
    vtep: vtep === null ? null : formatIp(vtep),
    names,
  };
}

function sealedOf({ src, dst, spi, packets, bytes, opaque }: Sealed): object {
  return {
    src: formatIp(src),
    dst: formatIp(dst),
    spi: spiText(spi),
    packets,
    bytes,
    opaque: opacityOf(opaque),
  };
}

/** Shares with four places, so that two runs print the same. */
function opacityOf({ bytes, printable, entropy }: Opacity): Opacity {
  return { bytes, printable: Number(printable.toFixed(4)), entropy: Number(entropy.toFixed(4)) };
}
