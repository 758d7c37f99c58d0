// Frames that cross between this program and an interface with a virtio-net header in front: what the header says is done, or
// noted on the frame, and a frame that stands for several is described to the kernel, which cuts it if it must.

import type { Frame } from '../../core/frame/frame.ts';
import { fold } from '../../core/wire/checksum.ts';
import { PROTO } from '../../core/wire/numbers.ts';
import * as tcp from '../../core/wire/tcp.ts';
import type { Offload, Pieces } from './offload.ts';
import { Transport } from './transport.ts';
import * as virtio from './virtio-header.ts';

/** What is asked of the kernel, which cannot cut anything else. */
const LONG: ReadonlySet<number> = new Set([virtio.KIND.tcp4, virtio.KIND.tcp6, virtio.KIND.udp]);

export class VirtioFrames {
  readonly #at: Transport = new Transport();
  readonly #offload: Offload;
  readonly #mtu: number;
  readonly #whole: boolean;

  /**
   * @param mtu of the overlay: no packet that a frame stands for is longer
   * @param whole whether frames may stand for several; else they are cut here
   */
  constructor(offload: Offload, mtu: number, whole: boolean) {
    this.#offload = offload;
    this.#mtu = mtu;
    this.#whole = whole;
  }

  /** A frame that came in, as its header at `at` of `view` says. True when it stood for several. Any header will do. */
  take(frame: Frame, view: DataView, at: number, to: Pieces): boolean {
    const long = LONG.has(virtio.kind(view, at));
    const size = virtio.segment(view, at);
    if (long && this.#whole && this.#offload.mark(frame, this.#mtu, size)) {
      to.piece(frame);
      return true;
    }
    if (virtio.needsSum(view, at)) {
      this.#offload.finishAt(frame, virtio.sumStart(view, at), virtio.sumOffset(view, at));
    }
    if (long) this.#offload.cut(frame, this.#mtu, size, to);
    else to.piece(frame);
    return long;
  }

  /**
   * Puts the header in front of a frame that goes out; nobody else may hold it.
   * False, and nothing is done, when it stands for packets that are longer than the MTU.
   */
  push(frame: Frame): boolean {
    const { view, start, end, segment } = frame;
    if (segment === 0) {
      virtio.writePlain(view, frame.push(virtio.HEADER_LEN));
      return true;
    }
    const it = this.#at;
    if (!it.find(view, start, end)) return false;
    const headers = it.at + it.header(view) - it.ip;
    if (headers + segment > this.#mtu) return false;
    const stream = it.protocol === PROTO.tcp;
    const what = stream ? (it.six ? virtio.KIND.tcp6 : virtio.KIND.tcp4) : virtio.KIND.udp;
    const congested = stream && (tcp.flags(view, it.at) & tcp.FLAG.CWR) !== 0;
    view.setUint16(it.checksumAt, fold(it.pseudo(view, it.end - it.at)));
    virtio.writeLong(
      view,
      frame.push(virtio.HEADER_LEN),
      what,
      congested,
      it.ip + headers - start,
      segment,
      it.at - start,
      it.checksumAt - it.at,
    );
    return true;
  }
}
