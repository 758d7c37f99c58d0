// `ping`: echo requests at an interval, a line for each answer as it comes, the statistics at the end or when it is interrupted.
// Exit 0 when anything was answered, 1 when nothing was, 2 for a name that is none.

import { parseIp } from '../../../core/wire/parse-ip.ts';
import { SENT } from '../../../engine/host/destination.ts';
import { lookUp, lookupWords } from '../names.ts';
import type { ToolContext } from '../tool.ts';
import { stopWith } from '../tool.ts';
import type { PingRequest } from './arguments.ts';
import { readPing } from './arguments.ts';
import type { EchoError, EchoReply } from './echoes.ts';
import { Echoes } from './echoes.ts';
import { closingLines, errorLine, errorText, openingLine, replyLine, roundTrips } from './lines.ts';

/** IPv4 and ICMP headers in front of the payload. */
const HEADERS = 28;
/** iputils' MAXWAIT: how long the last answer is waited for while there was none, in nanoseconds. */
const LINGER = 10e9;
const MILLISECOND = 1e6;
/** Round trips kept for the deviation; beyond, the last line tells of the latest ones. */
const KEPT = 100_000;

export async function ping(context: ToolContext): Promise<number> {
  const request = readPing(context.argv);
  if ('exit' in request) return stopWith(context, request);
  const { addresses, error } = await lookUp(context, request.to, request.family);
  const [address] = addresses;
  if (address === undefined) {
    context.err(`ping: ${request.to}: ${lookupWords(error)}\n`);
    return 2;
  }
  if (request.count === null && request.deadline === null) context.endless();
  return new Run(context, request, address).run();
}

class Run {
  readonly #context: ToolContext;
  readonly #request: PingRequest;
  readonly #address: string;
  readonly #mtu: number;
  readonly #echoes: Echoes;
  readonly #stop: AbortController = new AbortController();
  readonly #times: number[] = [];
  #sent = 0;
  #received = 0;
  #duplicates = 0;
  #errors = 0;
  #longest = 0;

  constructor(context: ToolContext, request: PingRequest, address: string) {
    const { host } = context.container;
    const to = parseIp(address);
    this.#context = context;
    this.#request = request;
    this.#address = address;
    this.#mtu = host.destination(to)?.dev.mtu ?? 1500;
    const id = context.random.integer(65_535) + 1;
    this.#echoes = new Echoes(host, context.inbox, to, id, (event) => this.#told(event));
    if (context.signal.aborted) this.#stop.abort();
    context.signal.addEventListener('abort', () => this.#stop.abort(), { once: true });
  }

  async run(): Promise<number> {
    const { time } = this.#context;
    const { to, size, interval, deadline } = this.#request;
    const count = this.#request.count ?? Number.POSITIVE_INFINITY;
    const began = time.now;
    const end = deadline === null ? Number.POSITIVE_INFINITY : began + deadline;
    let last = began;
    this.#print(openingLine(to, this.#address, size));
    while (this.#sent < count && !this.#stop.signal.aborted && time.now < end) {
      last = time.now;
      this.#request1();
      const next = this.#sent < count ? last + interval : last + this.#linger();
      await this.#until(Math.min(next, end));
    }
    this.#echoes.close();
    const rtt = size < 16 ? null : roundTrips(this.#times);
    const lines = closingLines({
      to,
      sent: this.#sent,
      received: this.#received,
      duplicates: this.#duplicates,
      errors: this.#errors,
      elapsed: last - began,
      rtt,
    });
    this.#print(...lines, ...(rtt === null ? [''] : []));
    const enough =
      this.#request.count !== null && deadline !== null
        ? this.#received >= this.#request.count
        : this.#received > 0;
    return enough ? 0 : 1;
  }

  #request1(): void {
    const { size, ttl, discovery } = this.#request;
    const seq = ++this.#sent;
    const dontFragment = discovery === 'do' || (discovery === 'want' && size + HEADERS <= this.#mtu);
    const sent = this.#echoes.send(seq, size, ttl, dontFragment, this.#context.time.date() * MILLISECOND);
    if (sent === SENT.ok) return;
    this.#errors++;
    const six = this.#address.includes(':');
    const text = errorText(true, 3, sent === SENT.tooLong ? 4 : 0, this.#mtu, six);
    this.#context.err(`${errorLine(seq, null, text)}\n`);
  }

  /** How long the last answer may take. */
  #linger(): number {
    const { wait } = this.#request;
    if (this.#received > 0) return Math.max(2 * this.#longest, this.#request.interval);
    return wait ?? LINGER;
  }

  /** Waits, but not when all there will be is there. */
  async #until(when: number): Promise<void> {
    const { time } = this.#context;
    if (this.#complete()) return;
    const ms = (when - time.now) / MILLISECOND;
    if (ms <= 0) return;
    await time.sleep(ms, { signal: this.#stop.signal }).catch(() => {});
  }

  #complete(): boolean {
    const { count } = this.#request;
    return count !== null && this.#sent >= count && this.#received >= count;
  }

  #told(event: EchoReply | EchoError): void {
    const { quiet } = this.#request;
    if (event.kind === 'reply') {
      if (event.duplicate) this.#duplicates++;
      else {
        this.#received++;
        this.#longest = Math.max(this.#longest, event.rtt);
        if (this.#times.length >= KEPT) this.#times.shift();
        this.#times.push(event.rtt);
      }
      if (!quiet) this.#print(replyLine(event, event.duplicate));
    } else {
      this.#errors++;
      const six = this.#address.includes(':');
      const text = errorText(false, event.type, event.code, event.mtu, six);
      if (!quiet) this.#print(errorLine(event.seq, event.from, text));
    }
    if (this.#complete()) this.#stop.abort();
  }

  #print(...lines: string[]): void {
    this.#context.out(`${lines.join('\n')}\n`);
  }
}
