// Targets about one packet at a time: the walk with its checksums, the tree and its texts, reassembly, lines.

import picocolors from 'picocolors';
import { ByteWriter } from '../../src/cli/render/byte-writer.ts';
import { LineMemory } from '../../src/cli/render/line-memory.ts';
import { packetHex, packetLine, packetRow, packetTree } from '../../src/cli/render/packet.ts';
import { PacketTime } from '../../src/cli/render/packet-time.ts';
import { PlainLine } from '../../src/cli/render/plain-line.ts';
import { CHECKSUM, checksumVerdict, isOffloaded } from '../../src/core/dissect/checksums.ts';
import { Crossing } from '../../src/core/dissect/crossing.ts';
import { Dissection, L, LAYERS_MAX, reportFault } from '../../src/core/dissect/layer.ts';
import { dissect } from '../../src/core/dissect/walk.ts';
import { fieldMarks, hexdump, layerMarks } from '../../src/core/inspect/hexdump.ts';
import { summarize } from '../../src/core/inspect/summary.ts';
import { protocols, tree } from '../../src/core/inspect/tree.ts';
import { faultKind, faultLayer } from '../../src/core/wire/fault.ts';
import type { Input, Scene } from './input.ts';
import type { Placed, Target } from './target.ts';
import { eachPacket, eachSight, hashOf, must, reads, walkOf } from './target.ts';
import type { Trail } from './trail.ts';
import { MARK } from './trail.ts';

const PLAIN = picocolors.createColors(false);
const COLOURED = picocolors.createColors(true);

/** Every row inside the packet and inside the row before; verdicts and reports of any row. */
const walk: Target = {
  name: 'walk',
  takes: 'scene',
  run(input: Input, trail: Trail): void {
    const scene = input as Scene;
    const d = new Dissection();
    const crossing = new Crossing();
    eachPacket(scene, ({ view, start, end, packet }, i) => {
      dissect(view, start, end, packet.linkType, d, walkOf(scene), packet.original);
      rowsHold(d, start, end, packet.original);
      mark(d, trail, i);
      for (let row = 0; row < d.count; row++) {
        const verdict = checksumVerdict(view, d, row);
        must(verdict >= -1 && verdict <= 3, 'a verdict is a number of CHECKSUM', verdict);
        const kind = d.kind(row);
        if (verdict === CHECKSUM.bad && (kind === L.udp || kind === L.tcp)) isOffloaded(view, d, row);
        if (verdict >= 0) trail.note(MARK.checksum, (kind << 4) | verdict | (d.quoted(row) ? 8 : 0), i);
        const report = reportFault(d, row);
        if (report === null) continue;
        must(report.offset === d.start(row) - start && report.had >= 0, 'a fault has a place', d);
        reads(report.text, 'a fault', packet.bytes);
      }
      let found = 0;
      for (let row = 0; crossing.find(view, d, row); row = crossing.vxlan + 1) found++;
      must(found === 0 || d.vxlan >= 0, 'a crossing has a VXLAN row', d);
    });
  },
};

function rowsHold(d: Dissection, start: number, end: number, original: number): void {
  must(d.count <= LAYERS_MAX && d.at <= end, 'the walk stays within its rows and bytes', d);
  let before = start;
  let bound = end;
  let limit = start + Math.max(original, end - start);
  for (let i = 0; i < d.count; i++) {
    const [at, head, last, wire] = [d.start(i), d.head(i), d.end(i), d.limit(i)];
    must(at === before && at <= head && head <= last, 'a row starts where the payload before does', d);
    must(last <= bound && last <= wire && wire <= limit, 'a row ends inside the one before', d);
    before = head;
    bound = last;
    limit = wire;
  }
  must(d.firstFault < d.count && d.network < d.count && d.transport < d.count, 'rows are rows', d);
  must(d.vxlan <= d.innerVxlan && d.fragment < d.count, 'rows are in order', d);
}

function mark(d: Dissection, trail: Trail, i: number): void {
  let one = 0;
  let two = 0;
  let stack = 0;
  for (let row = 0; row < d.count; row++) {
    const f = d.fault(row);
    const state = (d.flags(row) << 8) | (faultKind(f) << 12) | (faultLayer(f) << 16) | (d.bound(row) << 24);
    const word = d.kind(row) ^ Math.imul(state, 0x0101_0101);
    trail.note(MARK.rows, Math.imul(word, 31) ^ Math.imul(one, 0x1_0003) ^ Math.imul(two, 0x3f_0005), i);
    two = one;
    one = word;
    stack = Math.imul(stack ^ d.kind(row), 0x0100_0193);
  }
  if (d.count <= 10) trail.note(MARK.stack, stack, i);
}

