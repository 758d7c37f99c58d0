import { describe, expect, test } from 'vitest';
import { linkTypeName } from '../../../src/core/pcap/linktype.ts';
import { AnyReader } from '../../../src/core/pcap/reader.ts';
import type { InspectDocument } from '../../../src/core/survey/document.ts';
import { fileFacts, inspectDocument, timeText } from '../../../src/core/survey/document.ts';
import { overviewOf } from '../../../src/core/survey/overview.ts';
import type { SurveyOptions } from '../../../src/core/survey/survey.ts';
import { Survey } from '../../../src/core/survey/survey.ts';
import type { TruthRow } from '../../support/captures.ts';
import { captureBytes, captureNames, truth, truthNames } from '../../support/captures.ts';

function surveyed(
  bytes: Uint8Array,
  options: SurveyOptions = {},
): { survey: Survey; document: InspectDocument } {
  const survey = new Survey(options);
  const reader = new AnyReader(survey.packet);
  reader.push(bytes);
  reader.end();
  const facts = fileFacts('x', reader, survey, reader.cutShort, linkTypeName);
  return { survey, document: inspectDocument(facts, survey, overviewOf(survey), []) };
}

const FOLDERS = ['docker-swarm', 'kernel', 'ovs', 'formats', 'public'];
const CAPTURES = FOLDERS.flatMap(captureNames).filter((name) => /\.(pcap|pcapng|cap|gz)$/.test(name));

describe('the short way and the long way', () => {
  test.each(CAPTURES)('count the same in %s', (name) => {
    const bytes = captureBytes(name);
    expect(surveyed(bytes).document).toEqual(surveyed(bytes, { plain: false }).document);
  });

  test('count the same when any one bit of a plain packet is turned', () => {
    for (const name of [
      'kernel/http-noffload.pcap',
      'kernel/unicast4.pcap',
      'docker-swarm/traffic-worker1-eth0.pcap',
    ]) {
      const bytes = captureBytes(name).slice(0, 1500);
      for (let at = 24; at < 420; at += 1) {
        const bit = 1 << (at % 8);
        bytes[at] = (bytes[at] as number) ^ bit;
        expect(surveyed(bytes).document).toEqual(surveyed(bytes, { plain: false }).document);
        bytes[at] = (bytes[at] as number) ^ bit;
      }
    }
  });
});

/** Rows of tshark's with a VNI, by VNI; a tunnel in a tunnel counts for both. */
function countVnis(rows: readonly TruthRow[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const row of rows) {
    for (const vni of (row['vxlan.vni'] ?? '').split(';')) {
      if (vni !== '') counts[vni] = (counts[vni] ?? 0) + 1;
    }
  }
  return counts;
}

describe('VNIs and their packets are those that tshark counts', () => {
  test.each(truthNames().filter((name) => /\.pcap(ng)?$/.test(name)))('%s', (name) => {
    const { document } = surveyed(captureBytes(name), { maxFlows: 100_000 });
    const ours = Object.fromEntries(document.vnis.map((one) => [String(one.vni), one.packets]));
    expect(ours).toEqual(countVnis(truth(name).filter((row) => !isQuote(row))));
  });
});

/** An ICMP error's quote is no packet of the tunnel. */
function isQuote(row: TruthRow): boolean {
  return /icmp.*vxlan/.test(row['frame.protocols'] ?? '');
}

