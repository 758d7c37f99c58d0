// What a verb that takes a capture and writes a capture is: fed packet by packet where they lie, writing to an Outlet.
// The reader's bytes are not the editor's to change.

import type { PacketMeta } from '../pcap/record.ts';
import type { Sight } from '../reassembly/sight.ts';

/** What became of packets, besides being read and written: a count by name, `withoutTunnel` for one. */
export type EditCounts = Readonly<Record<string, number>>;

export interface Editor {
  /**
   * Takes one packet, bytes [start, end) of the view. All arguments are good only for this call.
   * @param sight has read this packet
   */
  packet(sight: Sight, meta: PacketMeta, view: DataView, start: number, end: number): void;
  /** No more packets come: what is still held is written. The Outlet is not flushed. */
  end(): void;
  /** In the order in which they are told; the same names always, whatever came. */
  counts(): EditCounts;
}
