// A tap is a port around another port, or a sink around another sink: it shows every frame that passes to a capture and
// hands it on unchanged.

import type { Frame } from '../../core/frame/frame.ts';
import type { Port, PortId, Sink } from './port.ts';

/** Takes note of a frame; must not keep, change or release it. `inbound` is seen from the tapped interface. */
export interface Capture {
  frame(tap: number, inbound: boolean, frame: Frame): void;
}

export class TapPort implements Port {
  readonly #tap: number;
  readonly #inner: Port;
  readonly #capture: Capture;

  constructor(tap: number, inner: Port, capture: Capture) {
    this.#tap = tap;
    this.#inner = inner;
    this.#capture = capture;
  }

  get name(): string {
    return this.#inner.name;
  }

  get mtu(): number {
    return this.#inner.mtu;
  }

  send(frame: Frame): void {
    this.#capture.frame(this.#tap, false, frame);
    this.#inner.send(frame);
  }
}

export class TapSink implements Sink {
  readonly #tap: number;
  readonly #inner: Sink;
  readonly #capture: Capture;

  constructor(tap: number, inner: Sink, capture: Capture) {
    this.#tap = tap;
    this.#inner = inner;
    this.#capture = capture;
  }

  receive(frame: Frame, from: PortId): void {
    this.#capture.frame(this.#tap, true, frame);
    this.#inner.receive(frame, from);
  }
}
