import { describe, expect, test } from 'vitest';
import { parseIp } from '../../../../src/core/wire/parse-ip.ts';
import { Lab, pattern } from '../../../support/lab.ts';
import { A, B, B6, cable, dial, Program, Server, seat } from './pair.ts';

describe('a connection', () => {
  for (const [name, to] of [
    ['IPv4', B],
    ['IPv6', B6],
  ] as const) {
    test(`${name}: opens, carries bytes both ways, closes, and leaves nothing behind`, () => {
      const { lab, tcpA, tcpB } = cable();
      const server = new Server(tcpB, 80, {}, () => Object.assign(new Program(), { echoes: true }));
      const client = dial(tcpA, to, 80);
      expect(client.socket.state).toBe('SYN-SENT');
      lab.run(0.1);
      expect(client.told).toEqual(['connected']);
      expect(server.first.socket.state).toBe('ESTABLISHED');
      client.send(pattern(100_000), true);
      lab.run(5);
      expect(client.bytes).toEqual(pattern(100_000));
      expect([client.error, server.first.error]).toEqual([null, null]);
      expect([tcpA.retransmits, tcpB.retransmits]).toEqual([0, 0]);
      expect([tcpA.size, tcpB.size]).toEqual([1, 1]);
      lab.run(60);
      server.listener.close();
      expect([tcpA.size, tcpB.size]).toEqual([0, 0]);
      expect(lab.clock.pending).toBeLessThanOrEqual(2);
      lab.end();
    });
  }

  test('nobody listens: ECONNREFUSED', () => {
    const { lab, tcpA } = cable();
    const client = dial(tcpA, B, 81);
    lab.run(1);
    expect(client.told).toEqual(['closed ECONNREFUSED']);
    expect(tcpA.size).toBe(0);
    lab.end();
  });

  test('abort: the peer hears ECONNRESET, the caller nothing', () => {
    const { lab, tcpA, tcpB } = cable();
    const server = new Server(tcpB, 80);
    const client = dial(tcpA, B, 80);
    lab.run(0.1);
    client.socket.abort();
    lab.run(0.1);
    expect(client.told).toEqual(['connected']);
    expect(server.first.told).toEqual(['closed ECONNRESET']);
    lab.end();
  });

  test('nobody is on the link: EHOSTUNREACH when ARP has given up, and no route: ENETUNREACH', () => {
    const { lab, tcpA } = cable();
    const lost = dial(tcpA, parseIp('10.0.0.9'), 80);
    const nowhere = dial(tcpA, parseIp('192.0.2.1'), 80);
    expect(nowhere.told).toEqual([]);
    lab.run(2.9);
    expect(nowhere.told).toEqual(['closed ENETUNREACH']);
    expect(lost.told).toEqual([]);
    lab.run(0.2);
    expect(lost.told).toEqual(['closed EHOSTUNREACH']);
    lab.end();
  });

  test('to the host itself, by its own address and by 127.0.0.1', () => {
    const { lab, tcpA } = cable();
    new Server(tcpA, 80, {}, () => Object.assign(new Program(), { echoes: true }));
    for (const to of [A, parseIp('127.0.0.1'), parseIp('::1')]) {
      const client = dial(tcpA, to, 80);
      lab.run(0.1);
      client.send(pattern(300_000), true);
      lab.run(1);
      expect(client.bytes).toEqual(pattern(300_000));
      expect(client.error).toBe(null);
    }
    expect(tcpA.retransmits).toBe(0);
    lab.end();
  });

  test('over a veth, where no time passes, nothing is told from inside a call', () => {
    const lab = new Lab();
    const a = lab.host('a');
    const b = lab.host('b');
    lab.wire(a, { ips: ['10.0.0.1/24'] }, b, { ips: ['10.0.0.2/24'] });
    const tcpA = seat(a);
    const server = new Server(seat(b), 80, {}, () => Object.assign(new Program(), { echoes: true }));
    const client = dial(tcpA, B, 80);
    expect(client.told).toEqual([]);
    lab.run(0);
    expect(client.told).toEqual(['connected']);
    client.send(pattern(50));
    expect(client.told).toEqual(['connected']);
    lab.run(0);
    expect(client.told).toEqual(['connected', 'readable']);
    client.send(pattern(1_000_000), true);
    lab.run(1);
    expect(client.received).toBe(1_000_050);
    expect(server.first.bytes.subarray(50)).toEqual(pattern(1_000_000));
    expect(client.error).toBe(null);
    lab.end();
  });
});
