import { describe, expect, test } from 'vitest';
import { B, cable, dial, Program, Server } from './pair.ts';
import { active, passive } from './script.ts';

/** A server that never ends by itself. */
const stubborn = () => Object.assign(new Program(), { polite: false });

describe('closing (RFC 9293 s.3.6)', () => {
  test('we end first: FIN-WAIT-1, FIN-WAIT-2, TIME-WAIT for 60 s', () => {
    const { script, program, tcp } = active();
    program.socket.end();
    script.expects(`F. 1:1(0) ack 1`);
    expect(program.socket.state).toBe('FIN-WAIT-1');
    script.gets('. 1:1(0) ack 2 win 65535');
    expect(program.socket.state).toBe('FIN-WAIT-2');
    script.gets('F. 1:1(0) ack 2 win 65535');
    script.expects(`. 2:2(0) ack 2`);
    expect(program.told).toEqual(['connected', 'ended', 'closed null']);
    expect(tcp.size).toBe(1);
    script.lab.run(59.9);
    expect(tcp.size).toBe(1);
    script.lab.run(0.2);
    expect(tcp.size).toBe(0);
    script.lab.end();
  });

  test("one that nobody holds waits a minute for the peer's FIN, and no longer", () => {
    for (const late of [false, true]) {
      const { script, program, tcp } = active();
      if (late) program.socket.end();
      else program.socket.close();
      script.expects(`F. 1:1(0) ack 1`);
      script.gets('. 1:1(0) ack 2 win 65535');
      expect(program.socket.state).toBe('FIN-WAIT-2');
      if (late) {
        // Held, it may read for ever.
        script.lab.run(300);
        expect(program.socket.state).toBe('FIN-WAIT-2');
        program.socket.close();
      }
      script.lab.run(59.9);
      expect(tcp.size).toBe(1);
      script.lab.run(0.2);
      expect(program.socket.state).toBe('CLOSED');
      expect(tcp.size).toBe(0);
      // Whoever speaks to it afterwards learns that it is gone.
      script.gets('P. 1:11(10) ack 2 win 65535');
      script.expects('R 2:2(0)');
      script.lab.end();
    }
  });

  test('one that nobody holds goes by TIME-WAIT if the FIN comes in time', () => {
    const { script, program, tcp } = active();
    program.socket.close();
    script.expects(`F. 1:1(0) ack 1`);
    script.gets('. 1:1(0) ack 2 win 65535');
    script.lab.run(59);
    script.gets('F. 1:1(0) ack 2 win 65535');
    script.expects(`. 2:2(0) ack 2`);
    expect(program.socket.state).toBe('TIME-WAIT');
    script.lab.run(59.9);
    expect(tcp.size).toBe(1);
    script.lab.run(0.2);
    expect(tcp.size).toBe(0);
    script.lab.end();
  });

  test('they end first: CLOSE-WAIT, LAST-ACK, gone', () => {
    const { script, program, tcp } = passive('mss 1000', undefined, stubborn);
    script.gets('F. 1:1(0) ack 1 win 65535');
    expect(program.socket.state).toBe('CLOSE-WAIT');
    expect(program.told).toEqual(['ended']);
    script.expects();
    script.after(0.05, `. 1:1(0) ack 2`);
    program.socket.end();
    expect(program.socket.state).toBe('LAST-ACK');
    script.expects(`F. 1:1(0) ack 2`);
    script.gets('. 2:2(0) ack 2 win 65535');
    script.lab.run(0);
    expect(program.told).toEqual(['ended', 'closed null']);
    expect(tcp.size).toBe(1);
    script.lab.end();
  });

  test('an answering FIN carries the ACK: three segments close a connection', () => {
    const { script, program } = passive();
    script.gets('F. 1:1(0) ack 1 win 65535');
    script.expects(`F. 1:1(0) ack 2`);
    script.gets('. 2:2(0) ack 2 win 65535');
    expect(program.told).toEqual(['ended', 'closed null']);
    script.lab.end();
  });

  test('both end at once: CLOSING, then TIME-WAIT', () => {
    const { script, program, tcp } = active();
    program.socket.end();
    script.sent();
    script.gets('F. 1:1(0) ack 1 win 65535');
    expect(program.socket.state).toBe('CLOSING');
    script.expects(`. 2:2(0) ack 2`);
    script.gets('. 2:2(0) ack 2 win 65535');
    expect(program.told).toEqual(['connected', 'ended', 'closed null']);
    expect(tcp.size).toBe(1);
    script.lab.end();
  });

  test('a FIN that also acknowledges ours goes straight to TIME-WAIT', () => {
    const { script, program, tcp } = active();
    program.socket.end();
    script.sent();
    script.gets('F. 1:1(0) ack 2 win 65535');
    script.expects(`. 2:2(0) ack 2`);
    expect(program.error).toBe(null);
    expect(tcp.size).toBe(1);
    script.lab.end();
  });

  test('half closed: what they send after our FIN is read, what we write after theirs is sent', () => {
    const { script, program } = active();
    program.socket.end();
    expect(program.socket.write(new Uint8Array(5))).toBe(0);
    script.gets('. 1:1(0) ack 2 win 65535', 'P. 1:501(500) ack 2 win 65535');
    expect(program.received).toBe(500);
    script.lab.end();

    const other = passive('mss 1000', undefined, stubborn);
    other.script.gets('F. 1:1(0) ack 1 win 65535');
    other.program.send(new Uint8Array(100));
    other.script.expects(`P. 1:101(100) ack 2`);
    other.script.lab.end();
  });

  test('the FIN rides on the last data', () => {
    const { script, program } = active();
    program.socket.write(new Uint8Array(10));
    program.socket.write(new Uint8Array(10));
    program.socket.end();
    script.expects(`P. 1:11(10) ack 1`, `FP. 11:21(10) ack 1`);
    script.lab.end();
  });

  test('a FIN out of order waits for what is missing', () => {
    const { script, program } = passive('mss 1000,sackOK', undefined, stubborn);
    script.gets('F. 101:201(100) ack 1 win 65535');
    expect(program.told).toEqual([]);
    script.gets('. 1:101(100) ack 1 win 65535');
    expect(program.told).toEqual(['readable', 'ended']);
    expect(program.received).toBe(200);
    script.lab.end();
  });

  test('unread bytes can be read after the connection is over', () => {
    const { script, program } = active();
    program.reads = false;
    program.polite = false;
    program.socket.end();
    script.gets('FP. 1:101(100) ack 2 win 65535');
    expect(program.told).toEqual(['connected', 'readable', 'ended', 'closed null']);
    expect(program.socket.readableLength).toBe(100);
    program.drain();
    expect(program.received).toBe(100);
    script.lab.end();
  });

  test('nothing written after the peer has the FIN, and end() twice is end() once', () => {
    const { script, program } = active();
    program.socket.end();
    program.socket.end();
    expect(script.sent().length).toBe(1);
    expect(program.socket.writableLength).toBe(0);
    script.lab.end();
  });
});

