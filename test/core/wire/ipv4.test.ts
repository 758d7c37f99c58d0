import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatIp4 } from '../../../src/core/wire/address.ts';
import { finish, sum } from '../../../src/core/wire/checksum.ts';
import {
  fault,
  faultKind,
  faultLayer,
  faultNeeded,
  KIND,
  LAYER,
  NO_FAULT,
} from '../../../src/core/wire/fault.ts';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import { parseIp4 } from '../../../src/core/wire/parse-ip.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes, truth } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';

// The outer header of Open vSwitch's tunnel-push-pop.at, vector A.
const KNOWN = hex('4500004e 00010000 401173e9 0101025c 01010258');
const HEADER: ipv4.Ipv4Header = {
  version: 4,
  headerLength: 20,
  tos: 0,
  totalLength: 78,
  id: 1,
  reserved: false,
  dontFragment: false,
  moreFragments: false,
  fragmentOffset: 0,
  ttl: 64,
  protocol: 17,
  checksum: 0x73e9,
  src: parseIp4('1.1.2.92'),
  dst: parseIp4('1.1.2.88'),
};
// The IGMPv3 report of kernel/mcast3-underlay.pcap, frame 1: a router alert in a header of 24 bytes.
const ALERT = hex('46c00028 00004000 0102d9c2 c6336403 e0000016 94040000');

const byte = fc.nat(255);
const word = fc.nat(0xffff);
const ips = fc.nat({ max: 0xffffffff });
const headers = fc.record({
  src: ips,
  dst: ips,
  proto: byte,
  ttl: byte,
  tos: byte,
  id: word,
  df: fc.boolean(),
});

/** A whole packet of `length` bytes, zeros behind the known header. */
function packet(length = 78): Uint8Array {
  const bytes = new Uint8Array(length);
  bytes.set(KNOWN.subarray(0, Math.min(20, length)));
  return bytes;
}

function full(view: DataView, at: number): number {
  const copy = new Uint8Array(view.buffer.slice(view.byteOffset + at, view.byteOffset + at + 60));
  const header = viewOf(copy);
  header.setUint16(10, 0);
  return finish(sum(header, 0, ipv4.headerLength(view, at)));
}

/** A valid header from random bytes, with 0 to 40 bytes of options, and room behind it. */
const anyHeader = fc
  .tuple(fc.uint8Array({ minLength: 64, maxLength: 64 }), fc.integer({ min: 5, max: 15 }))
  .map(([bytes, ihl]) => {
    bytes[0] = 0x40 | ihl;
    const view = viewOf(bytes);
    view.setUint16(10, full(view, 0));
    return view;
  });

function kindOf(view: DataView, end = view.byteLength): [number, number] {
  const f = ipv4.check(view, 0, end);
  expect(f === NO_FAULT || faultLayer(f) === LAYER.ipv4).toBe(true);
  return [faultKind(f), faultNeeded(f)];
}

