// The few calls of the C library that Node does not have, through koffi where it is installed.

import { createRequire } from 'node:module';

/** What the kernel says of a packet socket since it was last asked (linux/if_packet.h, tpacket_stats). */
export interface PacketStatistics {
  readonly packets: number;
  readonly drops: number;
}

export interface Libc {
  packetStatistics(fd: number): PacketStatistics | null;
  /** Runs something while file descriptor 2 leads nowhere: for a C library that writes there. */
  withoutStderr<T>(work: () => T): T;
}

const SOL_PACKET = 263;
const PACKET_STATISTICS = 6;
const O_WRONLY = 1;
const STDERR = 2;

interface Koffi {
  load(name: string): { func(declaration: string): (...args: unknown[]) => number };
}

/** Null where koffi, or a C library by this name, is not there. */
export function loadLibc(): Libc | null {
  if (process.platform !== 'linux') return null;
  try {
    const koffi = createRequire(import.meta.url)('koffi') as Koffi;
    const lib = koffi.load('libc.so.6');
    const getsockopt = lib.func('int getsockopt(int, int, int, _Out_ uint8_t *, _Inout_ uint32_t *)');
    const dup = lib.func('int dup(int)');
    const dup2 = lib.func('int dup2(int, int)');
    const open = lib.func('int open(const char *, int)');
    const close = lib.func('int close(int)');
    return {
      packetStatistics: (fd) => {
        const bytes = new Uint8Array(12);
        if (getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, bytes, [bytes.length]) !== 0) return null;
        const words = new Uint32Array(bytes.buffer);
        return { packets: words[0] as number, drops: words[1] as number };
      },
      withoutStderr: (work) => {
        const kept = dup(STDERR);
        const nowhere = open('/dev/null', O_WRONLY);
        dup2(nowhere, STDERR);
        try {
          return work();
        } finally {
          dup2(kept, STDERR);
          close(kept);
          close(nowhere);
        }
      },
    };
  } catch {
    return null;
  }
}
