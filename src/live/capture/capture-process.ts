// The process that libpcap runs in, started by capture.ts: it opens an interface through the optional package cap and writes what
// comes to standard output as a pcap stream. On descriptor 3 it says, one JSON object a line, what became of the opening and how
// many packets the kernel dropped. It ends when its standard input does, or when nobody reads.
//
// A process of its own, because cap 0.2 ends the one it is in when the interface goes down, and because a write that waits here
// leaves the packets with the kernel, which counts those that it has no room for.
//
// cap gives the captured bytes and no more: the time of a packet is taken when it is handed over, and the length on the wire
// of one that was cut is the one its IP header tells.

import { readSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { LINKTYPE } from '../../core/pcap/linktype.ts';
import { PcapWriter } from '../../core/pcap/pcap-writer.ts';
import type { DropCounter } from './packet-statistics.ts';
import { dropCounter, packetSockets } from './packet-statistics.ts';
import { wireLength } from './wire-length.ts';

export interface CaptureTask {
  readonly device: string;
  readonly filter: string;
  readonly bufferBytes: number;
}

/** What the process says. `drops` is null when nobody can tell. */
export type CaptureWord =
  | { readonly linkType: number; readonly snapLength: number }
  | { readonly refused: { readonly code: string; readonly message: string } }
  | { readonly drops: number | null };

interface CapHandle {
  open(device: string, filter: string, bufferBytes: number, buffer: Buffer): string;
  on(event: 'packet', take: (length: number) => void): void;
  close(): void;
}

interface CapModule {
  readonly Cap: { new (): CapHandle; deviceList(): readonly { readonly name: string }[] };
}

const STDIN = 0;
const STDOUT = 1;
const WORDS = 3;
/** What cap asks of libpcap. */
const SNAP_LENGTH = 65_535;
/** Milliseconds between two tries to write into a full pipe. */
const WAIT = 1;
/** Milliseconds that a packet waits at most before it is written. */
const FLUSH_EVERY = 50;
/** Milliseconds in which cap hands over what the kernel still holds when the end is asked for. */
const LAST_LOOK = 10;
/** Milliseconds between our time and the system's from which on the clock was set. */
const CLOCK_SET = 5;

/** What cap calls the link types; of any other it gives the number. */
const LINK_TYPES: Readonly<Record<string, number>> = {
  NULL: LINKTYPE.null,
  ETHERNET: LINKTYPE.ethernet,
  IEEE802_11_RADIO: LINKTYPE.radiotap,
  LINKTYPE_LINUX_SLL: LINKTYPE.linuxSll,
  RAW: LINKTYPE.raw,
};

class Refusal extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Handles that did not open. cap crashes when such a one is collected as garbage. */
const unopened: CapHandle[] = [];
const buffer = Buffer.alloc(SNAP_LENGTH);
/** For what is read of standard input, which is nothing but its end. */
const nothing = new Uint8Array(1);
/** Nobody rings it. */
const bell = new Int32Array(new SharedArrayBuffer(4));

function say(word: CaptureWord): void {
  writeAll(WORDS, Buffer.from(`${JSON.stringify(word)}\n`));
}

/** Waits until all is with the reader; without one there is nothing left to do. */
function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(fd, bytes, at);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') process.exit();
      // Node gives a child pipes that do not wait by themselves.
      Atomics.wait(bell, 0, 0, WAIT);
    }
  }
}

/** Asks without waiting: `process.stdin` has made the descriptor one that does not wait. */
function inputEnded(): boolean {
  try {
    return readSync(STDIN, nothing) === 0;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'EAGAIN';
  }
}

function loadCap(): CapModule {
  try {
    return createRequire(import.meta.url)('cap') as CapModule;
  } catch {
    throw new Refusal(
      'CAPTURE_MISSING',
      'live capture needs the optional package cap, which is not installed or not built for this Node',
    );
  }
}

interface Opened {
  readonly handle: CapHandle;
  readonly linkType: number;
}

