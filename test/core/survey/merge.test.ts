// A file surveyed in two parts, the later one added to the first: as two threads do it.

import { describe, expect, test } from 'vitest';
import { FILE_HEADER_LEN, PcapReader } from '../../../src/core/pcap/pcap.ts';
import { addPart, partOf } from '../../../src/core/survey/merge.ts';
import type { Overview } from '../../../src/core/survey/overview.ts';
import { overviewOf } from '../../../src/core/survey/overview.ts';
import type { SurveyOptions } from '../../../src/core/survey/survey.ts';
import { Survey } from '../../../src/core/survey/survey.ts';
import { captureBytes, captureNames } from '../../support/captures.ts';
import { manyFlows } from '../../support/many-flows.ts';

const TOTALS = ['packets', 'bytes', 'vxlanPackets', 'vxlanBytes', 'malformed', 'withoutFlow'] as const;

function surveyed(bytes: Uint8Array, options: SurveyOptions): Survey {
  const survey = new Survey(options);
  const reader = new PcapReader(survey.packet, survey.sweep);
  reader.push(bytes);
  reader.end();
  return survey;
}

function seen(survey: Survey): { overview: Overview; totals: number[] } {
  return { overview: overviewOf(survey), totals: TOTALS.map((name) => survey[name]) };
}

/** Where records of a pcap file begin; empty for what is no such file. */
function recordsOf(bytes: Uint8Array): number[] {
  const places: number[] = [];
  const reader = new PcapReader((_view, _start, _end, meta) => places.push(meta.offset));
  reader.push(bytes);
  reader.end();
  return places;
}

/** The document of a file that was cut before a record. */
function inParts(bytes: Uint8Array, at: number, options: SurveyOptions): Survey {
  const first = surveyed(bytes.subarray(0, at), options);
  const rest = new Uint8Array(FILE_HEADER_LEN + bytes.length - at);
  rest.set(bytes.subarray(0, FILE_HEADER_LEN));
  rest.set(bytes.subarray(at), FILE_HEADER_LEN);
  addPart(first, partOf(surveyed(rest, options)));
  return first;
}

describe('two parts of a survey', () => {
  test.each(['docker-swarm', 'kernel', 'ovs'].flatMap(captureNames).filter((name) => name.endsWith('.pcap')))(
    'count together what one counts: %s',
    (name) => {
      const bytes = captureBytes(name);
      const places = recordsOf(bytes);
      // A datagram in fragments belongs to one part.
      if (name.includes('frag')) return;
      for (const bulk of [true, false]) {
        const whole = seen(surveyed(bytes, { bulk, maxFlows: 1000 }));
        for (const part of [0, 0.3, 0.5, 0.9]) {
          const at = places[Math.floor(places.length * part)] ?? bytes.length;
          expect(seen(inParts(bytes, at, { bulk, maxFlows: 1000 }))).toEqual(whole);
        }
      }
    },
  );

  test('with more lanes than the table has at first, some in both parts', () => {
    const bytes = manyFlows(20_000);
    const places = recordsOf(bytes);
    const twice = new Uint8Array(bytes.length * 2 - FILE_HEADER_LEN);
    twice.set(bytes);
    twice.set(bytes.subarray(FILE_HEADER_LEN), bytes.length);
    const whole = surveyed(twice, { bulk: true });
    for (const cut of [10, 10_000, 19_999]) {
      const parts = inParts(twice, places[cut] as number, { bulk: true });
      expect(parts.lanes.count).toBe(20_000);
      expect(seen(parts)).toEqual(seen(whole));
    }
  });

  test('lose no packet where there is no room for more lanes', () => {
    const bytes = manyFlows(300);
    const at = recordsOf(bytes)[150] as number;
    for (const maxFlows of [1, 100, 200, 299]) {
      const parts = inParts(bytes, at, { bulk: true, maxFlows });
      const whole = surveyed(bytes, { bulk: true, maxFlows });
      expect(parts.lanes.count).toBe(maxFlows);
      expect(seen(parts)).toEqual(seen(whole));
      expect(parts.withoutFlow).toBe(300 - maxFlows);
    }
  });
});
