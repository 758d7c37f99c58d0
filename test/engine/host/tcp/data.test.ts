import { describe, expect, test } from 'vitest';
import { SECOND } from '../../../../src/engine/time/clock.ts';
import { DROP } from '../../../../src/engine/trace/drop.ts';
import { octets } from '../../../support/segments.ts';
import { Program } from './pair.ts';
import { active, passive } from './script.ts';

describe('acknowledging (RFC 9293 s.3.8.6.3, RFC 5681 s.4.2)', () => {
  test('the first segments at once, later every second full one, an odd one after 40 ms', () => {
    const { script } = passive();
    for (let i = 0; i < 16; i++) {
      script.gets(`. ${1 + i * 1000}:${1001 + i * 1000}(1000) ack 1 win 65535`);
      expect(script.sent().length).toBe(1);
    }
    script.gets('. 16001:17001(1000) ack 1 win 65535');
    script.expects();
    script.gets('. 17001:18001(1000) ack 1 win 65535');
    script.expects(`. 1:1(0) ack 18001`);
    script.gets('. 18001:19001(1000) ack 1 win 65535');
    script.after(0.039);
    script.after(0.001, `. 1:1(0) ack 19001`);
    script.lab.end();
  });

  test('an answer carries the ACK', () => {
    const { script, program } = passive('mss 1000', undefined, () =>
      Object.assign(new Program(), { echoes: true }),
    );
    script.gets('P. 1:11(10) ack 1 win 65535');
    script.expects('. 1:1(0) ack 11', 'P. 1:11(10) ack 11');
    // Now that it answers what it is asked, acknowledgements wait for the answers.
    script.lab.run(0.01);
    script.gets('P. 11:21(10) ack 11 win 65535');
    script.expects('P. 11:21(10) ack 21');
    expect(program.bytes).toEqual(octets(1, 21));
    script.lab.end();
  });

  test('out of order: acknowledged at once, with what is there, the latest first (RFC 2018 s.4)', () => {
    const { script, program } = passive('mss 1000,sackOK');
    script.gets('. 2001:3001(1000) ack 1 win 65535');
    script.expects('. 1:1(0) ack 1 <sack 2001:3001>');
    script.gets('. 6001:7001(1000) ack 1 win 65535', '. 4001:5001(1000) ack 1 win 65535');
    script.expects(
      `. 1:1(0) ack 1 <sack 6001:7001 2001:3001>`,
      `. 1:1(0) ack 1 <sack 4001:5001 6001:7001 2001:3001>`,
    );
    script.gets('. 3001:4001(1000) ack 1 win 65535');
    expect(script.sent()[0]).toContain('<sack 2001:5001 6001:7001>');
    script.gets('. 1:2001(2000) ack 1 win 65535');
    expect(script.sent()[0]).toContain('ack 5001 ');
    script.gets('. 5001:6001(1000) ack 1 win 65535');
    expect(program.bytes).toEqual(octets(1, 7001));
    script.lab.end();
  });

  test('four blocks at most, three with timestamps', () => {
    for (const [options, ts, blocks] of [
      ['mss 500,sackOK', '', 4],
      ['mss 500,sackOK,TS 1 0', ' <TS 100 0>', 3],
    ] as const) {
      const { script } = passive(options);
      for (let i = 1; i < 7; i++) script.gets(`. ${i * 1000}:${i * 1000 + 500}(500) ack 1 win 65535${ts}`);
      expect(script.sent().at(-1)?.split('sack ')[1]?.split(' ').length).toBe(blocks);
      script.lab.end();
    }
  });

  test('a duplicate is told of by D-SACK (RFC 2883), whole or in part', () => {
    const { script } = passive('mss 1000,sackOK');
    script.gets('. 1:1001(1000) ack 1 win 65535');
    script.sent();
    script.gets('. 1:1001(1000) ack 1 win 65535');
    script.expects(`. 1:1(0) ack 1001 <sack 1:1001>`);
    script.gets('. 501:1501(1000) ack 1 win 65535');
    script.expects(`. 1:1(0) ack 1501 <sack 501:1001>`);
    script.gets('. 3001:4001(1000) ack 1 win 65535', '. 3001:4001(1000) ack 1 win 65535');
    script.expects(`. 1:1(0) ack 1501 <sack 3001:4001>`, `. 1:1(0) ack 1501 <sack 3001:4001 3001:4001>`);
    script.lab.end();
  });
});