/** Opens with a filter; libpcap's reason when it does not open. */
function tried({ Cap }: CapModule, { device, filter, bufferBytes }: CaptureTask): Opened | string {
  const handle = new Cap();
  try {
    const type = handle.open(device, filter, bufferBytes, buffer);
    return { handle, linkType: LINK_TYPES[type] ?? Number(/\d+$/.exec(type)?.[0] ?? 0) };
  } catch (error) {
    unopened.push(handle);
    return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
  }
}

function open(cap: CapModule, task: CaptureTask): Opened {
  const { device, filter } = task;
  const opened = tried(cap, task);
  if (typeof opened !== 'string') return opened;
  // What opens without the filter has the filter to blame.
  if (filter !== '' && typeof tried(cap, { ...task, filter: '' }) !== 'string') {
    throw new Refusal('BAD_BPF', `capture filter "${filter}": ${opened}`);
  }
  throw refusal(opened, device, cap);
}

function refusal(words: string, device: string, { Cap }: CapModule): Refusal {
  if (/permi|privilege/i.test(words)) {
    return new Refusal('CAPTURE_REFUSED', `capturing on ${device} is not permitted: ${words}`);
  }
  if (/no such device|exist/i.test(words)) {
    const names = Cap.deviceList().map(({ name }) => name);
    const there = names.length === 0 ? 'none' : names.join(', ');
    return new Refusal('NO_SUCH_INTERFACE', `there is no interface ${device}; there are ${there}`);
  }
  if (/not up|is down/i.test(words)) {
    return new Refusal('INTERFACE_DOWN', `the interface ${device} is down`);
  }
  return new Refusal('CAPTURE_REFUSED', `cannot capture on ${device}: ${words || 'libpcap gives no reason'}`);
}

/** Milliseconds since 1970, finer than Date.now(), with which it goes when somebody sets the clock. */
function fineClock(): () => number {
  let origin = performance.timeOrigin;
  return () => {
    const fine = origin + performance.now();
    const off = Date.now() - fine;
    if (Math.abs(off) < CLOCK_SET) return fine;
    origin += off;
    return fine + off;
  };
}

function capture(handle: CapHandle, linkType: number, drops: DropCounter | null): void {
  const writer = new PcapWriter((bytes) => writeAll(STDOUT, bytes), { linkType, snapLength: SNAP_LENGTH });
  const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
  const clock = fineClock();
  let flushed = clock();
  let told = 0;

  const flush = (): void => {
    flushed = clock();
    writer.flush();
    const dropped = drops?.total() ?? 0;
    if (dropped === told) return;
    told = dropped;
    say({ drops: dropped });
  };
  const end = (): void => {
    flush();
    handle.close();
    process.exit();
  };
  handle.on('packet', (length) => {
    const now = clock();
    const seconds = Math.floor(now / 1000);
    const nanos = Math.floor((now - seconds * 1000) * 1000) * 1000;
    const original = length < SNAP_LENGTH ? length : wireLength(view, length, linkType);
    writer.writePacket(0, seconds, nanos, view, 0, length, original);
    // While packets keep coming cap lets no timer and no stream have a turn.
    if (Math.abs(now - flushed) < FLUSH_EVERY) return;
    if (inputEnded()) end();
    else flush();
  });
  setInterval(flush, FLUSH_EVERY);
  process.stdin
    .resume()
    .on('error', end)
    .once('close', () => setTimeout(end, LAST_LOOK));
}

try {
  const task = JSON.parse(process.argv[2] as string) as CaptureTask;
  const cap = loadCap();
  const before = packetSockets();
  const { handle, linkType } = open(cap, task);
  const drops = dropCounter([...packetSockets()].filter((fd) => !before.has(fd)));
  say({ linkType, snapLength: SNAP_LENGTH });
  say({ drops: drops === null ? null : 0 });
  capture(handle, linkType, drops);
} catch (error) {
  if (!(error instanceof Refusal)) throw error;
  say({ refused: { code: error.code, message: error.message } });
  process.exit();
}
