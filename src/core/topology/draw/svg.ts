// An overlay as a picture (SVG 1.1): the underlay a bar on top, VTEPs columns, networks bands across the columns that have them,
// endpoints cards where a band crosses a column.
//
//              ┌──────────── underlay ─────────────┐
//              VTEP           VTEP            VTEP
//   VNI 4097 ══╪═[card]═══════╪═[card]════════╪══════
//   VNI 4098 ══╪═[card][card]═╪═══════════════╪═[card]
//
// VTEPs that live in a network, and more than COLUMNS of them, begin another row of columns below.

import type { Overlay, OverlayEndpoint, OverlayNetwork, OverlaySeat, OverlayVtep } from '../overlay.ts';
import { endpointLines } from './graph.ts';
import { hueOf, svgBox, svgPage, svgText, svgWire } from './svg-parts.ts';
import {
  commonSubnet,
  limitText,
  linksOf,
  networkFacts,
  networkTitle,
  packetsText,
  shown,
  subnetText,
} from './words.ts';

/** Columns beside one another. */
const COLUMNS = 6;
/** Cards in one cell; how many more there are is said. */
const CARDS_MAX = 12;

const MARGIN = 24;
const LABEL = 208;
const COLUMN = 216;
const GAP = 20;
const PAD = 10;
const LINE = 16;
const BAR = 30;
const WIRE = 18;
const HEAD = 64;
const TITLE = 40;

/** Ends with a line feed. */
export function drawSvg(overlay: Overlay): string {
  const parts: string[] = [];
  let widest = 1;
  let y = MARGIN;
  const title = titleOf(overlay);
  parts.push(svgText(MARGIN, y + 14, title, { size: 15, class: 'strong' }));
  y += TITLE;
  for (const [within, vteps] of linksOf(overlay)) {
    for (let from = 0; from < vteps.length; from += COLUMNS) {
      const row = vteps.slice(from, from + COLUMNS);
      widest = Math.max(widest, row.length);
      y = drawRow(parts, overlay, within, row, y) + GAP;
    }
  }
  for (const group of overlay.groups) {
    const carried = group.networks.length === 0 ? 'no VXLAN' : `VNI ${group.networks.join(', ')}`;
    const joined = group.members.length === 0 ? '' : `, joined by ${shown(group.members)}`;
    parts.push(svgText(MARGIN, y + 12, `group ${group.ip}: ${carried}${joined}`, { class: 'quiet' }));
    y += LINE + 4;
  }
  if (overlay.limits.length > 0) {
    parts.push(
      svgText(MARGIN, y + 12, `not everything is here: there was room for ${limitText(overlay)}`, {
        class: 'quiet',
      }),
    );
    y += LINE + 4;
  }
  const width = MARGIN + LABEL + widest * (COLUMN + GAP) + MARGIN;
  return svgPage(Math.max(width, 2 * MARGIN + title.length * 9), y + MARGIN / 2, title, parts);
}

function titleOf({ vteps, networks, crossings }: Overlay): string {
  const of = (count: number, word: string): string => `${count} ${word}${count === 1 ? '' : 's'}`;
  return `${of(networks.length, 'network')} across ${of(vteps.length, 'VTEP')}, ${packetsText(crossings)}`;
}

/** Draws some VTEPs of one link and the networks between them. @returns where it ends */
function drawRow(
  parts: string[],
  overlay: Overlay,
  within: string | null,
  vteps: readonly OverlayVtep[],
  top: number,
): number {
  const left = MARGIN + LABEL;
  const common = commonSubnet(vteps);
  const carrier = within === null ? 'underlay' : `inside VNI ${within}`;
  const networks = overlay.networks
    .map((network, index) => ({ network, hue: hueOf(index) }))
    .filter(
      ({ network }) => network.within === within && seatsAt(network, vteps).some((seat) => seat !== null),
    );
  const around = overlay.networks.findIndex(({ key }) => key === within);
  const width = vteps.length * (COLUMN + GAP) - GAP;
  const bar = around < 0 ? { class: 'bar' } : { hue: hueOf(around), faint: 0.16 };
  const body: string[] = [];
  let y = top + BAR + WIRE + HEAD;
  for (const { network, hue } of networks) y = drawBand(body, network, hue, vteps, y) + PAD;
  parts.push(svgBox(left, top, width, BAR, bar));
  const words = common === null ? carrier : `${carrier}  ${common.text}`;
  parts.push(svgText(left + width / 2, top + 20, words, { anchor: 'middle', width: width - PAD }));
  for (const [i, vtep] of vteps.entries()) {
    const x = left + i * (COLUMN + GAP);
    parts.push(svgWire(x + COLUMN / 2, top + BAR, top + BAR + WIRE));
    parts.push(svgBox(x, top + BAR + WIRE, COLUMN, y - top - BAR - WIRE, { class: 'vtep', radius: 10 }));
    drawHead(parts, vtep, common?.cidr ?? null, x + PAD, top + BAR + WIRE);
  }
  parts.push(...body);
  return y;
}

