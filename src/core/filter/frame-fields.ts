// `frame` and its fields: what the capture says of a packet as a whole.

import type { Dissection } from '../dissect/layer.ts';
import { L, LAYER_PROTOCOLS } from '../dissect/layer.ts';
import type { PacketMeta } from '../pcap/record.ts';
import type { Part } from '../reassembly/sight.ts';
import { slice } from './field-source.ts';
import { httpBodyAt } from './http-body.ts';
import { FrameSource } from './source.ts';
import type { Subject } from './subject.ts';
import { SIDE } from './subject.ts';

const UINT32 = 0xffff_ffff;
const TYPE_MIN = 0x600;

function meta(subject: Subject): PacketMeta {
  return subject.meta as PacketMeta;
}

function own(subject: Subject): Part {
  return subject.own as Part;
}

export const FRAME_FIELDS: ReadonlyMap<string, FrameSource> = new Map(
  [
    new FrameSource('frame', 'bytes', UINT32, (s) => {
      const { view, d } = own(s);
      return slice(view, d.packetStart, d.packetEnd);
    }),
    new FrameSource('frame.number', 'number', UINT32, (s) => meta(s).number),
    new FrameSource('frame.len', 'number', UINT32, (s) => meta(s).originalLength),
    new FrameSource('frame.cap_len', 'number', UINT32, (s) => own(s).d.packetEnd - own(s).d.packetStart),
    new FrameSource('frame.interface_id', 'number', UINT32, (s) => meta(s).interfaceId),
    new FrameSource('frame.time', 'date', UINT32, (s) => (meta(s).timed ? s.sinceEpoch : null)),
    new FrameSource('frame.time_epoch', 'time', UINT32, (s) => (meta(s).timed ? s.sinceEpoch : null)),
    new FrameSource('frame.time_relative', 'time', UINT32, (s) => (meta(s).timed ? s.sinceFirst : null)),
    new FrameSource('frame.time_delta', 'time', UINT32, (s) => (meta(s).timed ? s.sinceBefore : null)),
    new FrameSource('frame.protocols', 'text', UINT32, protocolNames),
  ].map((source) => [source.name, source]),
);

/** The names of all layers from the outside in, with `ethertype` where Wireshark has it: `eth:ethertype:ip:udp:dns`. */
function protocolNames(subject: Subject): string {
  const names: string[] = [];
  for (let i = 0; i < subject.parts.length; i++) {
    const { view, d } = subject.parts[i] as Part;
    for (let row = subject.from(i, SIDE.any); row < subject.to(i, SIDE.any); row++) {
      const kind = row === subject.covered(i) ? L.payload : d.kind(row);
      if (kind === L.payload) payloadNames(view, d, row, names);
      else names.push(LAYER_PROTOCOLS[kind] as string);
      if (hasEtherType(view, d, row, kind)) names.push('ethertype');
    }
  }
  return names.join(':');
}

function payloadNames(view: DataView, d: Dissection, row: number, names: string[]): void {
  const body = httpBodyAt(view, d, row);
  if (body >= 0) names.push('http');
  if (body < d.end(row)) names.push('data');
}

/** True where a header ends with an EtherType and not with an 802.3 length. */
function hasEtherType(view: DataView, d: Dissection, row: number, kind: number): boolean {
  switch (kind) {
    case L.ethernet:
    case L.vlan:
    case L.serviceVlan: {
      const at = d.head(row) - 2;
      return d.fault(row) === 0 && at >= d.start(row) && view.getUint16(at) >= TYPE_MIN;
    }
    case L.sll:
    case L.sll2:
      return d.fault(row) === 0 && row + 1 < d.count && d.kind(row + 1) !== L.llc;
    default:
      return false;
  }
}
