// The thread that waits in the kernel for packets of one descriptor and puts them into a ring: a TAP device is read, a socket is
// asked with recvmmsg, which writes into the ring's slots. It ends when something is written to its eventfd.

import { parentPort, workerData } from 'node:worker_threads';
import { CONTROL_LEN, FrameRing, NAME_LEN } from './frame-ring.ts';
import type { IntakeTask } from './intake-task.ts';
import { IOVEC_LEN, loadLibc, MMSGHDR_LEN } from './libc.ts';

const MSG_DONTWAIT = 0x40;
const POLLIN = 1;
/** struct pollfd. */
const POLLFD_LEN = 8;
/** Milliseconds between two looks at whether the end was asked for, while the ring is full. */
const FULL_WAIT = 50;
/** The descriptor is no use any more. Other errors pass: an interface that is down may come up again. */
const FATAL: ReadonlySet<string> = new Set([
  'EBADF',
  'EBADFD',
  'EFAULT',
  'EINVAL',
  'ENODEV',
  'ENOTSOCK',
  'ENXIO',
]);
/** Packets of one call. */
const BATCH = 64;

const { fd, stopFd, kind, shape, memory } = workerData as IntakeTask;
const libc = loadLibc('reading packets', 'ATTACH_MISSING');
const ring = new FrameRing(shape, memory);
const base = libc.addressOf(ring.bytes);

const polled = new Uint8Array(2 * POLLFD_LEN);
const pollView = new DataView(polled.buffer);
for (const [i, one] of [fd, stopFd].entries()) {
  pollView.setInt32(i * POLLFD_LEN, one, true);
  pollView.setInt16(i * POLLFD_LEN + 4, POLLIN, true);
}
const pollAt = libc.addressOf(polled);

/** One message header a slot, which leads to the slot's parts. */
const headers = new Uint8Array(shape.slots * (MMSGHDR_LEN + IOVEC_LEN));
const headerView = new DataView(headers.buffer);
const headersAt = libc.addressOf(headers);
const iovecsAt = shape.slots * MMSGHDR_LEN;
for (let slot = 0; slot < shape.slots; slot++) {
  const at = slot * MMSGHDR_LEN;
  const iovec = iovecsAt + slot * IOVEC_LEN;
  headerView.setBigUint64(at, BigInt(base + ring.namesAt + slot * NAME_LEN), true);
  headerView.setBigUint64(at + 16, BigInt(headersAt + iovec), true);
  headerView.setBigUint64(at + 24, 1n, true);
  headerView.setBigUint64(at + 32, BigInt(base + ring.controlAt + slot * CONTROL_LEN), true);
  headerView.setBigUint64(iovec, BigInt(base + ring.slotAt(slot)), true);
  headerView.setBigUint64(iovec + 8, BigInt(ring.packetBytes), true);
}

/** Fills slots from a socket; answers with how many, or a negative number. */
function receive(from: number, most: number): number {
  for (let slot = from; slot < from + most; slot++) {
    // The kernel has written here how much it used.
    headerView.setUint32(slot * MMSGHDR_LEN + 8, NAME_LEN, true);
    headerView.setUint32(slot * MMSGHDR_LEN + 40, CONTROL_LEN, true);
  }
  const count = libc.recvmmsg(fd, headersAt + from * MMSGHDR_LEN, most, MSG_DONTWAIT, 0);
  for (let slot = from; slot < from + count; slot++) {
    const at = slot * MMSGHDR_LEN;
    const length = headerView.getUint32(at + 56, true);
    ring.setFacts(slot, length, headerView.getUint32(at + 40, true), headerView.getInt32(at + 48, true));
  }
  return count;
}

/** The same from a TAP device, which gives one frame a call. */
function read(from: number, most: number): number {
  for (let n = 0; n < most; n++) {
    const length = libc.read(fd, base + ring.slotAt(from + n), ring.packetBytes);
    if (length <= 0) return n === 0 ? length : n;
    ring.setFacts(from + n, length, 0, 0);
  }
  return most;
}

/** Nobody rings it. */
const bell = new Int32Array(new SharedArrayBuffer(4));

const take = kind === 'tap' ? read : receive;

function stopped(): boolean {
  return (pollView.getInt16(POLLFD_LEN + 6, true) & POLLIN) !== 0;
}

/** Runs until it is stopped; answers with an error's name, or '' when the end was asked for. */
function run(): string {
  for (;;) {
    const { free } = ring;
    if (free === 0) ring.waitForRoom(FULL_WAIT);
    const ready = libc.poll(pollAt, 2, free === 0 ? 0 : -1);
    if (ready < 0 && libc.error() !== 'EINTR') return libc.error();
    if (stopped()) return '';
    if (free === 0 || ready <= 0) continue;
    const count = take(ring.head, Math.min(free, BATCH));
    if (count > 0) {
      if (ring.filled(count)) parentPort?.postMessage(0);
      continue;
    }
    const error = count < 0 ? libc.error() : 'EAGAIN';
    if (FATAL.has(error)) return error;
    // Ready, but with nothing to give: an error that stays must not keep a processor busy.
    if ((pollView.getInt16(6, true) & POLLIN) === 0) Atomics.wait(bell, 0, 0, FULL_WAIT);
  }
}

parentPort?.postMessage(0);
const why = run();
if (why !== '') parentPort?.postMessage(why);
