// Finds code that stands in two places: runs of WINDOW or more significant lines that are equal but for white space and
// comments. Imports, blank lines and lines of brackets alone do not count. Usage: tsx scripts/duplicates.ts DIRECTORY...

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Equal lines in a row that make a copy. Two codecs may look alike for as long as a header is. */
export const WINDOW = 16;

export interface Copy {
  /** `file:line` of the first and the second place, lines from 1. */
  readonly first: string;
  readonly second: string;
  /** Significant lines in common. */
  readonly lines: number;
}

interface Line {
  readonly text: string;
  readonly at: string;
}

function significant(name: string, source: string): Line[] {
  const blanked = source.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ''));
  const lines: Line[] = [];
  let importing = false;
  for (const [i, raw] of blanked.split('\n').entries()) {
    const text = raw
      .replace(/^\s*\/\/.*$/, '')
      .replace(/\s+/g, ' ')
      .trim();
    if (/^(import|export) (type )?[{*]/.test(text)) importing = true;
    if (!importing && !/^import /.test(text) && /[A-Za-z0-9]/.test(text)) {
      lines.push({ text, at: `${name}:${i + 1}` });
    }
    if (importing && /;$/.test(text)) importing = false;
  }
  return lines;
}

/** The copies among `files` (name to source), each as one longest run. */
export function duplicates(files: ReadonlyMap<string, string>, window: number = WINDOW): Copy[] {
  const places = new Map<string, { lines: Line[]; at: number }>();
  const copies: Copy[] = [];
  for (const [name, source] of files) {
    const lines = significant(name, source);
    for (let at = 0; at + window <= lines.length; ) {
      const key = lines
        .slice(at, at + window)
        .map((line) => line.text)
        .join('\n');
      const before = places.get(key);
      if (before === undefined || (before.lines === lines && before.at + window > at)) {
        if (before === undefined) places.set(key, { lines, at });
        at++;
        continue;
      }
      let length = window;
      while (
        lines[at + length] !== undefined &&
        lines[at + length]?.text === before.lines[before.at + length]?.text
      ) {
        length++;
      }
      copies.push({
        first: before.lines[before.at]?.at ?? '',
        second: lines[at]?.at ?? '',
        lines: length,
      });
      at += length;
    }
  }
  return copies;
}

/** Every TypeScript file below `directory`, name to source. */
export function sources(directory: string): Map<string, string> {
  const files = new Map<string, string>();
  const entries = readdirSync(directory, { recursive: true, encoding: 'utf8' });
  for (const entry of entries.sort()) {
    if (/\.tsx?$/.test(entry))
      files.set(join(directory, entry), readFileSync(join(directory, entry), 'utf8'));
  }
  return files;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const found = process.argv.slice(2).flatMap((directory) => duplicates(sources(directory)));
  for (const copy of found) console.log(`${copy.lines} lines: ${copy.first} and ${copy.second}`);
  process.exitCode = found.length === 0 ? 0 : 1;
}
