import { describe, expect, test } from 'vitest';
import { parseIp } from '../../../../src/core/wire/parse-ip.ts';
import { TRACE } from '../../../../src/engine/trace/event.ts';
import type { Recorder } from '../../../../src/engine/trace/recorder.ts';
import { A, B, cable, dial, Program, Server } from './pair.ts';
import { passive } from './script.ts';

const quiet = { acceptable() {} };

describe('ports and addresses', () => {
  test('a port is taken once; a bound address has it before all of them', () => {
    const { lab, tcpB } = cable();
    tcpB.listen(80, quiet);
    expect(() => tcpB.listen(80, quiet)).toThrow('TCP port 80 is in use on b');
    expect(() => tcpB.listen(80, quiet, { ip: B })).toThrow('in use');
    tcpB.listen(81, quiet, { ip: B });
    tcpB.listen(81, quiet, { ip: parseIp('fd00::2') });
    expect(() => tcpB.listen(81, quiet, { ip: B })).toThrow('in use');
    expect(() => tcpB.listen(82, quiet, { ip: A })).toThrow('10.0.0.1 is not an address of b');
    for (const port of [-1, 65_536, 1.5]) expect(() => tcpB.listen(port, quiet)).toThrow('is not a port');
    for (const port of [0, 70_000]) expect(() => tcpB.connect(A, port, new Program())).toThrow('not a port');
    lab.end();
  });

  test('a translated listener stands beside one that has the whole port, and hears its own address only', () => {
    const { lab, tcpA } = cable();
    const all = new Server(tcpA, 53);
    const own = new Server(tcpA, 53, { ip: parseIp('127.0.0.11'), translated: true });
    dial(tcpA, parseIp('127.0.0.11'), 53);
    dial(tcpA, A, 53);
    dial(tcpA, A, 53);
    lab.run(0.1);
    expect([all.programs.length, own.programs.length]).toEqual([2, 1]);
    own.listener.close();
    dial(tcpA, parseIp('127.0.0.11'), 53);
    lab.run(0.1);
    expect(all.programs.length).toBe(3);
    lab.end();
  });

  test('port 0 listens on a free one; connections come from 32768 to 60999 or from where they are told', () => {
    const { lab, tcpA, tcpB } = cable();
    const listener = tcpB.listen(0, quiet);
    for (const port of [listener.port, dial(tcpA, B, 80).socket.localPort]) {
      expect(port).toBeGreaterThanOrEqual(32_768);
      expect(port).toBeLessThanOrEqual(60_999);
    }
    const server = new Server(tcpB, 80);
    const program = new Program();
    program.socket = tcpA.connect(B, 80, program, { localIp: A, localPort: 700 });
    lab.run(0.1);
    expect(server.programs.some(({ socket }) => socket.remotePort === 700)).toBe(true);
    expect(() => tcpA.connect(B, 80, new Program(), { localPort: 700 })).toThrow(
      'TCP port 700 of a has a connection to 10.0.0.2:80',
    );
    const other = new Program();
    other.socket = tcpA.connect(B, 81, other, { localPort: 700 });
    expect(other.socket.localPort).toBe(700);
    lab.run(0.1);
    expect(tcpB.uses(80)).toBe(true);
    expect(tcpB.has(B, 80, A, 5)).toBe(true);
    expect(tcpA.has(A, 700, B, 80)).toBe(true);
    expect(tcpA.has(A, 701, B, 80)).toBe(false);
    lab.end();
  });

  test('when every ephemeral port leads to the same place NO_FREE_PORT is thrown', () => {
    const { lab, a, tcpA } = cable();
    for (let port = 32_768; port <= 60_999; port++) tcpA.listen(port, quiet);
    expect(() => tcpA.connect(B, 80, new Program())).toThrow('a has no free TCP port');
    expect(() => tcpA.listen(0, quiet)).toThrow('no free TCP port');
    expect(a.name).toBe('a');
    lab.end();
  });

  test('a closed listener refuses', () => {
    const { lab, tcpA, tcpB } = cable();
    const server = new Server(tcpB, 80);
    server.listener.close();
    server.listener.close();
    const client = dial(tcpA, B, 80);
    lab.run(0.1);
    expect(client.error).toBe('ECONNREFUSED');
    expect(tcpB.size).toBe(0);
    lab.end();
  });

  test('nothing but what is for this host alone: a broadcast SYN is dropped', () => {
    const { script } = passive();
    const bytes = script.frame('S 0:0(0) win 10');
    bytes.fill(0xff, 0, 6);
    bytes.set([10, 0, 0, 255], 30);
    bytes[24] = 0;
    bytes[25] = 0;
    script.sent();
    script.lab.inject(script.host, bytes);
    script.expects();
    script.lab.end();
  });

  test('what is delivered is told to the trace', () => {
    const { script } = passive();
    const recorder = script.lab.recorder as Recorder;
    const all = Array.from({ length: recorder.length }, (_, i) => recorder.at(i));
    const told = all.filter(({ what, a }) => what === TRACE.deliver && a === 6);
    expect(told.map(({ b }) => b)).toEqual([80, 80]);
    script.lab.end();
  });

  test('closing a host leaves no timer, frame or connection, whatever goes on', () => {
    const { lab, tcpA, tcpB } = cable({ delay: 20_000_000 });
    const server = new Server(tcpB, 80);
    for (let i = 0; i < 20; i++) {
      const client = dial(tcpA, B, 80);
      client.send(new Uint8Array(50_000), i % 2 === 0);
      lab.run(0.01);
    }
    expect(server.programs.length).toBeGreaterThan(10);
    for (const host of lab.hosts) host.close();
    expect(server.programs.every(({ error }) => error === 'ECONNABORTED' || error === null)).toBe(true);
    expect([tcpA.size, tcpB.size]).toEqual([0, 0]);
    // What is on the cable arrives nowhere.
    lab.clock.runUntilIdle();
    lab.end();
  });
});
