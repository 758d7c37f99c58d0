import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { faultKind, faultLayer, faultNeeded, KIND, LAYER, NO_FAULT } from '../../../src/core/wire/fault.ts';
import * as ipv6 from '../../../src/core/wire/ipv6.ts';
import * as extensions from '../../../src/core/wire/ipv6-extensions.ts';
import { PROTO } from '../../../src/core/wire/numbers.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { packetsOf } from '../../support/columns.ts';

const walked = new extensions.ExtensionWalk();

/** Walks bytes that start right behind the fixed header. */
function walk(bytes: Uint8Array, first: number, end: number = bytes.length): extensions.ExtensionWalk {
  extensions.walk(viewOf(bytes), first, 0, end, walked);
  return walked;
}

/** Walks the nth packet of an Ethernet capture. */
function walkCapture(name: string, n: number): extensions.ExtensionWalk {
  const bytes = (packetsOf(captureBytes(name))[n] as { bytes: Uint8Array }).bytes;
  const view = viewOf(bytes);
  extensions.walk(view, ipv6.nextHeader(view, 14), 54, ipv6.payloadEnd(view, 14, bytes.length), walked);
  return walked;
}

/** A chain of destination options of eight bytes each, before UDP. */
function chain(count: number): Uint8Array {
  const bytes = new Uint8Array(count * 8);
  for (let i = 0; i < count; i++) bytes[i * 8] = i === count - 1 ? PROTO.udp : PROTO.destination;
  return bytes;
}

describe('the walk over IPv6 extension headers, RFC 8200 s.4', () => {
  test('hop-by-hop, destination, routing and authentication before OSPF (PcapPlusPlus)', () => {
    const w = walkCapture('public/pcapplusplus/ipv6_options.pcap', 0);
    expect({ ...w }).toEqual({
      protocol: 89,
      at: 54 + 8 + 8 + 24 + 24,
      fragmentAt: -1,
      laterFragment: false,
      jumboLength: 0,
      routerAlert: true,
      fault: NO_FAULT,
      faultAt: 0,
      count: 4,
    });
  });

  test('routing with two segments, and destination options alone', () => {
    expect(walkCapture('public/pcapplusplus/ipv6_options.pcap', 1)).toMatchObject({
      protocol: 58,
      at: 94,
      count: 1,
    });
    expect(walkCapture('public/pcapplusplus/ipv6_options.pcap', 5)).toMatchObject({
      protocol: 17,
      at: 62,
      count: 1,
      routerAlert: false,
    });
  });

  test('the first fragment goes on to its transport; a later one ends the walk', () => {
    expect(walkCapture('public/pcapplusplus/ip6_fragments.pcap', 0)).toMatchObject({
      protocol: 17,
      at: 62,
      fragmentAt: 54,
      laterFragment: false,
    });
    expect(walkCapture('public/pcapplusplus/ip6_fragments.pcap', 1)).toMatchObject({
      protocol: 17,
      at: 62,
      fragmentAt: 54,
      laterFragment: true,
    });
    // The payload of a later fragment looks like an extension header here and must not be walked.
    const w = walk(hex('3c00 0008 00000001 3c00 0000 00000000'), PROTO.fragment);
    expect(w).toMatchObject({ protocol: PROTO.destination, at: 8, laterFragment: true, count: 1 });
    expect(walkCapture('public/tcpdump/ipv6_frag6_negative_len.pcap', 0)).toMatchObject({
      protocol: 2,
      at: 62,
      laterFragment: true,
      fault: NO_FAULT,
    });
  });

  test('no next header, ESP and unknown protocols end the walk where they stand', () => {
    expect(walkCapture('public/tcpdump/ipv6_no_next_header.pcap', 0)).toMatchObject({ protocol: 59, at: 54 });
    for (const protocol of [PROTO.esp, PROTO.none, PROTO.udp, 253])
      expect(walk(hex('3c00000000000000'), protocol)).toMatchObject({ protocol, at: 0, count: 0, fault: 0 });
  });

  test('jumbograms say their length in an option (RFC 2675)', () => {
    expect(walkCapture('public/tcpdump/ipv6_jumbogram_1.pcap', 0)).toMatchObject({
      jumboLength: 0x10000,
      protocol: 58,
    });
    expect(walkCapture('public/tcpdump/bigtcp-ipv6-hbh.pcap', 0)).toMatchObject({
      jumboLength: 80094 - 54,
      protocol: 6,
      at: 62,
    });
  });

  test('a walk forgets the one before it', () => {
    walk(hex('1100 c204 00012345'), PROTO.hopByHop);
    expect(walked.jumboLength).toBe(0x12345);
    walk(hex('1100 0001 00000007'), PROTO.fragment);
    walk(hex('11'), PROTO.fragment);
    expect(walked.fault).not.toBe(NO_FAULT);
    expect(walk(new Uint8Array(0), PROTO.udp)).toEqual({
      ...new extensions.ExtensionWalk(),
      protocol: PROTO.udp,
    });
  });

  test('the protocol numbers that are extension headers (IANA)', () => {
    const yes = [0, 43, 44, 51, 60, 135, 139, 140];
    for (let next = 0; next < 256; next++) expect(extensions.isExtension(next)).toBe(yes.includes(next));
  });

  test('any chain is walked to its end, and each piece counted', () => {
    const piece = fc.record({
      type: fc.constantFrom(
        PROTO.hopByHop,
        PROTO.routing,
        PROTO.destination,
        PROTO.mobility,
        PROTO.hip,
        PROTO.shim6,
        PROTO.ah,
        PROTO.fragment,
      ),
      units: fc.nat(6),
    });
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 32, size: 'max' }), (pieces) => {
        const bytes: number[] = [];
        let fragmentAt = -1;
        pieces.forEach(({ type, units }, i) => {
          const length = type === PROTO.fragment ? 8 : type === PROTO.ah ? (units + 2) * 4 : (units + 1) * 8;
          if (type === PROTO.fragment) fragmentAt = bytes.length;
          const own = new Array<number>(length).fill(0);
          own[0] = pieces[i + 1]?.type ?? PROTO.tcp;
          if (type !== PROTO.fragment) own[1] = units;
          bytes.push(...own);
        });
        const w = walk(Uint8Array.from(bytes), pieces[0]?.type ?? PROTO.tcp);
        expect(w).toMatchObject({
          protocol: PROTO.tcp,
          at: bytes.length,
          count: pieces.length,
          fragmentAt,
          fault: NO_FAULT,
        });
      }),
    );
  });
});

