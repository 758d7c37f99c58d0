// One question of dig's to one server, over UDP with its tries, or over TCP (RFC 7766), and the answer that belongs to it.

import * as dns from '../../../core/wire/dns.ts';
import { connectTo } from '../sockets.ts';
import type { ToolContext } from '../tool.ts';
import type { DigQuestion, DigRequest } from './arguments.ts';
import type { DigAnswer } from './print.ts';

/** Why there is no answer: dig's words for it. */
export interface NoAnswer {
  readonly failed: string;
}

/** BIND 9.18's offer (RFC 6891) and its cookie's option (RFC 7873). */
const UDP_SIZE = 1232;
const COOKIE = 10;
const QUERY_MAX = 1024;

/** The bytes of a question as dig asks it. @throws VxlabError BAD_NAME for a name that DNS cannot carry */
export function queryBytes(context: ToolContext, request: DigRequest, question: DigQuestion): Uint8Array {
  const name = question.name === '.' ? '.' : question.name.replace(/\.$/, '');
  const cookie = Uint8Array.from({ length: 8 }, () => context.random.integer(256));
  const opt = {
    name: '.',
    type: dns.RR.opt,
    class: UDP_SIZE,
    ttl: 0,
    data: { kind: 'opt', options: [{ code: COOKIE, bytes: cookie }] },
  } as const;
  const bytes = new Uint8Array(QUERY_MAX);
  const length = dns.write(new DataView(bytes.buffer), 0, {
    id: context.random.integer(65_536),
    flags: (request.recurse ? dns.FLAG.recursionDesired : 0) | dns.FLAG.authenticData,
    questions: [{ name, type: question.type, class: dns.CLASS_IN }],
    answers: [],
    authorities: [],
    additionals: request.edns ? [opt] : [],
  });
  return bytes.subarray(0, length);
}

/** @param say what goes wrong before there is an answer, a line each */
export async function ask(
  context: ToolContext,
  request: DigRequest,
  query: Uint8Array,
  server: string,
  say: (line: string) => void,
): Promise<DigAnswer | NoAnswer> {
  const port = request.port;
  for (let left = request.tries; left > 0 && !context.signal.aborted; left--) {
    const began = context.time.now;
    const bytes = request.tcp
      ? await overTcp(context, request, query, server)
      : await overUdp(context, request, query, server);
    if (typeof bytes === 'string') {
      const refused = request.tcp && bytes === 'connection refused';
      say(
        refused
          ? `;; Connection to ${server}#${port}(${server}) for ${nameOf(query)} failed: ${bytes}.`
          : `;; communications error to ${server}#${port}: ${bytes}`,
      );
      continue;
    }
    const message = dns.read(view(bytes), 0, bytes.length);
    if (typeof message === 'number') return { failed: ';; Got bad packet: FORMERR' };
    if ((message.flags & dns.FLAG.truncated) !== 0 && !request.tcp && !request.ignoreTruncation) {
      say(';; Truncated, retrying in TCP mode.');
      return ask(context, { ...request, tcp: true }, query, server, say);
    }
    return {
      message,
      size: bytes.length,
      server,
      port,
      transport: request.tcp ? 'TCP' : 'UDP',
      time: context.time.now - began,
      when: new Date(context.time.date()),
    };
  }
  return { failed: ';; no servers could be reached' };
}

function view(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

function nameOf(query: Uint8Array): string {
  const message = dns.read(view(query), 0, query.length);
  return typeof message === 'number' ? '?' : (message.questions[0]?.name ?? '?');
}

/** True for a message that answers this query: its id, and a response (RFC 5452 s.9). */
function belongs(bytes: Uint8Array, query: Uint8Array): boolean {
  return (
    bytes.length >= dns.HEADER_LEN &&
    dns.id(view(bytes), 0) === dns.id(view(query), 0) &&
    dns.isResponse(view(bytes), 0)
  );
}

/** The answer's bytes, or why there is none. */
function overUdp(
  context: ToolContext,
  request: DigRequest,
  query: Uint8Array,
  server: string,
): Promise<Uint8Array | string> {
  return new Promise((done) => {
    const socket = context.dgram.createSocket(server.includes(':') ? 'udp6' : 'udp4');
    const settle = (answer: Uint8Array | string): void => {
      timer.close();
      context.signal.removeEventListener('abort', stopped);
      socket.close();
      done(answer);
    };
    const stopped = (): void => settle('operation canceled');
    const timer = context.time.setTimeout(() => settle('timed out'), request.timeout * 1000);
    context.signal.addEventListener('abort', stopped, { once: true });
    socket.on('error', (error: NodeJS.ErrnoException) => settle(words(error.code)));
    socket.on('message', (bytes: Uint8Array) => {
      if (belongs(bytes, query)) settle(bytes);
    });
    socket.connect(request.port, server, () => socket.send(query));
  });
}

/** Two bytes of length stand before each message (RFC 1035 s.4.2.2). */
async function overTcp(
  context: ToolContext,
  request: DigRequest,
  query: Uint8Array,
  server: string,
): Promise<Uint8Array | string> {
  const { socket, error } = await connectTo(context, {
    address: server,
    port: request.port,
    timeout: request.timeout * 1e9,
  });
  if (socket === null) return error === 'TIMEOUT' ? 'timed out' : words(error);
  const timer = context.time.setTimeout(() => socket.destroy(), request.timeout * 1000);
  socket.write(Buffer.concat([Buffer.from([query.length >> 8, query.length & 0xff]), query]));
  let held: Uint8Array = new Uint8Array(0);
  let answer: Uint8Array | string = context.signal.aborted ? 'operation canceled' : 'end of file';
  try {
    for await (const chunk of socket) {
      held = Buffer.concat([held, chunk as Uint8Array]);
      const length = held.length < 2 ? Number.POSITIVE_INFINITY : view(held).getUint16(0);
      if (held.length < 2 + length) continue;
      const bytes = held.subarray(2, 2 + length);
      if (belongs(bytes, query)) answer = bytes;
      break;
    }
  } catch (thrown) {
    answer = words((thrown as NodeJS.ErrnoException).code);
  }
  timer.close();
  socket.destroy();
  return answer;
}

/** isc_result_totext's words. */
function words(code: string | undefined): string {
  if (code === 'ECONNREFUSED') return 'connection refused';
  if (code === 'EHOSTUNREACH') return 'host unreachable';
  if (code === 'ENETUNREACH') return 'network unreachable';
  if (code === 'ECONNRESET') return 'connection reset';
  return code === 'ETIMEDOUT' ? 'timed out' : 'unexpected error';
}
