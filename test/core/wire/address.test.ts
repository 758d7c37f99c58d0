import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Ip6 } from '../../../src/core/wire/address.ts';
import {
  compareIp,
  formatIp,
  formatIp4,
  formatIp6,
  formatMac,
  groupMac4,
  groupMac6,
  IP6_ANY,
  isGroupMac,
  isIp6,
  isMulticastIp4,
  isMulticastIp6,
  linkLocal,
  MAC_BROADCAST,
  mac,
  macHi,
  macLo,
  parseMac,
  readIp6,
  readMac,
  sameIp,
  solicitedNode,
  writeIp6,
  writeMac,
} from '../../../src/core/wire/address.ts';
import { parseIp, parseIp4, parseIp6 } from '../../../src/core/wire/parse-ip.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';

const word = fc.oneof(fc.nat({ max: 0xffffffff }), fc.constantFrom(0, 1, 0xffff, 0x10000, 0xffffffff));
const ip6 = fc.record({ a: word, b: word, c: word, d: word });
const macs = fc.nat({ max: MAC_BROADCAST });

function code(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'no error';
}

describe('MAC addresses', () => {
  test('text and number, both ways', () => {
    expect(parseMac('02:42:0a:00:01:02')).toBe(0x02420a000102);
    expect(parseMac('02-42-0A-00-01-02')).toBe(0x02420a000102);
    expect(formatMac(0x02420a000102)).toBe('02:42:0a:00:01:02');
    expect(formatMac(0)).toBe('00:00:00:00:00:00');
    expect(formatMac(MAC_BROADCAST)).toBe('ff:ff:ff:ff:ff:ff');
    fc.assert(
      fc.property(macs, (m) => {
        expect(parseMac(formatMac(m))).toBe(m);
      }),
    );
  });

  test.each([
    '',
    '02:42:0a:00:01',
    '02:42:0a:00:01:02:03',
    '2:42:a:0:1:2',
    '02420a000102',
    '02:42:0a:00:01:0g',
    ' 02:42:0a:00:01:02',
    '02:42:0a:00:01:02\n',
  ])('%j is no MAC', (text) => {
    expect(code(() => parseMac(text))).toBe('BAD_MAC');
    expect(() => parseMac(text)).toThrow(`"${text}" is not a MAC address`);
  });

  test('halves and wire bytes agree with the whole', () => {
    fc.assert(
      fc.property(macs, (m) => {
        const bytes = new Uint8Array(9).fill(0xaa);
        const view = viewOf(bytes);
        writeMac(view, 1, m);
        expect(toHex(bytes)).toBe(`aa${m.toString(16).padStart(12, '0')}aaaa`);
        expect(readMac(view, 1)).toBe(m);
        expect(mac(macHi(m), macLo(m))).toBe(m);
        // The low half may come out of a bitwise operation, and is negative then.
        expect(mac(macHi(m), macLo(m) | 0)).toBe(m);
        expect([macHi(m), macLo(m)]).toEqual([view.getUint16(1), view.getUint32(3)]);
      }),
    );
  });

  test('the group bit is the lowest of the first byte', () => {
    expect(isGroupMac(macHi(parseMac('01:00:5e:00:00:01')))).toBe(true);
    expect(isGroupMac(macHi(MAC_BROADCAST))).toBe(true);
    expect(isGroupMac(macHi(parseMac('33:33:00:00:00:01')))).toBe(true);
    expect(isGroupMac(macHi(parseMac('02:01:01:01:01:01')))).toBe(false);
    expect(isGroupMac(macHi(parseMac('fe:ff:ff:ff:ff:ff')))).toBe(false);
  });
});

describe('IPv4 text', () => {
  test('both ways', () => {
    expect(parseIp4('10.0.1.2')).toBe(0x0a000102);
    expect(parseIp4('255.255.255.255')).toBe(0xffffffff);
    expect(parseIp4('0.0.0.0')).toBe(0);
    expect(formatIp4(0xc0a8cb01)).toBe('192.168.203.1');
    expect(formatIp4(0xc0a8cb01 | 0)).toBe('192.168.203.1');
    fc.assert(
      fc.property(word, (ip) => {
        expect(parseIp4(formatIp4(ip))).toBe(ip);
      }),
    );
  });

  test.each([
    '',
    '1.2.3',
    '1.2.3.4.5',
    '256.1.1.1',
    '010.0.0.1',
    '1.2.3.4/24',
    ' 1.2.3.4',
    '1.2.3.4\n',
    '1..2.3',
    '0x1.2.3.4',
    '1.2.3.-4',
    '::1',
  ])('%j is no IPv4 address', (text) => {
    expect(code(() => parseIp4(text))).toBe('BAD_IP');
  });
});

