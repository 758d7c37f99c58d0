// What kind of file begins with these bytes, and for a kind that is not read here: what to do with it, in one sentence.

import { MAGIC_MICRO, MAGIC_MODIFIED, MAGIC_NANO } from './pcap.ts';

export type FileKind =
  | 'pcap'
  | 'pcapng'
  | 'gzip'
  | 'xz'
  | 'zstd'
  | 'bzip2'
  | 'lz4'
  | 'snoop'
  | 'empty'
  | 'other';

export interface Detected {
  readonly kind: FileKind;
  /** '' for pcap and pcapng; else why it is refused and what helps. */
  readonly refusal: string;
}

/** With this many bytes `detect` is sure; with fewer only if the file has no more. */
export const DETECT_LEN = 8;

const REFUSALS: Readonly<Record<FileKind, string>> = {
  pcap: '',
  pcapng: '',
  gzip: 'this is gzip data: decompress it first, with gunzip',
  xz: 'this is xz data, which is not read here: decompress it first, with xz -d',
  zstd: 'this is zstd data, which is not read here: decompress it first, with zstd -d',
  bzip2: 'this is bzip2 data, which is not read here: decompress it first, with bunzip2',
  lz4: 'this is lz4 data, which is not read here: decompress it first, with lz4 -d',
  snoop:
    'this is a Solaris snoop capture, which is not read here: convert it first, with editcap -F pcapng IN OUT',
  empty: 'the file is empty: not even a capture header is there',
  other: 'this is no capture: it begins neither as pcap nor as pcapng',
};

/** Looks at the first bytes of a file; DETECT_LEN are enough. Never throws. */
export function detect(bytes: Uint8Array): Detected {
  const kind = kindOf(bytes);
  return { kind, refusal: REFUSALS[kind] };
}

function kindOf(bytes: Uint8Array): FileKind {
  if (bytes.length === 0) return 'empty';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 2 && view.getUint16(0) === 0x1f8b) return 'gzip';
  if (bytes.length < 4) return 'other';
  const word = view.getUint32(0);
  const swapped = view.getUint32(0, true);
  if (word === MAGIC_MICRO || word === MAGIC_NANO || word === MAGIC_MODIFIED) return 'pcap';
  if (swapped === MAGIC_MICRO || swapped === MAGIC_NANO || swapped === MAGIC_MODIFIED) return 'pcap';
  if (word === 0x0a0d0d0a) return 'pcapng';
  if (word === 0x28b52ffd) return 'zstd';
  if (word === 0x04224d18) return 'lz4';
  if (word >>> 8 === 0x425a68) return 'bzip2';
  if (bytes.length >= 6 && word === 0xfd377a58 && view.getUint16(4) === 0x5a00) return 'xz';
  if (bytes.length >= 8 && word === 0x736e6f6f && view.getUint32(4) === 0x70000000) return 'snoop';
  return 'other';
}
