import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { formatIp } from '../../../src/core/wire/address.ts';
import * as dns from '../../../src/core/wire/dns.ts';
import { VxlabError } from '../../../src/core/wire/numbers.ts';
import { parseIp } from '../../../src/core/wire/parse-ip.ts';
import type { Zone } from '../../../src/engine/host/answer.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import { MessageStream } from '../../../src/engine/host/message-stream.ts';
import { NameServer } from '../../../src/engine/host/name-server.ts';
import type { LookupAnswer, QueryAnswer } from '../../../src/engine/host/names.ts';
import { Resolver } from '../../../src/engine/host/resolver.ts';
import type { TcpFace, TcpSocket } from '../../../src/engine/host/tcp/socket.ts';
import { RandomSource } from '../../../src/engine/time/random.ts';
import { viewOf } from '../../support/bytes.ts';
import { Lab } from '../../support/lab.ts';
import { DEAF, Pipes } from '../../support/pipes.ts';

const SERVER = parseIp('10.0.0.2');
const MANY = Array.from({ length: 60 }, (_, i) => 0x0a000100 + i);

/** One name with more addresses than a datagram takes, and one with a single address. */
const ZONE: Zone = {
  addresses: (name) => (name === 'many' ? MANY : name === 'one' ? [parseIp('10.0.9.9')] : null),
  pointer: () => null,
  owns: () => true,
  ownsAddress: () => true,
};

let lab: Lab;
let a: Host;
let b: Host;
let pipes: Pipes;
let server: NameServer;
let resolver: Resolver;

function give(host: Host, tcp: TcpFace): void {
  Object.defineProperty(host, 'tcp', { value: tcp, configurable: true });
}

beforeEach(() => {
  lab = new Lab();
  a = lab.host('a');
  b = lab.host('b');
  lab.wire(a, { ips: ['10.0.0.1/24'] }, b, { ips: ['10.0.0.2/24'] });
  lab.run(1);
  pipes = new Pipes(lab.clock);
  give(a, pipes.face(parseIp('10.0.0.1')));
  give(b, pipes.face(SERVER));
  const random = new RandomSource(1);
  server = new NameServer(b, ZONE, random.stream('server'), SERVER);
  resolver = new Resolver(a, SERVER, () => [], random.stream('resolver'));
});

afterEach(() => {
  resolver.close();
  server.close();
  lab.run(1);
  expect(pipes.open).toBe(0);
  lab.end();
});

function look(name: string): { said: string[]; took: number } {
  const start = lab.clock.now;
  const told: LookupAnswer[] = [];
  let took = -1;
  resolver.lookup(name, 4, (answer) => {
    told.push(answer);
    took = (lab.clock.now - start) / 1e9;
  });
  lab.run(30);
  expect(told.length).toBe(1);
  const [{ addresses, error }] = told as [LookupAnswer];
  return { said: error === null ? addresses.map(formatIp) : [error], took };
}

/** A connection to the server and what it said on it. */
class Caller {
  readonly heard: Uint8Array[] = [];
  over = 'no';
  readonly stream: MessageStream;
  readonly socket: TcpSocket;

  constructor() {
    this.stream = new MessageStream({
      message: (_stream, bytes) => this.heard.push(bytes),
      over: (stream, error) => {
        this.over = error ?? 'ended';
        if (error === null) stream.end();
      },
    });
    this.socket = pipes.face(parseIp('10.0.0.1')).connect(SERVER, 53, this.stream);
    this.stream.attach(this.socket);
    lab.run(0.001);
  }
}

function query(name: string, id: number): Uint8Array {
  const bytes = new Uint8Array(64);
  const questions = [{ name, type: dns.RR.a, class: dns.CLASS_IN }];
  const message = { id, flags: 0x0100, questions, answers: [], authorities: [], additionals: [] };
  return bytes.slice(0, dns.write(viewOf(bytes), 0, message));
}

