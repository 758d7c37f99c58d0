// The captures in fixtures/captures and the ground truth beside them.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';

const CAPTURES: string = fileURLToPath(new URL('../../fixtures/captures', import.meta.url));

/** The path of a capture by its name, such as `formats/usec-le.pcap`. */
export function capturePath(name: string): string {
  return join(CAPTURES, name);
}

/** The bytes of a capture; a .gz is decompressed. */
export function captureBytes(name: string): Uint8Array {
  const bytes = readFileSync(capturePath(name));
  return new Uint8Array(name.endsWith('.gz') ? gunzipSync(bytes) : bytes);
}

/** All capture names under a folder, sorted. */
export function captureNames(folder: string): string[] {
  return readdirSync(capturePath(folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(CAPTURES.length + 1))
    .sort();
}

/** One frame as tshark reads it: column name to text; several values are joined with ';'. */
export type TruthRow = Readonly<Record<string, string>>;

/** Names of the captures that have ground truth. */
export function truthNames(): string[] {
  return readdirSync(capturePath('truth'))
    .map((file) => file.slice(0, -'.tsv'.length).replace('_', '/'))
    .sort();
}

/** tshark 4.0.17's reading of a capture, a row a frame. */
export function truth(name: string): TruthRow[] {
  const lines = readFileSync(capturePath(`truth/${name.replace('/', '_')}.tsv`), 'utf8').split('\n');
  const columns = (lines[0] ?? '').split('\t');
  return lines
    .slice(1)
    .filter((line) => line !== '')
    .map((line) => {
      const values = line.split('\t');
      return Object.fromEntries(columns.map((column, i) => [column, values[i] ?? '']));
    });
}
