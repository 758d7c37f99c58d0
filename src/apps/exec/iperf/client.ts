// `iperf3 -c`: the control connection, the streams, the test, the other end's results.

import type { Ip } from '../../../core/wire/address.ts';
import { formatIp } from '../../../core/wire/address.ts';
import { parseIp } from '../../../core/wire/parse-ip.ts';
import { lookUp, lookupWords } from '../names.ts';
import type { ToolSocket } from '../sockets.ts';
import { connectTo, errnoWords } from '../sockets.ts';
import type { ToolContext } from '../tool.ts';
import type { IperfRequest } from './arguments.ts';
import { IPERF_VERSION } from './arguments.ts';
import type { Results } from './control.ts';
import { Control, IperfError, newCookie, STATE } from './control.ts';
import { openUdp } from './datagrams.ts';
import { clientDocument } from './document.ts';
import type { Flow } from './flow.ts';
import { resultsOf, TcpFlow } from './flow.ts';
import { Report } from './report.ts';
import { Run } from './run.ts';

/** DEFAULT_TCP_BLKSIZE. */
const BLOCK = 128 * 1024;
/** A UDP payload where nothing better is known (DEFAULT_UDP_BLKSIZE). */
const DATAGRAM = 1460;
/** How often a server that was started for this test is knocked at, a millisecond apart. */
const KNOCKS = 50;

export async function client(context: ToolContext, request: IperfRequest): Promise<number> {
  try {
    await new Client(context, request).run();
    return context.signal.aborted ? 1 : 0;
  } catch (error) {
    if (!(error instanceof IperfError)) throw error;
    if (request.json)
      context.out(
        `${JSON.stringify({ start: {}, intervals: [], end: {}, error: error.message }, null, '\t')}\n`,
      );
    else context.err(`iperf3: error - ${error.message}\n`);
    return 1;
  }
}

class Client {
  readonly #context: ToolContext;
  readonly #request: IperfRequest;
  readonly #flows: Flow[] = [];
  #address = '';
  #from = '';

  constructor(context: ToolContext, request: IperfRequest) {
    this.#context = context;
    this.#request = request;
  }

