// A test's report as it goes: a line for each stream and interval, the sums, the totals; and the same as iperf3's JSON document.

import type { StreamResult } from './control.ts';
import type { Counted, Flow } from './flow.ts';
import type { Kind, Span } from './lines.ts';
import { head, intervalLine, RULE, summaryHead, totalLine } from './lines.ts';

export interface ReportOptions {
  readonly udp: boolean;
  readonly format: string | null;
  /** Gets text as it comes; null keeps silent, as with -J. */
  readonly out: ((text: string) => void) | null;
}

const NOTHING: Counted = { bytes: 0, packets: 0, lost: 0, jitter: 0, retransmits: 0 };

/** What an interval came to, as -J has it. */
interface Interval {
  readonly streams: object[];
  readonly sum: object;
}

export class Report {
  readonly intervals: Interval[] = [];
  readonly #options: ReportOptions;
  readonly #flows: readonly Flow[];
  readonly #kind: Kind;
  readonly #before: Map<Flow, Counted> = new Map();
  readonly #windows: Map<Flow, number> = new Map();
  #at = 0;

  /** All flows are of one direction and protocol. */
  constructor(flows: readonly Flow[], options: ReportOptions) {
    this.#flows = flows;
    this.#options = options;
    const end = flows[0]?.sender === true ? 'sender' : 'receiver';
    this.#kind = `${options.udp ? 'udp' : 'tcp'}-${end}`;
  }

  /** The lines that tell who is connected to whom, and the columns. */
  begin(): void {
    for (const { shown, local, remote } of this.#flows) {
      this.#say(
        `[${String(shown).padStart(3)}] local ${local.address} port ${local.port} connected to ${remote.address} port ${remote.port}\n`,
      );
    }
    this.#say(head(this.#kind));
  }

  /** One more interval, up to `now` nanoseconds since the test began. */
  tick(now: number): void {
    const spans = this.#flows.map((flow) => this.#span(flow, now));
    if (this.intervals.length > 0 && spans.length > 1) this.#say(RULE);
    for (const span of spans) this.#say(intervalLine(this.#kind, span, this.#options.format));
    const sum = summed(spans);
    if (spans.length > 1) this.#say(intervalLine(this.#kind, sum, this.#options.format));
    this.intervals.push({ streams: spans.map((span) => this.#document(span)), sum: this.#document(sum) });
    this.#at = now;
  }

  /** A last interval that is no whole one is told when anything happened in it. */
  last(now: number): void {
    const more = this.#flows.some((flow) => flow.counted().bytes > (this.#before.get(flow) ?? NOTHING).bytes);
    if (now > this.#at && (more || this.intervals.length === 0)) this.tick(now);
  }

  /**
   * The totals of both ends, or of this one when the other's are not known.
   * @param theirs by the streams' numbers on the wire
   */
  totals(
    now: number,
    theirs: ReadonlyMap<number, StreamResult> | null,
  ): { readonly sent: Span[]; readonly received: Span[] } {
    const { udp, format } = this.#options;
    const [sent, received]: [Span[], Span[]] = [[], []];
    for (const flow of this.#flows) {
      const mine = this.#total(flow.shown, 0, now, flow.counted());
      const other = theirs?.get(flow.number);
      const their =
        other === undefined
          ? null
          : this.#total(flow.shown, other.start_time * 1e9, other.end_time * 1e9, {
              bytes: other.bytes,
              packets: other.packets,
              lost: other.errors,
              jitter: other.jitter * 1e9,
              retransmits: other.retransmits,
            });
      const [from, to] = flow.sender ? [mine, their] : [their, mine];
      if (from !== null) sent.push(udp ? { ...from, jitter: 0, lost: 0 } : from);
      if (to !== null) received.push(to);
    }
    const known = sent.some(({ retransmits }) => retransmits !== undefined);
    this.#say(RULE + summaryHead(udp, known));
    for (const i of this.#flows.keys()) {
      if (sent[i] !== undefined) this.#say(totalLine(udp, sent[i], 'sender', format));
      if (received[i] !== undefined) this.#say(totalLine(udp, received[i], 'receiver', format));
    }
    if (this.#flows.length > 1) {
      if (sent.length > 0) this.#say(totalLine(udp, summed(sent), 'sender', format));
      if (received.length > 0) this.#say(totalLine(udp, summed(received), 'receiver', format));
    }
    return { sent, received };
  }

  #total(id: number, from: number, to: number, counted: Counted): Span {
    const { retransmits, ...rest } = counted;
    return { id, from, to, ...rest, ...(retransmits < 0 ? {} : { retransmits }) };
  }

  #span(flow: Flow, now: number): Span {
    const counted = flow.counted();
    const before = this.#before.get(flow) ?? NOTHING;
    this.#before.set(flow, counted);
    const window = flow.info()?.congestionWindow;
    if (window !== undefined) this.#windows.set(flow, Math.max(window, this.#windows.get(flow) ?? 0));
    return {
      id: flow.shown,
      from: this.#at,
      to: now,
      bytes: counted.bytes - before.bytes,
      packets: counted.packets - before.packets,
      lost: counted.lost - before.lost,
      jitter: counted.jitter,
      ...(counted.retransmits < 0
        ? {}
        : { retransmits: counted.retransmits - Math.max(0, before.retransmits) }),
      ...(window === undefined ? {} : { window }),
    };
  }

  #document(span: Span): object {
    const info =
      span.id === null ? null : (this.#flows.find(({ shown }) => shown === span.id)?.info() ?? null);
    const sender = this.#flows[0]?.sender === true;
    return {
      ...(span.id === null ? {} : { socket: span.id }),
      ...spanDocument(span),
      ...(sender && info !== null
        ? {
            snd_cwnd: info.congestionWindow,
            snd_wnd: info.sendWindow,
            rtt: Math.round(info.rtt / 1000),
            rttvar: Math.round(info.rttVariation / 1000),
          }
        : {}),
      omitted: false,
      sender,
    };
  }

  #say(text: string): void {
    this.#options.out?.(text);
  }
}

/** iperf3's names for what a span counts; seconds. */
export function spanDocument(span: Span): object {
  const seconds = (span.to - span.from) / 1e9;
  const udp = (span.packets ?? 0) > 0;
  return {
    start: span.from / 1e9,
    end: span.to / 1e9,
    seconds,
    bytes: span.bytes,
    bits_per_second: seconds > 0 ? (span.bytes * 8) / seconds : 0,
    ...(span.retransmits === undefined ? {} : { retransmits: span.retransmits }),
    ...(udp
      ? {
          jitter_ms: (span.jitter ?? 0) / 1e6,
          lost_packets: span.lost ?? 0,
          packets: span.packets,
          lost_percent: ((span.lost ?? 0) / (span.packets ?? 1)) * 100,
        }
      : {}),
  };
}

/** All streams as one; the jitter is their mean. */
export function summed(spans: readonly Span[]): Span {
  const add = (of: (span: Span) => number): number => spans.reduce((sum, span) => sum + of(span), 0);
  const known = spans.some(({ retransmits }) => retransmits !== undefined);
  return {
    id: null,
    from: Math.min(...spans.map(({ from }) => from)),
    to: Math.max(...spans.map(({ to }) => to)),
    bytes: add(({ bytes }) => bytes),
    packets: add(({ packets = 0 }) => packets),
    lost: add(({ lost = 0 }) => lost),
    jitter: add(({ jitter = 0 }) => jitter) / Math.max(1, spans.length),
    ...(known ? { retransmits: add(({ retransmits = 0 }) => retransmits) } : {}),
  };
}
