// UDP datagrams whose outer headers are our own, so that source ports, TTL and TOS are as asked: many a system call by koffi on a raw
// IP socket. Needs Linux, and root or CAP_NET_RAW. It binds no port, so a VTEP on the same machine keeps its own.

import { closeSync } from 'node:fs';
import type { Frame } from '../../core/frame/frame.ts';
import { formatIp } from '../../core/wire/address.ts';
import type { VxlabError } from '../../core/wire/numbers.ts';
import { loadLibc } from '../kernel/libc.ts';
import { rawDescriptor, socketAddress } from '../kernel/udp-descriptor.ts';
import { OuterHeaders } from '../underlay/outer-headers.ts';
import { isGroup } from '../vtep/vtep-config.ts';
import type { DatagramTarget } from './datagram-target.ts';
import { headersOf } from './datagram-target.ts';
import { ecnFor, Framed, innerEntropy } from './framed.ts';
import { BATCH, MessageBatch } from './message-batch.ts';
import type { Memory, Road, RoadCounters } from './road.ts';
import { NO_PORT, noneSent } from './road.ts';

export class HeadersRoad implements Road {
  readonly took = 0;
  readonly means = 'batch';
  readonly counters: RoadCounters = noneSent();
  readonly room: number;
  readonly #target: DatagramTarget;
  readonly #fd: number;
  readonly #batch: MessageBatch;
  readonly #headers: OuterHeaders;
  readonly #framed: Framed = new Framed();
  readonly #frames: Frame[] = [];
  readonly #name: Uint8Array;
  readonly #nameAt: number;

  /** @throws VxlabError BACKEND_MISSING, BACKEND_REFUSED */
  constructor(target: DatagramTarget) {
    const { to, config } = target;
    const libc = loadLibc('the batch backend', 'BACKEND_MISSING');
    this.#target = target;
    this.room = target.room;
    this.#headers = new OuterHeaders(config);
    this.#fd = rawDescriptor(libc, config.local, config.dev);
    const place = `the interface on the way to ${formatIp(to)}`;
    this.#batch = new MessageBatch(libc, this.#fd, place, this.counters, headersOf(config.local));
    const scope = isGroup(to) && config.dev !== null ? libc.ifIndex(config.dev) : 0;
    this.#name = socketAddress(to, 0, scope);
    this.#nameAt = libc.addressOf(this.#name);
  }

  get broken(): VxlabError | null {
    return this.#batch.broken;
  }

  send(from: Memory, start: number, end: number, recorded: number): void {
    const frame = this.#framed.take(from, start, end);
    const port = recorded === NO_PORT ? this.#headers.port(innerEntropy(frame)) : recorded;
    this.#headers.push(frame, this.#target.to, port, this.#headers.tos(frame, ecnFor(frame)));
    this.#batch.push(frame.bytes, frame.start, frame.end, this.#nameAt, this.#name.length);
    this.#frames.push(frame);
    if (this.#frames.length === BATCH) this.flush();
  }

  flush(): void {
    if (this.#frames.length === 0) return;
    this.#batch.flush();
    for (const frame of this.#frames) frame.release();
    this.#frames.length = 0;
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