describe('IPv4, RFC 791', () => {
  test('a known header is taken apart', () => {
    const view = viewOf(packet());
    expect(ipv4.check(view, 0, 78)).toBe(NO_FAULT);
    expect(ipv4.read(view, 0)).toEqual(HEADER);
    expect(ipv4.checksumOk(view, 0)).toBe(true);
    expect(ipv4.payloadEnd(view, 0, 78)).toBe(78);
    expect(ipv4.isFragment(view, 0)).toBe(false);
  });

  test('and put together, checksum included', () => {
    const bytes = new Uint8Array(80).fill(0xee);
    ipv4.write(viewOf(bytes), 1, 79, HEADER.src, HEADER.dst, 17, 64, 0, 1, false);
    expect(toHex(bytes.slice(0, 22))).toBe(`ee${toHex(KNOWN)}ee`);
  });

  test('a header with the router alert, as the Linux kernel sends it', () => {
    const bytes = new Uint8Array(40);
    ipv4.writeAlert(viewOf(bytes), 0, 40, parseIp4('198.51.100.3'), parseIp4('224.0.0.22'), 2, 1, 0xc0, 0);
    expect(toHex(bytes.slice(0, 24))).toBe(toHex(ALERT));
    expect(ipv4.check(viewOf(bytes), 0, 40)).toBe(NO_FAULT);
    expect(ipv4.headerLength(viewOf(bytes), 0)).toBe(24);
    expect(ipv4.checksumOk(viewOf(bytes), 0)).toBe(true);
    expect(ipv4.readOptions(viewOf(bytes), 0)).toEqual([{ type: 0x94, at: 20, length: 4 }]);
  });

  test.each(['docker-swarm/traffic-underlay.pcap', 'kernel/outer-frag.pcap', 'kernel/mcast3-underlay.pcap'])(
    '%s: every field of each outer header is what tshark reads',
    (name) => {
      const packets = packetsOf(captureBytes(name));
      let seen = 0;
      for (const [i, row] of truth(name).entries()) {
        if (!(row['frame.protocols'] ?? '').startsWith('eth:ethertype:ip:')) continue;
        const bytes = (packets[i] as { bytes: Uint8Array }).bytes;
        const view = viewOf(bytes);
        expect(ipv4.check(view, 14, bytes.length)).toBe(NO_FAULT);
        const outer = (column: string): string => (row[column] ?? '').split(';')[0] ?? '';
        const h = ipv4.read(view, 14);
        expect([formatIp4(h.src), formatIp4(h.dst)]).toEqual([outer('ip.src'), outer('ip.dst')]);
        // tshark tells the offset in units of eight bytes.
        const offset = h.fragmentOffset / 8;
        const flags = [Number(h.dontFragment), Number(h.moreFragments)];
        expect([h.totalLength, h.id, ...flags, offset, h.ttl, h.tos, h.protocol]).toEqual(
          ['len', 'id', 'flags.df', 'flags.mf', 'frag_offset', 'ttl', 'dsfield', 'proto'].map((column) =>
            Number(outer(`ip.${column}`)),
          ),
        );
        expect(ipv4.isFragment(view, 14)).toBe(h.moreFragments || h.fragmentOffset > 0);
        expect(ipv4.checksumOk(view, 14)).toBe(true);
        seen++;
      }
      expect(seen).toBeGreaterThan(9);
    },
  );
});

describe('what IPv4 refuses', () => {
  test('every truncation: a short header, then an overrun of the total length', () => {
    for (let end = 0; end < 78; end++)
      expect(kindOf(viewOf(packet(end)))).toEqual(end < 20 ? [KIND.short, 20] : [KIND.overrun, 78]);
    for (let end = 20; end < 24; end++)
      expect(kindOf(viewOf(ALERT.slice(0, end)))).toEqual([KIND.overrun, 24]);
  });

  test('every version but 4', () => {
    for (let version = 0; version < 16; version++) {
      const bytes = packet();
      bytes[0] = (version << 4) | 5;
      expect(kindOf(viewOf(bytes))).toEqual(version === 4 ? [0, 0] : [KIND.version, version]);
    }
  });

  test('every header length, against 40 bytes', () => {
    const bytes = packet(40);
    bytes[3] = 40;
    for (let ihl = 0; ihl < 16; ihl++) {
      bytes[0] = 0x40 | ihl;
      const expected = ihl < 5 ? [KIND.underrun, ihl * 4] : ihl > 10 ? [KIND.overrun, ihl * 4] : [0, 0];
      expect(kindOf(viewOf(bytes))).toEqual(expected);
    }
  });

  test('every total length, against 78 bytes; 0 means all that is there', () => {
    const view = viewOf(packet());
    for (let total = 0; total <= 0xffff; total++) {
      view.setUint16(2, total);
      let expected: number = NO_FAULT;
      if (total > 78) expected = fault(LAYER.ipv4, KIND.overrun, total);
      else if (total > 0 && total < 20) expected = fault(LAYER.ipv4, KIND.underrun, total);
      if (ipv4.check(view, 0, 78) !== expected) expect.fail(`total length ${total} is judged wrongly`);
    }
    view.setUint16(2, 0);
    expect(ipv4.payloadEnd(view, 0, 78)).toBe(78);
    view.setUint16(2, 30);
    expect(ipv4.payloadEnd(view, 0, 78)).toBe(30);
  });

  test('a total length that ends inside the options', () => {
    const bytes = new Uint8Array(40);
    bytes.set(ALERT);
    viewOf(bytes).setUint16(2, 23);
    expect(kindOf(viewOf(bytes))).toEqual([KIND.underrun, 23]);
  });

  test('a malformed packet that another library keeps for its tests (PcapPlusPlus)', () => {
    const packets = packetsOf(captureBytes('public/pcapplusplus/ipv4-malformed.pcap'));
    const f = ipv4.check(viewOf((packets[0] as { bytes: Uint8Array }).bytes), 14, 217);
    expect([faultKind(f), faultNeeded(f)]).toEqual([KIND.underrun, 11]);
  });

  test('random bytes never throw, and what passes can be read', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80, size: 'max' }), fc.nat(20), byte, (bytes, skip, first) => {
        const at = Math.min(skip, bytes.length);
        if (at < bytes.length && first < 128) bytes[at] = 0x40 | (first & 15);
        const view = viewOf(bytes);
        if (ipv4.check(view, at, bytes.length) !== NO_FAULT) return;
        expect(ipv4.payloadEnd(view, at, bytes.length)).toBeLessThanOrEqual(bytes.length);
        expect(ipv4.read(view, at).version).toBe(4);
        ipv4.checksumOk(view, at);
        ipv4.readOptions(view, at);
      }),
    );
  });
});

