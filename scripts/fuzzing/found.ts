// A find as a file of fixtures/found: what it was in comment lines, then the input in hex.
//
//   # walk: RangeError: Offset is outside the bounds of the DataView
//   walk deep                                         settings of the walk, when not the default
//   packet 1 60 1700000000 5 ffffffffffff0242...      link type, length on the wire, seconds, nanoseconds, bytes
//   file 0a0d0d0a...
//   text 6970                                         a filter in UTF-16, four digits a unit

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Input, ScenePacket, WalkName } from './input.ts';
import { WALKS } from './input.ts';

export function foundText(input: Input, about: readonly string[]): string {
  const lines = about.map((line) => `# ${line.replace(/\s+/g, ' ')}`);
  if (input.kind === 'file') lines.push(`file ${hexOf(input.bytes)}`);
  else if (input.kind === 'text') lines.push(`text ${units(input.text)}`);
  else {
    if (input.walk !== 'default') lines.push(`walk ${input.walk}`);
    for (const { linkType, original, seconds, nanos, bytes } of input.packets) {
      lines.push(`packet ${linkType} ${original} ${seconds} ${nanos} ${hexOf(bytes)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}

/** @throws Error for text that is no find */
export function foundInput(text: string): Input {
  const packets: ScenePacket[] = [];
  let walk: WalkName = 'default';
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [what, ...words] = line.split(' ');
    const last = words.at(-1) ?? '';
    if (what === 'file') return { kind: 'file', bytes: bytesOf(last) };
    if (what === 'text')
      return {
        kind: 'text',
        text: last.replace(/..../g, (unit) => String.fromCharCode(Number.parseInt(unit, 16))),
      };
    if (what === 'walk' && WALKS.includes(last as WalkName)) walk = last as WalkName;
    else if (what === 'packet' && words.length === 5) {
      const [linkType, original, seconds, nanos] = words.map(Number) as [number, number, number, number];
      packets.push({ linkType, original, seconds, nanos, bytes: bytesOf(last) });
    } else throw new Error(`no line of a find: ${line}`);
  }
  return { kind: 'scene', walk, packets };
}

/** Every find of a folder by name. */
export function allFound(folder: string): [name: string, input: Input][] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.hex'))
    .sort()
    .map((name) => [name, foundInput(readFileSync(join(folder, name), 'utf8'))]);
}

export function saveFound(folder: string, name: string, input: Input, about: readonly string[]): string {
  const path = join(folder, `${name}.hex`);
  writeFileSync(path, foundText(input, about));
  return path;
}

function hexOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function bytesOf(digits: string): Uint8Array {
  if (!/^([0-9a-f]{2})*$/.test(digits)) throw new Error(`not hex: ${digits.slice(0, 60)}`);
  return new Uint8Array(Buffer.from(digits, 'hex'));
}

function units(text: string): string {
  return Array.from({ length: text.length }, (_, i) => text.charCodeAt(i).toString(16).padStart(4, '0')).join(
    '',
  );
}
