// A connection as its holder has it (socket.ts), over what the files beside this one do.

import { FLAG } from '../../../core/wire/tcp.ts';
import { DATA_OPTIONS_LEN } from '../../../core/wire/tcp-options.ts';
import { Block, NEWS, NOBODY, TIMER } from './block.ts';
import { FIN_TIMEOUT, KEEPALIVE_IDLE } from './constants.ts';
import { expire } from './expiry.ts';
import { finish } from './news.ts';
import { acknowledge, transmit } from './output.ts';
import { send, windowMost } from './segment.ts';
import { ahead } from './sequence.ts';
import type { TcpInfo, TcpSocket } from './socket.ts';
import { arm, disarm } from './timers.ts';

export class Connection extends Block implements TcpSocket {
  get readableLength(): number {
    return this.receiving.length;
  }

  get writableLength(): number {
    return this.#mayWrite() ? Math.max(0, this.registry.settings.sendBuffer - this.sending.length) : 0;
  }

  get unacknowledged(): number {
    return this.sending.length;
  }

  write(bytes: Uint8Array, from = 0, to: number = bytes.length): number {
    if (!this.#mayWrite()) return 0;
    const room = this.registry.settings.sendBuffer - this.sending.length;
    const taken = Math.min(to - from, room);
    if (taken < to - from) this.full = true;
    if (taken <= 0) return 0;
    this.sending.append(bytes, from, from + taken);
    this.#send();
    return taken;
  }

  read(into: Uint8Array, from = 0, to: number = into.length): number {
    const ring = this.receiving;
    const taken = ring.take(into, from, to);
    if (ring.length === 0 && this.gaps.count === 0) ring.empty();
    if (taken > 0 && this.state !== 'CLOSED' && this.state !== 'TIME-WAIT' && !this.theyEnded) {
      this.inside = true;
      this.#took();
      this.inside = false;
    }
    return taken;
  }

  end(): void {
    if (this.ending || this.state === 'CLOSED') return;
    this.ending = true;
    this.full = false;
    this.news &= ~NEWS.writable;
    if (this.state === 'ESTABLISHED') this.state = 'FIN-WAIT-1';
    else if (this.state === 'CLOSE-WAIT') this.state = 'LAST-ACK';
    this.#send();
  }

  close(): void {
    const { state } = this;
    if (state === 'SYN-SENT' || state === 'SYN-RECEIVED' || this.receiving.length > 0) {
      this.abort();
      return;
    }
    this.orphan = true;
    this.end();
    if (this.state === 'FIN-WAIT-2') arm(this, TIMER.wait, this.host.ground.clock.now + FIN_TIMEOUT);
  }

  abort(): void {
    const { state } = this;
    this.events = NOBODY;
    this.news = 0;
    if (state === 'CLOSED') return;
    // Nobody knows of a SYN that was not answered; whoever waits for late segments has said good-bye.
    if (state !== 'SYN-SENT' && state !== 'TIME-WAIT') {
      // In order behind all that was sent, so that it cannot be taken for a guess.
      send(this, this.max, FLAG.RST | FLAG.ACK, 0);
    }
    this.receiving.length = 0;
    finish(this, null);
    this.news = 0;
  }

  setNoDelay(on: boolean): void {
    this.noDelay = on;
    if (on) this.#send();
  }

  setKeepAlive(on: boolean, idle: number = KEEPALIVE_IDLE): void {
    if (!on) {
      this.keepIdle = 0;
      disarm(this, TIMER.keep);
      return;
    }
    this.keepIdle = idle;
    if (this.state !== 'CLOSED' && this.state !== 'TIME-WAIT') {
      arm(this, TIMER.keep, this.host.ground.clock.now + idle);
    }
  }

  info(): TcpInfo {
    return {
      bytesSent: this.bytesSent,
      bytesReceived: this.bytesReceived,
      segmentsSent: this.segmentsSent,
      segmentsReceived: this.segmentsReceived,
      retransmits: this.retransmits,
      rtt: Math.round(this.rtt),
      rttVariation: Math.round(this.rttVariation),
      rto: this.rto,
      congestionWindow: this.congestion,
      slowStartThreshold: this.threshold,
      mss: Math.max(0, this.mss - (this.stamps ? DATA_OPTIONS_LEN : 0)),
      sendWindow: this.window,
    };
  }

  fire(): void {
    expire(this);
  }

  #send(): void {
    this.inside = true;
    transmit(this);
    this.inside = false;
  }

  #mayWrite(): boolean {
    if (this.ending) return false;
    const { state } = this;
    return (
      state === 'ESTABLISHED' || state === 'CLOSE-WAIT' || state === 'SYN-SENT' || state === 'SYN-RECEIVED'
    );
  }

  /**
   * Bytes were taken: acknowledged at once when the end of what they wrote is among them and no answer is likely to carry the
   * acknowledgement, or when their window was small and becomes worth using (Linux: tcp_cleanup_rbuf).
   */
  #took(): void {
    if (this.unacked > 0 && this.pushed && !this.answering && this.receiving.length === 0) {
      acknowledge(this);
      return;
    }
    const shown = Math.max(0, ahead(this.edge, this.received));
    const most = windowMost(this);
    if (shown >= most / 2) return;
    const free = Math.min(most, this.registry.settings.receiveBuffer - this.receiving.length);
    if (free >= 2 * shown && free - shown >= Math.min(this.mss, most / 2)) acknowledge(this);
  }
}
