import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pseudo4 } from '../../../src/core/wire/checksum.ts';
import { faultKind, faultNeeded, KIND, NO_FAULT } from '../../../src/core/wire/fault.ts';
import { PROTO } from '../../../src/core/wire/numbers.ts';
import * as tcp from '../../../src/core/wire/tcp.ts';
import { hex, viewOf } from '../../support/bytes.ts';

// A container's SYN to another's port 80, 10.0.1.4 to 10.0.1.3, as a Docker Swarm's underlay carried it (the lab's own
// capture).
const SYN = hex(`88780050fa5bdad600000000a002fd5c064b00000204058204 02080a976e3917000000000103030a`);
const PSEUDO = pseudo4(0x0a000104, 0x0a000103, PROTO.tcp, SYN.length);

describe('TCP, RFC 9293', () => {
  test("a container's SYN is taken apart and its checksum believed", () => {
    const view = viewOf(SYN);
    expect(tcp.check(view, 0, SYN.length)).toBe(NO_FAULT);
    expect(tcp.read(view, 0)).toEqual({
      srcPort: 34936,
      dstPort: 80,
      seq: 0xfa5bdad6,
      ack: 0,
      dataOffset: 40,
      reserved: 0,
      flags: tcp.FLAG.SYN,
      window: 64860,
      checksum: 0x064b,
      urgent: 0,
    });
    expect(tcp.payloadAt(view, 0)).toBe(40);
    expect(tcp.checksumOk(view, 0, SYN.length, PSEUDO)).toBe(true);
    expect(tcp.checksumOk(view, 0, SYN.length, PSEUDO + 1)).toBe(false);
  });

  test('write makes the same bytes as Linux', () => {
    const bytes = SYN.slice();
    bytes.fill(0xee, 0, 20);
    tcp.write(viewOf(bytes), 0, bytes.length, 34936, 80, 0xfa5bdad6, 0, tcp.FLAG.SYN, 64860, 40, PSEUDO);
    expect(bytes).toEqual(SYN);
  });

  test('every truncation is a short header or an overrun', () => {
    for (let end = 0; end < SYN.length; end++) {
      const f = tcp.check(viewOf(SYN.slice(0, end)), 0, end);
      expect([faultKind(f), faultNeeded(f)]).toEqual(end < 20 ? [KIND.short, 20] : [KIND.overrun, 40]);
    }
  });

  test('a data offset below five words is an underrun, above the bytes there are an overrun', () => {
    const view = viewOf(SYN.slice());
    for (let words = 0; words < 16; words++) {
      tcp.setDataOffset(view, 0, words * 4);
      const f = tcp.check(view, 0, SYN.length);
      if (words < 5) expect([faultKind(f), faultNeeded(f)]).toEqual([KIND.underrun, words * 4]);
      else if (words <= 10) expect(f).toBe(NO_FAULT);
      else expect([faultKind(f), faultNeeded(f)]).toEqual([KIND.overrun, words * 4]);
    }
  });

  test('what is written is read back and verifies, and after one flipped bit does not', () => {
    const word = fc.nat({ max: 0xffffffff });
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 65 }),
        fc.integer({ min: 5, max: 15 }),
        fc.tuple(fc.nat(0xffff), fc.nat(0xffff), word, word, fc.nat(0x1ff), fc.nat(0xffff)),
        fc.nat(),
        (data, words, [src, dst, seq, ack, flags, window], n) => {
          const bytes = new Uint8Array(4 * words + data.length);
          bytes.set(data, 4 * words);
          const view = viewOf(bytes);
          const end = bytes.length;
          tcp.write(view, 0, end, src, dst, seq, ack, flags, window, 4 * words, PSEUDO);
          const checksum = tcp.checksum(view, 0);
          expect(tcp.read(view, 0)).toEqual({
            srcPort: src,
            dstPort: dst,
            seq,
            ack,
            dataOffset: 4 * words,
            reserved: 0,
            flags,
            window,
            checksum,
            urgent: 0,
          });
          expect(tcp.checksumOk(view, 0, end, PSEUDO)).toBe(true);
          const bit = n % (8 * end);
          view.setUint8(bit >> 3, view.getUint8(bit >> 3) ^ (1 << (bit & 7)));
          expect(tcp.checksumOk(view, 0, end, PSEUDO)).toBe(false);
        },
      ),
    );
  });

  test('each flag has the bit that RFC 9293 and RFC 9768 give it', () => {
    const view = viewOf(new Uint8Array(20));
    const bits = Object.values(tcp.FLAG).map((flag) => {
      tcp.setFlags(view, 0, flag);
      return view.getUint16(12);
    });
    expect(bits).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256]);
  });

  test('the setters write their own field and no other', () => {
    const bytes = new Uint8Array(20);
    const view = viewOf(bytes);
    tcp.setSrcPort(view, 0, 0x0102);
    tcp.setDstPort(view, 0, 0x0304);
    tcp.setSeq(view, 0, 0xf5060708);
    tcp.setAck(view, 0, 0xf90a0b0c);
    view.setUint16(12, 0x0e00);
    tcp.setDataOffset(view, 0, 60);
    tcp.setFlags(view, 0, 0x1ff);
    tcp.setFlags(view, 0, tcp.FLAG.ACK);
    tcp.setWindow(view, 0, 0x0f10);
    tcp.setChecksum(view, 0, 0x1112);
    tcp.setUrgent(view, 0, 0x1314);
    expect(bytes).toEqual(hex('01020304f5060708f90a0b0cfe100f1011121314'));
  });

  test('writeRaw writes nonsense faithfully, the reserved bits too', () => {
    const h = {
      srcPort: 1,
      dstPort: 2,
      seq: 0xffffffff,
      ack: 4,
      dataOffset: 8,
      reserved: 7,
      flags: 0x155,
      window: 5,
      checksum: 6,
      urgent: 7,
    };
    const view = viewOf(new Uint8Array(20));
    tcp.writeRaw(view, 0, h);
    expect(tcp.read(view, 0)).toEqual(h);
    expect(faultKind(tcp.check(view, 0, 20))).toBe(KIND.underrun);
  });
});
