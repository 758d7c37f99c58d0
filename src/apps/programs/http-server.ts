// The web tier: a server that answers every request, with a page that names the container, a given text, so and so many
// bytes, or what another server answers.

import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import type { HttpServerSpec } from '../../engine/model/workload.ts';
import type { Program, ProgramContext } from '../program.ts';
import { filler } from './filler.ts';
import { Forwarder } from './forwarder.ts';
import { sendText, serveHttp } from './http-serve.ts';

export function httpServer(spec: HttpServerSpec): Program {
  return async (context) => {
    const forwarder = spec.upstream === null ? null : new Forwarder(context, spec.upstream);
    await serveHttp(context, spec.port, (request, response) =>
      forwarder === null ? answer(spec, context, request, response) : forwarder.pass(request, response),
    );
  };
}

/** The answer comes when the request has come whole, as with a form that is posted. */
async function answer(
  spec: HttpServerSpec,
  context: ProgramContext,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { status, body, bodySize } = spec;
  const digest = createHash('sha256');
  let received = 0;
  try {
    for await (const bytes of request) {
      received += bytes.length;
      digest.update(bytes);
    }
  } catch {
    return; // the visitor left in the middle
  }
  if (body !== null) return sendText(request, response, status, body);
  if (bodySize !== null) return sendBytes(request, response, status, bodySize);
  const posted = received === 0 ? null : { received, digest: digest.digest('hex') };
  sendText(request, response, status, page(context, request, posted), 'text/html; charset=utf-8');
}

function sendBytes(request: IncomingMessage, response: ServerResponse, status: number, size: number): void {
  if (status === 204 || status === 304) return sendText(request, response, status, '');
  response.writeHead(status, { 'Content-Type': 'application/octet-stream', 'Content-Length': size });
  if (request.method === 'HEAD') response.end();
  else pipeline(filler(size), response, () => {});
}

interface Posted {
  readonly received: number;
  readonly digest: string;
}

function page({ name, container }: ProgramContext, request: IncomingMessage, posted: Posted | null): string {
  const rows: [string, string][] = [
    ['container', name],
    ['node', container.node],
    ['request', `${request.method} ${request.url}`],
  ];
  if (posted !== null) {
    rows.push(['received', `${posted.received} bytes`], ['sha256', posted.digest]);
  }
  const lines = rows.map(([key, value]) => `<dt>${key}</dt><dd>${escaped(value)}</dd>\n`).join('');
  return `<!doctype html>\n<title>${escaped(name)}</title>\n<h1>It works!</h1>\n<dl>\n${lines}</dl>\n`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}