describe('IPv4 options', () => {
  function options(text: string): ipv4.Ipv4Option[] {
    const list = hex(text);
    const bytes = new Uint8Array(60);
    bytes.set(KNOWN);
    bytes.set(list, 20);
    bytes[0] = 0x40 | (5 + list.length / 4);
    return ipv4.readOptions(viewOf(bytes), 0);
  }

  test('no-operations stand alone, others have a length, and zero ends the list', () => {
    expect(options('01 44040500 01 00 44')).toEqual([
      { type: 1, at: 20, length: 1 },
      { type: 0x44, at: 21, length: 4 },
      { type: 1, at: 25, length: 1 },
    ]);
    expect([options(''), options('00000000')]).toEqual([[], []]);
    // What stands behind the end would be a whole option.
    expect(options('00020404 44040500')).toEqual([]);
  });

  test('an option that fills the last byte is whole', () => {
    expect(options('44080500 00000000')).toEqual([{ type: 0x44, at: 20, length: 8 }]);
    expect(options('01010101')).toHaveLength(4);
  });

  test('the list ends where a length lies: 0, 1, beyond the header, or not there', () => {
    for (const lie of ['44000000', '44010000', '44050000', '44ff0000', '010101 44'])
      expect(options(lie).filter((o) => o.type !== 1)).toEqual([]);
  });

  test('any option bytes come to an end, inside the header and in order', () => {
    fc.assert(
      fc.property(anyHeader, (view) => {
        let at = 20;
        for (const option of ipv4.readOptions(view, 0)) {
          expect(option.at).toBe(at);
          expect(option.length).toBeGreaterThan(0);
          at += option.length;
        }
        expect(at).toBeLessThanOrEqual(ipv4.headerLength(view, 0));
      }),
    );
  });
});

describe('IPv4 writers', () => {
  test('what write makes passes check, adds up, and is read back', () => {
    fc.assert(
      fc.property(headers, fc.nat(100), (h, payload) => {
        const end = 24 + payload;
        const view = viewOf(new Uint8Array(end).fill(0xff));
        ipv4.write(view, 4, end, h.src, h.dst, h.proto, h.ttl, h.tos, h.id, h.df);
        expect(ipv4.check(view, 4, end)).toBe(NO_FAULT);
        expect(ipv4.checksumOk(view, 4)).toBe(true);
        expect(ipv4.checksum(view, 4)).toBe(full(view, 4));
        expect(ipv4.read(view, 4)).toEqual({
          ...HEADER,
          tos: h.tos,
          totalLength: end - 4,
          id: h.id,
          dontFragment: h.df,
          ttl: h.ttl,
          protocol: h.proto,
          checksum: full(view, 4),
          src: h.src,
          dst: h.dst,
        });
        expect([ipv4.dscp(view, 4), ipv4.ecn(view, 4)]).toEqual([h.tos >> 2, h.tos & 3]);
      }),
    );
  });

  test('the longest packet and addresses from bitwise operations', () => {
    const view = viewOf(new Uint8Array(65535));
    ipv4.write(view, 0, 65535, -1, 0xe0000001 | 0, 255, 255, 255, 0xffff, true);
    expect(ipv4.read(view, 0)).toMatchObject({
      totalLength: 65535,
      tos: 255,
      src: 0xffffffff,
      dst: 0xe0000001,
    });
    expect(ipv4.checksumOk(view, 0)).toBe(true);
  });

  test('writeAlert passes check, adds up, and does not fragment', () => {
    fc.assert(
      fc.property(headers, (h) => {
        const view = viewOf(new Uint8Array(40));
        ipv4.writeAlert(view, 0, 40, h.src, h.dst, h.proto, h.ttl, h.tos, h.id);
        expect(ipv4.check(view, 0, 40)).toBe(NO_FAULT);
        expect(ipv4.checksumOk(view, 0)).toBe(true);
        expect(ipv4.read(view, 0)).toMatchObject({ headerLength: 24, totalLength: 40, dontFragment: true });
      }),
    );
  });

  test('writeRaw gives back any 20 bytes, sense or nonsense', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 20, maxLength: 20 }), (bytes) => {
        const copy = new Uint8Array(20);
        ipv4.writeRaw(viewOf(copy), 0, ipv4.read(viewOf(bytes), 0));
        expect(toHex(copy)).toBe(toHex(bytes));
      }),
    );
  });

  test('writeRaw writes a lie as told', () => {
    const bytes = new Uint8Array(20);
    const lies = {
      ...HEADER,
      version: 15,
      headerLength: 0,
      totalLength: 3,
      reserved: true,
      checksum: 0xdead,
    };
    ipv4.writeRaw(viewOf(bytes), 0, lies);
    expect(ipv4.read(viewOf(bytes), 0)).toEqual(lies);
  });
});

