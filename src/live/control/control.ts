// A running lab's control socket: listens under the lab's name, reads one request a connection and hands it to whoever knows the
// lab. The words are in control-wire.ts, the place in control-folder.ts.

import type { Server, Socket } from 'node:net';
import { createServer } from 'node:net';
import { VxlabError } from '../../core/wire/numbers.ts';
import { clearStale, ensureFolder, socketPath } from './folder.ts';
import type { ControlFrame } from './wire.ts';
import { bytesOf, CONTROL_VERSION, ControlWire } from './wire.ts';

/** One client's request, as its handler sees it. */
export interface ControlSession {
  readonly request: ControlFrame;
  /** Aborted when the client asks to stop, goes away, or the lab ends. */
  readonly signal: AbortSignal;
  /** What the client sends as standard input; ends with it. */
  readonly input: AsyncIterable<Uint8Array>;
  /** Resolves when the client has room for more. */
  send(frame: ControlFrame): Promise<void>;
  /** Bytes of a stream, `stdout` or `stderr`. */
  sendBytes(name: string, bytes: Uint8Array): Promise<void>;
}

/** Answers one op. What it throws is told to the client. */
export type ControlHandler = (session: ControlSession) => Promise<void>;

export interface ControlOptions {
  /** The lab's name: its stack. */
  readonly lab: string;
  /** Where the socket goes: `controlFolder(env)`. */
  readonly folder: string;
  readonly handlers: ReadonlyMap<string, ControlHandler>;
}

/** Clients at a time. */
const CLIENTS = 64;
/** Bytes of standard input that may wait for a program: a client sends what it is asked for. */
const INPUT_MAX = 1 << 20;

export class ControlServer {
  readonly path: string;
  readonly #server: Server;
  readonly #handlers: ReadonlyMap<string, ControlHandler>;
  readonly #clients: Set<Client> = new Set();
  readonly #greeting: ControlFrame;

  private constructor(path: string, options: ControlOptions) {
    this.path = path;
    this.#handlers = options.handlers;
    this.#greeting = { control: CONTROL_VERSION, lab: options.lab, pid: process.pid };
    this.#server = createServer((socket) => this.#welcome(socket));
    this.#server.maxConnections = CLIENTS;
  }

  /**
   * Opens the socket of a lab, in place of one whose process is gone.
   * @throws VxlabError LAB_RUNNING when a lab of that name runs; CONTROL_REFUSED when there can be no socket
   */
  static async open(options: ControlOptions): Promise<ControlServer> {
    const path = socketPath(options.folder, options.lab);
    await ensureFolder(options.folder);
    const control = new ControlServer(path, options);
    if (await control.#listen()) return control;
    if ((await clearStale(path)) && (await control.#listen())) return control;
    throw new VxlabError(
      'LAB_RUNNING',
      `a lab named ${options.lab} is running already; vxlab exec reaches it, and --stack NAME gives another one its own name`,
    );
  }

  /** Ends what clients asked for, and the socket. */
  async close(): Promise<void> {
    for (const client of this.#clients) client.leave();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  /** False when something is there already. @throws VxlabError CONTROL_REFUSED */
  #listen(): Promise<boolean> {
    return new Promise((done, fail) => {
      const failed = (error: NodeJS.ErrnoException): void => {
        if (error.code === 'EADDRINUSE') return done(false);
        fail(new VxlabError('CONTROL_REFUSED', `cannot listen on ${this.path}: ${error.message}`));
      };
      this.#server.once('error', failed);
      this.#server.listen(this.path, () => {
        this.#server.off('error', failed);
        done(true);
      });
    });
  }

  #welcome(socket: Socket): void {
    const client = new Client(socket, this.#handlers);
    this.#clients.add(client);
    socket.once('close', () => this.#clients.delete(client));
    void client.wire.send(this.#greeting);
  }
}

class Client implements AsyncIterable<Uint8Array> {
  readonly wire: ControlWire;
  readonly #handlers: ReadonlyMap<string, ControlHandler>;
  readonly #stop: AbortController = new AbortController();
  readonly #input: Uint8Array[] = [];
  #waiting = 0;
  #inputOver = false;
  #asked = false;
  #wake: (() => void) | null = null;

  constructor(socket: Socket, handlers: ReadonlyMap<string, ControlHandler>) {
    this.#handlers = handlers;
    this.wire = new ControlWire(
      socket,
      (frame) => this.#frame(frame),
      (why) => this.#refuse('BAD_REQUEST', why),
    );
    socket.on('error', () => {});
    socket.on('end', () => this.#endInput());
    socket.once('close', () => {
      this.#endInput();
      this.#stop.abort();
    });
  }

  leave(): void {
    this.#stop.abort();
    this.wire.socket.destroy();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const bytes = this.#input.shift();
      if (bytes !== undefined) {
        this.#waiting -= bytes.length;
        yield bytes;
      } else if (this.#inputOver) return;
      else {
        void this.wire.send({ want: 'input' });
        await new Promise<void>((wake) => {
          this.#wake = wake;
        });
      }
    }
  }

  #frame(frame: ControlFrame): void {
    if (!this.#asked) {
      this.#asked = true;
      void this.#answer(frame);
    } else if (frame['stop'] === true) this.#stop.abort();
    else if (frame['inputEnd'] === true) this.#endInput();
    else {
      const bytes = bytesOf(frame, 'input');
      if (bytes === null) return this.#refuse('BAD_REQUEST', 'after a request come input, inputEnd and stop');
      if (bytes.length === 0) return;
      this.#input.push(bytes);
      this.#waiting += bytes.length;
      if (this.#waiting > INPUT_MAX) return this.#refuse('BAD_REQUEST', 'more input than was asked for');
      this.#woken();
    }
  }

  async #answer(request: ControlFrame): Promise<void> {
    const op = request['op'];
    const handler = typeof op === 'string' ? this.#handlers.get(op) : undefined;
    if (handler === undefined) {
      return this.#refuse('BAD_REQUEST', `"op" is one of ${[...this.#handlers.keys()].join(', ')}`);
    }
    try {
      await handler({
        request,
        signal: this.#stop.signal,
        input: this,
        send: (frame) => this.wire.send(frame),
        sendBytes: (name, bytes) => this.wire.sendBytes(name, bytes),
      });
      this.#end();
    } catch (error) {
      if (error instanceof VxlabError) this.#refuse(error.code, error.message);
      else this.#refuse('FAULT', error instanceof Error ? error.message : String(error));
    }
  }

  #refuse(code: string, message: string): void {
    void this.wire.send({ error: { code, message } });
    this.#stop.abort();
    this.#end();
  }

  #end(): void {
    this.#endInput();
    this.wire.socket.end();
  }

  #endInput(): void {
    this.#inputOver = true;
    this.#woken();
  }

  #woken(): void {
    this.#wake?.();
    this.#wake = null;
  }
}