describe('what is accepted', () => {
  test('PAWS: an older timestamp is not, and is answered (RFC 7323 s.5)', () => {
    const { script, program } = passive('mss 1000,TS 100 0');
    script.gets('P. 1:11(10) ack 1 win 65535 <TS 200 0>');
    script.expects('. 1:1(0) ack 11 <TS 0 200>');
    script.gets('P. 11:21(10) ack 1 win 65535 <TS 199 0>');
    script.expects('. 1:1(0) ack 11 <TS 0 200>');
    expect(script.host.counters.dropped(DROP.tcpOldStamp)).toBe(1);
    expect(program.received).toBe(10);
    script.gets('P. 11:21(10) ack 1 win 65535 <TS 200 0>');
    expect(program.received).toBe(20);
    script.lab.end();
  });

  test('without the timestamps that were agreed on it is not (RFC 7323 s.3.2); a reset is', () => {
    const { script, program } = passive('mss 1000,TS 100 0');
    script.gets('P. 1:11(10) ack 1 win 65535');
    expect(program.received).toBe(0);
    script.gets('R 1:1(0) win 0');
    script.lab.run(0);
    expect(program.error).toBe('ECONNRESET');
    script.lab.end();
  });

  test('24 days of silence end what timestamps say', () => {
    const { script, program } = passive('mss 1000,TS 100 0');
    script.lab.run(24 * 24 * 3600 + 1);
    script.gets('P. 1:11(10) ack 1 win 65535 <TS 50 0>');
    expect(program.received).toBe(10);
    script.lab.end();
  });

  test('nothing beyond the window; what reaches into it is cut', () => {
    const { script, program } = passive('mss 1000', (tcp) => {
      tcp.settings.receiveBuffer = 3000;
    });
    program.reads = false;
    script.gets('. 4001:5001(1000) ack 1 win 65535');
    expect(script.host.counters.dropped(DROP.tcpInvalidSequence)).toBe(1);
    script.gets('. 1:4001(4000) ack 1 win 65535');
    expect(program.socket.readableLength).toBe(3000);
    expect(script.sent().at(-1)).toBe('. 1:1(0) ack 3001 win 0');
    script.lab.end();
  });

  test('an ACK of what was never sent is challenged (RFC 5961 s.5.2)', () => {
    const { script, program } = passive();
    script.gets('P. 1:11(10) ack 5 win 65535');
    script.expects('. 1:1(0) ack 1');
    expect(program.received).toBe(0);
    expect(script.host.counters.dropped(DROP.tcpInvalidAck)).toBe(1);
    script.lab.end();
  });

  test('a reset counts at the next sequence number only, elsewhere it is challenged (RFC 5961 s.3.2)', () => {
    const { script, program } = passive();
    script.gets('R 500:500(0) win 0');
    script.expects('. 1:1(0) ack 1');
    script.gets('R 900000:900000(0) win 0');
    script.expects();
    expect(program.told).toEqual([]);
    script.gets('R 1:1(0) win 0');
    script.expects();
    script.lab.run(0);
    expect(program.told).toEqual(['closed ECONNRESET']);
    script.lab.end();
  });

  test('a SYN is challenged wherever it stands (RFC 5961 s.4.2)', () => {
    const { script, program } = passive();
    for (const seq of [0, 1, 500, 1_000_000]) {
      script.gets(`S ${seq}:${seq}(0) win 65535`);
      script.expects('. 1:1(0) ack 1');
      script.lab.run(0.6);
    }
    expect(program.socket.state).toBe('ESTABLISHED');
    script.lab.end();
  });

  test('challenges are rare: one in 500 ms (RFC 5961 s.7)', () => {
    const { script } = passive();
    script.gets(...Array.from({ length: 10 }, () => 'S 5:5(0) win 65535'));
    expect(script.sent().length).toBe(1);
    script.lab.run(0.5);
    script.gets('S 5:5(0) win 65535');
    expect(script.sent().length).toBe(1);
    script.lab.end();
  });

  test('no ACK flag, no service', () => {
    const { script, program } = passive();
    script.gets('P 1:11(10) win 65535');
    script.expects();
    expect(program.received).toBe(0);
    expect(script.host.counters.dropped(DROP.tcpFlags)).toBe(1);
    script.lab.end();
  });
});

