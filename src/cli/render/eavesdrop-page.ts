// What an eavesdropper read, as a page: one file that asks for no other, without a script, readable on paper and in the dark.
// Every text in it is what strangers sent, so all of it is escaped, and the page forbids itself to load or run anything.

import type { Reading } from '../../core/eavesdrop/reading.ts';
import type { Conversation } from '../../core/eavesdrop/report.ts';
import { formatIp, formatMac } from '../../core/wire/address.ts';
import { spiText } from '../eavesdrop/document.ts';
import type { View } from '../eavesdrop/view.ts';
import { KINDS } from '../eavesdrop/view.ts';
import type { Group, Names } from '../eavesdrop/words.ts';
import {
  commonText,
  countsText,
  factsText,
  groupsOf,
  isTold,
  namesOf,
  opacityText,
  speakerText,
  vniText,
  withinText,
} from '../eavesdrop/words.ts';
import { count } from '../units.ts';

const STYLE = `
:root { color-scheme: light dark; --ink: #1b1f24; --paper: #fff; --faint: #5b6570; --line: #d5dae0; --soft: #f4f6f8;
  --secret: #b3161b; --challenge: #8a5a00; --identity: #7a2f9c; --content: #1c6b32; --name: #1c559c; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --paper: #14171a; --faint: #98a3ae; --line: #343b43; --soft: #1d2125;
  --secret: #ff7b72; --challenge: #e3b341; --identity: #d2a8ff; --content: #7ee787; --name: #79c0ff; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem; max-width: 80rem; background: var(--paper); color: var(--ink);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0 0 .5rem; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
h3 { font-size: 1rem; margin: 1.25rem 0 .25rem; overflow-wrap: anywhere; }
p { margin: .25rem 0; } .faint { color: var(--faint); font-weight: normal; }
.verdict { border-left: .3rem solid var(--line); padding: .5rem .75rem; background: var(--soft); }
.verdict.bad { border-color: var(--secret); }
table { border-collapse: collapse; width: 100%; margin: .25rem 0 .75rem; }
th, td { text-align: left; vertical-align: top; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; color: var(--faint); font-size: .85rem; } .n { text-align: right; font-variant-numeric: tabular-nums; }
td.text { width: 60%; } pre { margin: 0; white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.45 ui-monospace, monospace; }
b.k { font-weight: 600; } b.hidden { color: var(--secret); }
${KINDS.map((kind) => `b.${kind} { color: var(--${kind}); }`).join(' ')}
@media print { body { padding: 0; max-width: none; font-size: 10pt; } tr { break-inside: avoid; } h2, h3 { break-after: avoid; } }
`;

/** A whole document of HTML, piece by piece. @param views what was heard, file by file */
export function* pagePieces(views: readonly View[]): Generator<string> {
  const title = `Overheard: ${views.map(({ heard }) => heard.name).join(', ')}`;
  yield `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
</head>
<body>
`;
  for (const view of views) {
    yield headHtml(view);
    const names = namesOf(view.hosts);
    for (const group of groupsOf(view)) yield* groupHtml(group, view, names);
    yield `${hostsHtml(view)}${sealedHtml(view)}${limitsHtml(view)}</section>\n`;
  }
  yield '</body>\n</html>\n';
}

function headHtml({ heard, readable, opened, revealed }: View): string {
  const { name, cutShort, report } = heard;
  const keys = countsText(opened);
  return `<section>
<h1>${escaped(name)}</h1>
<p>${count(report.packets, 'packet')}, ${report.tunnelled} in tunnels, ${count(report.conversations.length + report.more, 'conversation')}</p>
<div class="verdict${readable.secret > 0 ? ' bad' : ''}">
<p><strong>Readable by whoever sees the underlay: ${countsText(readable)}.</strong></p>
${keys === 'nothing' ? '' : `<p>Only with the keys: ${keys}.</p>\n`}<p class="faint">${revealed ? 'Secrets are shown.' : 'Secrets are masked.'}</p>
${cutShort === null ? '' : `<p>The file was read up to byte ${cutShort.offset}: ${escaped(cutShort.reason)}.</p>\n`}</div>
`;
}

