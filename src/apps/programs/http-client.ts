// Requests at a rate. Each has 30 seconds; latencies count from the moment at which a request was due to the last byte
// of its answer. An answer from 400 on is a failure, called by its status.

import type { Agent, IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream';
import type { HttpClientSpec } from '../../engine/model/workload.ts';
import type { Program, ProgramContext } from '../program.ts';
import { filler } from './filler.ts';
import { openLoop } from './open-loop.ts';

/** Milliseconds. */
const PATIENCE = 30_000;
/** Requests under way at once, as a process has only so many descriptors. */
const UNDER_WAY_MAX = 1000;

export function httpClient(spec: HttpClientSpec): Program {
  return async (context) => {
    const client = new Client(context, spec);
    await openLoop(context, spec, (n) => client.start(n));
    await client.finish();
  };
}

class Client {
  readonly #context: ProgramContext;
  readonly #spec: HttpClientSpec;
  readonly #host: string;
  readonly #agent: Agent;
  readonly #underWay: Set<Promise<void>> = new Set();
  /** Failures that were told, so that each is told once. */
  readonly #told: Set<string> = new Set();

  constructor(context: ProgramContext, spec: HttpClientSpec) {
    this.#context = context;
    this.#spec = spec;
    this.#host = new URL(urlOf(spec.url, 0)).hostname;
    this.#agent = new context.http.Agent({ keepAlive: spec.keepAlive });
    context.signal.addEventListener('abort', () => this.#agent.destroy(), { once: true });
  }

  start(n: number): void {
    const peer = this.#context.tally.peer(this.#host);
    peer.begin();
    if (this.#underWay.size >= UNDER_WAY_MAX) return this.#fail('EMFILE');
    const { time } = this.#context;
    const began = time.now;
    const request = this.#ask(urlOf(this.#spec.url, n))
      .then(({ status, received }) => {
        if (status >= 400) this.#fail(`HTTP ${status}`);
        else peer.request(time.now - began, this.#spec.bodySize, received);
      })
      .catch((error: NodeJS.ErrnoException) => {
        // What ends because the container stops has not failed.
        if (!this.#context.signal.aborted) this.#fail(error.code ?? error.message);
      })
      .finally(() => this.#underWay.delete(request));
    this.#underWay.add(request);
  }

  async finish(): Promise<void> {
    await Promise.all(this.#underWay);
    this.#agent.destroy();
  }

  #fail(code: string): void {
    this.#context.tally.peer(this.#host).failure(code);
    if (this.#told.has(code)) return;
    this.#told.add(code);
    this.#context.err(`${this.#spec.method} ${this.#spec.url}: ${code}\n`);
  }

  async #ask(url: string): Promise<{ readonly status: number; readonly received: number }> {
    for (let again = false; ; again = true) {
      const reused = { value: false };
      try {
        return await this.#exchange(url, reused);
      } catch (error) {
        // The server closed a kept connection just as it was used again: ask once more (RFC 9112 s.9.3.1).
        const { code } = error as NodeJS.ErrnoException;
        if (again || !reused.value || code !== 'ECONNRESET' || this.#spec.bodySize > 0) throw error;
      }
    }
  }

  #exchange(
    url: string,
    reused: { value: boolean },
  ): Promise<{ readonly status: number; readonly received: number }> {
    const { method, bodySize } = this.#spec;
    const { http, time } = this.#context;
    return new Promise((resolve, reject) => {
      const request = http.request(url, { agent: this.#agent, method, headers: this.#headers() });
      const late = Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' });
      const timer = time.setTimeout(() => request.destroy(late), PATIENCE);
      const done = (error: Error | null, answer?: IncomingMessage, received = 0): void => {
        timer.close();
        reused.value = request.reusedSocket;
        if (error !== null) reject(error);
        else resolve({ status: answer?.statusCode ?? 0, received });
      };
      request.on('error', done);
      request.on('response', (answer: IncomingMessage) => {
        let received = 0;
        answer.on('data', (bytes: Buffer) => {
          received += bytes.length;
        });
        answer.on('end', () => done(null, answer, received));
        answer.on('error', done);
      });
      if (bodySize === 0) request.end();
      else pipeline(filler(bodySize), request, () => {});
    });
  }

  #headers(): Record<string, string> {
    const { headers, bodySize } = this.#spec;
    const named = new Set(Object.keys(headers).map((name) => name.toLowerCase()));
    const usual: [string, string][] = [
      ['User-Agent', 'vxlab'],
      ['Accept', '*/*'],
    ];
    if (bodySize > 0)
      usual.push(['Content-Type', 'application/octet-stream'], ['Content-Length', String(bodySize)]);
    return { ...Object.fromEntries(usual.filter(([name]) => !named.has(name.toLowerCase()))), ...headers };
  }
}

/** The URL of request `n`, from 0: `[A-B]` in its path is a number from A to B. */
export function urlOf(url: string, n: number): string {
  const path = url.indexOf('/', 'http://'.length);
  if (path < 0) return url;
  const numbered = url.slice(path).replaceAll(/\[(\d+)-(\d+)\]/g, (_range, first: string, last: string) => {
    return String(Number(first) + (n % (Number(last) - Number(first) + 1)));
  });
  return url.slice(0, path) + numbered;
}
