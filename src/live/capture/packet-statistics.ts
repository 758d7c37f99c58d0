// How many packets the kernel dropped because a packet socket had no room for them (packet(7), PACKET_STATISTICS). The package
// cap does not give libpcap's count, so the socket is found in /proc and asked through koffi, where that is installed.

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';

// linux/socket.h, linux/if_packet.h
const SOL_PACKET = 263;
const PACKET_STATISTICS = 6;
/** struct tpacket_stats_v3: packets, drops, freezes of the queue. */
const STATISTICS_LEN = 12;

interface Koffi {
  load(name: string): { func(declaration: string): (...args: unknown[]) => number };
}

export interface DropCounter {
  /** All drops so far; after the sockets are closed, those until then. */
  total(): number;
}

/** A counter over sockets, or null where there is none, no koffi or no C library of this name. */
export function dropCounter(sockets: readonly number[]): DropCounter | null {
  if (process.platform !== 'linux' || sockets.length === 0) return null;
  let getsockopt: (...args: unknown[]) => number;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    getsockopt = koffi
      .load('libc.so.6')
      .func('int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ uint32_t *)');
  } catch {
    return null;
  }
  const bytes = new Uint8Array(STATISTICS_LEN);
  const words = new Uint32Array(bytes.buffer);
  const length = [STATISTICS_LEN];
  // The kernel counts from zero again each time it is asked.
  let sum = 0;
  const total = (): number => {
    for (const socket of sockets) {
      length[0] = STATISTICS_LEN;
      const ok = getsockopt(socket, SOL_PACKET, PACKET_STATISTICS, bytes, length) === 0;
      if (ok) sum += words[1] as number;
    }
    return sum;
  };
  return { total };
}

/** File descriptors of this process that are packet sockets: /proc/net/packet lists their inodes. None where there is no /proc. */
export function packetSockets(): Set<number> {
  const found = new Set<number>();
  try {
    const rows = readFileSync('/proc/net/packet', 'utf8').split('\n').slice(1);
    const inodes = new Set(rows.map((row) => row.trim().split(/\s+/).at(-1)));
    for (const fd of readdirSync('/proc/self/fd')) {
      const inode = /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/self/fd/${fd}`))?.[1];
      if (inode !== undefined && inodes.has(inode)) found.add(Number(fd));
    }
  } catch {
    found.clear();
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