describe('what the walk refuses', () => {
  test('every truncation of a real chain, at the header that is cut', () => {
    const name = 'public/pcapplusplus/ipv6_options.pcap';
    const bytes = (packetsOf(captureBytes(name))[0] as { bytes: Uint8Array }).bytes.slice(54, 118);
    const starts = [0, 8, 16, 40, 64];
    for (let end = 0; end < 64; end++) {
      const w = walk(bytes.slice(0, end), PROTO.hopByHop);
      const i = starts.findIndex((at) => at > end) - 1;
      const at = starts[i] as number;
      const length = (starts[i + 1] as number) - at;
      expect([w.faultAt, w.at, w.count]).toEqual([at, at, i]);
      expect(faultLayer(w.fault)).toBe(LAYER.ipv6);
      expect(faultKind(w.fault)).toBe(end - at < 8 ? KIND.short : KIND.overrun);
      expect(faultNeeded(w.fault)).toBe(end - at < 2 ? 8 : length);
    }
  });

  test('every lie in a length byte', () => {
    for (const type of [PROTO.hopByHop, PROTO.routing, PROTO.destination, PROTO.ah, PROTO.mobility]) {
      for (let units = 0; units < 256; units++) {
        const bytes = new Uint8Array(40);
        bytes[0] = PROTO.none;
        bytes[1] = units;
        const length = type === PROTO.ah ? (units + 2) * 4 : (units + 1) * 8;
        const w = walk(bytes, type);
        if (length <= 40) expect(w).toMatchObject({ fault: NO_FAULT, at: length, protocol: PROTO.none });
        else {
          expect([faultKind(w.fault), faultNeeded(w.fault)]).toEqual([KIND.overrun, length]);
          expect(w).toMatchObject({ protocol: type, at: 0 });
        }
      }
    }
  });

  test('every truncation of a fragment header', () => {
    for (let end = 0; end < 8; end++) {
      const w = walk(hex('1100 0001 00000007').slice(0, end), PROTO.fragment);
      expect([faultKind(w.fault), faultNeeded(w.fault)]).toEqual([KIND.short, 8]);
      expect(w.fragmentAt).toBe(-1);
    }
  });

  test('a chain of 32 headers passes and a longer one is endless', () => {
    expect(walk(chain(32), PROTO.destination)).toMatchObject({ fault: NO_FAULT, count: 32, at: 256 });
    for (const count of [33, 34, 8000]) {
      const w = walk(chain(count), PROTO.destination);
      expect([faultKind(w.fault), faultNeeded(w.fault)]).toEqual([KIND.endless, 32]);
      expect(w).toMatchObject({ faultAt: 256, at: 256, count: 32 });
    }
  });

  test('random bytes never throw and never lead out of bounds', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 400, size: 'max' }),
        fc.constantFrom(0, 43, 44, 51, 60, 135, 139, 140),
        fc.nat(20),
        (bytes, first, skip) => {
          // Few random bytes are extension headers; short lengths make the walk go on.
          for (let i = 0; i + 1 < bytes.length; i += 8) {
            bytes[i] = [0, 43, 44, 51, 60, 60, 17, 135][(bytes[i] as number) & 7] as number;
            bytes[i + 1] = (bytes[i + 1] as number) & 3;
          }
          const from = Math.min(skip, bytes.length);
          extensions.walk(viewOf(bytes), first, from, bytes.length, walked);
          expect(walked.at).toBeGreaterThanOrEqual(from);
          expect(walked.at).toBeLessThanOrEqual(bytes.length);
          expect(walked.count).toBeLessThanOrEqual(32);
          if (walked.fault === NO_FAULT && !walked.laterFragment)
            expect(extensions.isExtension(walked.protocol)).toBe(false);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('hop-by-hop options', () => {
  test('padding is passed over, router alert and jumbo are found behind it', () => {
    expect(walk(hex('1101 00 00 0102 0000 0502 0000 c204 0012'), PROTO.hopByHop)).toMatchObject({
      routerAlert: true,
      jumboLength: 0,
      fault: NO_FAULT,
    });
    expect(walk(hex('1101 00 0101 00 0502 0000 c204 00012345').slice(0, 16), PROTO.hopByHop)).toMatchObject({
      routerAlert: true,
      jumboLength: 0x12345,
    });
  });

  test('an option whose length lies ends the options, not the walk', () => {
    for (const lie of [
      '1100 05ff 00000000',
      '1100 c206 00012345',
      '1100 0103 000000 05',
      '1100 0005 0502 0005',
    ])
      expect(walk(hex(lie), PROTO.hopByHop)).toMatchObject({
        protocol: PROTO.udp,
        at: 8,
        fault: NO_FAULT,
        jumboLength: 0,
      });
    expect(walk(hex('1100 0103 000000 05'), PROTO.hopByHop).routerAlert).toBe(false);
    expect(walk(hex('1100 05ff 00000000'), PROTO.hopByHop).routerAlert).toBe(false);
  });

  test('a jumbo option of another length says nothing', () => {
    expect(walk(hex('1100 c203 000123 00'), PROTO.hopByHop).jumboLength).toBe(0);
  });

  test('options elsewhere do not count', () => {
    const w = walk(hex('1100 0502 0000 0100'), PROTO.destination);
    expect(w.routerAlert).toBe(false);
  });
});

describe('headers written', () => {
  test('the router alert is byte for byte what the Linux kernel sends before MLD', () => {
    const bytes = new Uint8Array(10).fill(0xee);
    extensions.writeRouterAlert(viewOf(bytes), 1, PROTO.icmpv6);
    expect(toHex(bytes)).toBe('ee3a00050200000100ee');
    const sent = (packetsOf(captureBytes('kernel/outer-frag.pcap'))[0] as { bytes: Uint8Array }).bytes;
    expect(toHex(sent.slice(54, 62))).toBe('3a00050200000100');
    for (const next of [0, 17, 255]) {
      extensions.writeRouterAlert(viewOf(bytes), 0, next);
      expect(bytes[0]).toBe(next);
    }
  });

  test('a fragment header is taken apart and put together as another host sent it', () => {
    const known = hex('1100 0079 002c5323');
    const view = viewOf(known);
    expect(extensions.fragmentOffset(view, 0)).toBe(120);
    expect(extensions.moreFragments(view, 0)).toBe(true);
    expect(extensions.fragmentId(view, 0)).toBe(0x002c5323);
    const bytes = new Uint8Array(8).fill(0xff);
    extensions.writeFragment(viewOf(bytes), 0, 17, 120, true, 0x002c5323);
    expect(bytes).toEqual(known);
  });

  test('what writeFragment makes is read back', () => {
    const ids = fc.nat({ max: 0xffffffff });
    fc.assert(
      fc.property(fc.nat(255), fc.nat(8191), fc.boolean(), ids, (next, units, more, id) => {
        const view = viewOf(new Uint8Array(8).fill(0xff));
        extensions.writeFragment(view, 0, next, units * 8, more, id);
        expect([view.getUint8(0), view.getUint8(1), view.getUint16(2) & 6]).toEqual([next, 0, 0]);
        expect(extensions.fragmentOffset(view, 0)).toBe(units * 8);
        expect(extensions.moreFragments(view, 0)).toBe(more);
        expect(extensions.fragmentId(view, 0)).toBe(id);
      }),
    );
  });
});
