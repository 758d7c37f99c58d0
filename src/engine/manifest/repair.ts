// Scalars that were meant to be lists or mappings: `-mywebnw` without a space is one word to YAML, and so is
// `subnet:10.0.1.0/24`. Here they are read as what they were meant to be, with a report for each slip.

import type { Diagnostics, Where } from '../model/diagnostic.ts';
import { codePoint, ODD_DASH, ODD_SPACE } from './lexical.ts';
import { resolvePlain } from './scalar.ts';
import type { Entry, Line, ListNode, MapNode, ScalarNode, Span } from './tree.ts';

/** A plain scalar that stands for one line of another. */
function lineNode(text: string, line: Line, from: number): ScalarNode {
  const at = { line: line.at.line, column: line.at.column + from };
  const where = { at, end: line.end };
  const lines = [{ text, ...where }];
  return {
    kind: 'scalar',
    value: resolvePlain(text),
    text,
    plain: true,
    lines,
    substituted: false,
    ...where,
  };
}

/** Whether a line of text starts with a dash that makes no list item: `-item`, or a typographic dash. */
function startsWithDash(text: string): boolean {
  return /^-[^\s-]/.test(text) || ODD_DASH.test(text[0] ?? '');
}

/** The items that a scalar's lines were meant to be, or null if it does not look like a list. */
export function itemsOfScalar(node: ScalarNode, path: string, found: Diagnostics): ListNode | null {
  const first = node.lines[0];
  if (first === undefined || !startsWithDash(first.text)) return null;
  return {
    kind: 'list',
    items: node.lines.map((line) => itemOfLine(line, path, found)),
    at: node.at,
    end: node.end,
  };
}

function itemOfLine(line: Line, path: string, found: Diagnostics): ScalarNode {
  const spaced = /^-\s+/.exec(line.text);
  if (spaced !== null) return lineNode(line.text.slice(spaced[0].length), line, spaced[0].length);
  const marker = line.text[0] ?? '';
  const where = { ...line, path };
  if (ODD_DASH.test(marker)) {
    const rest = line.text.slice(1).trimStart();
    const message = `the list marker is the character ${codePoint(marker)}, not a dash`;
    found.report('OV1005', where, message, `write "- ${rest}"`);
    return lineNode(rest, line, line.text.length - rest.length);
  }
  if (marker === '-') {
    const rest = line.text.slice(1);
    found.report(
      'OV1007',
      where,
      `"${line.text}" is text: a list item needs a space behind the dash`,
      `write "- ${rest}"`,
    );
    return lineNode(rest, line, 1);
  }
  // 0, = and _ are the neighbours of the dash key, or the dash with shift.
  const slipped = /^[0=_](?=[A-Za-z])/.test(line.text) ? 1 : 0;
  const rest = line.text.slice(slipped);
  const why = slipped === 0 ? 'has no dash' : `starts with "${marker}" where a dash should be`;
  found.report(
    'OV1016',
    where,
    `"${line.text}" ${why}: YAML reads it as part of the line above`,
    `write "- ${rest}"`,
  );
  return lineNode(rest, line, slipped);
}

/** The mapping that a scalar's lines `key:value` were meant to be, or null if it does not look like one. */
export function entriesOfScalar(node: ScalarNode, path: string, found: Diagnostics): MapNode | null {
  const entries: Entry[] = [];
  const reports: (() => void)[] = [];
  for (const line of node.lines) {
    const match = /^([A-Za-z][\w-]*):(?!\/\/)([^ \t].*)$/.exec(line.text);
    if (match === null) return null;
    const [, key, rest] = match as unknown as [string, string, string];
    const where = span(line, 0, key.length);
    reports.push(() => reportGlued(found, { ...where, path }, key, rest));
    const blank = ODD_SPACE.test(rest[0] ?? '') ? 1 : 0;
    entries.push({ key, where, value: lineNode(rest.slice(blank), line, key.length + 1 + blank) });
  }
  if (entries.length === 0 || new Set(entries.map((entry) => entry.key)).size < entries.length) return null;
  for (const report of reports) report();
  return { kind: 'map', entries, at: node.at, end: node.end };
}

function reportGlued(found: Diagnostics, where: Where, key: string, rest: string): void {
  const odd = rest[0] ?? '';
  if (ODD_SPACE.test(odd)) {
    const message = `the character ${codePoint(odd)} behind "${key}:" looks like a space but is none`;
    found.report('OV1003', where, message, 'type a plain space in its place');
    return;
  }
  found.report('OV1006', where, `"${key}:" needs a space behind the colon`, `write "${key}: ${rest}"`);
}

function span(line: Line, from: number, to: number): Span {
  const at = { line: line.at.line, column: line.at.column + from };
  return { at, end: { line: line.at.line, column: line.at.column + to } };
}
