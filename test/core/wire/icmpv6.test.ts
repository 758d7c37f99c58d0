import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pseudo6 } from '../../../src/core/wire/checksum.ts';
import { faultKind, faultNeeded, KIND, NO_FAULT } from '../../../src/core/wire/fault.ts';
import * as icmpv6 from '../../../src/core/wire/icmpv6.ts';
import { PROTO } from '../../../src/core/wire/numbers.ts';
import { hex, viewOf } from '../../support/bytes.ts';

const AT = 40;

// An echo between two Linux namespaces over a kernel VXLAN tunnel with an IPv6 underlay (the lab's own capture).
const PAYLOAD = `036b00000000f175000000000000101112131415161718191a1b1c1d1e1f202122232425262728292a2b2c2d2e2f
  3031323334353637`;
const ECHO = hex(`600339c800403a40fd000006000000000000000000000001fd000006000000000000000000000002
  8000b7461a4300010036 ${PAYLOAD}`);
const REPLY = hex(`600695b500403a40fd000006000000000000000000000002fd000006000000000000000000000001
  8100b6461a4300010036 ${PAYLOAD}`);
// Zeek's testing traces, icmp6-toobig.pcap, packet 1.
const TOO_BIG = hex(`60000000003c3a40fe80000000000000000000000000deadfe80000000000000000000000000beef
  0200ecba0000050060000000000c1140fe80000000000000000000000000beeffe80000000000000000000000000dead
  753032c8000c0c8e58585858`);

function pseudo(bytes: Uint8Array): number {
  return pseudo6(viewOf(bytes), 0, PROTO.icmpv6, bytes.length - AT);
}

describe('ICMPv6, RFC 4443', () => {
  test("Linux's echo is taken apart and its checksum believed", () => {
    const view = viewOf(ECHO);
    expect(icmpv6.check(view, AT, ECHO.length)).toBe(NO_FAULT);
    expect(icmpv6.read(view, AT)).toEqual({
      type: icmpv6.TYPE.echo,
      code: 0,
      checksum: 0xb746,
      rest: 0x1a430001,
    });
    expect([icmpv6.id(view, AT), icmpv6.seq(view, AT)]).toEqual([0x1a43, 1]);
    expect(icmpv6.checksumOk(view, AT, ECHO.length, pseudo(ECHO))).toBe(true);
    expect(icmpv6.checksumOk(view, AT, ECHO.length, 0)).toBe(false);
  });

  test('writeEcho and turnIntoReply make the same bytes as Linux', () => {
    const written = REPLY.slice();
    written.fill(0xee, AT, AT + 8);
    icmpv6.writeEcho(viewOf(written), AT, written.length, icmpv6.TYPE.echoReply, 0x1a43, 1, pseudo(REPLY));
    expect(written).toEqual(REPLY);
    const turned = ECHO.slice();
    icmpv6.turnIntoReply(viewOf(turned), AT);
    expect(turned.slice(AT)).toEqual(REPLY.slice(AT));
  });

  test('a known packet-too-big is taken apart and built again', () => {
    const view = viewOf(TOO_BIG);
    expect(icmpv6.type(view, AT)).toBe(icmpv6.TYPE.tooBig);
    expect(icmpv6.code(view, AT)).toBe(0);
    expect(icmpv6.nextHopMtu(view, AT)).toBe(1280);
    expect(icmpv6.checksumOk(view, AT, TOO_BIG.length, pseudo(TOO_BIG))).toBe(true);
    const bytes = TOO_BIG.slice();
    bytes.fill(0xee, AT, AT + 8);
    icmpv6.writeError(viewOf(bytes), AT, bytes.length, icmpv6.TYPE.tooBig, 0, 1280, pseudo(TOO_BIG));
    expect(bytes).toEqual(TOO_BIG);
  });

  test('every truncation of the header is short', () => {
    for (let end = 0; end < 8; end++) {
      const f = icmpv6.check(viewOf(ECHO.slice(AT, AT + end)), 0, end);
      expect([faultKind(f), faultNeeded(f)]).toEqual([KIND.short, 8]);
    }
  });

  test('what is written verifies, and after one flipped bit does not', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 33 }),
        fc.nat({ max: 0xffffffff }),
        fc.nat(),
        (data, rest, n) => {
          const bytes = new Uint8Array(8 + data.length);
          bytes.set(data, 8);
          const view = viewOf(bytes);
          const start = 0x1234567 + bytes.length;
          icmpv6.writeError(view, 0, bytes.length, icmpv6.TYPE.parameterProblem, 1, rest, start);
          expect([icmpv6.rest(view, 0), icmpv6.pointer(view, 0)]).toEqual([rest, rest]);
          expect(icmpv6.checksumOk(view, 0, bytes.length, start)).toBe(true);
          const bit = n % (8 * bytes.length);
          view.setUint8(bit >> 3, view.getUint8(bit >> 3) ^ (1 << (bit & 7)));
          expect(icmpv6.checksumOk(view, 0, bytes.length, start)).toBe(false);
        },
      ),
    );
  });

  test('the setters write their own field and no other', () => {
    const bytes = new Uint8Array(8);
    const view = viewOf(bytes);
    icmpv6.setType(view, 0, 1);
    icmpv6.setCode(view, 0, 2);
    icmpv6.setChecksum(view, 0, 0x0304);
    icmpv6.setId(view, 0, 0x0506);
    icmpv6.setSeq(view, 0, 0x0708);
    expect(bytes).toEqual(hex('0102030405060708'));
    expect(icmpv6.checksum(view, 0)).toBe(0x0304);
  });

  test('types below 128 are errors (RFC 4443 s.2.1)', () => {
    expect(icmpv6.isError(icmpv6.TYPE.tooBig)).toBe(true);
    expect(icmpv6.isError(127)).toBe(true);
    expect(icmpv6.isError(icmpv6.TYPE.echo)).toBe(false);
  });

  test('writeRaw writes nonsense faithfully', () => {
    const h = { type: 255, code: 254, checksum: 1, rest: 0xfffefdfc };
    const view = viewOf(new Uint8Array(8));
    icmpv6.writeRaw(view, 0, h);
    expect(icmpv6.read(view, 0)).toEqual(h);
  });
});