describe('a reset', () => {
  const cases: [string, string[], string][] = [
    ['ESTABLISHED', [], 'ECONNRESET'],
    ['CLOSE-WAIT', ['F. 1:1(0) ack 1 win 65535'], 'EPIPE'],
  ];
  for (const [state, lines, error] of cases) {
    test(`in ${state}: ${error}`, () => {
      const { script, program } = passive('mss 1000', undefined, stubborn);
      script.gets(...lines);
      expect(program.socket.state).toBe(state);
      script.gets(`R ${lines.length + 1}:${lines.length + 1}(0) win 0`);
      script.lab.run(0);
      expect(program.error).toBe(error);
      script.lab.end();
    });
  }

  for (const [state, lines, seq, error] of [
    ['FIN-WAIT-1', [], 1, 'ECONNRESET'],
    ['FIN-WAIT-2', ['. 1:1(0) ack 2 win 65535'], 1, 'ECONNRESET'],
    ['CLOSING', ['F. 1:1(0) ack 1 win 65535'], 2, null],
  ] as const) {
    test(`in ${state}: ${error ?? 'nothing amiss'}`, () => {
      const { script, program } = active();
      program.socket.end();
      script.gets(...lines);
      expect(program.socket.state).toBe(state);
      script.gets(`R ${seq}:${seq}(0) win 0`);
      script.lab.run(0);
      expect(program.error).toBe(error);
      script.lab.end();
    });
  }

  test('in LAST-ACK: nothing amiss, for both had finished (RFC 9293 s.3.10.7.4)', () => {
    const { script, program } = passive();
    script.gets('F. 1:1(0) ack 1 win 65535');
    expect(program.socket.state).toBe('LAST-ACK');
    script.gets('R 2:2(0) win 0');
    script.lab.run(0);
    expect(program.error).toBe(null);
    script.lab.end();
  });

  test('abort sends one in every state but SYN-SENT, and tells nothing', () => {
    const { script, program, tcp } = active();
    program.send(new Uint8Array(100));
    script.sent();
    program.socket.abort();
    script.expects(`R. 101:101(0) ack 1`);
    expect(program.told).toEqual(['connected']);
    expect(program.socket.state).toBe('CLOSED');
    expect(tcp.size).toBe(0);
    program.socket.abort();
    script.expects();
    script.lab.end();
  });
});

