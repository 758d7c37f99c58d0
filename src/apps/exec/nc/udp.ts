// `nc -u`: datagrams in place of a stream, one for each piece of standard input. A listener talks to whoever wrote first.

import { errnoWords } from '../sockets.ts';
import type { ToolContext } from '../tool.ts';
import type { NcRequest } from './arguments.ts';

type UdpSocket = ReturnType<ToolContext['dgram']['createSocket']>;

/** The longest payload in a datagram of IPv4. */
const PAYLOAD_MAX = 65_507;

/**
 * Sends standard input and prints what comes back, until it has been silent for -w, or the port turns out to be closed.
 * @param probe milliseconds: sends one byte instead and waits so long for a refusal
 * @returns false when the port refused
 */
export async function talkUdp(
  context: ToolContext,
  request: NcRequest,
  address: string,
  port: number,
  probe: number | null = null,
): Promise<boolean> {
  const socket = context.dgram.createSocket(address.includes(':') ? 'udp6' : 'udp4');
  const refused = new Promise<boolean>((done) => {
    socket.on('error', () => done(false));
  });
  if (request.localPort !== null)
    await new Promise<void>((done) => socket.bind(request.localPort ?? 0, done));
  await new Promise<void>((done) => socket.connect(port, address, () => done()));
  const talking = probe === null ? talk(context, request, socket) : knock(context, socket, probe);
  const open = await Promise.race([refused, talking]);
  socket.close();
  return open;
}

async function knock(context: ToolContext, socket: UdpSocket, probe: number): Promise<boolean> {
  socket.send(Buffer.from('X'));
  await context.time.sleep(probe, { signal: context.signal }).catch(() => {});
  return true;
}

/** Resolves when it is over in good order. */
function talk(context: ToolContext, request: NcRequest, socket: UdpSocket): Promise<boolean> {
  const { time, signal } = context;
  return new Promise((done) => {
    const end = (): void => {
      silence?.close();
      signal.removeEventListener('abort', end);
      done(true);
    };
    let silence: ReturnType<typeof time.setTimeout> | null = null;
    const heard = (): void => {
      silence?.close();
      if (request.timeout !== null) silence = time.setTimeout(end, Math.max(1, request.timeout / 1e6));
    };
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) return end();
    socket.on('message', (bytes: Uint8Array) => {
      heard();
      void context.write(bytes);
    });
    heard();
    // Without a limit nothing but Ctrl-C ends it: datagrams have no end.
    if (request.timeout === null && request.quit === null) context.endless();
    void send(context, request, (bytes) => {
      heard();
      socket.send(bytes);
    }).then(() => {
      if (request.quit !== null) time.setTimeout(end, Math.max(1, request.quit / 1e6));
    });
  });
}

async function send(
  context: ToolContext,
  request: NcRequest,
  put: (bytes: Uint8Array) => void,
): Promise<void> {
  if (request.deaf) return;
  for await (const bytes of context.input) {
    if (context.signal.aborted) return;
    for (let at = 0; at < bytes.length; at += PAYLOAD_MAX) put(bytes.subarray(at, at + PAYLOAD_MAX));
  }
}

/** Exit code of `nc -lu`. */
export async function listenUdp(context: ToolContext, request: NcRequest): Promise<number> {
  const [port = 0] = request.ports;
  const six = request.host?.includes(':') === true || request.family === 6;
  const host = request.host ?? (six ? '::' : '0.0.0.0');
  const socket = context.dgram.createSocket(six ? 'udp6' : 'udp4');
  const problem = await new Promise<string | null>((done) => {
    socket.on('error', (error: NodeJS.ErrnoException) => done(errnoWords(error.code)));
    socket.bind(port, host, () => done(null));
  });
  if (problem !== null) {
    context.err(`nc: ${problem}\n`);
    return 1;
  }
  if (request.verbose) context.err(`Bound on ${host} ${port}\n`);
  const peer = await new Promise<{ readonly address: string; readonly port: number } | null>((done) => {
    let first: { readonly address: string; readonly port: number } | null = null;
    context.signal.addEventListener('abort', () => done(null), { once: true });
    socket.on('message', (bytes: Uint8Array, from: { readonly address: string; readonly port: number }) => {
      first ??= from;
      if (!request.keep && (from.address !== first.address || from.port !== first.port)) return;
      void context.write(bytes);
      done(first);
    });
  });
  if (peer !== null) {
    if (request.verbose) context.err(`Connection received on ${peer.address} ${peer.port}\n`);
    const stopped = new Promise<void>((done) => {
      if (context.signal.aborted) done();
      context.signal.addEventListener('abort', () => done(), { once: true });
      if (request.timeout !== null) context.time.setTimeout(done, Math.max(1, request.timeout / 1e6));
    });
    void send(context, request, (bytes) => socket.send(bytes, peer.port, peer.address));
    await stopped;
  }
  socket.close();
  return context.signal.aborted ? 130 : 0;
}
