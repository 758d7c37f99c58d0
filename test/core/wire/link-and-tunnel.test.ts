import { describe, expect, test } from 'vitest';
import { faultKind, faultNeeded, KIND, NO_FAULT } from '../../../src/core/wire/fault.ts';
import * as geneve from '../../../src/core/wire/geneve.ts';
import * as gre from '../../../src/core/wire/gre.ts';
import * as llc from '../../../src/core/wire/llc.ts';
import * as loopback from '../../../src/core/wire/loopback.ts';
import * as mpls from '../../../src/core/wire/mpls.ts';
import * as nsh from '../../../src/core/wire/nsh.ts';
import * as sll from '../../../src/core/wire/sll.ts';
import { hex, viewOf } from '../../support/bytes.ts';

// The small headers around a tunnel. Bytes are from captures of tcpdump's and Suricata's test suites and from the RFCs'
// pictures.

type Check = (view: DataView, at: number, end: number) => number;

/** Every truncation must be a fault that needs more than there is; the whole must be none. */
function truncations(check: Check, bytes: Uint8Array): void {
  expect(check(viewOf(bytes), 0, bytes.length)).toBe(NO_FAULT);
  for (let end = 0; end < bytes.length; end++) {
    const f = check(viewOf(bytes.slice(0, end)), 0, end);
    expect([KIND.short, KIND.overrun]).toContain(faultKind(f));
    expect(faultNeeded(f)).toBeGreaterThan(end);
  }
}

describe('Geneve, RFC 8926', () => {
  const bytes = hex('0240 6558 00000a 00 01020304 05060708');

  test('header with two words of options', () => {
    truncations(geneve.check, bytes);
    expect(geneve.headerLength(viewOf(bytes), 0)).toBe(16);
    expect(geneve.protocol(viewOf(bytes), 0)).toBe(0x6558);
    expect(geneve.vni(viewOf(bytes), 0)).toBe(10);
  });

  test('another version is a fault', () => {
    expect(faultKind(geneve.check(viewOf(hex('4000 6558 00000a00')), 0, 8))).toBe(KIND.version);
  });
});

describe('GRE, RFC 2784 and 2890', () => {
  test.each([
    ['0000 0800', 4, -1],
    ['8000 0800 0000 0000', 8, -1],
    ['2000 6558 00000007', 8, 4],
    ['b000 0800 00000000 00000007 00000001', 16, 8],
    ['3081 880b 00000007 00000001 00000002', 16, 4],
  ])('%s has %i bytes and its key at %i', (text, length, keyAt) => {
    const bytes = hex(text);
    truncations(gre.check, bytes);
    expect(gre.headerLength(viewOf(bytes), 0)).toBe(length);
    expect(gre.keyAt(viewOf(bytes), 0)).toBe(keyAt);
  });

  test('a version above 1 is a fault', () => {
    expect(faultKind(gre.check(viewOf(hex('0002 0800')), 0, 4))).toBe(KIND.version);
  });

  test('ERSPAN has no header in type I, eight bytes in type II, twelve or twenty in type III', () => {
    const length = (header: string, after = ''): number => {
      const bytes = hex(header + after);
      return gre.erspanLength(viewOf(bytes), 0, hex(header).length, bytes.length);
    };
    expect(length('0000 88be')).toBe(0);
    expect(length('1000 88be 00000001')).toBe(8);
    expect(length('1000 22eb 00000001', '00'.repeat(12))).toBe(12);
    expect(length('1000 22eb 00000001', `${'00'.repeat(11)}01`)).toBe(20);
    expect(length('1000 22eb 00000001')).toBe(12);
  });
});

describe('LLC and SNAP', () => {
  test('unnumbered, numbered and SNAP headers', () => {
    truncations(llc.check, hex('4242 03'));
    truncations(llc.check, hex('aaaa 03 000000 0806'));
    expect(llc.headerLength(viewOf(hex('f0f0 0100')), 0)).toBe(4);
    const snap = viewOf(hex('aaaa 03 00000c 2000'));
    expect(llc.isSnap(snap, 0)).toBe(true);
    expect(llc.snapOrganization(snap, 0)).toBe(0x0c);
    expect(llc.snapProtocol(snap, 0)).toBe(0x2000);
    expect(llc.dsap(viewOf(hex('4243 03')), 0)).toBe(llc.SAP.stp);
    expect(llc.isSnap(viewOf(hex('aa42 03')), 0)).toBe(false);
  });
});

test('cooked captures: both versions, and address lengths that claim more than eight', () => {
  const one = hex('0004 0001 0006 020000000001 0000 0800');
  truncations(sll.check, one);
  expect([sll.protocol(viewOf(one), 0), sll.addressLength(viewOf(one), 0)]).toEqual([0x0800, 6]);
  const two = hex('86dd 0000 00000003 0001 00 ff 0200000000010000');
  truncations(sll.check2, two);
  expect([sll.protocol2(viewOf(two), 0), sll.addressLength2(viewOf(two), 0)]).toEqual([0x86dd, 8]);
});

test('loopback: the family in either byte order, and every number that IPv6 has', () => {
  truncations(loopback.check, hex('02000000'));
  expect(loopback.family(viewOf(hex('02000000')), 0)).toBe(2);
  expect(loopback.family(viewOf(hex('0000001e')), 0)).toBe(30);
  expect(loopback.isIp4(2)).toBe(true);
  expect([10, 24, 28, 30].every(loopback.isIp6)).toBe(true);
  expect(loopback.isIp6(2)).toBe(false);
  expect(loopback.etherType(viewOf(hex('0f000800')), 0)).toBe(0x0800);
  expect(loopback.etherType(viewOf(hex('02000000')), 0)).toBe(0);
  expect(loopback.etherType(viewOf(hex('0f000001')), 0)).toBe(0);
});

test('an MPLS entry: label and bottom of stack (RFC 3032)', () => {
  const bytes = hex('00012 3 ff'.replace(/ /g, ''));
  truncations(mpls.check, bytes);
  expect(mpls.label(viewOf(bytes), 0)).toBe(0x12);
  expect(mpls.isBottom(viewOf(bytes), 0)).toBe(true);
  expect(mpls.isBottom(viewOf(hex('00012240')), 0)).toBe(false);
});

test('NSH: base and context headers, lies in version and length (RFC 8300)', () => {
  const bytes = hex(`0fc6 0101 ffffff ff ${'00'.repeat(16)}`);
  truncations(nsh.check, bytes);
  expect(nsh.headerLength(viewOf(bytes), 0)).toBe(24);
  expect(nsh.nextProtocol(viewOf(bytes), 0)).toBe(1);
  expect(nsh.path(viewOf(bytes), 0)).toBe(0xffffff);
  expect(faultKind(nsh.check(viewOf(hex('4002 0201 00000100')), 0, 8))).toBe(KIND.version);
  expect(faultKind(nsh.check(viewOf(hex('0001 0201 00000100')), 0, 8))).toBe(KIND.underrun);
});
