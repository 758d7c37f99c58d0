import { describe, expect, test } from 'vitest';
import type { Script } from '../../../support/segments.ts';
import type { Program } from './pair.ts';
import { active, passive } from './script.ts';

/** The sequence numbers of what was sent. */
const spans = (script: Script): string[] => script.sent().map((line) => line.split(' ')[1] as string);
const full = (from: number, count: number): string[] =>
  Array.from({ length: count }, (_, i) => `${from + i * 1000}:${from + 1000 + i * 1000}(1000)`);
const info = (program: Program) => program.socket.info();

describe('the retransmission timer (RFC 6298)', () => {
  test('goes off after the RTO, doubles, and starts from one segment', () => {
    const { script, program, tcp } = passive();
    program.send(new Uint8Array(3000));
    expect(spans(script)).toEqual(full(1, 3));
    const begin = script.lab.clock.now;
    const times: number[] = [];
    while (times.length < 4 && script.lab.clock.step()) {
      if (spans(script).length === 0) continue;
      times.push(Math.round((script.lab.clock.now - begin) / 1e8));
    }
    expect(times).toEqual([2, 6, 14, 30]);
    expect(info(program).congestionWindow).toBe(1000);
    expect(info(program).slowStartThreshold).toBe(2000);
    expect([info(program).retransmits, tcp.retransmits]).toEqual([4, 4]);
    script.gets('. 1:1(0) ack 1001 win 65535');
    expect(spans(script)).toEqual(full(1001, 2));
    script.gets('. 1:1(0) ack 3001 win 65535');
    expect(program.socket.unacknowledged).toBe(0);
    script.lab.end();
  });

  test('what an ACK after a timeout covers is not sent again', () => {
    const { script, program } = passive('mss 1000,sackOK');
    program.send(new Uint8Array(5000));
    script.sent();
    script.lab.run(0.201);
    expect(spans(script)).toEqual(full(1, 1));
    script.gets('. 1:1(0) ack 4001 win 65535');
    expect(spans(script)).toEqual(full(4001, 1));
    script.lab.end();
  });

  test('gives up after the time that 15 retransmissions take (tcp_retries2): 924.6 s', () => {
    const { script, program } = passive();
    program.send(new Uint8Array(10));
    script.lab.run(900);
    expect(program.told).toEqual([]);
    script.lab.run(300);
    expect(program.told).toEqual(['closed ETIMEDOUT']);
    script.lab.end();
  });

  test('round trips make the RTO: smoothed, 200 ms at least above the round trip', () => {
    const { script, program } = active();
    script.lab.run(1);
    for (let i = 0, at = 1; i < 30; i++, at += 100) {
      program.send(new Uint8Array(100));
      script.lab.run(0.1);
      script.gets(`. 1:1(0) ack ${at + 100} win 65535`);
    }
    expect(info(program).rtt / 1e6).toBeGreaterThan(95);
    expect(info(program).rtt / 1e6).toBeLessThan(101);
    expect(info(program).rto / 1e6).toBeGreaterThanOrEqual(295);
    expect(info(program).rto / 1e6).toBeLessThan(320);
    script.lab.end();
  });

  test('what was sent twice is not timed (Karn), unless timestamps tell', () => {
    for (const [options, ts, expected] of [
      ['mss 1000', '', 0],
      ['mss 1000,TS 1 0', ' <TS 2 300>', 1.25],
    ] as const) {
      const { script, program } = active(options);
      program.send(new Uint8Array(100));
      script.lab.run(0.31);
      expect(info(program).retransmits).toBe(1);
      script.gets(`. 1:1(0) ack 101 win 65535${ts}`);
      expect(info(program).rtt / 1e6).toBeCloseTo(expected, 3);
      script.lab.end();
    }
  });

  test('after a pause longer than the RTO the window is what it was at first (RFC 5681 s.4.1)', () => {
    const { script, program } = passive();
    for (let at = 1, round = 0; round < 4; round++) {
      const size = Math.min(40_000, info(program).congestionWindow);
      program.send(new Uint8Array(size));
      at += size;
      script.gets(`. 1:1(0) ack ${at} win 65535`);
    }
    expect(info(program).congestionWindow).toBeGreaterThan(15_000);
    script.lab.run(5);
    script.sent();
    program.send(new Uint8Array(40_000));
    expect(spans(script).length).toBe(10);
    script.lab.end();
  });
});

