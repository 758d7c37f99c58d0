// What came of `vxlab prove` on one screen: who said it, where it was read, what leaks even so, and the sentence.

import type { LoggedFrame } from '../../lab/capture.ts';
import type { ControlRow, PlaceRow, ProveDocument, RunRow } from '../prove/document.ts';
import type { Fact } from '../prove/leaks.ts';
import { FACTS } from '../prove/leaks.ts';
import { count } from '../units.ts';
import type { Colors } from './paint.ts';
import { table } from './table.ts';

type Frames = ReadonlyMap<string, readonly LoggedFrame[]>;

const TITLES: Readonly<Record<RunRow['tunnel'], string>> = {
  vxlan: 'VXLAN',
  'vxlan+esp': 'VXLAN inside ESP',
  'vxlan+tls': 'VXLAN, TLS inside',
};

const WORDS: Readonly<Record<Fact, string>> = {
  'vtep-addresses': 'VTEP addresses',
  'vtep-pairs': 'which VTEPs talk',
  timing: 'when somebody asks',
  sizes: 'sizes',
  connections: 'connections',
  vni: 'VNIs',
  'inner-macs': 'inner MACs',
  'inner-addresses': 'inner addresses',
  'inner-ports': 'inner ports',
  protocols: 'protocols',
  names: 'names',
  secrets: 'secrets',
  content: 'what is said',
};

/** Bytes that are shown in front of a canary, and in all. */
const BEFORE = 16;
const SHOWN = 64;
const ROW = 16;

export function renderProof(document: ProveDocument, frames: Frames, paint: Colors): string {
  return [
    `${paint.bold('The canary')} ${document.canary}, in stack ${document.stack}\n${legs(document)}`,
    `${paint.bold('Looked for in every byte on the underlay')}\n${found(document)}`,
    ...document.runs.flatMap((run) => evidence(run, frames, paint)),
    `${paint.bold('What leaks')}: read off the underlay without a key\n${leaks(document)}`,
    `${paint.bold('Controls')}: would the search have found it?\n${document.controls.map((row) => control(row, paint)).join('')}`,
    `${document.proved ? paint.green(document.verdict) : paint.red(document.verdict)}\n`,
  ].join('\n');
}

function legs({ legs: list, runs, stack }: ProveDocument): string {
  return list
    .map(({ carrier, client, server, vip, vni, servers }) => {
      const short = (task: string): string =>
        task.startsWith(`${stack}_`) ? task.slice(stack.length + 1) : task;
      const requests = (runs[0]?.requests ?? []).filter((said) => said.carrier === carrier);
      const where = [...new Set(requests.map((said) => said.where))].join('; ');
      const at = servers.map(({ task, node }) => `${short(task)} on ${node}`).join(', ');
      const by = vip === null ? server : `${server} (${vip})`;
      return `${carrier}: ${short(client.task)} on ${client.node} asks ${by}, VNI ${vni}: ${at}\n  in its ${where}\n`;
    })
    .join('');
}

function found({ runs }: ProveDocument): string {
  return table(
    [
      { head: 'TUNNEL' },
      { head: 'RECOVERED' },
      { head: 'PLACES', align: 'right' },
      { head: 'AS' },
      { head: 'PACKETS', align: 'right' },
      { head: 'BYTES', align: 'right' },
    ],
    runs.map(({ tunnel, recovered, places, more, packets, bytes }) => [
      TITLES[tunnel],
      recovered ? 'yes' : 'no',
      String(places.length + more),
      [...new Set(places.map(({ encoding }) => encoding))].join(', ') || '-',
      String(packets),
      String(bytes),
    ]),
  );
}

/** The first place of each encoding, with the bytes around it. */
function evidence({ tunnel, places, capture }: RunRow, frames: Frames, paint: Colors): string[] {
  const first = new Map<string, PlaceRow>();
  for (const place of places) if (!first.has(place.encoding)) first.set(place.encoding, place);
  if (first.size === 0) return [];
  const list = frames.get(tunnel) ?? [];
  const rows = [...first.values()].map((place) => {
    const where = `packet ${place.packet} on ${place.tap}, byte ${place.offset}, ${place.encoding}:`;
    const frame = list[place.packet - 1];
    return `${where}\n${frame === undefined ? '' : dump(frame.bytes, place, paint)}`;
  });
  const kept = capture === null ? '' : ` (${capture})`;
  return [`${paint.bold(`What stands there`)}: ${TITLES[tunnel]}${kept}\n${rows.join('')}`];
}

function dump(bytes: Uint8Array, { offset, bytes: hex }: PlaceRow, paint: Colors): string {
  return bytesAround(bytes, offset, offset + hex.length / 2, paint);
}

/** Rows of bytes around those at [offset, last), which are marked. */
export function bytesAround(
  bytes: Uint8Array,
  offset: number,
  last: number,
  paint: Colors,
  before: number = BEFORE,
): string {
  const from = Math.max(0, offset - before);
  const end = Math.min(bytes.length, before === BEFORE ? from + SHOWN : bytes.length);
  const isCanary = (at: number): boolean => at >= offset && at < last;
  let text = '';
  for (let row = from; row < end; row += ROW) {
    const cells: string[] = [];
    let letters = '';
    for (let at = row; at < Math.min(end, row + ROW); at++) {
      const byte = bytes[at] as number;
      const cell = byte.toString(16).padStart(2, '0');
      const letter = byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.';
      cells.push(isCanary(at) ? paint.red(cell) : cell);
      letters += isCanary(at) ? paint.red(letter) : letter;
    }
    const gap = ' '.repeat(3 * (ROW - cells.length));
    text += `  ${row.toString(16).padStart(4, '0')}  ${cells.join(' ')}${gap}   ${letters}\n`;
  }
  return text;
}

function leaks({ runs }: ProveDocument): string {
  return table(
    [{ head: '' }, ...runs.map(({ tunnel }) => ({ head: TITLES[tunnel] }))],
    FACTS.map((fact) => [
      WORDS[fact],
      ...runs.map((run) => {
        const leak = run.leaks.find((one) => one.fact === fact);
        return leak === undefined
          ? ''
          : leak.readable || leak.text === 'none'
            ? leak.text
            : `no: ${leak.text}`;
      }),
    ]),
  );
}

function control(row: ControlRow, paint: Colors): string {
  const { control: which, passed, places, packets, sealed, opened } = row;
  const there = count(places, 'place');
  const words = {
    inner: `inside the tunnel of the ESP run, ${packets} frames: ${there}`,
    keys: `its capture with its keys, ${opened} of ${sealed} ESP packets opened: ${there}`,
    'other-keys': `its capture with other keys, ${opened} of ${sealed} ESP packets opened: ${there}`,
  };
  return `${passed ? paint.green('ok') : paint.red('FAILED')}  ${words[which]}\n`;
}
