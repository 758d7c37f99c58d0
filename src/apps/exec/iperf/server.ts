// `iperf3 -s`: waits for a client, does the test it asks for, and waits for the next one. One test at a time: others are told
// that the server is busy.

import { errnoWords } from '../sockets.ts';
import type { ToolContext } from '../tool.ts';
import type { IperfRequest } from './arguments.ts';
import type { Parameters, Results } from './control.ts';
import { Control, IperfError, STATE } from './control.ts';
import { UdpDoor } from './datagrams.ts';
import type { Flow } from './flow.ts';
import { resultsOf, TcpFlow } from './flow.ts';
import { DASHES } from './lines.ts';
import { Report } from './report.ts';
import { Run } from './run.ts';

const PARALLEL_MAX = 128;
/** How long a client may take from its cookie to the test, in milliseconds. */
const PATIENCE = 30_000;

export async function server(context: ToolContext, request: IperfRequest): Promise<number> {
  const listener = context.net.createServer({ allowHalfOpen: true });
  const problem = await new Promise<string | null>((done) => {
    listener.once('error', (error: NodeJS.ErrnoException) => done(errnoWords(error.code)));
    listener.listen(request.port, () => done(null));
  });
  if (problem !== null) {
    context.err(`iperf3: error - unable to start listener for connections: ${problem}\n`);
    return 1;
  }
  if (!request.oneOff) context.endless();
  const door = new Door(context, listener);
  for (let number = 1; !context.signal.aborted; number++) {
    context.out(`${DASHES}Server listening on ${request.port} (test #${number})\n${DASHES}`);
    const control = await door.next();
    if (control === null) break;
    try {
      await new Test(context, request, control.control, control.cookie, door).run();
    } catch (error) {
      if (!(error instanceof IperfError)) throw error;
      context.err(`iperf3: error - ${error.message}\n`);
    }
    control.control.socket.end();
    if (request.oneOff) break;
  }
  listener.close();
  if (context.signal.aborted) context.err('iperf3: interrupt - the server has terminated\n');
  return context.signal.aborted ? 1 : 0;
}

interface Visitor {
  readonly control: Control;
  readonly cookie: string;
}

/** Who connects: the first one's cookie makes a test, those with the same cookie are its streams. */
class Door {
  /** The cookie of the test under way. */
  cookie: string | null = null;
  /** Gets streams of the test under way. */
  stream: ((control: Control) => void) | null = null;
  readonly #context: ToolContext;
  #waiting: ((visitor: Visitor | null) => void) | null = null;

  constructor(context: ToolContext, listener: ReturnType<ToolContext['net']['createServer']>) {
    this.#context = context;
    listener.on('connection', (socket) => void this.#receive(new Control(socket)));
    context.signal.addEventListener('abort', () => this.#waiting?.(null), { once: true });
  }

  /** The next client; null when the server is to end. */
  next(): Promise<Visitor | null> {
    this.cookie = null;
    this.stream = null;
    return new Promise((done) => {
      if (this.#context.signal.aborted) return done(null);
      this.#waiting = (visitor) => {
        this.#waiting = null;
        done(visitor);
      };
    });
  }

  async #receive(control: Control): Promise<void> {
    const cookie = await control.cookie();
    if (cookie === null) return void control.socket.destroy();
    if (cookie === this.cookie && this.stream !== null) return this.stream(control);
    if (this.#waiting !== null) {
      this.cookie = cookie;
      return this.#waiting({ control, cookie });
    }
    control.send(STATE.accessDenied);
    control.socket.end();
  }
}

class Test {
  readonly #context: ToolContext;
  readonly #request: IperfRequest;
  readonly #control: Control;
  readonly #door: Door;
  readonly #flows: Flow[] = [];
  #udp: UdpDoor | null = null;

  constructor(context: ToolContext, request: IperfRequest, control: Control, cookie: string, door: Door) {
    this.#context = context;
    this.#request = request;
    this.#control = control;
    this.#door = door;
    door.cookie = cookie;
  }

  async run(): Promise<void> {
    const control = this.#control;
    const { socket } = control;
    this.#context.out(
      `Accepted connection from ${(socket.remoteAddress ?? '').replace(/^::ffff:/, '')}, port ${socket.remotePort}\n`,
    );
    try {
      control.send(STATE.paramExchange);
      const asked = await control.json<Parameters>('parameters');
      const parallel = within(asked.parallel, 1, PARALLEL_MAX, 1);
      const sender = asked.reverse === true;
      const udp = asked.udp === true;
      await this.#streams(parallel, udp, sender);
      const report = new Report(this.#flows, {
        udp,
        format: this.#request.format,
        out: (text) => this.#context.out(text),
      });
      control.send(STATE.testStart);
      const run = new Run(this.#context, this.#flows, report, {
        length: within(asked.len, 1, udp ? 65_507 : 1 << 20, udp ? 1460 : 128 * 1024),
        rate: within(asked.bandwidth, 0, 1e13, 0),
        // The client's clock ends a test that has a time.
        time: 0,
        bytes: sender ? within(asked.num, 0, Number.MAX_SAFE_INTEGER, 0) : 0,
        blocks: sender ? within(asked.blockcount, 0, Number.MAX_SAFE_INTEGER, 0) : 0,
        interval: this.#request.interval,
      });
      control.send(STATE.testRunning);
      const state = await control.state();
      run.end();
      if (state === STATE.clientTerminate || state === null)
        throw new IperfError('the client has terminated');
      if (state !== STATE.testEnd)
        throw new IperfError(
          'received an unknown control message (ensure other side is iperf3 and not iperf)',
        );
      control.send(STATE.exchangeResults);
      await control.json<Results>('results');
      control.sendJson(resultsOf(this.#flows, run.elapsed));
      control.send(STATE.displayResults);
      await control.state();
      report.totals(run.elapsed, null);
    } finally {
      for (const flow of this.#flows) flow.close();
      this.#udp?.close();
      this.#door.stream = null;
    }
  }

  /** Resolves when as many streams are there as were asked for. @throws IperfError when they do not come */
  async #streams(parallel: number, udp: boolean, sender: boolean): Promise<void> {
    const { port } = this.#request;
    let come: (flow: Flow) => void = () => {};
    const all = new Promise<void>((done, fail) => {
      const timer = this.#context.time.setTimeout(
        () => fail(new IperfError('the client opened no streams')),
        PATIENCE,
      );
      const gone = (): void => {
        timer.close();
        fail(new IperfError('the client has terminated'));
      };
      this.#control.socket.once('close', gone);
      come = (flow) => {
        this.#flows.push(flow);
        if (this.#flows.length < parallel) return;
        timer.close();
        this.#control.socket.off('close', gone);
        done();
      };
    });
    if (udp) {
      const local = (this.#control.socket.localAddress ?? '').replace(/^::ffff:/, '');
      const at = { address: local, port };
      this.#udp = await UdpDoor.open(this.#context, at, local.includes(':'), sender, (flow) =>
        come(flow),
      ).catch((error: NodeJS.ErrnoException) => {
        throw new IperfError(`unable to bind UDP: ${errnoWords(error.code)}`);
      });
    } else {
      this.#door.stream = (stream) =>
        come(new TcpFlow(this.#context, stream.socket, this.#flows.length, sender, stream.release()));
    }
    this.#control.send(STATE.createStreams);
    await all;
    this.#door.stream = null;
  }
}

/** A number of the other end's, or what is usual where it is none or out of range. */
function within(value: number | undefined, least: number, most: number, usual: number): number {
  return typeof value === 'number' && Number.isFinite(value) && value >= least && value <= most
    ? Math.floor(value)
    : usual;
}
