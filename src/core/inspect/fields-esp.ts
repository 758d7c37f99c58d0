// The fields of ESP (RFC 4303 s.2): closed, and opened with its key (see esp/opener.ts).
//
// Of a closed packet two numbers can be read and the rest is called encrypted. Of an opened one the IV stands in the header,
// the row ends where the padding begins, and padding, pad length, next header and ICV stand behind it.

import { L } from '../dissect/layer.ts';
import * as esp from '../wire/esp.ts';
import type { Emit, LayerSpec, Place } from './field.ts';
import { bytesText, field, moving } from './field.ts';
import { IP_PROTOCOL_NAMES } from './names.ts';

const IV = moving('esp.iv', 'ESP IV', 'bytes');
const ENCRYPTED = moving('esp.encrypted_data', 'Encrypted data', 'bytes');
const DECRYPTED = moving('esp.decrypted_data', 'ESP Decrypted Data', 'bytes');
const CONTAINED = moving('esp.contained_data', 'ESP Contained Data', 'bytes');
const PAD = moving('esp.pad', 'Pad', 'bytes');
const PAD_LENGTH = moving('esp.pad_len', 'ESP Pad Length', 'uint');
const PROTOCOL = { ...moving('esp.protocol', 'Next header', 'hex', { names: IP_PROTOCOL_NAMES }), size: 1 };
const ICV = moving('esp.icv', 'ESP ICV', 'bytes');
const ICV_GOOD = moving('esp.icv_good', 'Good', 'bool');
const ICV_BAD = moving('esp.icv_bad', 'Bad', 'bool');

export const ESP: LayerSpec = {
  kind: L.esp,
  name: 'Encapsulating Security Payload',
  fields: [field('esp.spi', 'ESP SPI', 'hex', 0, 4), field('esp.sequence', 'ESP Sequence', 'uint', 4, 4)],
  moreFields: [IV, ENCRYPTED, PAD, PAD_LENGTH, PROTOCOL, ICV, ICV_GOOD, ICV_BAD, DECRYPTED, CONTAINED],
  title: () => '',
  more: (p, emit) => {
    if (p.d.icvLength > 0 && p.head > p.start + esp.HEADER_LEN) opened(p, emit);
    else if (p.head < p.end) bytes(p, emit, ENCRYPTED, p.head, p.end);
  },
};

function opened(p: Place, emit: Emit): void {
  const { view, d, head, end } = p;
  const icv = d.packetEnd - d.icvLength;
  bytes(p, emit, IV, p.start + esp.HEADER_LEN, head);
  bytes(p, emit, PAD, end, icv - esp.TRAILER_LEN);
  emit(PAD_LENGTH, view.getUint8(icv - esp.TRAILER_LEN), icv - esp.TRAILER_LEN, icv - 1);
  emit(PROTOCOL, view.getUint8(icv - 1), icv - 1, icv);
  bytes(p, emit, ICV, icv, d.packetEnd);
  // What was not as it was sent was not opened.
  emit(ICV_GOOD, 1, icv, d.packetEnd);
  emit(ICV_BAD, 0, icv, d.packetEnd);
  bytes(p, emit, DECRYPTED, head, icv);
  bytes(p, emit, CONTAINED, head, end);
}

function bytes({ view }: Place, emit: Emit, spec: typeof IV, from: number, to: number): void {
  if (from < to) emit(spec, bytesText(view, from, to), from, to);
}