describe('TIME-WAIT', () => {
  function waiting(options = 'mss 1000') {
    const scene = active(options);
    const ts = options.includes('TS') ? ' <TS 50 0>' : '';
    scene.program.socket.end();
    scene.script.gets(`F. 1:1(0) ack 2 win 65535${ts}`);
    scene.script.sent();
    expect(scene.tcp.size).toBe(1);
    return scene;
  }

  test('the FIN again is acknowledged again and the time begins anew', () => {
    const { script, tcp } = waiting();
    script.lab.run(30);
    script.gets('F. 1:1(0) ack 2 win 65535');
    script.expects(`. 2:2(0) ack 2`);
    script.lab.run(59.9);
    expect(tcp.size).toBe(1);
    script.lab.run(0.2);
    expect(tcp.size).toBe(0);
    script.lab.end();
  });

  test('an old ACK brings one answer in 500 ms, a reset at the right place ends it', () => {
    const { script, tcp } = waiting();
    script.gets('. 0:0(0) ack 2 win 65535', '. 0:0(0) ack 2 win 65535');
    expect(script.sent().length).toBe(1);
    script.gets('R 1:1(0) win 0');
    expect(tcp.size).toBe(1);
    script.gets('R 2:2(0) win 0');
    expect(tcp.size).toBe(0);
    script.lab.end();
  });

  for (const [name, options, older, newer] of [
    ['sequence number', 'mss 1000', 'S 1:1(0) win 65535', 'S 5000:5000(0) win 65535'],
    ['timestamp', 'mss 1000,TS 50 0', 'S 0:0(0) win 65535 <TS 50 0>', 'S 0:0(0) win 65535 <TS 51 0>'],
  ] as const) {
    test(`a new SYN with a later ${name} takes the place (RFC 6191), an older one is answered`, () => {
      const { script, tcp } = waiting(options);
      const server = new Server(tcp, script.hostPort);
      script.gets(older);
      expect(script.sent()[0]).toContain('. 2:2(0) ack 2');
      script.gets(newer);
      const [answer = ''] = script.sent();
      // Past anything that the old connection can have sent.
      expect(answer).toMatch(/^S\. 65539:65539\(0\)/);
      expect(server.programs).toEqual([]);
      script.lab.end();
    });
  }

  test('ports of TIME-WAIT are not chosen for the same peer', () => {
    const { lab, tcpA, tcpB } = cable();
    new Server(tcpB, 80);
    const ports = new Set<number>();
    for (let i = 0; i < 50; i++) {
      const client = dial(tcpA, B, 80);
      ports.add(client.socket.localPort);
      lab.run(0.01);
      client.socket.end();
      lab.run(0.1);
    }
    expect(ports.size).toBe(50);
    expect(tcpA.size).toBe(50);
    expect(() => tcpA.connect(B, 80, new Program(), { localPort: [...ports][0] as number })).toThrow(
      'TCP port',
    );
    lab.run(61);
    expect(tcpA.size).toBe(0);
    lab.end();
  });
});