/** The tree, the summary, the names and the hexdump: ranges inside the packet, texts without accidents, wherever it lies. */
const inspect: Target = {
  name: 'inspect',
  takes: 'scene',
  run(input: Input, trail: Trail): void {
    const scene = input as Scene;
    const d = new Dissection();
    eachPacket(scene, (placed, i) => {
      const { view, start, end, packet } = placed;
      dissect(view, start, end, packet.linkType, d, walkOf(scene), packet.original);
      const told = tree(view, d);
      for (const layer of told.layers) {
        must(
          0 <= layer.from && layer.from <= layer.to && layer.to <= layer.end,
          'a layer has a range',
          layer.protocol,
        );
        must(layer.end <= told.captured, 'a layer is inside', layer.protocol);
        reads(layer.title, layer.protocol, packet.bytes);
        for (const f of layer.fields) {
          must(layer.from <= f.from && f.from <= f.to && f.to <= told.captured, 'a field is inside', f.name);
          reads(f.text, f.name, packet.bytes);
        }
      }
      must(protocols(view, d).length >= d.count, 'every row has a name', d);
      const { protocol, info, source, destination } = summarize(view, d);
      reads(`${source} ${destination} ${protocol} ${info}`, 'the summary', packet.bytes);
      trail.words(MARK.summary, `${protocol} ${/^[^0-9:=]*/.exec(info)?.[0] ?? ''}`, i);
      if (start > 0 && (hashOf(packet) & 7) === 0) saysTheSame(placed, scene, JSON.stringify(told, plainly));
      if (end - start > 400 && (hashOf(packet) & 7) !== 0) return;
      hexdump(view, start, end, [...layerMarks(told), ...fieldMarks(told, hashOf(packet) % (d.count + 1))]);
    });
  },
};

/** The same packet where it begins with its buffer. */
function saysTheSame({ packet }: Placed, scene: Scene, said: string): void {
  const view = new DataView(packet.bytes.slice().buffer);
  const d = new Dissection();
  dissect(view, 0, view.byteLength, packet.linkType, d, walkOf(scene), packet.original);
  const again = JSON.stringify(tree(view, d), plainly);
  must(said === again, 'a tree does not tell where in the buffer the packet lies', d);
}

function plainly(_name: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}

/** Reassembly: its parts, its limits, and the texts of what was put together. */
const sight: Target = {
  name: 'sight',
  takes: 'scene',
  run(input: Input, trail: Trail): void {
    eachSight(input as Scene, ({ parts, own, last, reassembler }, { packet }, i) => {
      must(parts[0] === own && parts[parts.length - 1] === last, 'the parts are in order');
      must(
        reassembler.waiting <= 12 && reassembler.bytes <= 200_000,
        'reassembly keeps its limits',
        reassembler.bytes,
      );
      must(
        reassembler.waiting >= 0 && reassembler.bytes >= 0,
        'reassembly counts what it holds',
        reassembler.bytes,
      );
      if (parts.length === 1) return;
      for (const { view, d, from, packets } of parts.slice(1)) {
        rowsHold(d, 0, view.byteLength, Math.max(d.original, view.byteLength));
        must(from <= d.count && packets.length > 0, 'a part is told from where it is new', d);
        mark(d, trail, i);
        trail.note(MARK.parts, (parts.length << 8) | Math.min(packets.length, 255));
        tree(view, d);
        reads(summarize(view, d).info, 'the summary of a part');
      }
      must(packet.bytes.length > 0, 'an empty packet completes nothing');
    });
  },
};

const lines = LineMemory.make() as LineMemory;

/** What `inspect --packets` prints: quick lines are those of the long way; rows, trees and dumps of any packet. */
const line: Target = {
  name: 'line',
  takes: 'scene',
  run(input: Input): void {
    const scene = input as Scene;
    const quick = new PlainLine(walkOf(scene), lines);
    const writer = new ByteWriter(lines.text);
    const crossing = new Crossing();
    let clock: PacketTime | null = null;
    eachSight(scene, (seen, { view, start, end, meta, packet }) => {
      clock ??= new PacketTime(meta, 6);
      const long = packetLine(seen, meta, crossing, clock.text(meta));
      reads(long, 'a line', packet.bytes);
      must(long.indexOf('\n') === long.length - 1, 'a line is one line', JSON.stringify(long));
      if (quick.write(writer, view, start, end, meta, clock)) {
        const short = new TextDecoder().decode(lines.text.subarray(0, writer.at));
        must(short === long, 'the quick line is that of the long way', `${short} ${long}`);
      }
      writer.at = 0;
      const row = packetRow(seen, meta, crossing);
      reads(JSON.stringify(row), 'a row', packet.bytes);
      if (packet.bytes.length > 400 || (hashOf(packet) & 7) !== 0) return;
      packetTree(seen, meta, COLOURED);
      packetHex(seen, (hashOf(packet) & 8) === 0 ? PLAIN : COLOURED);
    });
  },
};

export const PACKET_TARGETS: readonly Target[] = [walk, inspect, sight, line];
