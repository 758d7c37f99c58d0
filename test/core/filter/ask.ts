// Filters asked about the packets of a fixture, by us and by tshark.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compileFilter } from '../../../src/core/filter/index.ts';
import type { PacketMeta } from '../../../src/core/pcap/index.ts';
import { AnyReader } from '../../../src/core/pcap/index.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { captureBytes, capturePath } from '../../support/captures.ts';
import { runTool } from '../../support/peers.ts';

/** An Ethernet packet of 60 bytes, as a reader tells it. */
export const META: PacketMeta = {
  number: 1,
  offset: 0,
  seconds: 1_700_000_000,
  nanos: 5,
  timed: true,
  originalLength: 60,
  linkType: 1,
  interfaceId: 0,
  direction: 0,
  fcsLength: 0,
  optionsStart: 0,
  optionsEnd: 0,
  littleEndian: true,
};

/** The numbers of the packets that each filter lets through. */
export function ask(capture: string, filters: readonly string[]): number[][] {
  const compiled = filters.map(compileFilter);
  const found: number[][] = filters.map(() => []);
  const sight = new Sight();
  const reader = new AnyReader((view, start, end, meta) => {
    sight.read(view, start, end, meta);
    compiled.forEach((filter, i) => {
      if (filter.matches(sight, meta)) found[i]?.push(meta.number);
    });
  });
  reader.push(captureBytes(capture));
  reader.end();
  return found;
}

/** `[1, 2, 3, 7]` as `1-3,7`; `-` for none. */
export function ranges(numbers: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const n of numbers) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] === n - 1) last[1] = n;
    else runs.push([n, n]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(',') || '-';
}

export interface Row {
  readonly capture: string;
  readonly filter: string;
  /** What tshark lets through, and we: the same unless `why` says. */
  readonly theirs: string;
  readonly ours: string;
  readonly why: string | null;
}

/** fixtures/filters.tsv by capture. */
export function table(): Map<string, Row[]> {
  const text = readFileSync(new URL('../../../fixtures/filters.tsv', import.meta.url), 'utf8');
  const found = new Map<string, Row[]>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [capture = '', filter = '', theirs = '', ours = theirs, why = null] = line.split('\t');
    found.set(capture, [...(found.get(capture) ?? []), { capture, filter, theirs, ours, why }]);
  }
  return found;
}

const OPTIONS = [
  'ip.defragment:TRUE',
  'ip.check_checksum:TRUE',
  'udp.check_checksum:TRUE',
  'tcp.check_checksum:TRUE',
  'tcp.relative_sequence_numbers:FALSE',
  'tcp.desegment_tcp_streams:FALSE',
].flatMap((option) => ['-o', option]);

/** Every byte as \ddd, which means the same to Lua whatever it is. */
function luaText(text: string): string {
  const bytes = [...new TextEncoder().encode(text)];
  return `"${bytes.map((byte) => `\\${String(byte).padStart(3, '0')}`).join('')}"`;
}

/**
 * What tshark lets through, for all filters in one run: a tap for each, set up by a script. Throws when tshark refuses a
 * filter or cannot run scripts.
 */
export function askTshark(capture: string, filters: readonly string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'vxlab-filter-'));
  try {
    const script = join(folder, 'taps.lua');
    writeFileSync(
      script,
      `local filters = {${filters.map(luaText).join(',')}}
for i, filter in ipairs(filters) do
  local tap = Listener.new("frame", filter)
  local hits = {}
  function tap.packet(pinfo) hits[#hits + 1] = pinfo.number end
  function tap.draw() print("tap " .. i .. " " .. table.concat(hits, ",")) end
end
`,
    );
    const path = capturePath(capture);
    const port = ['-d', 'udp.port==8472,vxlan'];
    const said = runTool('tshark', ['-q', '-X', `lua_script:${script}`, '-r', path, ...OPTIONS, ...port]);
    const lines = new Map(
      [...said.matchAll(/^tap (\d+) (.*)$/gm)].map((match) => [Number(match[1]), match[2] as string]),
    );
    return filters.map((_, i) => {
      const line = lines.get(i + 1);
      if (line === undefined) throw new Error(`${capture}: tshark said nothing of ${filters[i]}`);
      return ranges(line === '' ? [] : line.split(',').map(Number));
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
