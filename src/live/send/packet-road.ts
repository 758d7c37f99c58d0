// Frames onto an interface through a packet socket (packet(7)), many a system call, by koffi. They pass the interface's queueing
// discipline, so that tc shapes and delays them as it does others. Needs Linux, and root or CAP_NET_RAW.

import { closeSync } from 'node:fs';
import * as ethernet from '../../core/wire/ethernet.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { Libc } from '../kernel/libc.ts';
import { loadLibc } from '../kernel/libc.ts';
import type { SendInterface } from './interface.ts';
import { BATCH, MessageBatch } from './message-batch.ts';
import type { Memory, Road, RoadCounters } from './road.ts';
import { fail, noneSent } from './road.ts';

// linux/socket.h, asm-generic/socket.h
const AF_PACKET = 17;
const SOCK_RAW = 3;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_SNDBUFFORCE = 32;
const SOCKADDR_LL_LEN = 20;
const BUFFER = 8 * 1024 * 1024;
const TAG_LEN = 4;

/** Bytes that a packet on the interface may have: a VLAN tag is not the MTU's. */
export function roomOn({ mtu, begins }: SendInterface): number {
  return begins === 'ip' ? mtu : mtu + ethernet.HEADER_LEN + TAG_LEN;
}

export class PacketRoad implements Road {
  readonly took = 0;
  readonly means = 'batch';
  readonly counters: RoadCounters = noneSent();
  readonly room: number;
  readonly #fd: number;
  readonly #batch: MessageBatch;
  readonly #least: number;

  /** @throws VxlabError BACKEND_MISSING without koffi, BACKEND_REFUSED without the privilege */
  constructor(iface: SendInterface) {
    const libc = loadLibc(`sending many frames a call onto ${iface.name}`, 'BACKEND_MISSING');
    this.room = roomOn(iface);
    this.#least = iface.begins === 'ip' ? 1 : ethernet.HEADER_LEN;
    this.#fd = opened(libc, iface.name);
    this.#batch = new MessageBatch(libc, this.#fd, `the interface ${iface.name}`, this.counters);
  }

  get broken(): VxlabError | null {
    return this.#batch.broken;
  }

  send({ bytes }: Memory, start: number, end: number): void {
    if (end - start < this.#least) return fail(this.counters, 'tooShort');
    this.#batch.push(bytes, start, end);
    if (this.#batch.count === BATCH) this.#batch.flush();
  }

  flush(): void {
    if (this.#batch.count > 0) this.#batch.flush();
  }

  ready(): null {
    return null;
  }

  settle(): null {
    return null;
  }

  close(): Promise<void> {
    closeSync(this.#fd);
    return Promise.resolve();
  }
}

function opened(libc: Libc, name: string): number {
  // Protocol 0: nothing comes in.
  const fd = libc.socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    throw new VxlabError(
      'BACKEND_REFUSED',
      `sending onto ${name} needs root or CAP_NET_RAW (${libc.error()})`,
    );
  }
  const size = Int32Array.of(BUFFER);
  libc.setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, libc.addressOf(size), 4);
  const address = new Uint8Array(SOCKADDR_LL_LEN);
  const view = new DataView(address.buffer);
  view.setUint16(0, AF_PACKET, true);
  view.setInt32(4, libc.ifIndex(name), true);
  if (libc.bind(fd, libc.addressOf(address), SOCKADDR_LL_LEN) === 0) return fd;
  const error = libc.error();
  closeSync(fd);
  throw new VxlabError('BACKEND_REFUSED', `cannot send onto ${name}: ${error}`);
}
