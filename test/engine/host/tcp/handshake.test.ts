import { describe, expect, test } from 'vitest';
import { DROP } from '../../../../src/engine/trace/drop.ts';
import { Script } from '../../../support/segments.ts';
import { Program, Server, seat } from './pair.ts';
import { active, icmp, PEER, passive } from './script.ts';

function listening(backlog?: number): { script: Script; server: Server; tcp: ReturnType<typeof seat> } {
  const script = new Script();
  const tcp = seat(script.host);
  const server = new Server(tcp, 80, backlog === undefined ? {} : { backlog });
  return { script, server, tcp };
}

function dialling(): { script: Script; tcp: ReturnType<typeof seat>; program: Program } {
  const script = new Script();
  const tcp = seat(script.host);
  script.peerPort = 80;
  const program = new Program();
  program.socket = tcp.connect(PEER, 80, program);
  return { script, tcp, program };
}

describe('opening', () => {
  test("a SYN carries Linux's options and a window of whole segments", () => {
    const { script } = dialling();
    script.expects('S 0:0(0) win 64240 <mss 1460,sackOK,TS 0 0,wscale 7>');
    script.lab.end();
  });

  test('the MSS that is offered follows the MTU: 1410 on an overlay of 1450, 1398 of payload with timestamps', () => {
    const script = new Script(1450);
    const tcp = seat(script.host);
    script.peerPort = 80;
    const program = new Program();
    program.socket = tcp.connect(PEER, 80, program);
    expect(script.sent()[0]).toContain('<mss 1410,');
    script.gets('S. 0:0(0) ack 1 win 65535 <mss 1410,sackOK,TS 7 0,wscale 7>');
    program.send(new Uint8Array(1399));
    expect(script.sent().at(-2)).toBe('. 1:1399(1398) ack 1 win 7168 <TS 0 7>');
    script.lab.end();
  });

  test('a SYN-ACK offers what was offered, and nothing else', () => {
    for (const [asked, answered] of [
      ['mss 1460', 'mss 1460'],
      ['mss 1460,sackOK', 'mss 1460,sackOK'],
      ['mss 1460,TS 5 0', 'mss 1460,TS 0 5'],
      ['mss 1460,wscale 3', 'mss 1460,wscale 7'],
    ]) {
      const { script } = listening();
      script.gets(`S 0:0(0) win 65535 <${asked}>`);
      const [line = ''] = script.sent();
      expect(line.replace(/win \d+/, 'win')).toBe(`S. 0:0(0) ack 1 win <${answered}>`);
      script.lab.end();
    }
  });

  test('the SYN goes out six times more, doubling from a second, then ETIMEDOUT after 127 s', () => {
    const { script, program } = dialling();
    script.lab.run(126.9);
    expect(script.lab.sent.map(({ time }) => time)).toEqual([0, 1, 3, 7, 15, 31, 63]);
    expect(program.told).toEqual([]);
    script.lab.run(0.2);
    expect(program.told).toEqual(['closed ETIMEDOUT']);
    script.lab.end();
  });

  test('the SYN-ACK goes out five times more, then the request is forgotten', () => {
    const { script, tcp } = listening();
    script.gets('S 0:0(0) win 65535 <mss 1460>');
    expect(tcp.size).toBe(2);
    script.lab.run(62.9);
    expect(script.lab.sent.map(({ time }) => time)).toEqual([0, 1, 3, 7, 15, 31]);
    script.lab.run(0.2);
    expect(tcp.size).toBe(1);
    expect(tcp.retransmits).toBe(5);
    script.lab.end();
  });

  test('RST in SYN-SENT: refused if it acknowledges the SYN, else passed over (RFC 9293 s.3.10.7.3)', () => {
    const { script, program } = dialling();
    script.sent();
    script.gets('R 0:0(0) win 0');
    expect(program.told).toEqual([]);
    script.gets('R. 0:0(0) ack 1 win 0');
    script.lab.run(0);
    expect(program.told).toEqual(['closed ECONNREFUSED']);
    script.lab.end();
  });

  test('an ACK of what was never sent is reset in SYN-SENT, and the SYN stays (RFC 9293 s.3.5.2)', () => {
    const { script, program } = dialling();
    script.sent();
    script.gets('. 0:0(0) ack 100 win 65535');
    script.expects('R 100:100(0) win 0');
    expect(program.socket.state).toBe('SYN-SENT');
    expect(script.host.counters.dropped(DROP.tcpInvalidAck)).toBe(1);
    script.lab.end();
  });

  test('both open at once (RFC 9293 figure 7)', () => {
    const { script, program } = dialling();
    script.sent();
    script.gets('S 0:0(0) win 65535 <mss 1000>');
    expect(program.socket.state).toBe('SYN-RECEIVED');
    script.expects('S. 0:0(0) ack 1 win 64240 <mss 1460>');
    script.gets('S. 0:0(0) ack 1 win 65535 <mss 1000>');
    script.lab.run(0);
    expect(program.socket.state).toBe('ESTABLISHED');
    expect(program.told).toEqual(['connected']);
    script.gets('P. 1:11(10) ack 1 win 65535');
    expect(program.received).toBe(10);
    script.lab.end();
  });

  test('what was written before carries the ACK of the SYN-ACK', () => {
    const script = new Script();
    const tcp = seat(script.host);
    script.peerPort = 80;
    const program = new Program();
    program.socket = tcp.connect(PEER, 80, program);
    program.send(new Uint8Array(10));
    script.sent();
    script.gets('S. 0:0(0) ack 1 win 65535 <mss 1000>');
    script.expects('P. 1:11(10) ack 1');
    script.lab.end();
  });

  test('a segment for nobody is reset as RFC 9293 s.3.10.7.1 says, a reset never', () => {
    const script = new Script();
    seat(script.host);
    script.hostPort = 99;
    script.gets('S 500:500(0) win 100');
    script.expects('R. 0:0(0) ack 501 win 0');
    script.gets('P. 500:510(10) ack 77 win 100');
    script.expects('R 77:77(0) win 0');
    script.gets('R 500:500(0) win 0', 'R. 500:500(0) ack 9 win 0');
    script.expects();
    expect(script.host.counters.dropped(DROP.noListener)).toBe(4);
    script.lab.end();
  });

  test('a listener: RST ignored, ACK reset, SYN with FIN dropped', () => {
    const { script } = listening();
    script.gets('R 0:0(0) win 0');
    script.expects();
    script.gets('. 0:0(0) ack 5 win 10');
    script.expects('R 5:5(0) win 0');
    script.gets('FS 0:0(0) win 10');
    script.expects();
    script.lab.end();
  });

  test('a wrong checksum is dropped and counted', () => {
    const { script } = listening();
    const bytes = script.frame('S 0:0(0) win 65535 <mss 1000>');
    bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1;
    script.lab.inject(script.host, bytes);
    script.expects();
    expect(script.host.counters.dropped(DROP.checksum)).toBe(1);
    script.lab.end();
  });
});

