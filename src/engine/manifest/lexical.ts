// Slips below YAML's grammar: what a copy from slides, a lecture or a chat does to a file. They are looked for only when
// the text is not valid YAML as it stands, so that nothing legal is ever touched, and they are mended in a copy so that
// everything behind them can still be read.
//
// Judging by lines can err inside block scalars; the worst case is a second report on a file that is broken anyway.

import type { Diagnostics } from '../model/diagnostic.ts';
import type { RuleId } from '../model/rules.ts';
import { COMMON_KEYS } from './schema.ts';
import { suggest } from './suggest.ts';
import type { MendedText } from './text.ts';

/** Space characters that YAML takes for letters: no-break, en, em, thin, figure, narrow and ideographic spaces. */
export const ODD_SPACE: RegExp = /[\u00a0\u2000-\u200b\u202f\u205f\u3000\ufeff]/;
/** Hyphen, non-breaking hyphen, figure dash, en dash, em dash, bar, minus. */
export const ODD_DASH: RegExp = /[\u2010-\u2015\u2212]/;
/** Single and double typographic quotes, high, low and angled. */
export const ODD_QUOTE: RegExp = /[\u2018-\u201f\u00ab\u00bb\u2039\u203a]/;

/** `U+2019` and the like. */
export function codePoint(text: string): string {
  return `U+${(text.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

/** Reports and mends what it finds, line by line. */
export function mendLines(text: MendedText, found: Diagnostics): void {
  const tabbed: Map<string, number> = new Map();
  for (let index = 0; index < text.length; index++) {
    if (/^\s*(#|$)/.test(text.line(index))) continue;
    mendTabs(text, index, tabbed, found);
    mendSpaces(text, index, found);
    mendMarker(text, index, found);
    mendColon(text, index, found);
  }
}

function report(
  found: Diagnostics,
  rule: RuleId,
  text: MendedText,
  index: number,
  from: number,
  to: number,
  message: string,
  hint: string,
): void {
  const at = { line: index + 1, column: text.columnAt(index, from) };
  const end = { line: index + 1, column: text.columnAt(index, to) };
  found.report(rule, { at, end, path: '' }, message, hint);
}

/** @param tabbed how far an indentation with tabs reaches, so that lines of one level stay on one level */
function mendTabs(text: MendedText, index: number, tabbed: Map<string, number>, found: Diagnostics): void {
  const indent = indentOf(text.line(index));
  const count = indent.split('\t').length - 1;
  if (count === 0) return;
  const what = count === 1 ? 'a tab indents this line' : `${count} tabs indent this line`;
  const from = indent.indexOf('\t');
  report(found, 'OV1002', text, index, from, indent.length, what, 'YAML wants spaces: two for each level');
  const above = lineAbove(text, index);
  const least = /:\s*$/.test(above) ? indentOf(above).length + 2 : 0;
  const width = tabbed.get(indent) ?? Math.max(indent.length + count, least);
  tabbed.set(indent, width);
  text.overwrite(index, 0, ' '.repeat(indent.length));
  text.insert(index, indent.length, ' '.repeat(Math.max(0, width - indent.length)));
}

function indentOf(line: string): string {
  return (/^[\s\u200b]*/.exec(line) as RegExpExecArray)[0];
}

/** The last line above that says something. */
function lineAbove(text: MendedText, index: number): string {
  for (let before = index - 1; before >= 0; before--) {
    if (!/^\s*(#|$)/.test(text.line(before))) return text.line(before);
  }
  return '';
}

function mendSpaces(text: MendedText, index: number, found: Diagnostics): void {
  const indent = indentOf(text.line(index));
  for (let at = 0; at < indent.length; at++) oddSpace(text, index, at, found);
  const behind = /^\s*(?:- )?[\w.-]+:/.exec(text.line(index)) ?? /^\s*-/.exec(text.line(index));
  if (behind !== null) oddSpace(text, index, behind[0].length, found);
}

function oddSpace(text: MendedText, index: number, at: number, found: Diagnostics): void {
  const odd = text.line(index)[at] ?? '';
  if (!ODD_SPACE.test(odd)) return;
  const message = `the character ${codePoint(odd)} looks like a space but is none`;
  report(found, 'OV1003', text, index, at, at + 1, message, 'type a plain space in its place');
  text.overwrite(index, at, ' ');
}

/** A typographic dash that marks an item, and a dash glued to an item that stands in a list. */
function mendMarker(text: MendedText, index: number, found: Diagnostics): void {
  const match = /^(\s*)(\S)(.*)$/.exec(text.line(index));
  if (match === null) return;
  const [, indent, marker, rest] = match as unknown as [string, string, string, string];
  const at = indent.length;
  if (ODD_DASH.test(marker)) {
    const message = `the list marker is the character ${codePoint(marker)}, not a dash`;
    report(found, 'OV1005', text, index, at, at + 1, message, 'type a plain "-" in its place, and a space');
    text.overwrite(index, at, '-');
  } else if (marker === '-' && /^[^\s-]/.test(rest) && besideItem(text, index, at)) {
    const message = `"-${rest.trim()}" is text: a list item needs a space behind the dash`;
    const end = at + 1 + rest.trimEnd().length;
    report(found, 'OV1007', text, index, at, end, message, `write "- ${rest.trim()}"`);
  } else {
    return;
  }
  if (/^\S/.test(rest)) text.insert(index, at + 1, ' ');
}

/** Whether the nearest line above that is not deeper is an item at this column. */
function besideItem(text: MendedText, index: number, column: number): boolean {
  for (let before = index - 1; before >= 0; before--) {
    const line = text.line(before);
    if (/^\s*(#|$)/.test(line) || indentOf(line).length > column) continue;
    return indentOf(line).length === column && /^\s*-(\s|$)/.test(line);
  }
  return false;
}

function mendColon(text: MendedText, index: number, found: Diagnostics): void {
  const line = text.line(index);
  const glued = /^(\s*(?:- )?)([A-Za-z][\w-]*):(?!\/\/)([^\s].*)$/.exec(line);
  if (glued !== null && isCommonKey(glued[2] as string)) {
    const [, indent, key, rest] = glued as unknown as [string, string, string, string];
    const from = indent.length;
    const message = `"${key}:" needs a space behind the colon`;
    report(
      found,
      'OV1006',
      text,
      index,
      from,
      from + key.length + 1,
      message,
      `write "${key}: ${rest.trim()}"`,
    );
    text.insert(index, from + key.length + 1, ' ');
    return;
  }
  const bare = /^(\s*)([A-Za-z0-9][\w.-]*)\s*$/.exec(line);
  if (bare === null) return;
  const [, indent, key] = bare as unknown as [string, string, string];
  if (nextIndent(text, index) <= indent.length) return;
  const from = indent.length;
  const message = `"${key}" has deeper lines below it but no colon`;
  report(found, 'OV1008', text, index, from, from + key.length, message, `write "${key}:"`);
  text.insert(index, from + key.length, ':');
}

function isCommonKey(word: string): boolean {
  return COMMON_KEYS.has(word) || suggest(word, COMMON_KEYS) !== null;
}

/** The indentation of the next line that says something; -1 at the end. */
function nextIndent(text: MendedText, index: number): number {
  for (let next = index + 1; next < text.length; next++) {
    const line = text.line(next);
    if (!/^\s*(#|$)/.test(line)) return indentOf(line).length;
  }
  return -1;
}