describe('the resolver', () => {
  test('fetches over TCP what was truncated, all of it, in the same instant', () => {
    const { said, took } = look('many');
    expect(said.slice().sort()).toEqual(MANY.map(formatIp).sort());
    expect(took).toBe(0);
    expect(server.answered).toBe(2);
  });

  test('does not for what fits', () => {
    expect(look('one').said).toEqual(['10.0.9.9']);
    expect(pipes.all).toEqual([]);
  });

  test('tries again when the connection is refused or says nothing, and then gives up', () => {
    const [[, real]] = [...pipes.listeners] as [[number, never]];
    pipes.listeners.delete(53);
    expect(look('many')).toEqual({ said: ['EAI_AGAIN'], took: 0 });
    const mute = pipes.face(SERVER).listen(53, { acceptable: () => {} });
    expect(look('many')).toEqual({ said: ['EAI_AGAIN'], took: 10 });
    mute.close();
    pipes.listeners.set(53, real);
  });

  test('asks as dig for what needs more than 1232 bytes', () => {
    const more = MANY.concat(Array.from({ length: 60 }, (_, i) => 0x0a000200 + i));
    MANY.push(...more.slice(60));
    const told: QueryAnswer[] = [];
    resolver.query('many', dns.RR.a, null, (answer) => told.push(answer));
    lab.run(1);
    MANY.length = 60;
    const bytes = told[0]?.message as Uint8Array;
    expect(dns.answerCount(viewOf(bytes), 0)).toBe(120);
    expect(dns.flags(viewOf(bytes), 0) & dns.FLAG.truncated).toBe(0);
  });

  test('closed while a connection is open leaves none', () => {
    let told = 0;
    resolver.lookup('many', 4, () => told++);
    expect(pipes.open).toBe(1);
    resolver.close();
    lab.run(30);
    expect(told).toBe(0);
  });
});

describe('the server', () => {
  test('answers one message after the other on one connection, however they are cut', () => {
    const caller = new Caller();
    for (const [i, name] of ['one', 'many', 'nosuch', 'one'].entries()) {
      caller.stream.send(query(name, i));
      lab.run(0.1);
    }
    const heard = caller.heard.map((bytes) => viewOf(bytes));
    expect(
      heard.map((view) => [dns.id(view, 0), dns.answerCount(view, 0), dns.rcode(dns.flags(view, 0))]),
    ).toEqual([
      [0, 1, 0],
      [1, 60, 0],
      [2, 0, 3],
      [3, 1, 0],
    ]);
    caller.stream.end();
    lab.run(0.1);
    expect(caller.over).toBe('ended');
    expect(pipes.open).toBe(0);
  });

  test('what was asked before the end is still answered', () => {
    const caller = new Caller();
    caller.stream.send(query('many', 7));
    caller.stream.end();
    lab.run(0.5);
    expect(caller.heard.length).toBe(1);
    expect(pipes.open).toBe(0);
  });

  test('ends a connection that says nothing for two seconds, or for eight after a question', () => {
    const silent = new Caller();
    const talker = new Caller();
    talker.stream.send(query('one', 1));
    lab.run(2.1);
    expect([silent.over, talker.over]).toEqual(['ended', 'no']);
    lab.run(5.5);
    expect(talker.over).toBe('no');
    lab.run(1);
    expect(talker.over).toBe('ended');
  });

  test('cuts off whoever asks without listening', () => {
    const caller = new Caller();
    caller.socket.events = { ...DEAF, writable: () => caller.stream.writable() };
    caller.stream.send(query('many', 1));
    lab.run(7);
    expect(caller.socket.state).toBe('ESTABLISHED');
    lab.run(2);
    expect(caller.socket.state).toBe('CLOSED');
  });

  test('and whoever leaves a message half said and does not end when it ends', () => {
    const caller = new Caller();
    caller.socket.events = DEAF;
    caller.socket.write(Uint8Array.from([0, 22, 1, 2, 3]));
    lab.run(9);
    expect(caller.socket.state).toBe('ESTABLISHED');
    lab.run(2);
    expect(caller.socket.state).toBe('CLOSED');
  });

  test('takes 64 connections at once and refuses more', () => {
    const callers = Array.from({ length: 65 }, () => new Caller());
    expect(callers.map(({ over }) => over)).toEqual([...Array<string>(64).fill('no'), 'ECONNRESET']);
    for (const { stream } of callers) stream.abort();
    lab.run(0.1);
    expect(new Caller().over).toBe('no');
  });

  test("leaves the port to a host's own server that has it, and answers over UDP alone", () => {
    server.close();
    const taken: TcpFace = {
      ...pipes.face(SERVER),
      listen: () => {
        throw new VxlabError('PORT_IN_USE', 'TCP port 53 is in use');
      },
    };
    give(b, taken);
    server = new NameServer(b, ZONE, new RandomSource(1).stream('server'), SERVER);
    expect(look('one').said).toEqual(['10.0.9.9']);
  });

  test('closed, it ends them all', () => {
    const caller = new Caller();
    server.close();
    lab.run(0.1);
    expect(caller.over).toBe('ECONNRESET');
    expect(lab.clock.pending).toBe(0);
  });
});
