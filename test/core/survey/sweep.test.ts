import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { linkTypeName } from '../../../src/core/pcap/linktype.ts';
import { AnyReader } from '../../../src/core/pcap/reader.ts';
import type { InspectDocument } from '../../../src/core/survey/document.ts';
import { fileFacts, inspectDocument } from '../../../src/core/survey/document.ts';
import { overviewOf } from '../../../src/core/survey/overview.ts';
import type { SurveyOptions } from '../../../src/core/survey/survey.ts';
import { Survey } from '../../../src/core/survey/survey.ts';
import { captureBytes, captureNames } from '../../support/captures.ts';
import { manyFlows } from '../../support/many-flows.ts';
import { tries } from '../../support/properties.ts';

/** What is counted, and how many packets the loop took. */
function counted(bytes: Uint8Array, options: SurveyOptions, piece = bytes.length): [InspectDocument, number] {
  const survey = new Survey(options);
  const { sweep } = survey;
  let swept = 0;
  const watched =
    sweep === null
      ? null
      : {
          chunk: sweep.chunk,
          get taken() {
            return sweep.taken;
          },
          records(view: DataView, at: number, end: number, link: number, unit: number) {
            const stop = sweep.records(view, at, end, link, unit);
            swept += sweep.taken;
            return stop;
          },
        };
  const reader = new AnyReader(survey.packet, watched);
  for (let at = 0; at < bytes.length; at += piece) reader.push(bytes.subarray(at, at + piece));
  reader.end();
  const facts = fileFacts('x', reader, survey, reader.cutShort, linkTypeName);
  return [inspectDocument(facts, survey, overviewOf(survey), []), swept];
}

const one = (bytes: Uint8Array, options: SurveyOptions = {}): InspectDocument => counted(bytes, options)[0];
const bulk = (bytes: Uint8Array, options: SurveyOptions = {}, piece?: number): [InspectDocument, number] =>
  counted(bytes, { ...options, bulk: true }, piece);

const HEAD = 24;
/** Little memory to make for each of many captures. */
const FEW: SurveyOptions = { maxFlows: 1000 };
const PLAIN = ['kernel/http-noffload.pcap', 'kernel/unicast4.pcap', 'docker-swarm/traffic-worker1-eth0.pcap'];

describe('records swept in bulk', () => {
  test.each(
    ['docker-swarm', 'kernel', 'ovs', 'formats', 'public']
      .flatMap(captureNames)
      .filter((name) => /\.(pcap|pcapng|cap)$/.test(name)),
  )('count as one by one in %s', (name) => {
    const bytes = captureBytes(name);
    expect(bulk(bytes)[0]).toEqual(one(bytes));
  });

  test('is nearly all of a capture of plain packets', () => {
    for (const name of PLAIN) {
      const [document, swept] = bulk(captureBytes(name));
      expect(swept).toBeGreaterThan(document.file.packets * 0.5);
    }
  });

  test('count the same wherever a file is cut into pieces', () => {
    const bytes = captureBytes('kernel/unicast4.pcap');
    const whole = one(bytes);
    for (const piece of [1, 7, 16, 113, 1000, 4096]) expect(bulk(bytes, {}, piece)[0]).toEqual(whole);
  });

  test('count the same when any one bit of a plain packet or its record is turned', () => {
    for (const name of PLAIN) {
      const bytes = captureBytes(name).slice(0, 1500);
      for (let at = HEAD; at < 420; at++) {
        for (const bit of [1 << (at % 8), 0x80 >> (at % 8)]) {
          bytes[at] = (bytes[at] as number) ^ bit;
          expect(bulk(bytes, FEW)[0]).toEqual(one(bytes, FEW));
          bytes[at] = (bytes[at] as number) ^ bit;
        }
      }
    }
  });

  test('count the same whatever stands in the first four packets', () => {
    const sample = captureBytes('kernel/http-noffload.pcap').slice(0, 2500);
    const change = fc.tuple(fc.integer({ min: HEAD, max: 600 }), fc.integer({ min: 0, max: 255 }));
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 6 }), (changes) => {
        const bytes = sample.slice();
        for (const [at, value] of changes) bytes[at] = value;
        expect(bulk(bytes, FEW)[0]).toEqual(one(bytes, FEW));
      }),
      tries(500),
    );
  });

  test('count the same while the table doubles, and when it is full', () => {
    const bytes = manyFlows(50_000);
    const [whole, swept] = bulk(bytes);
    expect(swept).toBeGreaterThan(49_000);
    expect(whole.flows).toHaveLength(50_000);
    expect(whole).toEqual(one(bytes));
    for (const maxFlows of [1, 3, 1000, 40_000]) {
      expect(bulk(bytes, { maxFlows })[0]).toEqual(one(bytes, { maxFlows }));
    }
  });

  test('a salt changes no count', () => {
    const bytes = manyFlows(2000);
    expect(bulk(bytes, { salt: 0x9abc_def0 })[0]).toEqual(one(bytes));
  });
});
