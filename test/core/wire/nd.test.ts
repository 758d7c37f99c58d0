import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatIp6, formatMac, parseMac } from '../../../src/core/wire/address.ts';
import { pseudo6, verifies } from '../../../src/core/wire/checksum.ts';
import { faultKind, faultNeeded, KIND, NO_FAULT } from '../../../src/core/wire/fault.ts';
import * as nd from '../../../src/core/wire/nd.ts';
import { PROTO } from '../../../src/core/wire/numbers.ts';
import { parseIp6 } from '../../../src/core/wire/parse-ip.ts';
import { hex, viewOf } from '../../support/bytes.ts';

const AT = 40;

// Linux asking and answering inside a VXLAN tunnel, and a router solicitation (the lab's own captures).
const SOLICITATION = hex(`6000000000203afffd000006000000000000000000000001ff0200000000000000000001ff000002
  8700758b00000000fd0000060000000000000000000000020101 0a0000000001`);
const ADVERTISEMENT = hex(`6000000000203afffd000006000000000000000000000002fd000006000000000000000000000001
  8800148860000000fd0000060000000000000000000000020201 0a0000000002`);
const ROUTER_SOLICITATION =
  hex(`6000000000103afffe80000000000000e4bf39fffe0aadb5ff020000000000000000000000000002
  8500bea0000000000101b6ce921faa1f`);
// Arkime's tests, v6.pcap, packet 4: a router's advertisement without options.
const FROM_ROUTER = hex(`6000000000183afffe80000000000000026097fffe0769eafe80000000000000020086fffe0580da
  8800afa5c0000000fe80000000000000026097fffe0769ea`);
// tcpdump's tests, icmpv6.pcap, packet 1: prefix, RDNSS, DNSSL, MTU, source and advertisement interval options.
const ROUTER_ADVERTISEMENT =
  hex(`6000000000b03afffe80000000000000b29928fffec8d66cff020000000000000000000000000001
  860024014020000f0000000000000000030448c000278d0000093a80000000002222333344445555660000000000000019050000
  00000005abcd000000000000000000000000efef123456780000000000000000000000011f07000000000005076578616d706c65
  03636f6d00076578616d706c65036f72670004646f6d3104646f6d3203746c64000000000000000005010000000000640101b099
  28c8d66c070100000000138808010000c351000f`);

const ALL = { SOLICITATION, ADVERTISEMENT, ROUTER_SOLICITATION, FROM_ROUTER, ROUTER_ADVERTISEMENT };

function pseudo(bytes: Uint8Array): number {
  return pseudo6(viewOf(bytes), 0, PROTO.icmpv6, bytes.length - AT);
}

