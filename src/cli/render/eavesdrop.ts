// What an eavesdropper read, for people: by network and conversation, a line a reading; then hosts, what is sealed, and a count.
//
//   VNI 80
//     10.80.0.1:40000 > 10.80.0.2:80 (web)  HTTP over TCP, packets 4 to 12, 312 bytes
//     PACKET  OFFSET    KIND      WHAT               TEXT
//          9     154  > secret    Basic credentials  alice ********

import type { Reading, ReadingKind } from '../../core/eavesdrop/reading.ts';
import type { Conversation } from '../../core/eavesdrop/report.ts';
import { formatIp, formatMac } from '../../core/wire/address.ts';
import { spiText } from '../eavesdrop/document.ts';
import type { View } from '../eavesdrop/view.ts';
import { KINDS, worstOf } from '../eavesdrop/view.ts';
import type { Group, Names } from '../eavesdrop/words.ts';
import {
  commonText,
  countsText,
  factsText,
  groupsOf,
  isTold,
  namesOf,
  oneLine,
  opacityText,
  rankOf,
  speakerText,
  vniText,
  withinText,
} from '../eavesdrop/words.ts';
import { count } from '../units.ts';
import type { Colors } from './paint.ts';
import { table } from './table.ts';

export interface TextOptions {
  /** Conversations of a network, readings of a conversation and rows of a table that are shown. */
  readonly rows: number;
  /** Columns of the terminal; what is longer is cut. Infinity cuts nothing. */
  readonly width: number;
}

const INDENT = '  ';
/** `  PACKET  OFFSET  > `: what stands left of the kind. */
const KIND_WIDTH = Math.max(...KINDS.map(({ length }) => length));
/** Longer words for what was read do not widen the column. */
const WHAT_WIDTH = 24;

/** Ends with a line feed. */
export function renderEavesdrop(view: View, options: TextOptions, paint: Colors): string {
  const names = namesOf(view.hosts);
  const parts = [
    headOf(view),
    ...groupsOf(view).map((group) => groupText(group, view, { names, paint, ...options })),
    hostTable(view, options, paint),
    sealedTable(view, options, paint),
    limitLines(view, paint),
    `${verdict(view, paint)}\n`,
  ];
  return parts.filter((part) => part !== '').join('\n');
}

interface Setting extends TextOptions {
  readonly names: Names;
  readonly paint: Colors;
}

function headOf({ heard: { name, report } }: View): string {
  const all = count(report.conversations.length + report.more, 'conversation');
  return `${name}: ${count(report.packets, 'packet')}, ${report.tunnelled} in tunnels, ${all}\n`;
}

function groupText({ vni, conversations }: Group, view: View, setting: Setting): string {
  const { paint, rows } = setting;
  const told = conversations.filter(isTold);
  const shown = worstOf(told, rankOf, rows);
  const silent = conversations.length - told.length;
  const lines = shown.map((one) => conversationText(one, view, setting));
  if (told.length > shown.length)
    lines.push(`${INDENT}${moreText(told.length - shown.length, 'conversation')}`);
  if (silent > 0) lines.push(`${INDENT}${paint.dim(`${count(silent, 'conversation')} without a word`)}\n`);
  return `${paint.bold(vniText(vni))}\n${lines.join('')}`;
}

function conversationText(one: Conversation, view: View, { names, paint, rows, width }: Setting): string {
  const { client, server, vni, opaque } = one;
  const ends = `${speakerText(client, vni, names)} > ${speakerText(server, vni, names)}`;
  const shown = view.readings(one, rows);
  const common = commonText(shown);
  const facts = common === '' ? factsText(one) : `${factsText(one)}, ${common}`;
  let text = `${INDENT}${paint.cyan(ends)}  ${paint.dim(facts)}\n`;
  const whatWidth = Math.min(WHAT_WIDTH, Math.max(0, ...shown.map(({ what }) => what.length)));
  for (const reading of shown) text += readingLine(reading, common, whatWidth, width, paint);
  const more = view.count(one) - shown.length;
  if (more > 0) text += `${INDENT}${moreText(more, 'reading')}`;
  if (one.more > 0) text += `${INDENT}${paint.dim(`${count(one.more, 'reading')} more than are kept`)}\n`;
  if (opaque !== null) text += `${INDENT}${INDENT}${paint.dim('unparsed')}  ${opacityText(opaque)}\n`;
  return text;
}

