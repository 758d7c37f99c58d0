// The canary in HTTP requests: in a header and a JSON body; in a form and in Basic credentials; in a gzip'd body. Each request
// has a connection of its own.

import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type * as https from 'node:https';
import { gzipSync } from 'node:zlib';
import { processOf } from '../process.ts';
import type { Program, ProgramContext } from '../program.ts';
import { sendText } from '../programs/http-serve.ts';
import { containerHttps, containerTls } from '../tls.ts';
import type { Certificate } from './certificate.ts';
import type { Answering, Errand, Said } from './exchange.ts';

function secured(context: ProgramContext): typeof https {
  const { net, http } = context;
  return containerHttps(processOf(context).site, net, http, containerTls(net));
}

/** Takes requests until it is told to end, and says who it is. */
export function canaryHttpServer(port: number, secure: Certificate | null, answering: Answering): Program {
  return async (context) => {
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      let received = 0;
      for await (const bytes of request as AsyncIterable<Buffer>) received += bytes.length;
      answering.task = context.name;
      answering.node = context.container.node;
      sendText(request, response, 201, `received ${received} bytes\n`);
    };
    const listener = (request: IncomingMessage, response: ServerResponse): void => {
      // Who breaks off in the middle gets no answer.
      answer(request, response).catch(() => response.destroy());
    };
    const server =
      secure === null
        ? context.http.createServer(listener)
        : secured(context).createServer({ cert: secure.cert, key: secure.key }, listener);
    server.listen(port);
    if (!context.signal.aborted) await once(context.signal, 'abort');
    server.close();
    server.closeAllConnections();
  };
}

interface Message {
  readonly where: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
}

function messages(canary: string): Message[] {
  const json = { first_name: 'Ada', last_name: 'Abel', email: canary };
  return [
    {
      where: 'header and JSON body',
      headers: { 'X-Canary': canary, 'Content-Type': 'application/json' },
      body: Buffer.from(JSON.stringify(json)),
    },
    {
      where: 'Basic credentials and form',
      headers: {
        Authorization: `Basic ${Buffer.from(`prove:${canary}`).toString('base64')}`,
        'Content-Type': 'application/x-www-form-urlencoded',
      },
      body: Buffer.from(`email=${percentEncoded(canary)}`),
    },
    {
      where: "gzip'd body",
      headers: { 'Content-Encoding': 'gzip', 'Content-Type': 'application/json' },
      body: gzipSync(JSON.stringify(json)),
    },
  ];
}

/** As a form has it; the hyphen, which most leave as it is, is encoded too, so that there is something to decode. */
function percentEncoded(text: string): string {
  return encodeURIComponent(text).replaceAll('-', '%2D');
}

/** Sends each message, again until it has crossed; tells of every request. */
export function canaryHttpClient(errand: Errand, answering: Answering, tell: (said: Said) => void): Program {
  return async (context) => {
    for (const message of messages(errand.canary)) {
      for (let attempt = 0; attempt <= errand.tasks; attempt++) {
        await context.time.sleep(errand.interval);
        const time = context.time.now;
        const status = await ask(context, errand, message);
        const { task, node } = answering;
        const crossed = node !== context.container.node;
        tell({ carrier: 'HTTP', where: message.where, time, task, node, crossed, answer: String(status) });
        if (crossed) break;
      }
    }
  };
}

async function ask(
  context: ProgramContext,
  { server, port, secure }: Errand,
  { headers, body }: Message,
): Promise<number> {
  const about = {
    host: server,
    port,
    method: 'POST',
    path: '/customers',
    headers: { ...headers, 'Content-Length': body.length },
  };
  const { http } = context;
  const https = secure === null ? null : secured(context);
  // An agent of its own that keeps nothing: so each request is a connection, and is balanced as one.
  const request =
    https === null || secure === null
      ? http.request({ ...about, agent: new http.Agent({ keepAlive: false }) })
      : https.request({
          ...about,
          ca: secure.cert,
          servername: server,
          agent: new https.Agent({ keepAlive: false }),
        });
  const answered = once(request, 'response') as Promise<[IncomingMessage]>;
  request.end(body);
  const [answer] = await answered;
  answer.resume();
  await once(answer, 'end');
  return answer.statusCode ?? 0;
}
