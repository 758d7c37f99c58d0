import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { FRAME_FIELDS } from '../../../src/core/filter/frame-fields.ts';
import { PROTOCOLS } from '../../../src/core/filter/protocol-source.ts';
import { ask } from './ask.ts';

const PAGE = readFileSync(new URL('../../../docs/filters.md', import.meta.url), 'utf8');
const EXAMPLES = [...PAGE.matchAll(/```filter\n([\s\S]*?)```/g)].flatMap((block) =>
  (block[1] as string).trim().split('\n'),
);

/** Captures with all that the examples ask for. */
const CAPTURES = [
  'docker-swarm/traffic-worker1-eth0.pcap',
  'docker-swarm/traffic-underlay.pcap',
  'kernel/unicast4.pcap',
  'kernel/ipv6-underlay.pcap',
  'kernel/inner-vlan.pcap',
  'kernel/misc-no-vtep.pcap',
  'kernel/http-offload.pcap',
  'public/arkime/twovlan.pcap',
];

describe('docs/filters.md', () => {
  test('every example finds packets in some capture, and not all of all', () => {
    const found = CAPTURES.map((capture) => ask(capture, EXAMPLES).map((numbers) => numbers.length));
    const packets = CAPTURES.map((capture) => ask(capture, [''])[0]?.length);
    const idle = EXAMPLES.filter((_, i) => found.every((counts) => counts[i] === 0));
    expect(idle).toEqual([]);
    const trivial = EXAMPLES.filter((_, i) => found.every((counts, c) => counts[i] === packets[c]));
    expect(trivial).toEqual([]);
    expect(EXAMPLES.length).toBeGreaterThan(60);
  });

  test('names every protocol and every field of frame', () => {
    const words = new Set(PAGE.match(/[\w.]+/g));
    expect([...PROTOCOLS].filter((name) => !words.has(name))).toEqual([]);
    expect([...FRAME_FIELDS.keys()].filter((name) => !words.has(name))).toEqual([]);
  });
});