describe('the listening side', () => {
  test('RST ends a request, a bad ACK is reset, a SYN again brings the SYN-ACK again', () => {
    const { script, tcp, server } = listening();
    script.gets('S 0:0(0) win 65535 <mss 1000>');
    script.expects('S. 0:0(0) ack 1 win 64240 <mss 1460>');
    script.gets('. 1:1(0) ack 9 win 10');
    script.expects('R 9:9(0) win 0');
    script.gets('S 0:0(0) win 65535 <mss 1000>');
    script.expects('S. 0:0(0) ack 1 win 64240 <mss 1460>');
    script.gets('R 1:1(0) win 0');
    expect(tcp.size).toBe(1);
    expect(server.programs).toEqual([]);
    script.lab.end();
  });

  test('a SYN-ACK that went out twice is not timed (Karn), one that went out once is', () => {
    for (const [again, rtt] of [
      [true, 0],
      [false, 50_000_000],
    ]) {
      const { script, server } = listening();
      script.gets('S 0:0(0) win 65535 <mss 1000>');
      script.sent();
      if (again === true) script.gets('S 0:0(0) win 65535 <mss 1000>');
      script.lab.run(0.05);
      script.gets('. 1:1(0) ack 1 win 65535');
      expect(server.first.socket.info().rtt).toBe(rtt);
      script.lab.end();
    }
  });

  test('the ACK may bring data, and the program finds it when it has accepted', () => {
    const { script, server } = listening();
    server.accepts = false;
    script.gets('S 0:0(0) win 65535 <mss 1000>');
    script.sent();
    script.gets('FP. 1:101(100) ack 1 win 65535');
    server.take();
    expect(server.first.told).toEqual([]);
    script.lab.run(0);
    expect(server.first.told).toEqual(['readable', 'ended']);
    expect(server.first.received).toBe(100);
    script.lab.end();
  });

  test('more requests than the backlog are dropped; those there are stay (SYN flood)', () => {
    const { script, tcp } = listening(8);
    for (let port = 5000; port < 5100; port++) {
      script.peerPort = port;
      script.gets('S 0:0(0) win 65535 <mss 1000>');
    }
    expect(tcp.size).toBe(1 + 8);
    expect(script.host.counters.dropped(DROP.listenOverflow)).toBe(92);
    script.lab.run(64);
    expect(tcp.size).toBe(1);
    script.lab.end();
  });

  test('a full accept queue ignores the last ACK; the SYN-ACK goes out again and the next ACK gets in', () => {
    const { script, server } = listening(0);
    server.accepts = false;
    script.gets('S 0:0(0) win 65535 <mss 1000>');
    script.sent();
    script.gets('. 1:1(0) ack 1 win 65535');
    script.anew();
    script.peerPort = 4001;
    script.gets('S 0:0(0) win 65535 <mss 1000>');
    // One more than the backlog may wait (sk_acceptq_is_full), so a second request is refused.
    script.expects();
    server.take();
    expect(server.programs.length).toBe(1);
    script.gets('S 0:0(0) win 65535 <mss 1000>');
    script.expects('S. 0:0(0) ack 1 win 64240 <mss 1460>');
    script.lab.end();
  });

  test('two finish their handshakes for one place: the second hears the SYN-ACK again and gets in later', () => {
    const { script, server } = listening(1);
    server.accepts = false;
    for (const port of [4001, 4002]) {
      script.anew();
      script.peerPort = port;
      script.gets('S 0:0(0) win 65535 <mss 1000>');
      script.sent();
      script.gets('. 1:1(0) ack 1 win 65535');
    }
    script.anew();
    script.peerPort = 4003;
    script.gets('S 0:0(0) win 65535 <mss 1000>');
    script.expects();
    server.take();
    expect(server.programs.length).toBe(2);
    script.lab.end();
  });

  test('closing the listener forgets requests and resets who waits to be accepted', () => {
    const { script, server, tcp } = listening();
    server.accepts = false;
    script.gets('S 0:0(0) win 65535 <mss 1000>');
    script.sent();
    script.gets('. 1:1(0) ack 1 win 65535');
    server.listener.close();
    script.expects('R. 1:1(0) ack 1');
    expect(tcp.size).toBe(0);
    script.lab.end();
  });

  test('who was reset while waiting is never accepted', () => {
    const { script, server } = listening();
    server.accepts = false;
    script.gets('S 0:0(0) win 65535 <mss 1000>');
    script.sent();
    script.gets('. 1:1(0) ack 1 win 65535', 'R 1:1(0) win 0');
    server.take();
    expect(server.programs).toEqual([]);
    script.lab.end();
  });
});