describe('fast retransmit with SACK (RFC 6675)', () => {
  test('three segments behind a hole: the hole goes out again, half a window, and no timeout', () => {
    const { script, program } = passive('mss 1000,sackOK');
    program.send(new Uint8Array(10_000));
    script.sent();
    script.gets('. 1:1(0) ack 1 win 65535 <sack 1001:2001>', '. 1:1(0) ack 1 win 65535 <sack 1001:3001>');
    script.expects();
    script.gets('. 1:1(0) ack 1 win 65535 <sack 1001:4001>');
    expect(spans(script)).toEqual(full(1, 1));
    expect(info(program).slowStartThreshold).toBe(5000);
    script.gets('. 1:1(0) ack 10001 win 65535');
    expect(info(program).congestionWindow).toBe(5000);
    expect(info(program).retransmits).toBe(1);
    script.lab.end();
  });

  test('two holes: both go out, and nothing that was SACKed', () => {
    const { script, program } = passive('mss 1000,sackOK');
    program.send(new Uint8Array(10_000));
    script.sent();
    script.gets('. 1:1(0) ack 1 win 65535 <sack 6001:10001 1001:5001>');
    expect(spans(script)).toEqual([...full(1, 1), ...full(5001, 1)]);
    script.gets('. 1:1(0) ack 10001 win 65535');
    expect(program.socket.unacknowledged).toBe(0);
    script.lab.end();
  });

  test('new data goes out while the first duplicates come (limited transmit, RFC 3042)', () => {
    const { script, program } = passive('mss 1000,sackOK');
    program.send(new Uint8Array(20_000));
    expect(spans(script).length).toBe(10);
    script.gets('. 1:1(0) ack 1 win 65535 <sack 1001:2001>');
    expect(spans(script)).toEqual(full(10_001, 1));
    script.gets('. 1:1(0) ack 1 win 65535 <sack 1001:3001>');
    expect(spans(script)).toEqual(full(11_001, 1));
    script.lab.end();
  });

  test('one segment that overtook is no loss', () => {
    const { script, program } = passive('mss 1000,sackOK');
    program.send(new Uint8Array(10_000));
    script.sent();
    script.gets('. 1:1(0) ack 1 win 65535 <sack 9001:10001>');
    for (let ack = 1001; ack < 9001; ack += 1000)
      script.gets(`. 1:1(0) ack ${ack} win 65535 <sack 9001:10001>`);
    script.gets('. 1:1(0) ack 10001 win 65535');
    expect(info(program).retransmits).toBe(0);
    script.lab.end();
  });

  test('blocks that cannot be change nothing', () => {
    const { script, program } = passive('mss 1000,sackOK');
    program.send(new Uint8Array(10_000));
    script.sent();
    for (const block of ['5001:1001', '20001:30001', '9001:11001', '1:1', '-5000:-1000'])
      script.gets(`. 1:1(0) ack 1 win 65535 <sack ${block}>`);
    expect(script.sent()).toEqual([]);
    script.gets('. 1:1(0) ack 10001 win 65535');
    expect(program.socket.unacknowledged).toBe(0);
    script.lab.end();
  });

  test('a peer that throws away what it SACKed still gets everything (RFC 2018 s.8)', () => {
    const { script, program } = passive('mss 1000,sackOK');
    program.send(new Uint8Array(5000));
    script.sent();
    script.gets('. 1:1(0) ack 1 win 65535 <sack 1001:5001>');
    expect(spans(script)).toEqual(full(1, 1));
    script.gets('. 1:1(0) ack 1001 win 65535');
    script.lab.run(0.5);
    expect(spans(script)[0]).toBe('1001:2001(1000)');
    script.gets('. 1:1(0) ack 5001 win 65535');
    expect(program.socket.unacknowledged).toBe(0);
    script.lab.end();
  });
});

describe('NewReno, for peers without SACK (RFC 6582)', () => {
  test('three duplicates, then a segment for each partial ACK', () => {
    const { script, program } = passive();
    program.send(new Uint8Array(10_000));
    script.sent();
    script.gets('. 1:1(0) ack 1 win 65535', '. 1:1(0) ack 1 win 65535');
    script.expects();
    script.gets('. 1:1(0) ack 1 win 65535');
    expect(spans(script)).toEqual(full(1, 1));
    script.gets('. 1:1(0) ack 4001 win 65535');
    expect(spans(script)).toEqual(full(4001, 1));
    script.gets('. 1:1(0) ack 10001 win 65535');
    expect(info(program).congestionWindow).toBe(5000);
    expect(info(program).retransmits).toBe(2);
    script.lab.end();
  });

  test('duplicates of the same window do not begin it again', () => {
    const { script, program } = passive();
    program.send(new Uint8Array(10_000));
    script.lab.run(0.201);
    script.gets('. 1:1(0) ack 10001 win 65535');
    program.send(new Uint8Array(2000));
    script.sent();
    script.gets(...Array.from({ length: 3 }, () => '. 1:1(0) ack 10001 win 65535'));
    script.expects();
    script.lab.end();
  });

  test('an ACK that changes the window or brings data is no duplicate', () => {
    const { script, program } = passive();
    program.send(new Uint8Array(10_000));
    script.sent();
    for (let i = 1; i < 8; i++) script.gets(`. 1:1(0) ack 1 win ${60_000 - i * 100}`);
    script.gets(...Array.from({ length: 5 }, (_, i) => `P. ${1 + i}:${2 + i}(1) ack 1 win 59300`));
    expect(info(program).retransmits).toBe(0);
    script.lab.end();
  });
});
