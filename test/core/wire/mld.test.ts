import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatIp6 } from '../../../src/core/wire/address.ts';
import { pseudo6, verifies } from '../../../src/core/wire/checksum.ts';
import { faultKind, faultNeeded, KIND, NO_FAULT } from '../../../src/core/wire/fault.ts';
import * as mld from '../../../src/core/wire/mld.ts';
import { PROTO } from '../../../src/core/wire/numbers.ts';
import { parseIp6 } from '../../../src/core/wire/parse-ip.ts';
import { hex, viewOf } from '../../support/bytes.ts';

// IPv6 header, hop-by-hop header with the router alert, then the message.
const AT = 48;

// tcpdump's tests, icmpv6.pcap, packets 4 and 3: a report of four records and a general query.
const REPORT =
  hex(`6000000000600001fe80000000000000021517fffecce546ff0200000000000000000000000000163a00050200000100
  8f002a0e0000000402000000ff0200000000000000000db81122334402000000ff0200000000000000000001ffcce546
  02000000ff0200000000000000000001ffa710ad02000000ff0200000000000000000001ff000002`);
const QUERY =
  hex(`6000000000240001fe80000000000000b2a86efffe0cd4e8ff0200000000000000000000000000013a00050200000100
  8200623a2710000000000000000000000000000000000000023c0000`);

function pseudo(bytes: Uint8Array): number {
  return pseudo6(viewOf(bytes), 0, PROTO.icmpv6, bytes.length - AT);
}

describe('multicast listener discovery, RFC 2710 and RFC 9777', () => {
  test('a known report is taken apart and built again', () => {
    const view = viewOf(REPORT);
    expect(mld.check(view, AT, REPORT.length)).toBe(NO_FAULT);
    expect(verifies(view, AT, REPORT.length, pseudo(REPORT))).toBe(true);
    const { records } = mld.read(view, AT, REPORT.length);
    expect(records?.map((r) => [r.type, formatIp6(r.group), r.sources.length])).toEqual([
      [mld.RECORD.isExclude, 'ff02::db8:1122:3344', 0],
      [mld.RECORD.isExclude, 'ff02::1:ffcc:e546', 0],
      [mld.RECORD.isExclude, 'ff02::1:ffa7:10ad', 0],
      [mld.RECORD.isExclude, 'ff02::1:ff00:2', 0],
    ]);
    const bytes = REPORT.slice();
    bytes.fill(0xee, AT);
    expect(AT + mld.reportLen(records ?? [])).toBe(bytes.length);
    mld.writeReport(viewOf(bytes), AT, bytes.length, records ?? [], pseudo(bytes));
    expect(bytes).toEqual(REPORT);
  });

  test('a known version 2 query is taken apart', () => {
    const view = viewOf(QUERY);
    expect(mld.check(view, AT, QUERY.length)).toBe(NO_FAULT);
    expect(mld.isV2Query(view, AT, QUERY.length)).toBe(true);
    expect(mld.read(view, AT, QUERY.length)).toEqual({
      type: mld.TYPE.query,
      group: parseIp6('::'),
      maxResponse: 10000,
      sources: [],
    });
  });

  test('queries written are read back, in both versions', () => {
    const bytes = new Uint8Array(28 + 32);
    const group = parseIp6('ff05::1:3');
    const sources = [parseIp6('fd00::1'), parseIp6('fd00::2')];
    mld.writeQuery(viewOf(bytes), 0, group, sources, 1000, 58 + 60);
    expect(mld.check(viewOf(bytes), 0, 60)).toBe(NO_FAULT);
    expect(mld.read(viewOf(bytes), 0, 60)).toEqual({ type: 130, group, maxResponse: 1000, sources });
    expect(verifies(viewOf(bytes), 0, 60, 58 + 60)).toBe(true);
    mld.writeV1(viewOf(bytes), 0, mld.TYPE.query, group, 40000, 58 + 24);
    expect(mld.read(viewOf(bytes), 0, 24)).toEqual({ type: 130, group, maxResponse: 40000 });
    mld.writeV1(viewOf(bytes), 0, mld.TYPE.done, group, 0, 58 + 24);
    expect(mld.check(viewOf(bytes), 0, 24)).toBe(NO_FAULT);
    expect(mld.read(viewOf(bytes), 0, 24)).toEqual({ type: 132, group });
    expect(verifies(viewOf(bytes), 0, 24, 58 + 24)).toBe(true);
  });

  test('long response times are packed in version 2 (RFC 9777 s.5.1.3)', () => {
    const bytes = QUERY.slice(AT);
    const view = viewOf(bytes);
    view.setUint16(4, 0x8000);
    expect(mld.maxResponse(view, 0, 28)).toBe(32768);
    view.setUint16(4, 0xffff);
    expect(mld.maxResponse(view, 0, 28)).toBe(8387584);
  });

  test('a query of 25 to 27 bytes is neither version (RFC 9777 s.8.1)', () => {
    for (let end = 25; end < 28; end++) {
      expect(faultKind(mld.check(viewOf(QUERY.slice(AT)), 0, end))).toBe(KIND.short);
    }
    expect(mld.check(viewOf(QUERY.slice(AT)), 0, 24)).toBe(NO_FAULT);
  });

  test('every truncation of a report is a fault', () => {
    for (let end = 0; end < REPORT.length - AT; end++) {
      const f = mld.check(viewOf(REPORT.slice(AT, AT + end)), 0, end);
      expect(faultKind(f)).toBe(end < 8 ? KIND.short : KIND.overrun);
    }
  });

  test('counts that lie are overruns of what they claim', () => {
    const report = REPORT.slice(AT);
    viewOf(report).setUint16(6, 5);
    expect(faultNeeded(mld.check(viewOf(report), 0, report.length))).toBe(8 + 5 * 20);
    viewOf(report).setUint16(6, 4);
    viewOf(report).setUint16(8 + 3 * 20 + 2, 1);
    expect(faultNeeded(mld.check(viewOf(report), 0, report.length))).toBe(8 + 4 * 20 + 16);
    const query = QUERY.slice(AT);
    viewOf(query).setUint16(26, 0xffff);
    expect(faultNeeded(mld.check(viewOf(query), 0, 28))).toBe(28 + 16 * 0xffff);
  });

  test('auxiliary words of a record are passed over', () => {
    const bytes = new Uint8Array(8 + 24 + 20);
    const view = viewOf(bytes);
    view.setUint8(0, mld.TYPE.reportV2);
    view.setUint16(6, 2);
    view.setUint16(8, 0x0401);
    view.setUint16(32, 0x0300);
    expect(mld.check(view, 0, bytes.length)).toBe(NO_FAULT);
    expect(mld.read(view, 0, bytes.length).records?.map((r) => r.type)).toEqual([4, 3]);
  });

  test('a type that is no listener message is a fault', () => {
    expect(faultKind(mld.check(viewOf(hex('8700 0000 0000 0000')), 0, 8))).toBe(KIND.value);
  });

  test('random bytes never throw', () => {
    fc.assert(
      fc.property(fc.constantFrom(130, 131, 132, 143), fc.uint8Array({ maxLength: 100 }), (t, b) => {
        const bytes = Uint8Array.from([t, ...b]);
        if (mld.check(viewOf(bytes), 0, bytes.length) === NO_FAULT) {
          expect(mld.read(viewOf(bytes), 0, bytes.length).type).toBe(t);
        }
      }),
    );
  });
});
