// The fields of UDP and TCP.

import { checksumVerdict } from '../dissect/checksums.ts';
import { L } from '../dissect/layer.ts';
import * as tcp from '../wire/tcp.ts';
import * as options from '../wire/tcp-options.ts';
import type { Emit, LayerSpec, Place } from './field.ts';
import { field, moving } from './field.ts';
import { CHECKSUM_STATUS } from './names.ts';

const UDP_STATUS = moving('udp.checksum.status', 'Checksum Status', 'uint', { names: CHECKSUM_STATUS });

export const UDP: LayerSpec = {
  kind: L.udp,
  name: 'User Datagram Protocol',
  fields: [
    field('udp.srcport', 'Source Port', 'uint', 0, 2, { also: 'udp.port' }),
    field('udp.dstport', 'Destination Port', 'uint', 2, 2, { also: 'udp.port' }),
    field('udp.length', 'Length', 'uint', 4, 2),
    field('udp.checksum', 'Checksum', 'hex', 6, 2),
  ],
  moreFields: [UDP_STATUS],
  title: (p) => `Src Port: ${p.view.getUint16(p.start)}, Dst Port: ${p.view.getUint16(p.start + 2)}`,
  more: (p, emit) => {
    const verdict = checksumVerdict(p.view, p.d, p.row);
    if (verdict >= 0) emit(UDP_STATUS, verdict, p.start + 6, p.start + 8);
  },
};

const TCP_STATUS = moving('tcp.checksum.status', 'Checksum Status', 'uint', { names: CHECKSUM_STATUS });
const TCP_LEN = moving('tcp.len', 'TCP Segment Len', 'uint');
const OPTION_KIND = moving('tcp.option_kind', 'Kind', 'uint');
const MSS = moving('tcp.options.mss_val', 'MSS Value', 'uint');
const SCALE = moving('tcp.options.wscale.shift', 'Shift count', 'uint');
const TS_VALUE = moving('tcp.options.timestamp.tsval', 'Timestamp value', 'uint');
const TS_ECHO = moving('tcp.options.timestamp.tsecr', 'Timestamp echo reply', 'uint');
const SACK_LEFT = moving('tcp.options.sack_le', 'TCP SACK Left Edge', 'uint');
const SACK_RIGHT = moving('tcp.options.sack_re', 'TCP SACK Right Edge', 'uint');

const OPTION_NUMBERS = {
  end: 0,
  nop: 1,
  mss: 2,
  windowScale: 3,
  sackPermitted: 4,
  sack: 5,
  timestamps: 8,
} as const;

function tcpMore(p: Place, emit: Emit): void {
  const { view, d, row, start, head } = p;
  if (head - start < tcp.HEADER_LEN) return;
  const offset = tcp.dataOffset(view, start);
  if (offset >= tcp.HEADER_LEN && start + offset <= p.limit) {
    emit(TCP_LEN, p.limit - start - offset, start + 12, start + 13);
  }
  if (offset < tcp.HEADER_LEN || start + offset > head) return;
  const verdict = checksumVerdict(view, d, row);
  if (verdict >= 0) emit(TCP_STATUS, verdict, start + 16, start + 18);
  for (const o of options.readOptions(view, start).options) {
    const kind = o.kind === 'unknown' ? o.number : OPTION_NUMBERS[o.kind];
    emit(OPTION_KIND, kind, o.at, o.at + o.length);
    if (o.kind === 'mss') emit(MSS, o.mss, o.at + 2, o.at + 4);
    else if (o.kind === 'windowScale') emit(SCALE, o.shift, o.at + 2, o.at + 3);
    else if (o.kind === 'timestamps') {
      emit(TS_VALUE, o.value, o.at + 2, o.at + 6);
      emit(TS_ECHO, o.echo, o.at + 6, o.at + 10);
    } else if (o.kind === 'sack') {
      o.blocks.forEach((block, i) => {
        const at = o.at + 2 + 8 * i;
        emit(SACK_LEFT, block.left, at, at + 4);
        emit(SACK_RIGHT, block.right, at + 4, at + 8);
      });
    }
  }
}

export const TCP: LayerSpec = {
  kind: L.tcp,
  name: 'Transmission Control Protocol',
  fields: [
    field('tcp.srcport', 'Source Port', 'uint', 0, 2, { also: 'tcp.port' }),
    field('tcp.dstport', 'Destination Port', 'uint', 2, 2, { also: 'tcp.port' }),
    field('tcp.seq_raw', 'Sequence Number (raw)', 'uint', 4, 4),
    field('tcp.ack_raw', 'Acknowledgment number (raw)', 'uint', 8, 4),
    field('tcp.hdr_len', 'Header Length', 'uint', 12, 1, { mask: 0xf0, scale: 4 }),
    field('tcp.flags', 'Flags', 'hex', 12, 2, { mask: 0x0fff }),
    field('tcp.flags.res', 'Reserved', 'bool', 12, 2, { mask: 0x0e00 }),
    field('tcp.flags.ae', 'Accurate ECN', 'bool', 12, 2, { mask: 0x0100 }),
    field('tcp.flags.cwr', 'Congestion Window Reduced', 'bool', 12, 2, { mask: 0x0080 }),
    field('tcp.flags.ece', 'ECN-Echo', 'bool', 12, 2, { mask: 0x0040 }),
    field('tcp.flags.urg', 'Urgent', 'bool', 12, 2, { mask: 0x0020 }),
    field('tcp.flags.ack', 'Acknowledgment', 'bool', 12, 2, { mask: 0x0010 }),
    field('tcp.flags.push', 'Push', 'bool', 12, 2, { mask: 0x0008 }),
    field('tcp.flags.reset', 'Reset', 'bool', 12, 2, { mask: 0x0004 }),
    field('tcp.flags.syn', 'Syn', 'bool', 12, 2, { mask: 0x0002 }),
    field('tcp.flags.fin', 'Fin', 'bool', 12, 2, { mask: 0x0001 }),
    field('tcp.window_size_value', 'Window', 'uint', 14, 2),
    field('tcp.checksum', 'Checksum', 'hex', 16, 2),
    field('tcp.urgent_pointer', 'Urgent Pointer', 'uint', 18, 2),
  ],
  moreFields: [TCP_STATUS, TCP_LEN, OPTION_KIND, MSS, SCALE, TS_VALUE, TS_ECHO, SACK_LEFT, SACK_RIGHT],
  title: (p) =>
    `Src Port: ${p.view.getUint16(p.start)}, Dst Port: ${p.view.getUint16(p.start + 2)}, ` +
    `Seq: ${tcp.seq(p.view, p.start)}, Ack: ${tcp.ack(p.view, p.start)}`,
  more: tcpMore,
};
