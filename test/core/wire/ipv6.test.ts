import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatIp6, readIp6 } from '../../../src/core/wire/address.ts';
import { faultKind, faultLayer, faultNeeded, KIND, LAYER, NO_FAULT } from '../../../src/core/wire/fault.ts';
import * as ipv6 from '../../../src/core/wire/ipv6.ts';
import { parseIp6 } from '../../../src/core/wire/parse-ip.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes, truth } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';

// Frame 2 of ipv6_options.pcap of PcapPlusPlus.
const KNOWN = hex(
  '60000000 0030 2b 05 2200000000000244 02123ffffeae22f7 2200000000000211 0002000000000002 3a04',
);
const HEADER: ipv6.Ipv6Header = {
  version: 6,
  trafficClass: 0,
  flowLabel: 0,
  payloadLength: 48,
  nextHeader: 43,
  hopLimit: 5,
  src: parseIp6('2200::244:212:3fff:feae:22f7'),
  dst: parseIp6('2200:0:0:211:2::2'),
};

const byte = fc.nat(255);
const word32 = fc.nat({ max: 0xffffffff });
const ips = fc.record({ a: word32, b: word32, c: word32, d: word32 });
const labels = fc.nat(0xfffff);

function packet(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(KNOWN.subarray(0, Math.min(length, KNOWN.length)));
  return bytes;
}

function first(name: string): DataView {
  return viewOf((packetsOf(captureBytes(name))[0] as { bytes: Uint8Array }).bytes);
}

describe('IPv6, RFC 8200', () => {
  test('a known header is taken apart', () => {
    const view = viewOf(packet(88));
    expect(ipv6.check(view, 0, 88)).toBe(NO_FAULT);
    expect(ipv6.read(view, 0)).toEqual(HEADER);
    expect(ipv6.payloadEnd(view, 0, 88)).toBe(88);
    expect(readIp6(view, ipv6.srcAt(0))).toEqual(HEADER.src);
    expect(readIp6(view, ipv6.dstAt(0))).toEqual(HEADER.dst);
  });

  test('and put together', () => {
    const bytes = new Uint8Array(90).fill(0xee);
    ipv6.write(viewOf(bytes), 1, 89, HEADER.src, HEADER.dst, 43, 5, 0, 0);
    expect(toHex(bytes.slice(0, 42))).toBe(`ee${toHex(KNOWN.slice(0, 40))}ee`);
  });

  test('traffic class and flow label lie across bytes', () => {
    const view = viewOf(packet(88));
    view.setUint32(0, 0x6ab12345);
    expect(ipv6.read(view, 0)).toMatchObject({ version: 6, trafficClass: 0xab, flowLabel: 0x12345 });
    expect(ipv6.ecn(view, 0)).toBe(3);
  });

  test.each(['kernel/ipv6-underlay.pcap', 'kernel/ipv6-underlay-multicast.pcap'])(
    '%s: addresses and next header are what tshark reads',
    (name) => {
      const packets = packetsOf(captureBytes(name));
      let seen = 0;
      for (const [i, row] of truth(name).entries()) {
        if (!(row['frame.protocols'] ?? '').startsWith('eth:ethertype:ipv6:')) continue;
        const bytes = (packets[i] as { bytes: Uint8Array }).bytes;
        const view = viewOf(bytes);
        const outer = (column: string): string => (row[column] ?? '').split(';')[0] ?? '';
        expect(ipv6.check(view, 14, bytes.length)).toBe(NO_FAULT);
        expect(formatIp6(ipv6.src(view, 14))).toBe(outer('ipv6.src'));
        expect(formatIp6(ipv6.dst(view, 14))).toBe(outer('ipv6.dst'));
        expect(ipv6.nextHeader(view, 14)).toBe(Number(outer('ipv6.nxt')));
        expect(ipv6.payloadEnd(view, 14, bytes.length)).toBe(bytes.length);
        seen++;
      }
      expect(seen).toBeGreaterThan(5);
    },
  );
});