describe('the overview', () => {
  test('of a real swarm names its networks, VTEPs, tunnels, endpoints and flows', () => {
    const { document } = surveyed(captureBytes('docker-swarm/traffic-worker1-eth0.pcap'));
    expect(document.vxlan).toEqual({ packets: 134, bytes: 89543, malformed: 0, ports: [4789] });
    expect(document.vnis.map(({ vni, vteps }) => [vni, vteps])).toEqual([
      [4097, ['192.0.2.12', '192.0.2.13']],
      [4098, ['192.0.2.11', '192.0.2.12']],
      [4099, ['192.0.2.11', '192.0.2.12']],
    ]);
    expect(document.vnis[0]?.endpoints).toEqual([
      { mac: '02:42:0a:00:03:03', ips: ['10.0.3.3'], vtep: '192.0.2.12', packets: 11 },
      { mac: '02:42:0a:00:03:02', ips: ['10.0.3.2'], vtep: '192.0.2.13', packets: 9 },
    ]);
    expect(document.flows[0]).toEqual({
      vni: 4097,
      protocol: 'TCP',
      a: { ip: '10.0.3.3', port: 45074 },
      b: { ip: '10.0.3.2', port: 3306 },
      packetsAB: 9,
      bytesAB: 660,
      packetsBA: 7,
      bytesBA: 528,
    });
  });

  test('keeps one five-tuple in two VNIs and outside apart', () => {
    const { document } = surveyed(captureBytes('public/zeek/tunnels/vxlan-overlapping-http-get.pcap'));
    expect(document.file.packets).toBe(42);
    expect(document.flows.map(({ vni, packetsAB, packetsBA }) => [vni, packetsAB + packetsBA])).toEqual([
      [4242, 14],
      [4711, 14],
    ]);
  });

  test('counts a clear I flag and a cut header as malformed, and no tunnel for them', () => {
    const bytes = captureBytes('public/tcpdump/vxlan.pcap').slice();
    bytes[24 + 16 + 42] = 0;
    const { document } = surveyed(bytes);
    expect(document.vxlan).toMatchObject({ packets: 9, malformed: 1 });
    expect(document.vnis[0]?.packets).toBe(9);
  });

  test('sums to the same totals when flows find no room, and says how many packets those were', () => {
    const bytes = captureBytes('kernel/perf-snap110.pcap');
    const all = surveyed(bytes);
    const few = surveyed(bytes, { maxFlows: 10 });
    expect(all.survey.withoutFlow).toBe(0);
    expect(few.survey.withoutFlow).toBeGreaterThan(1000);
    expect(few.document.flows.length).toBeLessThanOrEqual(10);
    expect(few.document.tunnels).toEqual(all.document.tunnels);
    expect(few.document.vxlan).toEqual(all.document.vxlan);
    const sent = (document: InspectDocument): [string, number][] =>
      document.vnis.flatMap(({ endpoints }) =>
        endpoints.map((one): [string, number] => [one.mac, one.packets]),
      );
    expect(sent(few.document)).toEqual(sent(all.document));
  });

  test('lists the first of what it would list', () => {
    const { survey } = surveyed(captureBytes('kernel/perf-snap110.pcap'));
    const all = overviewOf(survey);
    for (const most of [1, 2, 7, 100, 5000]) {
      const few = overviewOf(survey, most);
      expect(few.flows.total).toBe(all.flows.total);
      expect(few.flows.first).toEqual(all.flows.first.slice(0, most));
      for (const [i, { endpoints }] of few.vnis.entries()) {
        expect(endpoints.total).toBe(all.vnis[i]?.endpoints.total);
        expect(endpoints.first).toEqual(all.vnis[i]?.endpoints.first.slice(0, most));
      }
    }
  });

  test('is the same whatever the salt', () => {
    const bytes = captureBytes('kernel/perf-snap110.pcap');
    expect(surveyed(bytes, { salt: 0x1234_5678 }).document).toEqual(surveyed(bytes).document);
  });

  test('takes the earliest and the latest time, whatever their order', () => {
    const { document } = surveyed(captureBytes('public/pcapplusplus/nanosecs.pcap'));
    expect([document.file.firstTime, document.file.lastTime]).toEqual(['1.000001234', '1.000002000']);
  });
});

test('a fraction of a second or more is carried', () => {
  expect(timeText(1, 999_999_999)).toBe('1.999999999');
  expect(timeText(1, 2_147_483_648)).toBe('3.147483648');
});
