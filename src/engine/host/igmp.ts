// Joining multicast groups on a host: IGMPv3 as Linux does it (RFC 9776, net/ipv4/igmp.c). A join is reported at once and
// once more, a leave likewise; a general or group query is answered. Who forwards groups listens to the reports.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip, Ip4 } from '../../core/wire/address.ts';
import * as igmp from '../../core/wire/igmp.ts';
import { PROTO } from '../../core/wire/numbers.ts';
import type { TimerId, TimerTarget } from '../time/clock.ts';
import { MILLISECOND } from '../time/clock.ts';
import { DROP, drop } from '../trace/drop.ts';
import { TRACE } from '../trace/event.ts';
import type { Interface } from './interface.ts';
import type { GroupFace, Stack } from './stack.ts';

/** A report of one group without sources. */
const REPORT_LEN = igmp.HEADER_LEN + igmp.RECORD_LEN;
/** The second report comes within the unsolicited report interval, one second in IGMPv3 (RFC 9776 s.8.11). */
const AGAIN = 1000 * MILLISECOND;

interface Pending {
  readonly dev: Interface;
  readonly group: Ip4;
  readonly record: number;
  timer: TimerId;
}

export class Igmp implements TimerTarget, GroupFace {
  readonly #host: Stack;
  #pending: Map<number, Pending> | null = null;
  #token = 0;

  constructor(host: Stack) {
    this.#host = host;
  }

  /** Joins or leaves; the first join and the last leave on an interface are reported. */
  membership(dev: Interface, group: Ip, join: boolean): void {
    if (typeof group !== 'number') return;
    const users = dev.groups.get4(group) ?? 0;
    if (join) dev.groups.set(group, users + 1);
    else if (users > 1) dev.groups.set(group, users - 1);
    else if (users === 1) dev.groups.delete(group);
    if (join ? users !== 0 : users !== 1) return;
    this.#supersede(dev, group);
    const record = join ? igmp.RECORD.toExclude : igmp.RECORD.toInclude;
    this.#report(dev, group, record);
    const again = this.#host.random.integer(AGAIN);
    this.#later(dev, group, record, again);
  }

  input(frame: Frame, _ip: number, at: number, end: number, dev: Interface): void {
    const host = this.#host;
    const view = frame.view;
    const fault = igmp.check(view, at, end);
    if (fault !== 0) return drop(host, frame, DROP.invalidHeader, fault);
    if (!frame.summed && !igmp.checksumOk(view, at, end)) return drop(host, frame, DROP.checksum);
    if (host.trace.on) host.trace.emit(host.id, TRACE.deliver, frame, PROTO.igmp, igmp.type(view, at));
    if (igmp.type(view, at) === igmp.TYPE.query) {
      const asked = igmp.group(view, at);
      // Version 1 says no time and means ten seconds (RFC 9776 s.7.2.1).
      const within = (igmp.maxResponse(view, at, end) || 100) * 100;
      for (const [group] of dev.groups.entries()) {
        if (typeof group !== 'number' || (asked !== 0 && asked !== group)) continue;
        if (this.#answering(dev, group)) continue;
        this.#later(dev, group, igmp.RECORD.isExclude, host.random.integer(within) * MILLISECOND);
      }
    }
    frame.release();
  }

  fire(token: number): void {
    const pending = this.#pending?.get(token);
    this.#pending?.delete(token);
    if (pending !== undefined) this.#report(pending.dev, pending.group, pending.record);
  }

  close(): void {
    for (const pending of this.#pending?.values() ?? []) this.#host.ground.timers.cancel(pending.timer);
    this.#pending = null;
  }

  /** What was still to be said of a group is old. */
  #supersede(dev: Interface, group: Ip4): void {
    for (const [token, pending] of this.#pending ?? []) {
      if (pending.dev !== dev || pending.group !== group) continue;
      this.#host.ground.timers.cancel(pending.timer);
      this.#pending?.delete(token);
    }
  }

  /** True while an answer about the group is under way, which serves a second query as well. */
  #answering(dev: Interface, group: Ip4): boolean {
    for (const { dev: on, group: of, record } of this.#pending?.values() ?? []) {
      if (on === dev && of === group && record === igmp.RECORD.isExclude) return true;
    }
    return false;
  }

  #later(dev: Interface, group: Ip4, record: number, after: number): void {
    this.#pending ??= new Map();
    this.#token = (this.#token + 1) & 0x7fffffff;
    const token = this.#token;
    const { clock, timers } = this.#host.ground;
    this.#pending.set(token, { dev, group, record, timer: timers.at(clock.now + after, this, token) });
  }

  #report(dev: Interface, group: Ip4, record: number): void {
    const host = this.#host;
    const frame = host.ground.pool.take(REPORT_LEN);
    igmp.writeChange(frame.view, frame.start, record, group);
    frame.summed = true;
    host.ip4.outputAlert(frame, dev, igmp.ALL_IGMPV3_ROUTERS, PROTO.igmp, 0xc0);
  }
}
