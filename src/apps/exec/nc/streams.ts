// What nc does with a connection once it is there: standard input to the peer, the peer to standard output, until both are done.

import type { ToolSocket } from '../sockets.ts';
import type { ToolContext } from '../tool.ts';
import type { NcRequest } from './arguments.ts';

/** Why a connection was left: the peer ended, standard input did (with -q), nothing came for so long, or we were told to. */
export type Ending = 'peer' | 'quit' | 'silence' | 'stopped' | 'error';

/** Copies both ways. @param input null where nothing is to be sent */
export async function converse(
  context: ToolContext,
  request: NcRequest,
  socket: ToolSocket,
  input: AsyncIterator<Uint8Array> | null,
): Promise<Ending> {
  const { time, signal } = context;
  let settle: (ending: Ending) => void = () => {};
  const over = new Promise<Ending>((done) => {
    settle = done;
  });
  let silence = time.setTimeout(() => {}, 1);
  silence.close();
  const heard = (): void => {
    silence.close();
    if (request.timeout !== null) silence = time.setTimeout(() => settle('silence'), request.timeout / 1e6);
  };
  const stopped = (): void => settle('stopped');
  signal.addEventListener('abort', stopped, { once: true });
  if (signal.aborted) stopped();
  socket.on('error', () => settle('error'));
  socket.on('close', () => settle('peer'));
  heard();
  void receive(context, socket, heard).then(
    () => settle('peer'),
    () => settle('error'),
  );
  void pass(request, socket, input, heard).then(
    (wholly) => {
      if (!wholly) return;
      if (request.shut) socket.end();
      if (request.quit !== null) time.setTimeout(() => settle('quit'), Math.max(1, request.quit / 1e6));
    },
    () => settle('error'),
  );
  const ending = await over;
  signal.removeEventListener('abort', stopped);
  silence.close();
  return ending;
}

/** The peer's bytes, one after another. */
async function receive(context: ToolContext, socket: ToolSocket, heard: () => void): Promise<void> {
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    heard();
    await context.write(chunk as Uint8Array);
  }
}

/** Standard input to the peer, as fast as it takes it; false when the connection is over first. */
async function pass(
  request: NcRequest,
  socket: ToolSocket,
  input: AsyncIterator<Uint8Array> | null,
  heard: () => void,
): Promise<boolean> {
  if (input === null) return false;
  for (;;) {
    const next = await input.next();
    if (socket.destroyed) return false;
    if (next.done === true) return true;
    heard();
    const bytes = request.crlf ? withReturns(next.value) : next.value;
    if (!socket.write(bytes)) await room(socket);
  }
}

function room(socket: ToolSocket): Promise<void> {
  return new Promise((done) => {
    const go = (): void => {
      socket.off('drain', go);
      socket.off('close', go);
      done();
    };
    socket.on('drain', go);
    socket.on('close', go);
  });
}

/** LF becomes CR LF. */
function withReturns(bytes: Uint8Array): Uint8Array {
  return Buffer.from(Buffer.from(bytes).toString('latin1').replace(/\r?\n/g, '\r\n'), 'latin1');
}