function readingLine(
  reading: Reading,
  common: string,
  whatWidth: number,
  width: number,
  paint: Colors,
): string {
  const { place, fromClient, kind, what, text, secret } = reading;
  const numbers = `${String(place.packet).padStart(9)} ${String(place.offset).padStart(7)}`;
  const left = `${numbers}  ${fromClient ? '>' : '<'} `;
  const word = oneLine(what).padEnd(whatWidth);
  const note = withinText(reading);
  const end = note === common ? '' : ` (${note})`;
  const free = width - left.length - KIND_WIDTH - word.length - 4 - end.length;
  const [open, hidden] = fitted(oneLine(text), oneLine(secret), Math.max(8, free));
  const said = [open, hidden === '' ? '' : paint.bold(hidden)].filter((part) => part !== '').join(' ');
  return (
    `${left}${COLOUR[kind](paint)(kind.padEnd(KIND_WIDTH))}  ${word}  ${said}${paint.dim(end)}`.trimEnd() +
    '\n'
  );
}

const COLOUR: Readonly<Record<ReadingKind, (paint: Colors) => (text: string) => string>> = {
  secret: (paint) => paint.red,
  challenge: (paint) => paint.yellow,
  identity: (paint) => paint.magenta,
  content: (paint) => paint.green,
  name: (paint) => paint.blue,
};

/** Both texts in so many columns; the open one gives way. */
function fitted(open: string, hidden: string, width: number): [string, string] {
  const gap = open === '' || hidden === '' ? 0 : 1;
  if (open.length + gap + hidden.length <= width) return [open, hidden];
  if (hidden === '') return [cut(open, width), ''];
  const kept = Math.min(open.length, Math.max(0, Math.floor(width / 3), width - hidden.length - gap));
  return [cut(open, kept), cut(hidden, Math.max(1, width - kept - gap))];
}

function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

function hostTable({ hosts }: View, { rows }: TextOptions, paint: Colors): string {
  if (hosts.length === 0) return '';
  const shown = hosts.slice(0, rows);
  const body = shown.map(({ vni, ip, mac, vtep, names }) => [
    vni === null ? '-' : String(vni),
    formatIp(ip),
    mac === null ? '-' : formatMac(mac),
    vtep === null ? '-' : formatIp(vtep),
    oneLine(names.join(' ')),
  ]);
  const columns = [
    { head: 'VNI', align: 'right' },
    { head: 'ADDRESS' },
    { head: 'MAC' },
    { head: 'VTEP' },
    { head: 'NAMES' },
  ] as const;
  return `${paint.bold('Hosts')}\n${table(columns, body)}${rest(hosts.length - shown.length)}`;
}

function sealedTable(
  {
    heard: {
      report: { sealed },
    },
  }: View,
  { rows }: TextOptions,
  paint: Colors,
): string {
  if (sealed.length === 0) return '';
  const shown = sealed.slice(0, rows);
  const body = shown.map(({ src, dst, spi, packets, bytes, opaque }) => [
    formatIp(src),
    formatIp(dst),
    spiText(spi),
    String(packets),
    String(bytes),
    `${Math.round(opaque.printable * 100)} %`,
    opaque.entropy.toFixed(2),
  ]);
  const columns = [
    { head: 'FROM' },
    { head: 'TO' },
    { head: 'SPI' },
    { head: 'PACKETS', align: 'right' },
    { head: 'BYTES', align: 'right' },
    { head: 'PRINTABLE', align: 'right' },
    { head: 'ENTROPY', align: 'right' },
  ] as const;
  return `${paint.bold('Sealed by ESP')}\n${table(columns, body)}${rest(sealed.length - shown.length)}`;
}

function limitLines(
  {
    heard: {
      report: { limits },
    },
  }: View,
  paint: Colors,
): string {
  return limits
    .map(({ limit, times }) => `${paint.yellow('limit')}  ${limit}: reached ${count(times, 'time')}\n`)
    .join('');
}

function verdict({ readable, opened, revealed }: View, paint: Colors): string {
  const mask = !revealed && readable.secret + readable.challenge > 0 ? '; --reveal shows secrets' : '';
  const words = `Readable by whoever sees the underlay: ${countsText(readable)}${mask}`;
  const line = readable.secret > 0 ? paint.red(words) : words;
  const keys = countsText(opened);
  return keys === 'nothing' ? line : `${line}\nOnly with the keys: ${keys}`;
}

function moreText(n: number, what: string): string {
  return `... and ${count(n, `more ${what}`, `more ${what}s`)}; --rows N shows more, --json all\n`;
}

function rest(n: number): string {
  return n > 0 ? `... and ${n} more; --rows N shows more, --json all\n` : '';
}
