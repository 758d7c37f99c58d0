// The process that libpcap sends from, started by inject-road.ts: it opens an interface through the optional package cap, reads a
// pcap stream from standard input and puts each packet on the interface. On descriptor 3 it says, one JSON object a line, what became
// of the opening, and at the end what became of the packets. It ends when its standard input does.
//
// A process of its own, because cap 0.2 ends the one it is in when the interface goes down; here it never has its turn.

import { readSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { PcapReader } from '../../core/pcap/pcap.ts';

export interface InjectTask {
  readonly device: string;
}

/** What the process says. */
export type InjectWord =
  | { readonly opened: true }
  | { readonly refused: { readonly code: string; readonly message: string } }
  | InjectOutcome;

/** What became of the packets. */
export interface InjectOutcome {
  readonly sent: number;
  readonly bytes: number;
  readonly waits: number;
  readonly failed: readonly (readonly [reason: string, count: number])[];
  readonly down: boolean;
  /** Nanoseconds from the first packet to the last. */
  readonly took: number;
}

interface CapHandle {
  open(device: string, filter: string, bufferBytes: number, buffer: Buffer): string;
  send(bytes: Buffer, length: number): void;
}

const STDIN = 0;
const WORDS = 3;
/** Longer packets no interface takes. */
const PACKET_MAX = 0x1_0000;
const CHUNK = 0x1_0000;
/** Milliseconds between two tries when the kernel has no room, and how many there are. */
const PAUSE = 1;
const TRIES = 500;
/** Nothing is to come in: no packet is shorter than this. */
const NOTHING = 'less 1';

const bell = new Int32Array(new SharedArrayBuffer(4));

function say(word: InjectWord): void {
  writeSync(WORDS, `${JSON.stringify(word)}\n`);
}

function refuse(code: string, message: string): never {
  say({ refused: { code, message } });
  process.exit();
}

function opened(device: string): CapHandle {
  let handle: CapHandle;
  try {
    const cap = createRequire(import.meta.url)('cap') as { Cap: new () => CapHandle };
    handle = new cap.Cap();
  } catch {
    refuse(
      'BACKEND_MISSING',
      `sending onto ${device} with libpcap needs the optional package cap, which is not installed or not built for this Node: ` +
        'apt install libpcap-dev build-essential python3; npm install cap',
    );
  }
  try {
    handle.open(device, NOTHING, CHUNK, Buffer.alloc(CHUNK));
  } catch (error) {
    const words = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
    const allowed = !/permi|privilege/i.test(words);
    refuse(
      'BACKEND_REFUSED',
      allowed
        ? `cannot send onto ${device}: ${words || 'libpcap gives no reason'}`
        : `sending onto ${device} needs root or CAP_NET_RAW`,
    );
  }
  return handle;
}

function inject(handle: CapHandle): void {
  let sent = 0;
  let bytes = 0;
  let waits = 0;
  let down = false;
  let began = -1;
  let last = 0;
  const failed = new Map<string, number>();
  const packet = Buffer.alloc(PACKET_MAX);

  /** '' when the kernel took it. */
  const put = (length: number): string => {
    for (let tries = 0; ; tries++) {
      try {
        handle.send(packet, length);
        return '';
      } catch (error) {
        const reason = reasonOf(error instanceof Error ? error.message : '');
        if (reason !== 'noRoom' || tries === TRIES) return reason;
        waits++;
        Atomics.wait(bell, 0, 0, PAUSE);
      }
    }
  };
  const reader = new PcapReader((view, start, end) => {
    const length = end - start;
    packet.set(new Uint8Array(view.buffer, view.byteOffset + start, length));
    const reason = put(length);
    if (reason === '') {
      sent++;
      bytes += length;
    } else if (reason === 'interfaceDown') {
      down = true;
      reader.stop();
    } else failed.set(reason, (failed.get(reason) ?? 0) + 1);
  });
  const chunk = new Uint8Array(CHUNK);
  for (let length = -1; length !== 0 && !down; ) {
    length = readSync(STDIN, chunk);
    if (began < 0) began = performance.now();
    const before = reader.packets;
    reader.push(chunk.subarray(0, length));
    if (reader.packets > before) last = performance.now();
  }
  const took = last === 0 ? 0 : (last - began) * 1e6;
  say({ sent, bytes, waits, failed: [...failed], down, took });
}

/** libpcap's words as a reason. */
function reasonOf(words: string): string {
  if (/message too long/i.test(words)) return 'tooLong';
  if (/no buffer space|temporarily unavailable/i.test(words)) return 'noRoom';
  if (/network is down|no such device/i.test(words)) return 'interfaceDown';
  return words.replace(/^send: /, '').trim() || 'libpcap gives no reason';
}

const { device } = JSON.parse(process.argv[2] as string) as InjectTask;
const handle = opened(device);
say({ opened: true });
inject(handle);
// cap's handle would keep the process.
process.exit();
