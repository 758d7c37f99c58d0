// Linux's system calls through the optional package koffi, which needs no compiler: sockets with their options, TAP devices, and
// calls that move many packets at once. Addresses of memory are plain numbers, so that no object is made for a call; numbers and
// layouts are those of 64-bit little-endian Linux.

import { createRequire } from 'node:module';
import { getSystemErrorName } from 'node:util';
import { VxlabError } from '../../core/wire/numbers.ts';

/** A file descriptor, or a count; negative when it failed. */
type Result = number;

export interface Libc {
  socket(family: number, type: number, protocol: number): Result;
  bind(fd: number, address: number, length: number): Result;
  setsockopt(fd: number, level: number, option: number, value: number, length: number): Result;
  ioctl(fd: number, request: number, argument: number): Result;
  read(fd: number, to: number, length: number): Result;
  write(fd: number, from: number, length: number): Result;
  poll(fds: number, count: number, timeout: number): Result;
  eventfd(initial: number, flags: number): Result;
  sendmsg(fd: number, message: number, flags: number): Result;
  recvmmsg(fd: number, messages: number, count: number, flags: number, timeout: number): Result;
  sendmmsg(fd: number, messages: number, count: number, flags: number): Result;
  memcpy(to: number, from: number, length: number): Result;
  ifIndex(name: string): number;
  /** The error of the last call, as `EAGAIN`. */
  error(): string;
  /** Where an array's bytes are; they do not move while it lives. */
  addressOf(bytes: Uint8Array | Int32Array | Uint32Array): number;
}

interface Koffi {
  load(name: string): { func(declaration: string): (...args: unknown[]) => number };
  errno(): number;
  address(of: unknown): bigint;
}

/** Layouts (bits/socket.h, sys/uio.h). */
export const MMSGHDR_LEN = 64;
export const IOVEC_LEN = 16;

/** What Node has no name for: a TAP device's file whose interface is gone. */
const EBADFD = 77;

let loaded: Libc | null = null;

/**
 * The calls, bound once a thread.
 * @param wanted what they are for, to begin a sentence with
 * @throws VxlabError with this code where there is no koffi or no such system
 */
export function loadLibc(wanted: string, code: string): Libc {
  if (loaded !== null) return loaded;
  if (process.platform !== 'linux' || (process.arch !== 'x64' && process.arch !== 'arm64')) {
    throw new VxlabError(
      code,
      `${wanted} needs Linux on x64 or arm64, and this is ${process.platform} on ${process.arch}`,
    );
  }
  let koffi: Koffi;
  let library: ReturnType<Koffi['load']>;
  try {
    koffi = createRequire(import.meta.url)('koffi') as Koffi;
    library = koffi.load('libc.so.6');
  } catch {
    throw new VxlabError(
      code,
      `${wanted} needs the optional package koffi, which is not installed here: npm install koffi`,
    );
  }
  const bind = (declaration: string): ((...args: unknown[]) => number) => library.func(declaration);
  loaded = {
    socket: bind('int socket(int, int, int)'),
    bind: bind('int bind(int, intptr_t, uint32_t)'),
    setsockopt: bind('int setsockopt(int, int, int, intptr_t, uint32_t)'),
    ioctl: bind('int ioctl(int, unsigned long, intptr_t)'),
    read: bind('intptr_t read(int, intptr_t, size_t)'),
    write: bind('intptr_t write(int, intptr_t, size_t)'),
    poll: bind('int poll(intptr_t, unsigned long, int)'),
    eventfd: bind('int eventfd(unsigned int, int)'),
    sendmsg: bind('intptr_t sendmsg(int, intptr_t, int)'),
    recvmmsg: bind('int recvmmsg(int, intptr_t, unsigned int, int, intptr_t)'),
    sendmmsg: bind('int sendmmsg(int, intptr_t, unsigned int, int)'),
    memcpy: bind('intptr_t memcpy(intptr_t, intptr_t, size_t)'),
    ifIndex: bind('unsigned int if_nametoindex(const char *)'),
    error: () => {
      const errno = koffi.errno();
      if (errno === EBADFD) return 'EBADFD';
      return errno === 0 ? 'no error' : getSystemErrorName(-errno);
    },
    addressOf: (bytes) => Number(koffi.address(bytes)),
  };
  return loaded;
}

/** An address of 64 bits as two words of a structure. */
export function setAddress(words: Uint32Array, at: number, address: number): void {
  words[at] = address >>> 0;
  words[at + 1] = Math.floor(address / 0x1_0000_0000);
}
