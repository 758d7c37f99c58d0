// The words of a journey. The golden text is written anew with VXLAB_GOLDEN=1.

import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadCompose } from '../../src/engine/manifest/load.ts';
import type { ClusterOptions } from '../../src/engine/orchestrate/cluster.ts';
import { cluster } from '../../src/engine/orchestrate/cluster.ts';
import { profileOf } from '../../src/engine/orchestrate/profile.ts';
import { Simulation } from '../../src/engine/orchestrate/simulation.ts';
import type { FrameStory, Journey } from '../../src/lab/journey.ts';
import { JOURNEY_SNAP, journeyOf } from '../../src/lab/journey.ts';
import { manifest } from '../support/manifests.ts';

function travel(from: string, to: string, profile = 'docker', options: ClusterOptions = {}): Journey {
  const { spec } = loadCompose(manifest('lecture-dnsrr.yml'), { stack: 'lecture' });
  const simulation = new Simulation(spec as NonNullable<typeof spec>, {
    cluster: cluster(options),
    profile: profileOf(profile),
    seed: 1,
    trace: { snap: JOURNEY_SNAP },
  });
  const journey = journeyOf(simulation, from, to);
  simulation.close();
  expect(simulation.world.ground.pool.out).toBe(0);
  return journey;
}

function text(journey: Journey): string {
  const lines = (story: FrameStory): string[] => [
    `# ${story.title}: ${story.outcome}`,
    ...story.steps.flatMap((step) => [
      `${step.place}/${step.element} ${step.what}: ${step.text}`,
      ...(step.entry === null ? [] : [`    ${step.table}: ${step.entry}`]),
      ...(step.command === null ? [] : [`    $ ${step.command}`]),
    ]),
  ];
  return `${[journey, ...journey.others].flatMap(lines).join('\n')}\n`;
}

const whats = (story: FrameStory): string[] => story.steps.map((step) => step.what);

describe('a journey through a Docker overlay', () => {
  const journey = travel('webserver.1', 'appserver.1');

  test('is told as the golden text tells it', () => {
    const path = new URL('../../fixtures/golden/journey-docker.txt', import.meta.url);
    if (process.env['VXLAB_GOLDEN'] === '1') writeFileSync(path, text(journey));
    expect(text(journey)).toBe(readFileSync(path, 'utf8'));
  });

  test('passes host, bridge, VTEP, underlay, VTEP, bridge, host in this order', () => {
    const order = ['send', 'forward', 'encapsulate', 'outer', 'transmit', 'decapsulate', 'deliver'];
    const path = whats(journey);
    let at = -1;
    for (const what of order) {
      const next = path.indexOf(what, at + 1);
      expect(next, what).toBeGreaterThan(at);
      at = next;
    }
    expect([journey.outcome, journey.answered]).toEqual(['delivered', true]);
  });

  test('every decision names its table and the command that shows it', () => {
    for (const step of journey.steps) {
      if (!['send', 'learn', 'forward', 'encapsulate', 'decapsulate', 'flood'].includes(step.what)) continue;
      expect(step.table, step.text).not.toBeNull();
      expect(step.command, step.text).toMatch(/ip |bridge /);
    }
  });

  test("the question for the MAC is answered on the sender's node and crosses nothing", () => {
    const question = journey.others.find((story) => story.title === 'ARP request');
    const answer = journey.others.find((story) => story.title === 'ARP reply');
    expect(whats(question as FrameStory)).not.toContain('encapsulate');
    expect(whats(answer as FrameStory)[0]).toBe('answer');
  });
});

test('flooding is told with its reason and its copies', () => {
  const journey = travel('webserver.1', 'appserver.1', 'head-end');
  const question = journey.others.find((story) => whats(story).includes('flood')) as FrameStory;
  const flood = question.steps.find((step) => step.what === 'flood' && step.element === 'vxlan0');
  expect(flood?.text).toContain('broadcast: 2 copies by the flood list');
  expect(journey.steps.find((step) => step.what === 'encapsulate')?.text).toContain('was learned behind');
});

test('flannel: routed twice, pinned, on UDP 8472', () => {
  const journey = travel('webserver.1', 'appserver.1', 'flannel');
  expect(whats(journey).filter((what) => what === 'route')).toHaveLength(2);
  expect(journey.steps.find((step) => step.what === 'encapsulate')?.text).toContain('pinned');
  expect(journey.steps.find((step) => step.what === 'outer')?.text).toContain('8472');
});

test('an address that nobody has: the journey ends where the question is swallowed, and says why', () => {
  const journey = travel('webserver.1', '10.0.1.99');
  expect(journey.answered).toBe(false);
  const question = journey.others.find((story) => story.title === 'ARP request') as FrameStory;
  const swallowed = question.steps.find((step) => step.element === 'vxlan0');
  expect(swallowed?.what).toBe('drop');
  expect(swallowed?.text).toContain('no neighbour entry answers the question');
});

test('a link that loses everything: dropped by the impairment', () => {
  const journey = travel('webserver.1', 'appserver.1', 'head-end', { cable: { loss: 1 } });
  expect(journey.answered).toBe(false);
  const texts = [journey, ...journey.others].flatMap((story) => story.steps.map((step) => step.text));
  expect(texts).toContain('the link lost it, as its loss rate says');
});