describe('IPv4 changed in place', () => {
  /** Applies a change and demands the checksum that a full computation gives, and no other byte touched. */
  function keepsSum(view: DataView, from: number, to: number, change: () => void): void {
    const before = new Uint8Array(view.buffer.slice(0));
    change();
    expect(ipv4.checksum(view, 0)).toBe(full(view, 0));
    const after = new Uint8Array(view.buffer);
    for (let i = 0; i < after.length; i++)
      if (i !== 10 && i !== 11 && (i < from || i >= to)) expect(after[i]).toBe(before[i]);
  }

  test('setEcn', () => {
    fc.assert(
      fc.property(anyHeader, fc.nat(3), (view, ecn) => {
        const dscp = ipv4.dscp(view, 0);
        keepsSum(view, 1, 2, () => ipv4.setEcn(view, 0, ecn));
        expect([ipv4.dscp(view, 0), ipv4.ecn(view, 0)]).toEqual([dscp, ecn]);
      }),
    );
  });

  test('decrementTtl', () => {
    fc.assert(
      fc.property(anyHeader, fc.integer({ min: 1, max: 255 }), (view, ttl) => {
        view.setUint8(8, ttl);
        view.setUint16(10, full(view, 0));
        keepsSum(view, 8, 9, () => ipv4.decrementTtl(view, 0));
        expect(ipv4.ttl(view, 0)).toBe(ttl - 1);
      }),
    );
  });

  test('setSrc and setDst', () => {
    fc.assert(
      fc.property(anyHeader, ips, ips, (view, src, dst) => {
        keepsSum(view, 12, 16, () => ipv4.setSrc(view, 0, src));
        keepsSum(view, 16, 20, () => ipv4.setDst(view, 0, dst | 0));
        expect([ipv4.src(view, 0), ipv4.dst(view, 0)]).toEqual([src, dst]);
      }),
    );
  });

  test('setFragment', () => {
    fc.assert(
      fc.property(anyHeader, fc.nat(8191), fc.boolean(), (view, units, more) => {
        const end = Math.max(ipv4.headerLength(view, 0), 40);
        keepsSum(view, 2, 8, () => ipv4.setFragment(view, 0, end, units * 8, more));
        expect(ipv4.read(view, 0)).toMatchObject({
          totalLength: end,
          reserved: false,
          dontFragment: false,
          moreFragments: more,
          fragmentOffset: units * 8,
        });
        expect(ipv4.isFragment(view, 0)).toBe(more || units > 0);
      }),
    );
  });

  test('a checksum that was wrong stays wrong', () => {
    fc.assert(
      fc.property(anyHeader, fc.integer({ min: 1, max: 0xfffe }), ips, (view, error, src) => {
        view.setUint16(10, finish((~ipv4.checksum(view, 0) & 0xffff) + error));
        expect(ipv4.checksumOk(view, 0)).toBe(false);
        ipv4.setSrc(view, 0, src);
        ipv4.setEcn(view, 0, 3);
        expect(ipv4.checksumOk(view, 0)).toBe(false);
      }),
    );
  });
});
