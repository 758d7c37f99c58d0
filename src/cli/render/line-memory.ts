// The memory that the lines of plain packets are written in (assembly/line.ts, in WebAssembly), and its tables:
//
//   0         0x1_0000  0x1_0800  0x1_0a00  0x1_1000  0x1_9000  0x3_0000  0x7_0000  0x9_0000
//   | carries | octets  | hex     | labels  | flags   | fours   | chunk   | packet  | text ...
//   CARRIES    "255."    "ff"      words     " [SYN,"  "0000"    a file's  one from   lines
//   by port                                                      bytes     elsewhere

import { assembledFrom, PAGE } from '../../core/survey/assembled.ts';
import { CODE } from './line-code.ts';

const OCTETS = 0x1_0000;
const HEX = 0x1_0800;
const LABELS_AT = 0x1_0a00;
const LABEL_BYTES = 48;
const LABEL_LENGTH = 40;
const FLAGS = 0x1_1000;
const FLAGS_BYTES = 64;
const FLAGS_LENGTH = 56;
const FOURS = 0x1_9000;
const CHUNK = 0x3_0000;
const CHUNK_BYTES = 0x4_0000;
const PACKET = 0x7_0000;
const TEXT = 0x9_0000;
const TEXT_BYTES = 0x10_0000;

/** By the numbers that assembly/line.ts has for them. */
const LABELS: readonly string[] = [
  ' → ',
  ' TCP ',
  ' UDP ',
  ' ICMP ',
  ' ARP ',
  'Who has ',
  '? Tell ',
  ' is at ',
  '] Seq=',
  ' Ack=',
  ' Win=',
  ' Len=',
  ' [TCP CHECKSUM INCORRECT]',
  ' [UDP CHECKSUM INCORRECT]',
  ' TSval=',
  ' TSecr=',
  'Echo (ping) request  id=0x',
  'Echo (ping) reply    id=0x',
  ', seq=',
  ', ttl=',
];
const FLAG_NAMES = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'AE'];

type Line = (
  packet: number,
  length: number,
  text: number,
  number: number,
  seconds: number,
  fraction: number,
  places: number,
) => number;

export class LineMemory {
  /** For a file's bytes: packets that lie here need not be copied. */
  readonly chunk: Uint8Array;
  /** For a packet from elsewhere; no longer one is plain. */
  readonly packet: Uint8Array;
  /** For lines. */
  readonly text: Uint8Array;
  /** `line` of assembly/line.ts. Places are those of the memory. */
  readonly line: Line;
  readonly #carries: Uint8Array;

  /** Null where there is no WebAssembly. */
  static make(): LineMemory | null {
    try {
      return new LineMemory();
    } catch {
      return null;
    }
  }

  private constructor() {
    const pages = (TEXT + TEXT_BYTES) / PAGE;
    const { buffer, exports } = assembledFrom<{ readonly line: Line }>(CODE, pages);
    this.line = exports.line;
    this.#carries = new Uint8Array(buffer, 0, PAGE);
    this.chunk = new Uint8Array(buffer, CHUNK, CHUNK_BYTES);
    this.packet = new Uint8Array(buffer, PACKET, TEXT - PACKET);
    this.text = new Uint8Array(buffer, TEXT, TEXT_BYTES);
    fill(new DataView(buffer), new Uint8Array(buffer));
  }

  /** @param carries CARRIES by UDP port (WalkOptions.ports) */
  setCarries(carries: Uint8Array): void {
    this.#carries.set(carries);
  }
}

function fill(view: DataView, bytes: Uint8Array): void {
  const encoder = new TextEncoder();
  const put = (at: number, text: string): number => encoder.encodeInto(text, bytes.subarray(at)).written;
  for (let i = 0; i < 256; i++) {
    view.setUint32(OCTETS + i * 8 + 4, put(OCTETS + i * 8, `${i}.`) - 1, true);
    put(HEX + i * 2, i.toString(16).padStart(2, '0'));
  }
  for (const [i, text] of LABELS.entries()) {
    const at = LABELS_AT + i * LABEL_BYTES;
    view.setUint32(at + LABEL_LENGTH, put(at, text), true);
  }
  for (let bits = 0; bits < 512; bits++) {
    const names = FLAG_NAMES.filter((_name, bit) => (bits & (1 << bit)) !== 0);
    const at = FLAGS + bits * FLAGS_BYTES;
    view.setUint32(at + FLAGS_LENGTH, put(at, ` [${names.length === 0 ? '<None>' : names.join(', ')}`), true);
  }
  for (let i = 0; i < 10_000; i++) {
    view.setUint8(FOURS + i * 4, 0x30 + Math.floor(i / 1000));
    view.setUint8(FOURS + i * 4 + 1, 0x30 + (Math.floor(i / 100) % 10));
    view.setUint8(FOURS + i * 4 + 2, 0x30 + (Math.floor(i / 10) % 10));
    view.setUint8(FOURS + i * 4 + 3, 0x30 + (i % 10));
  }
}