describe('what IPv6 refuses', () => {
  test('every truncation: a short header, then an overrun of the payload length', () => {
    for (let end = 0; end < 88; end++) {
      const f = ipv6.check(viewOf(packet(end)), 0, end);
      expect([faultLayer(f), faultKind(f), faultNeeded(f)]).toEqual([
        LAYER.ipv6,
        end < 40 ? KIND.short : KIND.overrun,
        end < 40 ? 40 : 88,
      ]);
    }
  });

  test('headers that other programs keep for being short or lying (tcpdump)', () => {
    for (const name of ['ipv6_39_byte_header', 'ipv6_invalid_length']) {
      const view = first(`public/tcpdump/${name}.pcap`);
      const f = ipv6.check(view, 14, view.byteLength);
      expect([faultKind(f), faultNeeded(f)]).toEqual([KIND.short, 40]);
    }
    const view = first('public/tcpdump/ipv6-next-header-oobr-1.pcap');
    const f = ipv6.check(view, 0, view.byteLength);
    expect([faultKind(f), faultNeeded(f)]).toEqual([KIND.overrun, 40 + 0x3030]);
  });

  test('every version but 6', () => {
    for (let version = 0; version < 16; version++) {
      const bytes = packet(88);
      bytes[0] = version << 4;
      const f = ipv6.check(viewOf(bytes), 0, 88);
      expect([faultKind(f), faultNeeded(f)]).toEqual(version === 6 ? [0, 0] : [KIND.version, version]);
    }
  });

  test('every payload length, against 48 bytes', () => {
    const view = viewOf(packet(88));
    for (let length = 0; length <= 0xffff; length++) {
      view.setUint16(4, length);
      const f = ipv6.check(view, 0, 88);
      if (length <= 48 ? f !== NO_FAULT : faultKind(f) !== KIND.overrun || faultNeeded(f) !== 40 + length)
        expect.fail(`payload length ${length} gave ${f}`);
    }
  });

  test('random bytes never throw, and what passes can be read', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 100, size: 'max' }),
        fc.nat(20),
        fc.boolean(),
        (bytes, skip, six) => {
          const at = Math.min(skip, bytes.length);
          if (six && bytes.length - at > 5) bytes.set([0x60, 0, 0, 0, 0, (bytes[at + 5] as number) & 63], at);
          const view = viewOf(bytes);
          if (ipv6.check(view, at, bytes.length) !== NO_FAULT) return;
          expect(ipv6.read(view, at).version).toBe(6);
          expect(ipv6.payloadEnd(view, at, bytes.length)).toBeLessThanOrEqual(bytes.length);
        },
      ),
    );
  });
});

describe('where an IPv6 payload ends', () => {
  test('at the payload length: what follows is padding', () => {
    const view = viewOf(packet(100));
    expect(ipv6.payloadEnd(view, 0, 100)).toBe(88);
  });

  test('a length of 0 takes all that is there, as in a jumbogram and in BIG TCP', () => {
    for (const name of ['ipv6_jumbogram_1', 'bigtcp-ipv6-hbh']) {
      const view = first(`public/tcpdump/${name}.pcap`);
      expect(ipv6.payloadLength(view, 14)).toBe(0);
      expect(ipv6.check(view, 14, view.byteLength)).toBe(NO_FAULT);
      expect(ipv6.payloadEnd(view, 14, view.byteLength)).toBe(view.byteLength);
    }
  });

  test('with no next header a length of 0 is the truth', () => {
    const bytes = packet(60);
    bytes.set([0, 0, 59], 4);
    expect(ipv6.payloadEnd(viewOf(bytes), 0, 60)).toBe(40);
  });
});

describe('IPv6 writers', () => {
  test('what write makes, read gives back', () => {
    fc.assert(
      fc.property(
        ips,
        ips,
        byte,
        byte,
        byte,
        labels,
        fc.nat(100),
        (src, dst, next, hops, tc, label, payload) => {
          const end = 44 + payload;
          const view = viewOf(new Uint8Array(end).fill(0xff));
          ipv6.write(view, 4, end, src, dst, next, hops, tc, label);
          expect(ipv6.check(view, 4, end)).toBe(NO_FAULT);
          expect(ipv6.read(view, 4)).toEqual({
            version: 6,
            trafficClass: tc,
            flowLabel: label,
            payloadLength: payload,
            nextHeader: next,
            hopLimit: hops,
            src,
            dst,
          });
        },
      ),
    );
  });

  test('writeRaw gives back any 40 bytes, sense or nonsense', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 40, maxLength: 40 }), (bytes) => {
        const copy = new Uint8Array(40);
        ipv6.writeRaw(viewOf(copy), 0, ipv6.read(viewOf(bytes), 0));
        expect(toHex(copy)).toBe(toHex(bytes));
      }),
    );
  });

  test('writeRaw cuts what is too wide', () => {
    const bytes = new Uint8Array(40);
    ipv6.writeRaw(viewOf(bytes), 0, { ...HEADER, version: 0x16, trafficClass: 0x1ab, flowLabel: 0x112345 });
    expect(toHex(bytes.slice(0, 4))).toBe('6ab12345');
  });

  test('setEcn and decrementHopLimit change their own bits', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 40, maxLength: 40 }),
        fc.nat(3),
        fc.integer({ min: 1, max: 255 }),
        (bytes, ecn, hops) => {
          bytes[7] = hops;
          const view = viewOf(bytes);
          const before = ipv6.read(view, 0);
          ipv6.setEcn(view, 0, ecn);
          ipv6.decrementHopLimit(view, 0);
          expect(ipv6.ecn(view, 0)).toBe(ecn);
          expect(ipv6.read(view, 0)).toEqual({
            ...before,
            trafficClass: (before.trafficClass & 0xfc) | ecn,
            hopLimit: hops - 1,
          });
        },
      ),
    );
  });
});