describe('neighbour discovery, RFC 4861', () => {
  test.each(Object.entries(ALL))('%s is well formed and its checksum right', (_, bytes) => {
    const view = viewOf(bytes);
    expect(nd.check(view, AT, bytes.length)).toBe(NO_FAULT);
    expect(verifies(view, AT, bytes.length, pseudo(bytes))).toBe(true);
  });

  test("Linux's solicitation is taken apart and built again", () => {
    const view = viewOf(SOLICITATION);
    const end = SOLICITATION.length;
    expect(formatIp6(nd.target(view, AT))).toBe('fd00:6::2');
    expect(nd.linkAddress(view, AT, end, nd.OPTION.sourceLink)).toBe(parseMac('0a:00:00:00:00:01'));
    expect(nd.linkAddress(view, AT, end, nd.OPTION.targetLink)).toBe(-1);
    const bytes = SOLICITATION.slice();
    bytes.fill(0xee, AT);
    expect(AT + nd.neighbourLen(1)).toBe(end);
    nd.writeSolicitation(viewOf(bytes), AT, end, parseIp6('fd00:6::2'), 0x0a0000000001, pseudo(bytes));
    expect(bytes).toEqual(SOLICITATION);
  });

  test("Linux's advertisement is taken apart and built again", () => {
    const view = viewOf(ADVERTISEMENT);
    const end = ADVERTISEMENT.length;
    expect(nd.read(view, AT, end)).toEqual({
      type: nd.TYPE.neighbourAdvertisement,
      code: 0,
      target: parseIp6('fd00:6::2'),
      flags: nd.FLAG.solicited | nd.FLAG.override,
      options: [{ type: nd.OPTION.targetLink, at: AT + 24, length: 8, mac: 0x0a0000000002 }],
    });
    const bytes = ADVERTISEMENT.slice();
    bytes.fill(0xee, AT);
    const flags = nd.FLAG.solicited | nd.FLAG.override;
    const target = parseIp6('fd00:6::2');
    nd.writeAdvertisement(viewOf(bytes), AT, end, target, 0x0a0000000002, flags, pseudo(bytes));
    expect(bytes).toEqual(ADVERTISEMENT);
  });

  test("an advertisement without an option and a host's router solicitation are built again", () => {
    const fromRouter = FROM_ROUTER.slice();
    fromRouter.fill(0xee, AT);
    const flags = nd.FLAG.router | nd.FLAG.solicited;
    const target = parseIp6('fe80::260:97ff:fe07:69ea');
    expect(AT + nd.neighbourLen(-1)).toBe(fromRouter.length);
    nd.writeAdvertisement(viewOf(fromRouter), AT, fromRouter.length, target, -1, flags, pseudo(fromRouter));
    expect(fromRouter).toEqual(FROM_ROUTER);
    const asking = ROUTER_SOLICITATION.slice();
    asking.fill(0xee, AT);
    nd.writeRouterSolicitation(viewOf(asking), AT, asking.length, 0xb6ce921faa1f, pseudo(asking));
    expect(asking).toEqual(ROUTER_SOLICITATION);
    expect(nd.read(viewOf(asking), AT, asking.length).options[0]?.mac).toBe(0xb6ce921faa1f);
  });

  test('a probe for a duplicate carries no address of its own (RFC 4861 s.4.3)', () => {
    const bytes = new Uint8Array(nd.SOLICITATION_LEN).fill(0xee);
    nd.writeSolicitation(viewOf(bytes), 0, bytes.length, parseIp6('fd00::1'), -1, 58 + bytes.length);
    expect(nd.read(viewOf(bytes), 0, bytes.length).options).toEqual([]);
    expect(nd.check(viewOf(bytes), 0, bytes.length)).toBe(NO_FAULT);
  });

  test("a router's advertisement gives its lifetimes, prefix, MTU and address", () => {
    const message = nd.read(viewOf(ROUTER_ADVERTISEMENT), AT, ROUTER_ADVERTISEMENT.length);
    expect(message.router).toEqual({ hopLimit: 64, lifetime: 15, reachable: 0, retransmit: 0 });
    expect(message.flags).toBe(0x20);
    expect(message.options.map((o) => o.type)).toEqual([3, 25, 31, 5, 1, 7, 8]);
    const [prefix, , , mtu, source] = message.options;
    expect(prefix?.prefix).toEqual({
      address: parseIp6('2222:3333:4444:5555:6600::'),
      bits: 72,
      flags: nd.PREFIX_FLAG.onLink | nd.PREFIX_FLAG.autonomous,
      valid: 2592000,
      preferred: 604800,
    });
    expect(mtu?.mtu).toBe(100);
    expect(formatMac(source?.mac ?? 0)).toBe('b0:99:28:c8:d6:6c');
  });

  test('a redirect gives its target and destination', () => {
    const bytes = new Uint8Array(nd.REDIRECT_LEN);
    bytes[0] = nd.TYPE.redirect;
    bytes[8] = 0xfe;
    bytes[24] = 0xfd;
    const message = nd.read(viewOf(bytes), 0, bytes.length);
    expect([
      formatIp6(message.target ?? parseIp6('::')),
      formatIp6(message.destination ?? parseIp6('::')),
    ]).toEqual(['fe00::', 'fd00::']);
  });

  test('every truncation of every message is a fault, except between options', () => {
    for (const whole of Object.values(ALL)) {
      const ends = new Set<number>([nd.headerLen(whole[AT] ?? 0)]);
      for (const o of nd.read(viewOf(whole), AT, whole.length).options) ends.add(o.at + o.length - AT);
      for (let end = 0; end <= whole.length - AT; end++) {
        const f = nd.check(viewOf(whole.slice(AT, AT + end)), 0, end);
        expect(f === NO_FAULT).toBe(ends.has(end));
      }
    }
  });

  test('an option of length 0 is a fault and ends every walk (RFC 4861 s.4.6)', () => {
    const bytes = SOLICITATION.slice(AT);
    bytes[25] = 0;
    const view = viewOf(bytes);
    expect(faultKind(nd.check(view, 0, 32))).toBe(KIND.endless);
    expect(nd.linkAddress(view, 0, 32, nd.OPTION.sourceLink)).toBe(-1);
    expect(nd.read(view, 0, 32).options).toEqual([]);
  });

  test('an option that claims more than there is is an overrun of what it claims', () => {
    const bytes = SOLICITATION.slice(AT);
    bytes[25] = 2;
    const f = nd.check(viewOf(bytes), 0, 32);
    expect([faultKind(f), faultNeeded(f)]).toEqual([KIND.overrun, 40]);
    expect(nd.findOption(viewOf(bytes), 0, 32, nd.OPTION.sourceLink)).toBe(-1);
  });

  test('a link-layer address of another length is not a MAC', () => {
    const bytes = new Uint8Array(nd.SOLICITATION_LEN + 16);
    bytes.set(SOLICITATION.slice(AT));
    bytes[25] = 2;
    expect(nd.check(viewOf(bytes), 0, bytes.length)).toBe(NO_FAULT);
    expect(nd.linkAddress(viewOf(bytes), 0, bytes.length, nd.OPTION.sourceLink)).toBe(-1);
    expect(nd.read(viewOf(bytes), 0, bytes.length).options[0]).not.toHaveProperty('mac');
  });

  test('another type is not neighbour discovery', () => {
    const f = nd.check(viewOf(hex('8000 0000 0000 0000')), 0, 8);
    expect([faultKind(f), faultNeeded(f)]).toEqual([KIND.value, 128]);
  });

  test('random bytes never throw, and what check passes read takes in whole', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.values(nd.TYPE)),
        fc.uint8Array({ minLength: 7, maxLength: 120 }),
        (t, b) => {
          const bytes = Uint8Array.from([t, ...b]);
          const view = viewOf(bytes);
          const f = nd.check(view, 0, bytes.length);
          if (bytes.length < nd.headerLen(t)) expect(f).not.toBe(NO_FAULT);
          else {
            const taken = nd
              .read(view, 0, bytes.length)
              .options.reduce((n, o) => n + o.length, nd.headerLen(t));
            expect(taken === bytes.length).toBe(f === NO_FAULT);
          }
        },
      ),
    );
  });
});
