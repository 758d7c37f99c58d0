import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { faultKind, faultNeeded, KIND, NO_FAULT } from '../../../src/core/wire/fault.ts';
import * as igmp from '../../../src/core/wire/igmp.ts';
import { parseIp4 } from '../../../src/core/wire/parse-ip.ts';
import { hex, viewOf } from '../../support/bytes.ts';

// What Linux sends when a VXLAN device joins 239.1.1.1 (the lab's own capture).
const JOIN = hex('2200e9fb00000001 04000000ef010101');
// tcpdump's tests, igmpv3-queries.pcap, packet 1, and Zeek's vxlan-encapsulated-igmp-v2.pcap, the inner message.
const QUERY = hex('1164ec1e00000000 027d0000');
const REPORT_V2 = hex('16000904e00000fb');

describe('IGMP, RFC 2236 and RFC 9776', () => {
  test("Linux's join is taken apart and built again, both ways", () => {
    const view = viewOf(JOIN);
    expect(igmp.check(view, 0, 16)).toBe(NO_FAULT);
    expect(igmp.checksumOk(view, 0, 16)).toBe(true);
    const records = [{ type: igmp.RECORD.toExclude, group: parseIp4('239.1.1.1'), sources: [] }];
    expect(igmp.read(view, 0, 16)).toEqual({
      type: igmp.TYPE.reportV3,
      version: 3,
      checksum: 0xe9fb,
      records,
    });
    expect([igmp.recordCount(view, 0), igmp.recordType(view, 8), igmp.recordSources(view, 8)]).toEqual([
      1, 4, 0,
    ]);
    expect([igmp.recordGroup(view, 8), igmp.recordLen(view, 8)]).toEqual([0xef010101, 8]);
    const change = new Uint8Array(16).fill(0xee);
    igmp.writeChange(viewOf(change), 0, igmp.RECORD.toExclude, 0xef010101);
    expect(change).toEqual(JOIN);
    const report = new Uint8Array(igmp.reportLen(records)).fill(0xee);
    igmp.writeReport(viewOf(report), 0, records);
    expect(report).toEqual(JOIN);
  });

  test('a known version 3 query is taken apart and built again', () => {
    const view = viewOf(QUERY);
    expect(igmp.check(view, 0, 12)).toBe(NO_FAULT);
    expect(igmp.read(view, 0, 12)).toEqual({
      type: igmp.TYPE.query,
      version: 3,
      checksum: 0xec1e,
      group: 0,
      maxResponse: 100,
      sources: [],
    });
    const bytes = new Uint8Array(12).fill(0xee);
    igmp.writeQuery(viewOf(bytes), 0, 0, [], 100);
    expect(bytes).toEqual(QUERY);
  });

  test('a known version 2 report is taken apart and built again', () => {
    expect(igmp.read(viewOf(REPORT_V2), 0, 8)).toEqual({
      type: igmp.TYPE.reportV2,
      version: 2,
      checksum: 0x0904,
      group: parseIp4('224.0.0.251'),
    });
    const bytes = new Uint8Array(8).fill(0xee);
    igmp.write(viewOf(bytes), 0, igmp.TYPE.reportV2, parseIp4('224.0.0.251'));
    expect(bytes).toEqual(REPORT_V2);
  });

  test("a query's version shows in its length and response time (RFC 9776 s.7.1)", () => {
    const view = viewOf(QUERY.slice());
    expect(igmp.version(view, 0, 12)).toBe(3);
    expect(igmp.version(view, 0, 8)).toBe(2);
    expect(igmp.read(view, 0, 8)).not.toHaveProperty('sources');
    view.setUint8(1, 0);
    expect(igmp.version(view, 0, 8)).toBe(1);
    for (let end = 9; end < 12; end++) {
      const f = igmp.check(view, 0, end);
      expect([faultKind(f), faultNeeded(f)]).toEqual([KIND.short, 12]);
    }
    const versions = [igmp.TYPE.reportV1, igmp.TYPE.leave, 0x13].map((type) => {
      view.setUint8(0, type);
      return igmp.version(view, 0, 8);
    });
    expect(versions).toEqual([1, 2, 0]);
  });

  test('long response times are packed in version 3 alone (RFC 9776 s.4.1.1)', () => {
    const view = viewOf(QUERY.slice());
    view.setUint8(1, 0x80);
    expect(igmp.maxResponse(view, 0, 12)).toBe(128);
    expect(igmp.maxResponse(view, 0, 8)).toBe(128);
    view.setUint8(1, 0xff);
    expect(igmp.maxResponse(view, 0, 12)).toBe(31744);
    expect(igmp.maxResponse(view, 0, 8)).toBe(255);
  });

  test('every truncation of a report is a fault', () => {
    for (let end = 0; end < 16; end++) {
      expect(faultKind(igmp.check(viewOf(JOIN.slice(0, end)), 0, end))).toBe(
        end < 8 ? KIND.short : KIND.overrun,
      );
    }
  });

  test('counts that lie are overruns of what they claim', () => {
    const report = JOIN.slice();
    report[7] = 2;
    expect(faultNeeded(igmp.check(viewOf(report), 0, 16))).toBe(24);
    report[7] = 1;
    report[11] = 1;
    expect(faultNeeded(igmp.check(viewOf(report), 0, 16))).toBe(20);
    report[11] = 0;
    report[9] = 255;
    expect(faultNeeded(igmp.check(viewOf(report), 0, 16))).toBe(16 + 1020);
    const query = QUERY.slice();
    query[11] = 3;
    expect(faultNeeded(igmp.check(viewOf(query), 0, 12))).toBe(24);
  });

  test('reports and queries with sources are read back as written', () => {
    const ip = fc.nat({ max: 0xffffffff });
    const record = fc.record({
      type: fc.integer({ min: 1, max: 6 }),
      group: ip,
      sources: fc.array(ip, { maxLength: 5 }),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 5 }), ip, fc.nat(127), (records, group, tenths) => {
        const bytes = new Uint8Array(igmp.reportLen(records)).fill(0xee);
        igmp.writeReport(viewOf(bytes), 0, records);
        expect(igmp.check(viewOf(bytes), 0, bytes.length)).toBe(NO_FAULT);
        expect(igmp.checksumOk(viewOf(bytes), 0, bytes.length)).toBe(true);
        expect(igmp.read(viewOf(bytes), 0, bytes.length).records).toEqual(records);
        const sources = records[0]?.sources ?? [];
        const query = new Uint8Array(12 + 4 * sources.length);
        igmp.writeQuery(viewOf(query), 0, group, sources, tenths);
        expect(igmp.checksumOk(viewOf(query), 0, query.length)).toBe(true);
        expect(igmp.read(viewOf(query), 0, query.length)).toMatchObject({
          group,
          sources,
          maxResponse: tenths,
        });
      }),
    );
  });

  test('random bytes never throw', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(0x11, 0x12, 0x16, 0x17, 0x22, 0x99),
        fc.uint8Array({ maxLength: 60 }),
        (t, b) => {
          const bytes = Uint8Array.from([t, ...b]);
          if (igmp.check(viewOf(bytes), 0, bytes.length) === NO_FAULT) {
            expect(igmp.read(viewOf(bytes), 0, bytes.length).type).toBe(t);
          }
        },
      ),
    );
  });

  test('writeRaw writes nonsense faithfully, setChecksum its field alone', () => {
    const bytes = new Uint8Array(8);
    igmp.writeRaw(viewOf(bytes), 0, { type: 1, code: 2, checksum: 3, rest: 0xfffefdfc });
    expect(bytes).toEqual(hex('01020003fffefdfc'));
    igmp.setChecksum(viewOf(bytes), 0, 0x0405);
    expect(bytes).toEqual(hex('01020405fffefdfc'));
  });
});