  async run(): Promise<void> {
    const control = new Control(await this.#reach());
    this.#from = control.socket.localAddress ?? '';
    const { random, time } = this.#context;
    const cookie = newCookie((below) => random.integer(below), [control.socket.localPort ?? 0, time.now]);
    const stopped = (): void => control.send(STATE.clientTerminate);
    this.#context.signal.addEventListener('abort', stopped, { once: true });
    control.sendCookie(cookie);
    try {
      await this.#follow(control, cookie);
    } finally {
      this.#context.signal.removeEventListener('abort', stopped);
      for (const flow of this.#flows) flow.close();
      control.socket.end();
    }
  }

  /** The server says what comes next. */
  async #follow(control: Control, cookie: string): Promise<void> {
    let run: Run | null = null;
    let report: Report | null = null;
    let theirs: Partial<Results> = {};
    const length = this.#length(control.socket);
    const say = (text: string): void => {
      if (!this.#request.json) this.#context.out(text);
    };
    say(`Connecting to host ${this.#request.to}, port ${this.#request.port}\n`);
    if (this.#request.reverse) say(`Reverse mode, remote host ${this.#request.to} is sending\n`);
    for (;;) {
      const state = await control.state();
      switch (state) {
        case STATE.paramExchange:
          control.sendJson(this.#parameters(length));
          break;
        case STATE.createStreams:
          for (let place = 0; place < this.#request.parallel; place++) await this.#open(cookie, place);
          break;
        case STATE.testStart: {
          const { udp, format, json } = this.#request;
          report = new Report(this.#flows, {
            udp,
            format,
            out: json ? null : (text) => this.#context.out(text),
          });
          break;
        }
        case STATE.testRunning: {
          if (report === null) throw new IperfError('the server has started a test without streams');
          const under = new Run(this.#context, this.#flows, report, { ...this.#request, length });
          run = under;
          void under.sent.then(() => {
            under.end();
            if (!control.socket.destroyed) control.send(STATE.testEnd);
          });
          break;
        }
        case STATE.exchangeResults:
          run?.end();
          control.sendJson(this.#results(run?.elapsed ?? 0));
          theirs = await control.json<Results>('results');
          break;
        case STATE.displayResults:
          control.send(STATE.iperfDone);
          this.#finish(report, run, theirs, control, cookie, length);
          return;
        case STATE.accessDenied:
          throw new IperfError('the server is busy running a test. try again later');
        case STATE.serverError:
          throw new IperfError('the server has terminated with an error');
        case STATE.serverTerminate:
          run?.end();
          throw new IperfError('the server has terminated');
        case null:
          run?.end();
          throw new IperfError(
            this.#context.signal.aborted
              ? 'interrupt - the client has terminated'
              : 'control socket has closed unexpectedly',
          );
        default:
          throw new IperfError(
            'received an unknown control message (ensure other side is iperf3 and not iperf)',
          );
      }
      if (this.#context.signal.aborted && run !== null) {
        run.end();
        throw new IperfError('interrupt - the client has terminated');
      }
    }
  }

  #finish(
    report: Report | null,
    run: Run | null,
    theirs: Partial<Results>,
    control: Control,
    cookie: string,
    length: number,
  ): void {
    if (report === null || run === null) throw new IperfError('the server has ended a test that never ran');
    const list = Array.isArray(theirs.streams) ? theirs.streams : [];
    const totals = report.totals(run.elapsed, new Map(list.map((one) => [one.id, one])));
    if (!this.#request.json) return this.#context.out('\niperf Done.\n');
    const document = clientDocument({
      request: this.#request,
      flows: this.#flows,
      intervals: report.intervals,
      totals,
      cookie,
      length,
      mss: mssOf(control.socket) ?? 0,
      date: this.#context.time.date(),
      name: this.#context.name,
    });
    this.#context.out(`${JSON.stringify(document, null, '\t')}\n`);
  }

  async #open(cookie: string, place: number): Promise<void> {
    const { udp, reverse, port, noDelay } = this.#request;
    if (udp) {
      const flow = await openUdp(
        this.#context,
        this.#from,
        { address: this.#address, port },
        place,
        !reverse,
      ).catch((error: NodeJS.ErrnoException) => {
        throw new IperfError(`unable to connect stream: ${errnoWords(error.code)}`);
      });
      this.#flows.push(flow);
      return;
    }
    const { socket, error } = await connectTo(this.#context, { address: this.#address, port, timeout: null });
    if (socket === null) throw new IperfError(`unable to connect stream: ${errnoWords(error)}`);
    if (noDelay) socket.setNoDelay(true);
    socket.write(Buffer.from(`${cookie}\0`, 'latin1'));
    this.#flows.push(new TcpFlow(this.#context, socket, place, !reverse));
  }

  #length(control: ToolSocket): number {
    if (this.#request.length > 0) return this.#request.length;
    return this.#request.udp ? (mssOf(control) ?? DATAGRAM) : BLOCK;
  }

  #parameters(length: number): object {
    const { udp, reverse, time, bytes, blocks, parallel, rate, noDelay } = this.#request;
    return {
      ...(udp ? { udp: true } : { tcp: true }),
      omit: 0,
      time: Math.ceil(time / 1e9),
      num: bytes,
      blockcount: blocks,
      parallel,
      ...(reverse ? { reverse: true } : {}),
      ...(noDelay ? { nodelay: true } : {}),
      len: length,
      ...(rate > 0 ? { bandwidth: rate } : {}),
      pacing_timer: 1000,
      client_version: IPERF_VERSION,
    };
  }

  #results(elapsed: number): object {
    return resultsOf(this.#flows, elapsed);
  }

  /** The control connection; where nobody listens and the lab can, a server is started there for this test. */
  async #reach(): Promise<ToolSocket> {
    const { to, port, family } = this.#request;
    const host = to as string;
    const { addresses, error } = await lookUp(this.#context, host, family);
    const [address] = addresses;
    if (address === undefined) throw new IperfError(`unable to connect to server: ${lookupWords(error)}`);
    this.#address = address;
    const first = await connectTo(this.#context, { address, port, timeout: null });
    if (first.socket !== null) return first.socket;
    const helped = first.error === 'ECONNREFUSED' ? await this.#help(parseIp(address)) : null;
    if (helped !== null) return helped;
    throw new IperfError(`unable to connect to server: ${errnoWords(first.error)}`);
  }

  async #help(address: Ip): Promise<ToolSocket | null> {
    const { port } = this.#request;
    const server = this.#context.beside(address, ['iperf3', '-s', '-1', '-p', String(port)]);
    if (server === null) return null;
    const many = server.tasks > 1;
    if (many) this.#address = formatIp(server.address);
    this.#context.err(
      `iperf3: nobody listened on port ${port}: iperf3 -s runs in ${server.task} for this test${
        many
          ? `, reached at its own address ${this.#address}: behind ${formatIp(address)} its connections would be spread over ${server.tasks} tasks`
          : ''
      }\n`,
    );
    for (let knock = 0; knock < KNOCKS; knock++) {
      await this.#context.time.sleep(1);
      const { socket } = await connectTo(this.#context, { address: this.#address, port, timeout: null });
      if (socket !== null) return socket;
    }
    return null;
  }
}

/** The segment size of a connection, where it is known. */
function mssOf(socket: ToolSocket): number | null {
  return ('tcp' in socket ? socket.tcp?.info().mss : null) ?? null;
}
