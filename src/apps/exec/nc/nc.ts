// `nc`: a TCP or UDP connection between standard input and output, from either end, in the manner and words of OpenBSD's netcat.

import { lookUp, lookupWords } from '../names.ts';
import { connectTo, errnoWords } from '../sockets.ts';
import type { ToolContext } from '../tool.ts';
import { stopWith } from '../tool.ts';
import type { NcRequest } from './arguments.ts';
import { readNc, serviceName } from './arguments.ts';
import { converse } from './streams.ts';
import { listenUdp, talkUdp } from './udp.ts';

/** After a probe over UDP: how long a refusal may take, in milliseconds. */
const PROBE = 1000;

export async function nc(context: ToolContext): Promise<number> {
  const request = readNc(context.argv);
  if ('exit' in request) return stopWith(context, request);
  if (request.listen) {
    context.endless();
    return request.udp ? listenUdp(context, request) : listen(context, request);
  }
  return connect(context, request);
}

async function connect(context: ToolContext, request: NcRequest): Promise<number> {
  const host = request.host as string;
  const { addresses, error } = await lookUp(context, host, request.family);
  if (addresses.length === 0) {
    context.err(`nc: getaddrinfo for host "${host}" port ${request.ports[0]}: ${lookupWords(error)}\n`);
    return 1;
  }
  let code = 1;
  for (const port of request.ports) {
    for (const address of addresses) {
      if (context.signal.aborted) return 130;
      const shown = address === host ? host : `${host} (${address})`;
      const done = request.udp
        ? await udpPort(context, request, address, port, shown)
        : await tcpPort(context, request, address, port, shown);
      if (!done) continue;
      code = 0;
      break;
    }
  }
  return code;
}

async function tcpPort(
  context: ToolContext,
  request: NcRequest,
  address: string,
  port: number,
  shown: string,
): Promise<boolean> {
  const tried = await connectTo(context, {
    address,
    port,
    timeout: request.timeout,
    ...(request.localPort === null ? {} : { localPort: request.localPort }),
  });
  if (tried.socket === null) {
    const timedOut = tried.error === 'TIMEOUT';
    const words = timedOut ? 'timed out: Operation now in progress' : `failed: ${errnoWords(tried.error)}`;
    if (request.verbose) context.err(`nc: connect to ${shown} port ${port} (tcp) ${words}\n`);
    return false;
  }
  const { socket } = tried;
  if (request.verbose || request.scan) succeeded(context, request, shown, port);
  if (!request.scan) {
    const input = request.deaf ? null : context.input[Symbol.asyncIterator]();
    await converse(context, request, socket, input);
  }
  socket.destroy();
  return true;
}

async function udpPort(
  context: ToolContext,
  request: NcRequest,
  address: string,
  port: number,
  shown: string,
): Promise<boolean> {
  if (!request.scan) {
    if (request.verbose) succeeded(context, request, shown, port);
    return talkUdp(context, request, address, port);
  }
  const open = await talkUdp(context, request, address, port, PROBE);
  if (open) succeeded(context, request, shown, port);
  return open;
}

function succeeded(context: ToolContext, request: NcRequest, shown: string, port: number): void {
  if (!request.verbose) return;
  const protocol = request.udp ? 'udp' : 'tcp';
  context.err(`Connection to ${shown} ${port} port [${protocol}/${serviceName(port)}] succeeded!\n`);
}

async function listen(context: ToolContext, request: NcRequest): Promise<number> {
  const [port = 0] = request.ports;
  const host = request.host ?? (request.family === 6 ? '::' : '0.0.0.0');
  const server = context.net.createServer({ allowHalfOpen: true, pauseOnConnect: true });
  const problem = await new Promise<string | null>((done) => {
    server.once('error', (error: NodeJS.ErrnoException) => done(errnoWords(error.code)));
    server.listen(port, host, () => done(null));
  });
  if (problem !== null) {
    context.err(`nc: ${problem}\n`);
    return 1;
  }
  if (request.verbose) context.err(`Listening on ${host} ${port}\n`);
  const input = request.deaf ? null : context.input[Symbol.asyncIterator]();
  try {
    do {
      const socket = await nextConnection(context, server);
      if (socket === null) return 130;
      if (!request.keep) server.close();
      if (request.verbose)
        context.err(`Connection received on ${socket.remoteAddress} ${socket.remotePort}\n`);
      socket.resume();
      await converse(context, request, socket, input);
      socket.destroy();
    } while (request.keep && !context.signal.aborted);
    return context.signal.aborted ? 130 : 0;
  } finally {
    server.close();
  }
}

type Server = ReturnType<ToolContext['net']['createServer']>;
type Socket = ReturnType<ToolContext['net']['connect']>;

/** null when we are told to stop first. */
function nextConnection(context: ToolContext, server: Server): Promise<Socket | null> {
  return new Promise((done) => {
    if (context.signal.aborted) return done(null);
    const stopped = (): void => done(null);
    context.signal.addEventListener('abort', stopped, { once: true });
    server.once('connection', (socket: Socket) => {
      context.signal.removeEventListener('abort', stopped);
      done(socket);
    });
  });
}