describe('ICMP errors (RFC 5461, RFC 5927)', () => {
  for (const [type, code, error] of [
    [3, 0, 'ENETUNREACH'],
    [3, 1, 'EHOSTUNREACH'],
    [3, 2, 'ECONNREFUSED'],
    [3, 3, 'ECONNREFUSED'],
    [11, 0, 'EHOSTUNREACH'],
  ] as const) {
    test(`type ${type}, code ${code} ends an opening with ${error}`, () => {
      const { script, program } = dialling();
      icmp(script, type, code);
      script.lab.run(0);
      expect(program.told).toEqual([`closed ${error}`]);
      script.lab.end();
    });
  }

  test('in a connection they are only kept, and are the reason should it be given up', () => {
    const { script, program } = passive();
    program.send(new Uint8Array(10));
    icmp(script, 3, 1);
    expect(program.told).toEqual([]);
    script.lab.run(2000);
    expect(program.told).toEqual(['closed EHOSTUNREACH']);
    script.lab.end();
  });

  test('about a sequence number that is not in flight they are forged and passed over', () => {
    const { script, program, tcp } = active();
    program.send(new Uint8Array(10));
    script.gets('. 1:1(0) ack 11 win 65535');
    icmp(script, 3, 1);
    program.send(new Uint8Array(10));
    script.lab.run(2000);
    expect(program.told).toEqual(['connected', 'closed ETIMEDOUT']);
    expect(tcp.size).toBe(0);
    script.lab.end();
  });
});
