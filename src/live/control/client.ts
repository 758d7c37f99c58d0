// The other end of a lab's control socket: asks one thing of a running lab and hands on what it answers.

import { connect } from 'node:net';
import { VxlabError } from '../../core/wire/numbers.ts';
import { socketPath } from './folder.ts';
import type { ControlFrame } from './wire.ts';
import { CONTROL_VERSION, ControlWire, PIECE } from './wire.ts';

export interface ControlCall {
  readonly folder: string;
  readonly lab: string;
  readonly request: ControlFrame;
  /** Standard input, read when something there wants it; null for none. */
  readonly input: AsyncIterable<Uint8Array> | null;
  /** Aborted to ask what runs there to stop. */
  readonly signal: AbortSignal;
  /** Each frame of the answer; `send` waits until it has been taken. */
  answer(frame: ControlFrame): void;
}

/**
 * Resolves when the lab has ended the connection.
 * @throws VxlabError NO_SUCH_LAB when none of that name runs; LAB_GONE when it ends without an answer; what the lab refused with
 */
export function callLab(call: ControlCall): Promise<void> {
  const path = socketPath(call.folder, call.lab);
  return new Promise((done, fail) => {
    const socket = connect(path);
    let greeted = false;
    let answered = false;
    let input: Input | null = null;
    const end = (error: VxlabError | null): void => {
      call.signal.removeEventListener('abort', stop);
      socket.destroy();
      if (error === null) done();
      else fail(error);
    };
    const stop = (): void => void wire.send({ stop: true });
    const frame = (one: ControlFrame): void => {
      if (!greeted) {
        greeted = true;
        if (one['control'] !== CONTROL_VERSION) {
          return end(
            new VxlabError(
              'OTHER_VERSION',
              `lab ${call.lab} was started by another version of vxlab: use that one`,
            ),
          );
        }
        void wire.send(call.request);
        if (call.signal.aborted) stop();
        else call.signal.addEventListener('abort', stop);
        return;
      }
      if (one['want'] === 'input') {
        input ??= new Input(wire, call.input);
        void input.pass();
        return;
      }
      answered = true;
      const refusal = errorOf(one);
      if (refusal !== null) end(refusal);
      else call.answer(one);
    };
    const wire = new ControlWire(socket, frame, (why) =>
      end(new VxlabError('LAB_GONE', `lab ${call.lab}: ${why}`)),
    );
    socket.once('error', (error: NodeJS.ErrnoException) => {
      const away = error.code === 'ENOENT' || error.code === 'ECONNREFUSED';
      end(
        away
          ? new VxlabError('NO_SUCH_LAB', `no lab named ${call.lab} is running`)
          : new VxlabError('LAB_GONE', `lab ${call.lab} went away: ${error.message}`),
      );
    });
    socket.once('close', () => {
      end(answered ? null : new VxlabError('LAB_GONE', `lab ${call.lab} ended before it answered`));
    });
  });
}

/** Standard input in pieces of one line each, one for each that is wanted. */
class Input {
  readonly #wire: ControlWire;
  readonly #from: AsyncIterator<Uint8Array> | null;
  #left: Uint8Array = new Uint8Array(0);
  #turn: Promise<void> = Promise.resolve();

  constructor(wire: ControlWire, input: AsyncIterable<Uint8Array> | null) {
    this.#wire = wire;
    this.#from = input?.[Symbol.asyncIterator]() ?? null;
  }

  pass(): Promise<void> {
    this.#turn = this.#turn.then(() => this.#next());
    return this.#turn;
  }

  async #next(): Promise<void> {
    while (this.#left.length === 0) {
      const next = await this.#from?.next().catch(() => null);
      if (next === null || next === undefined || next.done === true)
        return this.#wire.send({ inputEnd: true });
      this.#left = next.value;
    }
    const piece = this.#left.subarray(0, PIECE);
    this.#left = this.#left.subarray(piece.length);
    await this.#wire.sendBytes('input', piece);
  }
}

function errorOf(frame: ControlFrame): VxlabError | null {
  const error = frame['error'];
  if (typeof error !== 'object' || error === null) return null;
  const { code, message } = error as { readonly code?: unknown; readonly message?: unknown };
  return new VxlabError(
    typeof code === 'string' ? code : 'FAULT',
    typeof message === 'string' ? message : 'the lab refused and did not say why',
  );
}
