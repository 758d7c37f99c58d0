// Live capture by libpcap, through the optional package cap. A packet is handed to a sink where it lies, as a reader does.
//
// cap gives the captured bytes and whether they were cut, no more: the time of a packet is ours, taken when it is handed over
// (microseconds after the kernel's), and of a packet over 65,535 bytes the length is that of what was captured. The kernel's
// count of packets that it had no room for is asked of the socket itself, through libc.ts.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { emptyMeta } from '../core/pcap/chunks.ts';
import { LINKTYPE } from '../core/pcap/linktype.ts';
import type { PacketMeta, PacketSink } from '../core/pcap/record.ts';
import { VxlabError } from '../core/wire/numbers.ts';
import type { Libc } from './libc.ts';
import { loadLibc } from './libc.ts';

export interface LiveCaptureOptions {
  /** In pcap-filter(7)'s language; '' takes everything. */
  readonly filter?: string;
  /** Bytes that the kernel may hold back; default 8 MiB. */
  readonly bufferBytes?: number;
}

interface CapDevice {
  readonly name: string;
}

interface CapHandle {
  open(device: string, filter: string, bufferBytes: number, buffer: Buffer): string;
  on(event: 'packet', take: (length: number, cut: boolean) => void): void;
  close(): void;
}

interface CapModule {
  readonly Cap: { new (): CapHandle; deviceList(): readonly CapDevice[] };
}

/** Handles that did not open. cap 0.2 crashes when such a one is collected as garbage, so none ever is. */
const UNOPENED: CapHandle[] = [];

const BUFFER_BYTES = 8 * 1024 * 1024;
/** What cap asks of libpcap. */
const SNAP_LENGTH = 65_535;

const LINK_TYPES: Readonly<Record<string, number>> = {
  NULL: LINKTYPE.null,
  ETHERNET: LINKTYPE.ethernet,
  IEEE802_11_RADIO: LINKTYPE.radiotap,
  LINKTYPE_LINUX_SLL: LINKTYPE.linuxSll,
  RAW: LINKTYPE.raw,
};

export class LiveCapture {
  readonly linkType: number;
  readonly snapLength: number = SNAP_LENGTH;
  readonly #handle: CapHandle;
  readonly #meta: PacketMeta = emptyMeta();
  readonly #libc: Libc | null;
  readonly #socket: number;
  #drops = 0;
  #open = true;

  /**
   * Opens an interface and hands its packets to a sink until `close`.
   * @throws VxlabError CAPTURE_MISSING without cap or libpcap, CAPTURE_REFUSED without the privilege, NO_SUCH_INTERFACE, BAD_BPF
   */
  constructor(device: string, sink: PacketSink, options: LiveCaptureOptions = {}) {
    const { Cap } = loadCap();
    const libc = loadLibc();
    const buffer = Buffer.alloc(SNAP_LENGTH);
    const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.byteLength);
    const filter = options.filter ?? '';
    const before = packetSockets();
    const handle = new Cap();
    const open = (): string => handle.open(device, filter, options.bufferBytes ?? BUFFER_BYTES, buffer);
    try {
      // libpcap warns on standard error of an interface without an IPv4 address, which is no matter here.
      const type = libc === null ? open() : libc.withoutStderr(open);
      this.linkType = LINK_TYPES[type] ?? Number(/\d+$/.exec(type)?.[0] ?? -1);
    } catch (error) {
      UNOPENED.push(handle);
      throw refusal(error, device, filter, Cap.deviceList());
    }
    this.#handle = handle;
    this.#libc = libc;
    this.#socket = [...packetSockets()].find((fd) => !before.has(fd)) ?? -1;
    const meta = this.#meta;
    meta.linkType = this.linkType;
    handle.on('packet', (length) => {
      if (!this.#open) return;
      const now = performance.timeOrigin + performance.now();
      meta.number++;
      meta.seconds = Math.floor(now / 1000);
      meta.nanos = Math.floor((now - meta.seconds * 1000) * 1000) * 1000;
      meta.originalLength = length;
      sink(view, 0, length, meta);
    });
  }

  /** Packets handed over so far. */
  get packets(): number {
    return this.#meta.number;
  }

  /** Packets that the kernel dropped so far because nobody took them in time; null when nobody can tell. */
  drops(): number | null {
    if (this.#libc === null || this.#socket < 0) return null;
    // The kernel counts from zero again each time it is asked.
    if (this.#open) this.#drops += this.#libc.packetStatistics(this.#socket)?.drops ?? 0;
    return this.#drops;
  }

  close(): void {
    if (!this.#open) return;
    this.drops();
    this.#open = false;
    this.#handle.close();
  }
}

function loadCap(): CapModule {
  try {
    return createRequire(import.meta.url)('cap') as CapModule;
  } catch {
    throw new VxlabError(
      'CAPTURE_MISSING',
      'live capture needs the optional package cap, which is not installed or not built for this Node',
    );
  }
}

function refusal(error: unknown, device: string, filter: string, devices: readonly CapDevice[]): VxlabError {
  const words = (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').trim();
  if (/permi|privilege|EPERM|EACCES/i.test(words)) {
    return new VxlabError('CAPTURE_REFUSED', `capturing on ${device} is not permitted: ${words}`);
  }
  if (/no such device|doesn't exist|does not exist|not exist/i.test(words)) {
    const names = devices.map(({ name }) => name).join(', ');
    return new VxlabError(
      'NO_SUCH_INTERFACE',
      `there is no interface ${device}; there are ${names || 'none'}`,
    );
  }
  if (filter !== '' && /syntax|parse|expression|filter|unknown|illegal|not supported|invalid/i.test(words)) {
    return new VxlabError('BAD_BPF', `capture filter "${filter}": ${words}`);
  }
  return new VxlabError('CAPTURE_REFUSED', `cannot capture on ${device}: ${words}`);
}

/** File descriptors of this process that are packet sockets (/proc/net/packet lists their inodes). */
function packetSockets(): Set<number> {
  const found = new Set<number>();
  try {
    const inodes = new Set(
      readFileSync('/proc/net/packet', 'utf8')
        .split('\n')
        .slice(1)
        .map((line) => line.trim().split(/\s+/).at(-1)),
    );
    for (const fd of readdirSync('/proc/self/fd')) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/self/fd/${fd}`))?.[1];
      if (inode !== undefined && inodes.has(inode)) found.add(Number(fd));
    }
  } catch {
    // No /proc: nobody can tell.
  }
  return found;
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}