function* groupHtml({ vni, conversations }: Group, view: View, names: Names): Generator<string> {
  const told = conversations.filter(isTold);
  const silent = conversations.length - told.length;
  yield `<h2>${vniText(vni)}</h2>\n`;
  for (const one of told) yield conversationHtml(one, view, names);
  if (silent > 0) yield `<p class="faint">${count(silent, 'conversation')} without a word</p>\n`;
}

function conversationHtml(one: Conversation, view: View, names: Names): string {
  const { client, server, vni, more, opaque } = one;
  const ends = `${speakerText(client, vni, names)} → ${speakerText(server, vni, names)}`;
  const readings = view.readings(one);
  const common = commonText(readings);
  const facts = common === '' ? factsText(one) : `${factsText(one)}, ${common}`;
  const rows = readings.map((reading) => readingHtml(reading, common)).join('');
  const heads = [
    '<th class="n">Packet',
    '<th class="n">Offset',
    '<th>From',
    '<th>Kind',
    '<th>What',
    '<th>Text',
  ];
  const list =
    rows === '' ? '' : `<table><thead><tr>${heads.join('')}</tr></thead><tbody>\n${rows}</tbody></table>\n`;
  const kept = more === 0 ? '' : `<p class="faint">${count(more, 'reading')} more than are kept</p>\n`;
  const closed = opaque === null ? '' : `<p class="faint">unparsed: ${opacityText(opaque)}</p>\n`;
  return `<h3>${escaped(ends)} <span class="faint">${escaped(facts)}</span></h3>\n${list}${kept}${closed}`;
}

function readingHtml(reading: Reading, common: string): string {
  const { place, fromClient, kind, what, text, secret } = reading;
  const note = withinText(reading);
  const said = [
    text === '' ? '' : escaped(text),
    secret === '' ? '' : `<b class="hidden">${escaped(secret)}</b>`,
    note === common ? '' : `<span class="faint">(${note})</span>`,
  ].filter((part) => part !== '');
  return (
    `<tr><td class="n">${place.packet}<td class="n">${place.offset}<td>${fromClient ? 'client' : 'server'}` +
    `<td><b class="k ${kind}">${kind}</b><td>${escaped(what)}<td class="text"><pre>${said.join(' ')}</pre></tr>\n`
  );
}

function hostsHtml({ hosts }: View): string {
  if (hosts.length === 0) return '';
  const rows = hosts.map(({ vni, ip, mac, vtep, names }) =>
    cells([
      vni === null ? '' : String(vni),
      formatIp(ip),
      mac === null ? '' : formatMac(mac),
      vtep === null ? '' : formatIp(vtep),
      names.join(' '),
    ]),
  );
  return tableHtml('Hosts', ['VNI', 'Address', 'MAC', 'VTEP', 'Names'], rows);
}

function sealedHtml({ heard }: View): string {
  const { sealed } = heard.report;
  if (sealed.length === 0) return '';
  const rows = sealed.map(({ src, dst, spi, packets, bytes, opaque }) =>
    cells([formatIp(src), formatIp(dst), spiText(spi), String(packets), String(bytes), opacityText(opaque)]),
  );
  return tableHtml('Sealed by ESP', ['From', 'To', 'SPI', 'Packets', 'Bytes', 'Opaque'], rows);
}

function limitsHtml({ heard }: View): string {
  const { limits } = heard.report;
  if (limits.length === 0) return '';
  const rows = limits.map(({ limit, times }) => cells([limit, String(times)]));
  return tableHtml('Limits that were reached', ['Limit', 'Times'], rows);
}

function tableHtml(title: string, heads: readonly string[], rows: readonly string[]): string {
  const head = heads.map((one) => `<th>${one}`).join('');
  return `<h2>${title}</h2>\n<table><thead><tr>${head}</tr></thead><tbody>\n${rows.join('')}</tbody></table>\n`;
}

function cells(texts: readonly string[]): string {
  return `<tr>${texts.map((text) => `<td>${escaped(text)}`).join('')}</tr>\n`;
}

function escaped(text: string): string {
  return text
    .replace(/\r\n/g, '\n')
    .replaceAll('\r', '\\r')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}