describe('IPv6 text', () => {
  test.each([
    // RFC 5952 s.1, s.2 and s.4, by the rule each stands for.
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8::0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:aaaa:bbbb:cccc:dddd:eeee:AAAA', '2001:db8:aaaa:bbbb:cccc:dddd:eeee:aaaa'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
    ['::ffff:c000:201', '::ffff:192.0.2.1'],
    // RFC 4291 s.2.2.
    ['ABCD:EF01:2345:6789:ABCD:EF01:2345:6789', 'abcd:ef01:2345:6789:abcd:ef01:2345:6789'],
    ['2001:DB8:0:0:8:800:200C:417A', '2001:db8::8:800:200c:417a'],
    ['FF01:0:0:0:0:0:0:101', 'ff01::101'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::FFFF:129.144.52.38', '::ffff:129.144.52.38'],
    // Runs at either end.
    ['0:0:1:2:3:4:5:6', '::1:2:3:4:5:6'],
    ['1:2:3:4:5:6:0:0', '1:2:3:4:5:6::'],
    ['0:1:2:3:4:5:6:0', '0:1:2:3:4:5:6:0'],
  ])('%s is written %s', (text, canonical) => {
    expect(formatIp6(parseIp6(text))).toBe(canonical);
  });

  test('an address with dotted decimal at its end is the same as its hex', () => {
    expect(parseIp6('0:0:0:0:0:0:13.1.68.3')).toEqual({ a: 0, b: 0, c: 0, d: 0x0d014403 });
  });

  test('what format writes, parse reads, and groups written out by hand are the same address', () => {
    fc.assert(
      fc.property(ip6, (ip) => {
        const text = formatIp6(ip);
        expect(parseIp6(text)).toEqual(ip);
        expect(text).toBe(text.toLowerCase());
        const long = [ip.a, ip.b, ip.c, ip.d].map((w) => w.toString(16).padStart(8, '0')).join('');
        expect(parseIp6((long.match(/.{4}/g) as string[]).join(':'))).toEqual(ip);
      }),
    );
  });

  test.each([
    '',
    ':',
    ':::',
    '1::2::3',
    '[::1]',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '::1/64',
    'fe80::1%eth0',
    '::256.1.1.1',
    '::1\n',
    '1.2.3.4',
  ])('%j is no IPv6 address', (text) => {
    expect(code(() => parseIp6(text))).toBe('BAD_IP');
  });
});

describe('either family', () => {
  test('a colon decides how a text is read', () => {
    expect(parseIp('10.0.0.1')).toBe(0x0a000001);
    expect(parseIp('::1')).toEqual({ a: 0, b: 0, c: 0, d: 1 });
    expect(formatIp(parseIp('10.0.0.1'))).toBe('10.0.0.1');
    expect(formatIp(parseIp('2001:db8::1'))).toBe('2001:db8::1');
    expect(code(() => parseIp('web'))).toBe('BAD_IP');
    expect(code(() => parseIp('a:b'))).toBe('BAD_IP');
    expect([isIp6(0), isIp6(IP6_ANY)]).toEqual([false, true]);
  });

  test('two are the same only if every word is, and never across families', () => {
    const ip = parseIp6('1:2:3:4:5:6:7:8');
    expect(sameIp(ip, { ...ip })).toBe(true);
    for (const key of ['a', 'b', 'c', 'd'] as const)
      expect(sameIp(ip, { ...ip, [key]: ip[key] + 1 })).toBe(false);
    expect(sameIp(1, { a: 0, b: 0, c: 0, d: 1 })).toBe(false);
    expect(sameIp({ a: 0, b: 0, c: 0, d: 1 }, 1)).toBe(false);
    expect([sameIp(7, 7), sameIp(7, 8)]).toEqual([true, false]);
  });

  test('sorting puts IPv4 first, then goes by value', () => {
    const sorted = ['0.0.0.1', '10.0.0.2', '255.0.0.0', '::', '::2', '::1:0:1', '2001:db8::', '2001:db8:1::'];
    const shuffled = sorted.toReversed().map(parseIp);
    expect(shuffled.toSorted(compareIp).map(formatIp)).toEqual(sorted);
    expect([compareIp(7, IP6_ANY) < 0, compareIp(IP6_ANY, 7) > 0]).toEqual([true, true]);
    const value = (ip: Ip6): bigint =>
      (BigInt(ip.a) << 96n) | (BigInt(ip.b) << 64n) | (BigInt(ip.c) << 32n) | BigInt(ip.d);
    fc.assert(
      fc.property(ip6, ip6, (x, y) => {
        const expected = value(x) < value(y) ? -1 : value(x) > value(y) ? 1 : 0;
        expect(Math.sign(compareIp(x, y))).toBe(expected);
        expect(sameIp(x, y)).toBe(expected === 0);
      }),
    );
  });

  test('an IPv6 address is its sixteen bytes', () => {
    const bytes = hex('ff 20010db8000000000008 0800200c417a ff');
    expect(formatIp6(readIp6(viewOf(bytes), 1))).toBe('2001:db8::8:800:200c:417a');
    fc.assert(
      fc.property(ip6, (ip) => {
        const view = new DataView(new ArrayBuffer(18));
        writeIp6(view, 1, ip);
        expect(readIp6(view, 1)).toEqual(ip);
        expect([view.getUint8(0), view.getUint8(17)]).toEqual([0, 0]);
      }),
    );
  });
});

describe('multicast', () => {
  test('224.0.0.0/4 and ff00::/8, and nothing beside them', () => {
    for (const text of ['224.0.0.0', '239.255.255.255']) expect(isMulticastIp4(parseIp4(text))).toBe(true);
    for (const text of ['223.255.255.255', '240.0.0.0', '0.0.0.0', '255.255.255.255'])
      expect(isMulticastIp4(parseIp4(text))).toBe(false);
    expect(isMulticastIp6(parseIp6('ff02::1'))).toBe(true);
    expect(isMulticastIp6(parseIp6('fe80::1'))).toBe(false);
  });

  test('the MAC of an IPv4 group keeps 23 bits, so 32 groups share one (RFC 1112 s.6.4)', () => {
    expect(formatMac(groupMac4(parseIp4('224.0.0.22')))).toBe('01:00:5e:00:00:16');
    expect(formatMac(groupMac4(parseIp4('239.255.1.2')))).toBe('01:00:5e:7f:01:02');
    expect(groupMac4(parseIp4('224.128.1.2'))).toBe(groupMac4(parseIp4('239.0.1.2')));
  });

  test('the MAC of an IPv6 group (RFC 2464 s.7), as another host used it', () => {
    expect(formatMac(groupMac6(parseIp6('ff02::1:ff0e:8c6c')))).toBe('33:33:ff:0e:8c:6c');
    const view = viewOf(first('public/pcapplusplus/ip6_fragments.pcap'));
    expect(groupMac6(readIp6(view, 38))).toBe(readMac(view, 0));
  });

  test('the solicited-node group of RFC 4291 s.2.7.1', () => {
    expect(formatIp6(solicitedNode(parseIp6('4037::01:800:200E:8C6C')))).toBe('ff02::1:ff0e:8c6c');
    expect(formatIp6(solicitedNode(parseIp6('fe80::ffff:ffff:ffff:ffff')))).toBe('ff02::1:ffff:ffff');
  });
});

describe('link-local addresses by EUI-64', () => {
  test('RFC 2464 s.4 gives 34-56-78-9A-BC-DE the identifier 36-56-78-FF-FE-9A-BC-DE', () => {
    expect(formatIp6(linkLocal(parseMac('34-56-78-9A-BC-DE')))).toBe('fe80::3656:78ff:fe9a:bcde');
  });

  test('the universal bit is turned, not set (RFC 4291 appendix A)', () => {
    expect(formatIp6(linkLocal(parseMac('02:42:0a:00:01:02')))).toBe('fe80::42:aff:fe00:102');
    expect(formatIp6(linkLocal(parseMac('ff:ff:ff:ff:ff:ff')))).toBe('fe80::fdff:ffff:feff:ffff');
  });

  test('a real host made the same of its MAC', () => {
    const view = viewOf(first('public/pcapplusplus/ip6_fragments.pcap'));
    expect(linkLocal(readMac(view, 6))).toEqual(readIp6(view, 22));
  });
});

function first(name: string): Uint8Array {
  return (packetsOf(captureBytes(name))[0] as { bytes: Uint8Array }).bytes;
}
