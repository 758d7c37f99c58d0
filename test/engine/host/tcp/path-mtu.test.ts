import { describe, expect, test } from 'vitest';
import * as ipv4 from '../../../../src/core/wire/ipv4.ts';
import { parseIp } from '../../../../src/core/wire/parse-ip.ts';
import { viewOf } from '../../../support/bytes.ts';
import { gateway, Lab, pattern } from '../../../support/lab.ts';
import { dial, Program, Server, seat } from './pair.ts';
import { icmp, passive } from './script.ts';

describe('path MTU', () => {
  for (const [family, to] of [
    ['IPv4', '10.0.2.1'],
    ['IPv6', 'fd02::1'],
  ] as const) {
    test(`${family}: a narrow link behind a router is found and everything arrives (RFC 1191, RFC 8201)`, () => {
      const lab = new Lab();
      const a = lab.host('a');
      const r = lab.host('r', { forwarding: true });
      const b = lab.host('b');
      lab.wire(a, { ips: ['10.0.1.1/24', 'fd01::1/64'] }, r, { ips: ['10.0.1.254/24', 'fd01::fe/64'] });
      lab.wire(r, { ips: ['10.0.2.254/24', 'fd02::fe/64'], mtu: 1300 }, b, {
        ips: ['10.0.2.1/24', 'fd02::1/64'],
        mtu: 1300,
      });
      for (const via of ['10.0.1.254', 'fd01::fe']) gateway(a, via);
      for (const via of ['10.0.2.254', 'fd02::fe']) gateway(b, via);
      const tcp = seat(a);
      const tcpB = seat(b);
      // The peer's MSS option hides the narrow link: as where a tunnel lies in the middle of the path.
      const server = new Server(tcpB, 80);
      Object.defineProperty(b.interfaces[0], 'mtu', { value: 1500 });
      const client = dial(tcp, parseIp(to), 80);
      lab.run(0);
      client.send(pattern(200_000), true);
      lab.run(5);
      expect(Buffer.compare(server.first.bytes, pattern(200_000))).toBe(0);
      expect(client.error).toBe(null);
      expect(client.socket.info().mss).toBe(1300 - (family === 'IPv4' ? 40 : 60) - 12);
      lab.end();
    });
  }

  test("don't fragment is set on all of TCP", () => {
    const { script, program } = passive();
    program.send(new Uint8Array(100));
    for (const { bytes } of script.lab.sent) {
      if (bytes[23] === 6) expect(ipv4.dontFragment(viewOf(bytes), 14)).toBe(true);
    }
    script.lab.end();
  });

  test('"fragmentation needed" cuts what is in flight anew, at once and without a smaller window', () => {
    const { script, program } = passive('mss 1400,sackOK');
    program.send(new Uint8Array(4200));
    script.sent();
    const { congestionWindow } = program.socket.info();
    icmp(script, 3, 4, 1000);
    expect(script.sent().map((line) => line.split(' ')[1])).toEqual([
      '1:961(960)',
      '961:1921(960)',
      '1921:2881(960)',
      '2881:3841(960)',
      '3841:4201(360)',
    ]);
    expect(program.socket.info().congestionWindow).toBe(congestionWindow);
    script.gets('. 1:1(0) ack 4201 win 65535');
    expect(program.socket.unacknowledged).toBe(0);
    script.lab.end();
  });

  test('what it says about a segment that is not in flight does not touch the connection', () => {
    const { script, program } = passive('mss 1400,sackOK');
    program.send(new Uint8Array(4200));
    script.gets('. 1:1(0) ack 4201 win 65535');
    script.sent();
    icmp(script, 3, 4, 1000);
    script.expects();
    program.send(new Uint8Array(2000));
    expect(script.sent()[0]).toContain('(960)');
    script.lab.end();
  });

  test('a write in a program that ends on the wire in one instant', () => {
    const { script } = passive('mss 1400', undefined, () => Object.assign(new Program(), { echoes: true }));
    script.gets('FP. 1:11(10) ack 1 win 65535');
    script.expects('. 1:1(0) ack 12', 'P. 1:11(10) ack 12', 'F. 11:11(0) ack 12');
    script.lab.end();
  });
});
