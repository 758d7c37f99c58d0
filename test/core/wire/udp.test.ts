import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pseudo4 } from '../../../src/core/wire/checksum.ts';
import { faultKind, faultNeeded, KIND, NO_FAULT } from '../../../src/core/wire/fault.ts';
import * as udp from '../../../src/core/wire/udp.ts';
import { hex, viewOf } from '../../support/bytes.ts';

// Frame 1 of tcpdump's tests/vxlan.pcap, from its UDP header on: 45149 to 4789, 114 bytes, no checksum; then the same
// ports with the checksum that tshark calls good for 192.168.203.1 to 192.168.202.1.
const KNOWN = hex('b05d 12b5 000c 0000 08000000');

describe('UDP, RFC 768', () => {
  test('a known datagram is taken apart', () => {
    const view = viewOf(KNOWN);
    expect(udp.check(view, 0, KNOWN.length)).toBe(NO_FAULT);
    expect(udp.read(view, 0)).toEqual({ srcPort: 45149, dstPort: 4789, length: 12, checksum: 0 });
    expect(udp.payloadEnd(view, 0, KNOWN.length)).toBe(12);
  });

  test('every truncation is a short header or an overrun, never an exception', () => {
    for (let end = 0; end < KNOWN.length; end++) {
      const f = udp.check(viewOf(KNOWN.slice(0, end)), 0, end);
      expect(faultKind(f)).toBe(end < 8 ? KIND.short : KIND.overrun);
      expect(faultNeeded(f)).toBe(end < 8 ? 8 : 12);
    }
  });

  test('lengths 1 to 7 lie about the header; 0 means all that is there', () => {
    const bytes = KNOWN.slice();
    for (let claimed = 1; claimed < 8; claimed++) {
      bytes[5] = claimed;
      expect(faultKind(udp.check(viewOf(bytes), 0, bytes.length))).toBe(KIND.underrun);
    }
    bytes[5] = 0;
    expect(udp.check(viewOf(bytes), 0, bytes.length)).toBe(NO_FAULT);
    expect(udp.payloadEnd(viewOf(bytes), 0, bytes.length)).toBe(bytes.length);
  });

  test('what write makes, checksumOk believes, and one flipped bit it does not', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 0, maxLength: 64 }),
        fc.nat(0xffff),
        fc.nat(0xffff),
        fc.nat({ max: 0xffffffff }),
        fc.nat({ max: 0xffffffff }),
        fc.nat(63),
        (payload, src, dst, from, to, bit) => {
          const bytes = new Uint8Array(8 + payload.length);
          bytes.set(payload, 8);
          const view = viewOf(bytes);
          const pseudo = pseudo4(from, to, 17, bytes.length);
          udp.write(view, 0, bytes.length, src, dst, pseudo);
          expect(udp.read(view, 0)).toMatchObject({ srcPort: src, dstPort: dst, length: bytes.length });
          expect(udp.checksum(view, 0)).not.toBe(0);
          expect(udp.checksumOk(view, 0, bytes.length, pseudo, false)).toBe(true);
          const at = bit >> 3;
          if (at < 4 || at >= 8) {
            if (at >= bytes.length) return;
            bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7));
            expect(udp.checksumOk(view, 0, bytes.length, pseudo, false)).toBe(false);
          }
        },
      ),
    );
  });

  test('no checksum is accepted only where zero is allowed (RFC 768, RFC 6935)', () => {
    expect(udp.checksumOk(viewOf(KNOWN), 0, 12, 0, true)).toBe(true);
    expect(udp.checksumOk(viewOf(KNOWN), 0, 12, 0, false)).toBe(false);
  });

  test('a computed zero is sent as 0xffff (RFC 768)', () => {
    const bytes = hex('0000 0000 0000 0000 0000');
    const view = viewOf(bytes);
    // Ports 0 and length 10 leave a sum of 10 + payload; the payload makes it 0xffff, whose complement is 0.
    view.setUint16(8, 0xffff - 10);
    udp.write(view, 0, 10, 0, 0, 0);
    expect(udp.checksum(view, 0)).toBe(0xffff);
  });

  test('writeRaw writes nonsense faithfully', () => {
    const bytes = new Uint8Array(8);
    udp.writeRaw(viewOf(bytes), 0, { srcPort: 1, dstPort: 2, length: 3, checksum: 4 });
    expect(bytes).toEqual(hex('0001 0002 0003 0004'));
  });
});
