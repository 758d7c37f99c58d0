// Targets that sum packets up: the survey by its ways, and the doctor.

import { Doctor } from '../../src/core/doctor/doctor.ts';
import { EVIDENCE_MAX, SEVERITIES } from '../../src/core/doctor/rule.ts';
import type { CaptureReader } from '../../src/core/pcap/record.ts';
import { fileFacts, inspectDocument } from '../../src/core/survey/document.ts';
import { addPart, partOf } from '../../src/core/survey/merge.ts';
import { overviewOf } from '../../src/core/survey/overview.ts';
import type { SurveyOptions } from '../../src/core/survey/survey.ts';
import { Survey } from '../../src/core/survey/survey.ts';
import type { Input, Scene } from './input.ts';
import type { Target } from './target.ts';
import { eachPacket, eachSight, hashOf, must, reads, walkOf } from './target.ts';
import type { Trail } from './trail.ts';
import { MARK } from './trail.ts';

const FEW = 24;
const ALL_WAYS = 3;

/** The short way, the long way, and two halves put together give one document. */
const survey: Target = {
  name: 'survey',
  takes: 'scene',
  broad: true,
  run(input: Input): void {
    const scene = input as Scene;
    const walk = walkOf(scene);
    const short = documentOf(scene, { walk });
    const long = documentOf(scene, { walk, plain: false });
    must(short === long, 'the short way counts as the long way does', firstDifference(short, long));
    // Of three more ways one at a time, by what is in the first packet; a few packets go all ways.
    const [first] = scene.packets;
    const which = first === undefined || scene.packets.length <= FEW ? ALL_WAYS : hashOf(first) % ALL_WAYS;
    if (which === 0 || which === ALL_WAYS) {
      const few = { walk, maxFlows: 4 };
      const same = documentOf(scene, few) === documentOf(scene, { ...few, plain: false });
      must(same, 'with little room both ways count the same');
    }
    if (which === 1 || which === ALL_WAYS) {
      must(short === documentOf(scene, { walk, salt: 0x5bd1_e995 }), 'a salt changes nothing');
    }
    if (which === 2 || which === ALL_WAYS) {
      const halves = inHalves(scene);
      const same = halves === null || halves === short;
      must(same, 'two halves sum up to the whole', firstDifference(halves ?? '', short));
    }
    reads(short, 'the overview', scene);
  },
};

function documentOf(scene: Scene, options: SurveyOptions): string {
  const made = new Survey(options);
  eachPacket(scene, ({ view, start, end, meta }) => made.packet(view, start, end, meta));
  return summed(made);
}

function summed(made: Survey): string {
  const reader = { format: 'pcap', interfaces: [] } as unknown as CaptureReader;
  const facts = fileFacts('scene', reader, made, null, String);
  return JSON.stringify(inspectDocument(facts, made, overviewOf(made), null));
}

/** Null where a datagram in fragments lies across the middle. */
function inHalves(scene: Scene): string | null {
  const walk = walkOf(scene);
  const [first, second] = [new Survey({ walk }), new Survey({ walk })];
  const middle = scene.packets.length >> 1;
  let waiting = false;
  eachPacket(scene, ({ view, start, end, meta }, i) => {
    if (i === middle) waiting = first.waiting;
    (i < middle ? first : second).packet(view, start, end, meta);
  });
  if (waiting) return null;
  addPart(first, partOf(second));
  return summed(first);
}

function firstDifference(a: string, b: string): string {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return `${a.slice(Math.max(0, at - 60), at + 60)} <> ${b.slice(at, at + 60)}`;
}

const doctor: Target = {
  name: 'doctor',
  takes: 'scene',
  broad: true,
  run(input: Input, trail: Trail): void {
    const scene = input as Scene;
    const made = new Doctor();
    eachSight(scene, (sight, { meta }) => made.observe(sight, meta));
    const findings = made.findings();
    for (const { code, severity, title, explain, cure, count, packets } of findings) {
      must(
        /^[A-Z0-9]+(-[A-Z0-9]+)*$/.test(code) && SEVERITIES.includes(severity),
        'a finding has a code',
        code,
      );
      must(
        packets.length <= EVIDENCE_MAX && packets.length <= count,
        'evidence is bounded',
        `${code} ${count}`,
      );
      const inOrder = packets.every(
        (n, i) => n >= 1 && n <= scene.packets.length && (i === 0 || n > (packets[i - 1] as number)),
      );
      must(inOrder, 'evidence is packets in order', `${code} ${packets}`);
      for (const words of [title, explain, cure]) {
        must(words !== '', 'a finding says something', code);
        // A log-in or a name is quoted from the packets.
        reads(words, code, scene);
      }
    }
    for (const { code, severity, packets } of findings) {
      trail.words(MARK.finding, `${code} ${severity}`, (packets[0] ?? 0) - 1);
    }
  },
};

export const SCENE_TARGETS: readonly Target[] = [survey, doctor];
