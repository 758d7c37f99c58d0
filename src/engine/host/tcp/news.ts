// What a connection tells its holder: gathered while a segment or a timer is worked on, told when all is consistent again.

import type { Block } from './block.ts';
import { NEWS, NOBODY, TIMER } from './block.ts';
import type { TcpError } from './socket.ts';
import { arm, disarmAll } from './timers.ts';

/** Tells what is to be told, in an order in which each makes sense. */
export function tell(c: Block): void {
  if (c.news !== 0 && c.inside && c.parent === null) {
    // Its holder is in the middle of a call, which what was sent has outrun (peers on one bridge).
    later(c);
    return;
  }
  while (c.news !== 0) {
    const { news, parent } = c;
    if (parent !== null) {
      // Nobody holds it yet: what there is to tell waits.
      if ((news & NEWS.acceptable) === 0) return;
      c.news &= ~NEWS.acceptable;
      parent.tell();
    } else if ((news & NEWS.connected) !== 0) {
      c.news &= ~NEWS.connected;
      c.events.connected();
    } else if ((news & NEWS.readable) !== 0) {
      c.news &= ~NEWS.readable;
      c.events.readable();
    } else if ((news & NEWS.writable) !== 0) {
      c.news &= ~NEWS.writable;
      c.events.writable();
    } else if ((news & NEWS.ended) !== 0) {
      c.news &= ~NEWS.ended;
      c.events.ended();
    } else {
      c.news = 0;
      const { events } = c;
      c.events = NOBODY;
      events.closed(c.error);
    }
  }
}

/** What is to be told is told from a timer, now. */
export function later(c: Block): void {
  if (c.state === 'CLOSED') c.host.ground.timers.at(c.host.ground.clock.now, c, 0);
  else arm(c, TIMER.news, c.host.ground.clock.now);
}

/** Room came in the send ring: told once a third of it is free (Linux: sk_stream_write_space). */
export function roomCame(c: Block): void {
  if (!c.full || c.ending || c.sending.length > (c.registry.settings.sendBuffer / 3) * 2) return;
  c.full = false;
  c.news |= NEWS.writable;
}

/** The connection is over: looked up no more, its timers gone. Bytes that were received can still be read. */
export function finish(c: Block, error: TcpError | null): void {
  if (c.state === 'CLOSED') return;
  const untold = c.state !== 'TIME-WAIT';
  c.state = 'CLOSED';
  disarmAll(c);
  c.sending.empty();
  c.sacked.clear();
  c.gaps.clear();
  if (c.receiving.length === 0) c.receiving.empty();
  c.registry.remove(c);
  if (c.parent !== null) {
    c.parent.lost(c);
    c.events = NOBODY;
    c.parent = null;
    c.news = 0;
    return;
  }
  if (!untold) return;
  c.error = error;
  c.news = (c.news | NEWS.closed) & ~(NEWS.writable | NEWS.connected);
}
