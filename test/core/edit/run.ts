// Runs an editor over a capture in memory.

import type { WalkOptions } from '../../../src/core/dissect/ports.ts';
import { DEFAULT_WALK } from '../../../src/core/dissect/ports.ts';
import type { EditCounts, Editor } from '../../../src/core/edit/editor.ts';
import { Outlet } from '../../../src/core/edit/outlet.ts';
import { LINKTYPE } from '../../../src/core/pcap/linktype.ts';
import { PcapngWriter } from '../../../src/core/pcap/pcapng-writer.ts';
import type { Packet } from '../../../src/core/pcap/reader.ts';
import { AnyReader, readAll } from '../../../src/core/pcap/reader.ts';
import type { CaptureFormat, CaptureInterface, CaptureReader } from '../../../src/core/pcap/record.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { viewOf } from '../../support/bytes.ts';
import { collect } from '../../support/written.ts';

export interface Edited {
  readonly bytes: Uint8Array;
  readonly packets: readonly Packet[];
  readonly interfaces: readonly CaptureInterface[];
  readonly counts: EditCounts;
  readonly outlet: Outlet;
}

export interface How {
  readonly format?: CaptureFormat;
  readonly linkType?: number;
  readonly walk?: WalkOptions;
  /** Bytes pushed at a time; default all at once. */
  readonly chunk?: number;
}

/** What an editor makes of a capture file. */
export function edited(
  file: Uint8Array,
  make: (outlet: Outlet, source: CaptureReader) => Editor,
  how: How = {},
): Edited {
  const chunks: Uint8Array[] = [];
  const outlet = new Outlet((bytes) => chunks.push(bytes), how.format ?? 'pcapng', how.linkType);
  const sight = new Sight(how.walk ?? DEFAULT_WALK);
  let editor: Editor | null = null;
  const reader: AnyReader = new AnyReader((view, start, end, meta) => {
    sight.read(view, start, end, meta);
    editor?.packet(sight, meta, view, start, end);
  });
  editor = make(outlet, reader);
  const size = how.chunk ?? file.length;
  for (let at = 0; at < file.length; at += size) reader.push(file.slice(at, at + size));
  reader.end();
  editor.end();
  outlet.flush();
  const bytes = new Uint8Array(Buffer.concat(chunks));
  const { packets, interfaces, cutShort } = readAll(bytes);
  if (cutShort !== null) throw new Error(cutShort.reason);
  return { bytes, packets, interfaces, counts: editor.counts(), outlet };
}

/** A packet to be put into a file: its bytes and, where a snap length cut it, how long it was. */
export interface Given {
  readonly bytes: Uint8Array;
  readonly original?: number;
  readonly comment?: string;
  readonly direction?: number;
}

/** A pcapng file of one interface; packets are a millisecond apart. */
export function fileOf(packets: readonly Given[], linkType: number = LINKTYPE.ethernet): Uint8Array {
  return collect((sink) => {
    const writer = new PcapngWriter(sink);
    writer.addInterface({ linkType, name: 'eth7' });
    for (const [i, { bytes, original, comment, direction }] of packets.entries()) {
      const length = original ?? bytes.length;
      const nanos = (i % 1000) * 1_000_000 + 7;
      const seconds = 1_700_000_000 + Math.floor(i / 1000);
      writer.writePacket(
        0,
        seconds,
        nanos,
        viewOf(bytes),
        0,
        bytes.length,
        length,
        direction ?? 0,
        comment ?? '',
      );
    }
    return writer;
  }).bytes;
}

/** What a packet is, without where it stands in its file. */
export function essence({ time, bytes, originalLength, linkType, direction, comments }: Packet): unknown {
  return { time, bytes: Buffer.from(bytes).toString('hex'), originalLength, linkType, direction, comments };
}
