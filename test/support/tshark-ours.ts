// Our reading of a whole capture in tshark's columns: each packet by its own rows, up to where it becomes a fragment, and by
// those of the datagrams that it completes, as tshark shows them.

import { LAYER_PROTOCOLS } from '../../src/core/dissect/layer.ts';
import { valueText } from '../../src/core/inspect/field.ts';
import { layerSpec } from '../../src/core/inspect/registry.ts';
import { eachField, placeOf } from '../../src/core/inspect/tree.ts';
import { AnyReader } from '../../src/core/pcap/reader.ts';
import type { CutShort, PacketMeta } from '../../src/core/pcap/record.ts';
import { Sight } from '../../src/core/reassembly/sight.ts';
import { timeText } from '../../src/core/survey/document.ts';

export interface OurPacket {
  readonly protocols: readonly string[];
  /** The values of a field from the outside in, joined with `;`. */
  cell(column: string): string;
}

export interface OurReading {
  readonly packets: readonly OurPacket[];
  readonly cutShort: CutShort | null;
}

/** @param columns the fields that will be asked for */
export function ourReading(bytes: Uint8Array, columns: readonly string[]): OurReading {
  const wanted = new Set(columns);
  const sight = new Sight();
  const packets: OurPacket[] = [];
  const reader = new AnyReader((view, start, end, meta) => {
    sight.read(view, start, end, meta);
    packets.push(ourPacket(sight, meta, end - start, wanted));
  });
  reader.push(bytes);
  reader.end();
  return { packets, cutShort: reader.cutShort };
}

function ourPacket(sight: Sight, meta: PacketMeta, captured: number, wanted: ReadonlySet<string>): OurPacket {
  const protocols: string[] = [];
  const values = new Map<string, string[]>([
    ['frame.number', [String(meta.number)]],
    ['frame.time_epoch', meta.timed ? [timeText(meta.seconds, meta.nanos)] : []],
    ['frame.len', [String(meta.originalLength)]],
    ['frame.cap_len', [String(captured)]],
  ]);
  for (const { view, d, from } of sight.parts) {
    // What a fragment holds behind its header is told where the datagram is whole.
    const to = d.fragment < 0 ? d.count : d.fragment + 1;
    for (let row = from; row < to; row++) {
      const kind = d.kind(row);
      protocols.push(LAYER_PROTOCOLS[kind] as string);
      eachField(placeOf(view, d, row), layerSpec(kind), (spec, value) => {
        if (!wanted.has(spec.name)) return;
        const list = values.get(spec.name);
        if (list === undefined) values.set(spec.name, [valueText(spec, value)]);
        else list.push(valueText(spec, value));
      });
    }
  }
  return { protocols, cell: (column) => (values.get(column) ?? []).join(';') };
}
