// Joining multicast groups on a host: MLDv2 as Linux does it (RFC 9777, net/ipv6/mcast.c). A change is reported at once and
// once more within a second, queries are answered within the time they give. What changes at one instant goes into one
// report, which is sent by a timer: an interface that is being set up has no cable yet.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip, Ip6 } from '../../core/wire/address.ts';
import { groupMac6, IP6_ANY, macHi, macLo, sameIp } from '../../core/wire/address.ts';
import { pseudo6 } from '../../core/wire/checksum.ts';
import * as ipv6 from '../../core/wire/ipv6.ts';
import { writeRouterAlert } from '../../core/wire/ipv6-extensions.ts';
import * as mld from '../../core/wire/mld.ts';
import { ETHERTYPE, PROTO } from '../../core/wire/numbers.ts';
import type { TimerId, TimerTarget } from '../time/clock.ts';
import { MILLISECOND } from '../time/clock.ts';
import { DROP, drop } from '../trace/drop.ts';
import type { Interface } from './interface.ts';
import type { GroupFace, Stack } from './stack.ts';

const ALERT_LEN = 8;
/** The second report comes within the unsolicited report interval (RFC 9777 s.9.11). */
const AGAIN = 1000 * MILLISECOND;
/** Records that fit a report on the least MTU. */
const RECORDS_MAX = 60;

interface Report {
  readonly dev: Interface;
  readonly token: number;
  /** What changed; null for the answer to a query, which says what is so when it is sent. */
  changes: mld.MldRecord[] | null;
  /** The group that a query asked for; null for all. */
  readonly asked: Ip6 | null;
  /** How often it is still to be sent. */
  left: number;
  due: number;
  timer: TimerId;
}

export class Mld implements TimerTarget, GroupFace {
  readonly #host: Stack;
  #reports: Map<number, Report> | null = null;
  #token = 0;

  constructor(host: Stack) {
    this.#host = host;
  }

  /** Joins or leaves; the first join and the last leave on an interface are reported. */
  membership(dev: Interface, group: Ip, join: boolean): void {
    if (typeof group === 'number') return;
    const users = dev.groups.get(group) ?? 0;
    if (join) dev.groups.set(group, users + 1);
    else if (users > 1) dev.groups.set(group, users - 1);
    else if (users === 1) dev.groups.delete(group);
    if ((join ? users !== 0 : users !== 1) || !isReported(group)) return;
    this.#change(dev, { type: join ? mld.RECORD.toExclude : mld.RECORD.toInclude, group, sources: [] });
  }

  /** A query; `at` is where its ICMPv6 header starts. Must come from this link (RFC 9777 s.6.2). */
  input(frame: Frame, ip: number, at: number, end: number, dev: Interface): void {
    const host = this.#host;
    const view = frame.view;
    const fault = mld.check(view, at, end);
    if (fault !== 0) return drop(host, frame, DROP.invalidHeader, fault);
    if (view.getUint32(ip + 8) >>> 22 !== 0x3fa || ipv6.hopLimit(view, ip) !== 1) {
      return drop(host, frame, DROP.invalidHeader);
    }
    const group = mld.group(view, at);
    const general = sameIp(group, IP6_ANY);
    if (general || (dev.joined6(view, at + 8) && isReported(group))) {
      const within = Math.max(1, mld.maxResponse(view, at, end));
      this.#answer(dev, general ? null : group, host.random.integer(within) * MILLISECOND);
    }
    frame.release();
  }

  fire(token: number): void {
    const report = this.#reports?.get(token);
    if (report === undefined) return;
    const { dev, asked } = report;
    const records = report.changes ?? currentRecords(dev, asked);
    for (let from = 0; from < records.length; from += RECORDS_MAX) {
      this.#send(dev, records.slice(from, from + RECORDS_MAX));
    }
    if (--report.left > 0 && records.length > 0) this.#arm(report, this.#host.random.integer(AGAIN));
    else this.#reports?.delete(token);
  }

  close(): void {
    for (const report of this.#reports?.values() ?? []) this.#host.ground.timers.cancel(report.timer);
    this.#reports = null;
  }

  /** Adds to the report that is due now, or begins one; what other reports were to repeat of the group is old. */
  #change(dev: Interface, record: mld.MldRecord): void {
    let current: Report | null = null;
    for (const report of this.#reports?.values() ?? []) {
      if (report.dev !== dev || report.changes === null) continue;
      report.changes = report.changes.filter((other) => !sameIp(other.group, record.group));
      if (report.left === 2 && report.due === this.#host.ground.clock.now) current = report;
    }
    current ??= this.#open(dev, [], null, 2, 0);
    current.changes?.push(record);
  }

  #answer(dev: Interface, asked: Ip6 | null, after: number): void {
    for (const report of this.#reports?.values() ?? []) {
      // An answer that is under way says it all (RFC 9777 s.6.2).
      const covers = report.asked === null || (asked !== null && sameIp(report.asked, asked));
      if (report.dev === dev && report.changes === null && covers) return;
    }
    this.#open(dev, null, asked, 1, after);
  }

  #open(
    dev: Interface,
    changes: mld.MldRecord[] | null,
    asked: Ip6 | null,
    left: number,
    after: number,
  ): Report {
    this.#reports ??= new Map();
    this.#token = (this.#token + 1) & 0x7fffffff;
    const report: Report = { dev, token: this.#token, changes, asked, left, due: 0, timer: 0 };
    this.#reports.set(report.token, report);
    this.#arm(report, after);
    return report;
  }

  #arm(report: Report, after: number): void {
    const { clock, timers } = this.#host.ground;
    report.due = clock.now + after;
    report.timer = timers.at(report.due, this, report.token);
  }

  #send(dev: Interface, records: readonly mld.MldRecord[]): void {
    const host = this.#host;
    const length = mld.reportLen(records);
    const frame = host.ground.pool.take(ipv6.HEADER_LEN + ALERT_LEN + length);
    const view = frame.view;
    const ip = frame.start;
    const at = ip + ipv6.HEADER_LEN + ALERT_LEN;
    const to = mld.ALL_MLDV2_ROUTERS;
    ipv6.write(view, ip, frame.end, dev.linkLocal ?? IP6_ANY, to, PROTO.hopByHop, 1, 0, 0);
    writeRouterAlert(view, ip + ipv6.HEADER_LEN, PROTO.icmpv6);
    mld.writeReport(view, at, frame.end, records, pseudo6(view, ip, PROTO.icmpv6, length));
    frame.summed = true;
    host.begin(frame);
    const mac = groupMac6(to);
    host.transmitTo(frame, dev, macHi(mac), macLo(mac), ETHERTYPE.ipv6);
  }
}

/** All nodes, and groups that do not leave the node, are never reported (RFC 9777 s.6). */
function isReported(group: Ip6): boolean {
  const scope = (group.a >>> 16) & 0x0f;
  if (scope <= 1) return false;
  return !(group.a === 0xff020000 && group.b === 0 && group.c === 0 && group.d === 1);
}

function currentRecords(dev: Interface, asked: Ip6 | null): mld.MldRecord[] {
  return dev.groups.entries().flatMap(([group]) => {
    if (typeof group === 'number' || !isReported(group)) return [];
    if (asked !== null && !sameIp(group, asked)) return [];
    return [{ type: mld.RECORD.isExclude, group, sources: [] }];
  });
}