describe('sending', () => {
  test('ten segments to begin with (RFC 6928), then slow start doubles', () => {
    const { script, program } = passive();
    program.send(new Uint8Array(100_000));
    expect(script.sent().length).toBe(10);
    script.gets('. 1:1(0) ack 2001 win 65535');
    expect(script.sent().length).toBe(4);
    script.lab.end();
  });

  test('Nagle: a second short segment waits for the first; not with the switch off (RFC 896, Minshall)', () => {
    const { script, program } = passive();
    program.send(new Uint8Array(10));
    program.send(new Uint8Array(20));
    program.send(new Uint8Array(30));
    script.expects('P. 1:11(10) ack 1');
    script.gets('. 1:1(0) ack 11 win 65535');
    script.expects('P. 11:61(50) ack 1');
    program.socket.setNoDelay(true);
    program.send(new Uint8Array(5));
    script.expects('P. 61:66(5) ack 1');
    script.lab.end();
  });

  test('a short segment behind full ones goes at once', () => {
    const { script, program } = passive();
    program.send(new Uint8Array(2300));
    expect(script.sent().map((line) => line.split(' ')[1])).toEqual([
      '1:1001(1000)',
      '1001:2001(1000)',
      '2001:2301(300)',
    ]);
    script.lab.end();
  });

  test("the peer's window is kept to, scaled as agreed (RFC 7323 s.2)", () => {
    const { script, program } = passive('mss 1000,wscale 4');
    script.gets('. 1:1(0) ack 1 win 65535', '. 1:1(0) ack 1 win 200');
    program.send(new Uint8Array(50_000));
    expect(script.sent().length).toBe(10);
    script.gets('. 1:1(0) ack 10001 win 125');
    expect(script.sent().length).toBe(2);
    script.lab.end();
  });

  test('a closed window is probed: doubling from the RTO, and answered probes never give up (RFC 9293 s.3.8.6.1)', () => {
    const { script, program } = passive();
    program.send(new Uint8Array(1000));
    script.gets('. 1:1(0) ack 1001 win 0');
    program.send(new Uint8Array(500));
    script.sent();
    const begin = script.lab.clock.now;
    const times: number[] = [];
    for (let i = 0; i < 8; i++) {
      while (script.lab.clock.step()) {
        const lines = script.sent();
        if (lines.length === 0) continue;
        expect(lines[0]).toContain('. 1000:1000(0) ack 1 ');
        break;
      }
      times.push((script.lab.clock.now - begin) / SECOND);
      script.gets('. 1:1(0) ack 1001 win 0');
    }
    for (const [i, time] of times.entries()) expect(time).toBeCloseTo(0.2 * (2 ** (i + 1) - 1), 3);
    for (let i = 0; i < 30; i++) {
      script.lab.run(120);
      script.gets('. 1:1(0) ack 1001 win 0');
    }
    expect(program.told).toEqual([]);
    script.sent();
    script.gets('. 1:1(0) ack 1001 win 5000');
    script.expects('P. 1001:1501(500) ack 1');
    script.lab.end();
  });

  test('a probe that nobody answers gives up: ETIMEDOUT', () => {
    const { script, program } = passive();
    program.send(new Uint8Array(1000));
    script.gets('. 1:1(0) ack 1001 win 0');
    program.send(new Uint8Array(500));
    script.lab.run(3000);
    expect(program.told).toEqual(['closed ETIMEDOUT']);
    script.lab.end();
  });

  test('a window that opens a little is waited out, one of half the largest is used (silly windows)', () => {
    const { script, program } = passive();
    program.send(new Uint8Array(1000));
    script.gets('. 1:1(0) ack 1001 win 0');
    program.send(new Uint8Array(5000));
    script.sent();
    script.gets('. 1:1(0) ack 1001 win 400');
    script.expects();
    script.gets('. 1:1(0) ack 1001 win 1000');
    script.expects('. 1001:2001(1000) ack 1');
    script.lab.end();
  });

  test('the receiver opens its window by much or not at all', () => {
    const { script, program } = passive('mss 1000', (tcp) => {
      tcp.settings.receiveBuffer = 8000;
    });
    program.reads = false;
    for (let seq = 1; seq < 8001; seq += 1000) script.gets(`. ${seq}:${seq + 1000}(1000) ack 1 win 65535`);
    script.lab.run(0.05);
    expect(script.sent().at(-1)).toBe('. 1:1(0) ack 8001 win 0');
    program.socket.read(new Uint8Array(300));
    script.expects();
    program.socket.read(new Uint8Array(3000));
    script.expects('. 1:1(0) ack 8001 win 3300');
    script.lab.end();
  });

  test('a window that was told is never taken back, whatever its unit (RFC 9293 s.3.8.6)', () => {
    const { script, program } = passive('mss 1000,wscale 2');
    program.reads = false;
    let edge = 0;
    for (let seq = 1; seq < 60_000; seq += 333) {
      script.gets(`. ${seq}:${seq + 333}(333) ack 1 win 65535`);
      script.lab.run(0.04);
      for (const line of script.sent()) {
        const [, ack = '0', window = '0'] = / ack (\d+) win (\d+)/.exec(line) ?? [];
        const told = Number(ack) + Number(window) * 128;
        expect(told).toBeGreaterThanOrEqual(edge);
        edge = told;
      }
    }
    expect(edge).toBeGreaterThan(65_535);
    script.lab.end();
  });

  test('write takes what the buffer holds and tells when a third is free', () => {
    const { script, program, tcp } = active();
    tcp.settings.sendBuffer = 30_000;
    expect(program.socket.write(new Uint8Array(50_000))).toBe(30_000);
    expect(program.socket.writableLength).toBe(0);
    script.gets('. 1:1(0) ack 9001 win 65535');
    expect(program.told).toEqual(['connected']);
    script.gets('. 1:1(0) ack 10001 win 65535');
    expect(program.told).toEqual(['connected', 'writable']);
    expect(program.socket.unacknowledged).toBe(20_000);
    script.lab.end();
  });

  test('keep-alive: after the idle time nine probes 75 s apart, then RST and ETIMEDOUT', () => {
    const { script, program } = passive();
    program.socket.setKeepAlive(true, 100 * SECOND);
    script.after(99.9);
    script.after(0.2, '. 0:0(0) ack 1');
    script.gets('. 1:1(0) ack 1 win 65535');
    script.after(99.7);
    for (let i = 0; i < 9; i++) script.after(i === 0 ? 0.5 : 75, '. 0:0(0) ack 1');
    script.after(75, 'R. 1:1(0) ack 1');
    expect(program.told).toEqual(['closed ETIMEDOUT']);
    script.lab.end();
  });

  test('without being asked nothing is ever sent over an idle connection', () => {
    const { script, program } = passive();
    script.after(100_000);
    expect(program.socket.state).toBe('ESTABLISHED');
    expect(script.lab.clock.pending).toBe(0);
    script.lab.end();
  });
});