function drawHead(parts: string[], vtep: OverlayVtep, common: string | null, x: number, y: number): void {
  const { mac, subnet, hops } = vtep;
  const width = COLUMN - 2 * PAD;
  const away = hops === null || hops === 0 ? '' : `${hops} ${hops === 1 ? 'hop' : 'hops'} away`;
  const where = subnet === null || subnet.cidr === common ? '' : subnet.cidr;
  const third = [away, where].filter((word) => word !== '').join(', ');
  parts.push(svgText(x, y + 20, `VTEP ${vtep.ip}`, { size: 13, class: 'strong', width }));
  const counts = `${vtep.sent} sent, ${vtep.received} received`;
  const lines = [mac ?? '', third === '' ? counts : third].filter((line) => line !== '');
  for (const [i, line] of lines.entries()) {
    parts.push(svgText(x, y + 37 + i * LINE, line, { size: 11, class: 'quiet', width }));
  }
}

/** Draws a network across the columns. @returns where it ends */
function drawBand(
  parts: string[],
  network: OverlayNetwork,
  hue: string,
  vteps: readonly OverlayVtep[],
  top: number,
): number {
  const seats = seatsAt(network, vteps);
  const label = [subnetLine(network), ...networkFacts(network)];
  const reach = seats.findLastIndex((seat) => seat !== null) + 1;
  const width = LABEL + reach * (COLUMN + GAP) - GAP + PAD;
  const cells = seats.map((seat) => (seat === null ? 0 : cellHeight(seat)));
  const height = Math.max(24 + label.length * LINE + PAD, PAD + Math.max(...cells));
  parts.push(svgBox(MARGIN, top, width, height, { hue, faint: 0.12, radius: 8 }));
  parts.push(svgBox(MARGIN, top, 5, height, { hue, radius: 2 }));
  const x = MARGIN + PAD + 6;
  parts.push(
    svgText(x, top + 20, networkTitle(network), { size: 13, class: 'strong', fill: hue, width: LABEL - 30 }),
  );
  for (const [i, line] of label.entries()) {
    parts.push(
      svgText(x, top + 38 + i * LINE, line, {
        size: 11,
        class: i === 0 ? 'strong' : 'quiet',
        width: LABEL - 30,
      }),
    );
  }
  for (const [i, seat] of seats.entries()) {
    const column = MARGIN + LABEL + i * (COLUMN + GAP);
    if (seat !== null) drawCell(parts, seat, hue, column + PAD, top + PAD);
    // Where the network is not, its band passes behind the VTEP.
    else if (i < reach)
      parts.push(svgBox(column + 1, top - 1, COLUMN - 2, height + 2, { class: 'blank', radius: 0 }));
  }
  return top + height;
}

function subnetLine(network: OverlayNetwork): string {
  return network.subnets.length === 0
    ? 'no subnet known'
    : shown(
        network.subnets.map((one) => subnetText({ ...one, vtep: null })),
        2,
      );
}

function seatsAt(network: OverlayNetwork, vteps: readonly OverlayVtep[]): (OverlaySeat | null)[] {
  return vteps.map((vtep) => network.seats.find((seat) => seat.vtep === vtep.ip) ?? null);
}

/** The lines of a seat's cards, and those below them. */
function cardsOf({ endpoints }: OverlaySeat): string[][] {
  return endpoints.slice(0, CARDS_MAX).map(cardLines);
}

function cardLines(endpoint: OverlayEndpoint): string[] {
  return [...endpointLines(endpoint), packetsText(endpoint.packets)];
}

function notesOf({ endpoints, flood }: OverlaySeat): string[] {
  const notes: string[] = [];
  if (endpoints.length === 0) notes.push('nobody sent from here');
  if (endpoints.length > CARDS_MAX) notes.push(`and ${endpoints.length - CARDS_MAX} more`);
  for (const vtep of flood.slice(0, 4)) notes.push(`floods to ${vtep}`);
  if (flood.length > 4) notes.push(`and to ${flood.length - 4} more`);
  return notes;
}

function cardHeight(lines: readonly string[]): number {
  return lines.length * 15 + 12;
}

function cellHeight(seat: OverlaySeat): number {
  const cards = cardsOf(seat).reduce((sum, lines) => sum + cardHeight(lines) + 8, 0);
  return cards + notesOf(seat).length * LINE + 4;
}

function drawCell(parts: string[], seat: OverlaySeat, hue: string, x: number, top: number): void {
  const width = COLUMN - 2 * PAD;
  let y = top;
  for (const lines of cardsOf(seat)) {
    const height = cardHeight(lines);
    parts.push(svgBox(x, y, width, height, { class: 'card' }), svgBox(x, y, 4, height, { hue, radius: 2 }));
    for (const [i, line] of lines.entries()) {
      const look = i === 0 ? { size: 12, class: 'strong' } : { size: 11, class: 'quiet' };
      parts.push(svgText(x + 12, y + 17 + i * 15, line, { ...look, width: width - 18 }));
    }
    y += height + 8;
  }
  for (const note of notesOf(seat)) {
    parts.push(svgText(x + 4, y + 11, note, { size: 11, class: 'quiet', width: width - 8 }));
    y += LINE;
  }
}
