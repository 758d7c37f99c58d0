import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { faultKind, faultNeeded, KIND, NO_FAULT } from '../../../src/core/wire/fault.ts';
import * as icmp from '../../../src/core/wire/icmp.ts';
import { hex, viewOf } from '../../support/bytes.ts';

// An echo and its reply between two Linux namespaces over a kernel VXLAN tunnel (the lab's own capture of iputils ping).
const PAYLOAD = `d335036b000000005916020000000000101112131415161718191a1b1c1d1e1f2021222324252627
  28292a2b2c2d2e2f3031323334353637`;
const ECHO = hex(`0800f16c16080001 ${PAYLOAD}`);
const REPLY = hex(`0000f96c16080001 ${PAYLOAD}`);
// Linux's port unreachable for a VXLAN datagram that no VTEP wanted (the lab's own capture).
const UNREACHABLE = hex(`030351b3000000004500004efffc000040112638c6336401c6336402c35012b5003a80dc080000000000
  0e00ffffffffffff0a0000000001080600010800060400010a00000000010a0e00010000000000000a0e0002`);

describe('ICMP, RFC 792', () => {
  test("Linux's echo is taken apart and its checksum believed", () => {
    const view = viewOf(ECHO);
    expect(icmp.check(view, 0, ECHO.length)).toBe(NO_FAULT);
    expect(icmp.read(view, 0)).toEqual({ type: icmp.TYPE.echo, code: 0, checksum: 0xf16c, rest: 0x16080001 });
    expect(icmp.id(view, 0)).toBe(0x1608);
    expect(icmp.seq(view, 0)).toBe(1);
    expect(icmp.checksumOk(view, 0, ECHO.length)).toBe(true);
  });

  test('writeEcho makes the same bytes as Linux', () => {
    const bytes = REPLY.slice();
    bytes.fill(0xee, 0, 8);
    icmp.writeEcho(viewOf(bytes), 0, bytes.length, icmp.TYPE.echoReply, 0x1608, 1);
    expect(bytes).toEqual(REPLY);
  });

  test('an echo turned into its reply is what Linux answered', () => {
    const bytes = ECHO.slice();
    icmp.turnIntoReply(viewOf(bytes), 0);
    expect(bytes).toEqual(REPLY);
  });

  test("Linux's port unreachable is taken apart and built again", () => {
    const view = viewOf(UNREACHABLE);
    expect(icmp.type(view, 0)).toBe(icmp.TYPE.unreachable);
    expect(icmp.code(view, 0)).toBe(icmp.CODE.port);
    expect(icmp.checksumOk(view, 0, UNREACHABLE.length)).toBe(true);
    const bytes = UNREACHABLE.slice();
    bytes.fill(0xee, 0, 8);
    icmp.writeError(viewOf(bytes), 0, bytes.length, icmp.TYPE.unreachable, icmp.CODE.port, 0);
    expect(bytes).toEqual(UNREACHABLE);
  });

  test('the next-hop MTU of RFC 1191 stands in the last two bytes', () => {
    const bytes = new Uint8Array(36);
    const view = viewOf(bytes);
    icmp.writeError(view, 0, 36, icmp.TYPE.unreachable, icmp.CODE.fragNeeded, 1450);
    expect(bytes.slice(4, 8)).toEqual(hex('0000 05aa'));
    expect(icmp.nextHopMtu(view, 0)).toBe(1450);
    expect(icmp.rest(view, 0)).toBe(1450);
    icmp.writeError(view, 0, 36, icmp.TYPE.parameterProblem, 0, 20 * 0x1000000);
    expect(icmp.pointer(view, 0)).toBe(20);
    expect(icmp.checksumOk(view, 0, 36)).toBe(true);
  });

  test('every truncation of the header is short', () => {
    for (let end = 0; end < 8; end++) {
      const f = icmp.check(viewOf(ECHO.slice(0, end)), 0, end);
      expect([faultKind(f), faultNeeded(f)]).toEqual([KIND.short, 8]);
    }
  });

  test('what is written verifies, and after one flipped bit does not', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 65 }),
        fc.nat(0xffff),
        fc.nat(0xffff),
        fc.nat(),
        (data, id, seq, n) => {
          const bytes = new Uint8Array(8 + data.length);
          bytes.set(data, 8);
          const view = viewOf(bytes);
          icmp.writeEcho(view, 0, bytes.length, icmp.TYPE.echo, id, seq);
          expect([icmp.id(view, 0), icmp.seq(view, 0)]).toEqual([id, seq]);
          expect(icmp.checksumOk(view, 0, bytes.length)).toBe(true);
          icmp.turnIntoReply(view, 0);
          expect(icmp.checksumOk(view, 0, bytes.length)).toBe(true);
          const bit = n % (8 * bytes.length);
          view.setUint8(bit >> 3, view.getUint8(bit >> 3) ^ (1 << (bit & 7)));
          expect(icmp.checksumOk(view, 0, bytes.length)).toBe(false);
        },
      ),
    );
  });

  test('the setters write their own field and no other', () => {
    const bytes = new Uint8Array(8);
    const view = viewOf(bytes);
    icmp.setType(view, 0, 1);
    icmp.setCode(view, 0, 2);
    icmp.setChecksum(view, 0, 0x0304);
    icmp.setId(view, 0, 0x0506);
    icmp.setSeq(view, 0, 0x0708);
    expect(bytes).toEqual(hex('0102030405060708'));
    expect(icmp.checksum(view, 0)).toBe(0x0304);
  });

  test('errors are told from questions and answers (RFC 1122 s.3.2.2)', () => {
    const errors = Array.from({ length: 256 }, (_, type) => type).filter(icmp.isError);
    expect(errors).toEqual([3, 4, 5, 11, 12]);
  });

  test('writeRaw writes nonsense faithfully', () => {
    const h = { type: 255, code: 254, checksum: 1, rest: 0xfffefdfc };
    const view = viewOf(new Uint8Array(8));
    icmp.writeRaw(view, 0, h);
    expect(icmp.read(view, 0)).toEqual(h);
  });
});
