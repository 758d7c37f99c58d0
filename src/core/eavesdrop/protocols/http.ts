// HTTP/1.0 and 1.1 (RFC 9110, RFC 9112): requests and answers, what is in their headers and bodies. One side of a connection
// is in http/side.ts; here the two meet: which request an answer is to, and when the connection becomes another protocol's.
//
// HTTP/2 without TLS (RFC 9113 s.3.3) is known by its preface and named; its headers are packed (RFC 7541) and not read.

import { Pen } from '../http/pen.ts';
import type { Exchange } from '../http/side.ts';
import { HttpSide } from '../http/side.ts';
import { beginning } from '../http/start-line.ts';
import type { Inflate } from '../inflate.ts';
import type { Claim, Protocol, Reader, Side, Talk } from '../reader.ts';

/** IANA's, and those that containers and their tools like. */
const PORTS = [80, 8080, 8000, 8008, 8081, 8088, 8888, 3000, 3128, 5000, 9000, 9090, 2375, 5984, 9200];
/** Requests that wait for an answer. */
const PENDING_MAX = 256;
/** So much of a beginning tells whether a line opens a message. */
const LOOK = 4096;
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

export function http(inflate: Inflate | null): Protocol {
  return {
    name: 'HTTP',
    ports: PORTS,
    claim,
    reader: (talk) => new HttpReader(talk, inflate),
  };
}

function claim(talk: Talk): Claim {
  const { client, server } = talk;
  const asks = client.length === 0 ? 'start' : beginning(client.latin1(0, Math.min(client.length, LOOK)));
  const answers = server.length === 0 ? 'start' : beginning(server.latin1(0, Math.min(server.length, LOOK)));
  if (asks === 'line' || answers === 'line') return 'mine';
  if (asks === 'start' && answers === 'start') return 'perhaps';
  // One side may be in the middle of a body; the port has to speak for it then.
  if (!PORTS.includes(talk.serverPort)) return asks === 'no' && answers === 'no' ? 'not mine' : 'perhaps';
  return 'perhaps';
}

class HttpReader implements Reader, Exchange {
  readonly #talk: Talk;
  readonly #sides: readonly [HttpSide, HttpSide];
  /** Methods of requests whose answer has not come. */
  readonly #pending: string[] = [];
  /** Answers cannot be told apart any more. */
  #isBlurred = false;
  mayBeAnother = false;
  #isOver = false;

  constructor(talk: Talk, inflate: Inflate | null) {
    this.#talk = talk;
    this.#sides = [
      new HttpSide(new Pen(talk, 0, 'HTTP'), true, this, inflate),
      new HttpSide(new Pen(talk, 1, 'HTTP'), false, this, inflate),
    ];
    for (const side of [0, 1] as const) {
      const speech = side === 0 ? talk.client : talk.server;
      if (speech.length > 0 && beginning(speech.latin1(0, Math.min(speech.length, LOOK))) === 'no')
        this.#sides[side].startLost();
    }
  }

  said(side: Side): boolean {
    if (this.#isOver) return true;
    const one = this.#sides[side];
    if (one.said()) return true;
    if (one.isSure || !this.#sides[side === 0 ? 1 : 0].isSure) return false;
    one.startLost();
    return one.said();
  }

  lost(side: Side, bytes: number): boolean {
    this.#sides[side].lost(bytes);
    this.#isBlurred = true;
    this.#pending.length = 0;
    return true;
  }

  ended(): void {
    for (const side of this.#sides) side.end();
  }

  asked(method: string, upgrades: boolean): void {
    this.mayBeAnother = upgrades || method === 'CONNECT';
    if (this.#pending.length < PENDING_MAX) this.#pending.push(method);
    else this.#isBlurred = true;
  }

  answered(code: number): string {
    const method = this.#pending[0] ?? '';
    if (code >= 200 || code === 101) {
      this.#pending.shift();
      this.mayBeAnother = false;
    }
    return this.#isBlurred && method !== 'CONNECT' ? '' : method;
  }

  switched(): void {
    this.#isOver = true;
    this.#talk.handOver();
  }
}

/** Names HTTP/2; what it says is measured and not read. */
export const http2: Protocol = {
  name: 'HTTP/2',
  ports: [],
  claim: ({ client }) => {
    if (client.length === 0) return 'perhaps';
    const text = client.latin1(0, Math.min(client.length, PREFACE.length));
    if (text === PREFACE) return 'mine';
    return PREFACE.startsWith(text) ? 'perhaps' : 'not mine';
  },
  reader: () => ({ said: () => false, lost: () => false, ended: () => {} }),
};
