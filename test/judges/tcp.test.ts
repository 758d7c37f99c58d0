// TCP between containers, inside the tunnel, read by tshark where the sender's node puts it on its cable: without loss nothing to
// remark; with loss, reordering and duplication every byte in order, and as many segments sent again as our counters say.

import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { PcapWriter } from '../../src/core/pcap/index.ts';
import { LINKTYPE } from '../../src/core/pcap/linktype.ts';
import type { Impairments } from '../../src/engine/fabric/impair.ts';
import { impairments } from '../../src/engine/fabric/impair.ts';
import { loadCompose } from '../../src/engine/manifest/load.ts';
import type { StackSpec } from '../../src/engine/model/spec.ts';
import { cluster } from '../../src/engine/orchestrate/cluster.ts';
import type { Container } from '../../src/engine/orchestrate/container.ts';
import { profileOf } from '../../src/engine/orchestrate/profile.ts';
import { Simulation } from '../../src/engine/orchestrate/simulation.ts';
import { MILLISECOND, SECOND } from '../../src/engine/time/clock.ts';
import { viewOf } from '../support/bytes.ts';
import { scratch } from '../support/judges.ts';
import { manifest } from '../support/manifests.ts';
import { hasTool, runTool } from '../support/peers.ts';
import type { Script } from '../support/streams.ts';
import { Audience, SCRIPT, streamBytes, Talker } from '../support/streams.ts';

const files = scratch('tcp');
afterAll(() => files.done());

const STACK = manifest('lecture-dnsrr.yml');
const IN_SIX = STACK.replace('subnet: 10.0.1.0/24', 'subnet: "fd00:1::/64"');
/** No program that tshark knows. */
const PORT = 47_000;

type Talk = { readonly up: Partial<Script>; readonly down: Partial<Script> };

/** What an opener and its server say to each other: much, little, in small pieces, after the other's end. */
const TALKS: readonly Talk[] = [
  { up: { send: 1_500_000, piece: 60_000 }, down: {} },
  { up: {}, down: { send: 1_500_000, piece: 60_000 } },
  { up: { send: 300_000 }, down: { send: 300_000 } },
  {
    up: { send: 2_000, piece: 40, pause: 20 * MILLISECOND, noDelay: true },
    down: { send: 900, piece: 90, pause: 35 * MILLISECOND },
  },
  { up: { send: 3_000, piece: 30, pause: 7 * MILLISECOND }, down: { send: 70_000, last: 'end-last' } },
  { up: { send: 500, last: 'end-last' }, down: { send: 40_000 } },
  ...Array.from({ length: 30 }, (_, i) => ({ up: { send: 100 + i * 61 }, down: { send: 5000 - i * 150 } })),
];

class Run {
  readonly simulation: Simulation;
  readonly ups: Talker[] = [];
  readonly downs: Audience;
  readonly client: Container;
  readonly server: Container;
  /** Captures by node. */
  readonly #chunks: Map<number, Uint8Array[]> = new Map();
  readonly #writers: PcapWriter[];
  readonly #talks: readonly Talk[];

  constructor(stack: string, talks: readonly Talk[], impair: Partial<Impairments>, seed = 7) {
    const { spec } = loadCompose(stack, { stack: 'lecture' });
    const nodes = cluster({});
    this.#talks = talks;
    this.#writers = nodes.nodes.map((_, tap) => {
      const chunks: Uint8Array[] = [];
      this.#chunks.set(tap, chunks);
      return new PcapWriter((bytes) => chunks.push(bytes.slice()), { linkType: LINKTYPE.ethernet });
    });
    let now = (): number => 0;
    this.simulation = new Simulation(spec as StackSpec, {
      cluster: nodes,
      profile: profileOf('docker'),
      seed,
      capture: {
        frame: (tap, _inbound, frame) => {
          const bytes = frame.toBytes();
          const at = now();
          const second = Math.floor(at / SECOND);
          const writer = this.#writers[tap];
          writer?.writePacket(0, second, at - second * SECOND, viewOf(bytes), 0, bytes.length, bytes.length);
        },
      },
    });
    const { clock, world } = this.simulation;
    now = () => clock.now;
    this.client = world.containers.get('lecture_webserver.1') as Container;
    this.server = world.containers.get('lecture_appserver.1') as Container;
    expect(this.client.node).not.toBe(this.server.node);
    for (const { near, far } of this.simulation.underlay.cables.values()) {
      for (const end of [near, far]) end.impair(impairments({ delay: 4 * MILLISECOND, ...impair }));
    }
    const script = (part: Partial<Script>): Script => ({ ...SCRIPT, ...part });
    this.downs = new Audience(clock, this.server.host.tcp, PORT, (port) => {
      const id = port - 40_000;
      return { script: script(talks[id]?.down ?? {}), id };
    });
    const to = world.addressFor(world.party('webserver.1'), 'appserver.1');
    for (const [i, { up }] of talks.entries()) {
      const open = (): void => {
        const from = this.client.host.tcp;
        this.ups[i] = Talker.connect(clock, from, to, PORT, script(up), i, { localPort: 40_000 + i });
      };
      clock.at(clock.now + i * 10 * MILLISECOND, { fire: open }, 0);
    }
    clock.runUntil(clock.now + 300 * SECOND);
  }

  /** What the talkers have to complain of, and bytes that did not come. */
  complaints(): string[] {
    return this.#talks.flatMap((_, i) => {
      const up = this.ups[i];
      const down = this.downs.talkers.get(40_000 + i);
      if (up?.clean === true && down?.clean === true) return [];
      return [`${i}: ${up?.outcome} ${up?.faults} ${down?.outcome} ${down?.faults}`];
    });
  }

  /** Writes what a node had on its cable. */
  save(node: string, name: string): string {
    const tap = [...this.simulation.underlay.cables.keys()].indexOf(node);
    this.#writers[tap]?.flush();
    const path = files.path(`${name}-${node}.pcap`);
    writeFileSync(path, Buffer.concat(this.#chunks.get(tap) ?? []));
    return path;
  }

  end(): void {
    this.simulation.close();
    expect(this.simulation.world.ground.pool.out).toBe(0);
    expect(this.simulation.clock.pending).toBe(0);
  }
}

const FIELDS = [
  ...[
    'frame.number',
    'tcp.stream',
    'tcp.srcport',
    'tcp.dstport',
    'tcp.len',
    'tcp.checksum.status',
    'tcp.analysis.flags',
  ],
  ...[
    'tcp.analysis.retransmission',
    'tcp.analysis.fast_retransmission',
    'tcp.analysis.spurious_retransmission',
  ],
  ...[
    'tcp.analysis.out_of_order',
    'tcp.window_size_scalefactor',
    '_ws.expert.severity',
    '_ws.expert.message',
  ],
  ...['tcp.flags.syn', 'tcp.flags.fin', '_ws.malformed'],
] as const;
type Row = Readonly<Record<(typeof FIELDS)[number], string>>;

/** Wireshark's PI_WARN; PI_ERROR is above it. */
const WARNING = 0x600000;
const CHECKS = [
  '-o',
  'tcp.check_checksum:TRUE',
  '-o',
  'udp.check_checksum:TRUE',
  '-o',
  'ip.check_checksum:TRUE',
];

function rows(path: string): Row[] {
  const how = [
    '-n',
    '-r',
    path,
    ...CHECKS,
    '-Y',
    'tcp && vxlan',
    '-T',
    'fields',
    '-E',
    'separator=/t',
    '-E',
    'aggregator=;',
  ];
  const text = runTool('tshark', [...how, ...FIELDS.flatMap((field) => ['-e', field])]);
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const cells = line.split('\t');
      return Object.fromEntries(FIELDS.map((field, i) => [field, cells[i] ?? ''])) as Row;
    });
}

/** Segments that tshark takes for sent again, of those that left the node: from the server's port or to it. */
function again(all: readonly Row[], fromServer: boolean): number {
  return all.filter((row) => {
    if ((row['tcp.srcport'] === String(PORT)) !== fromServer) return false;
    return (
      row['tcp.analysis.retransmission'] !== '' ||
      row['tcp.analysis.fast_retransmission'] !== '' ||
      row['tcp.analysis.spurious_retransmission'] !== '' ||
      // What is sent again within a few milliseconds looks like a late segment to one who sees only the cable.
      row['tcp.analysis.out_of_order'] !== ''
    );
  }).length;
}

/** Both directions of a stream as tshark puts them together. */
function followed(path: string, stream: string): [Uint8Array, Uint8Array] {
  const text = runTool('tshark', ['-n', '-q', '-r', path, '-z', `follow,tcp,raw,${stream}`]);
  const sides: [string[], string[]] = [[], []];
  for (const line of text.split('\n')) {
    const found = /^(\t?)([0-9a-f]+)$/.exec(line);
    if (found !== null) sides[found[1] === '' ? 0 : 1].push(found[2] as string);
  }
  return [Buffer.from(sides[0].join(''), 'hex'), Buffer.from(sides[1].join(''), 'hex')];
}

describe.skipIf(!hasTool('tshark'))('tshark reads TCP in the tunnel', () => {
  test.each([
    { family: 'IPv4', stack: STACK },
    { family: 'IPv6', stack: IN_SIX },
  ])('$family, without loss: it has nothing to remark', ({ family, stack }) => {
    const run = new Run(stack, TALKS, {});
    expect(run.complaints()).toEqual([]);
    expect([run.client.host.tcp.retransmits, run.server.host.tcp.retransmits]).toEqual([0, 0]);
    for (const node of [run.client.node, run.server.node]) {
      const all = rows(run.save(node, `plain-${family}`));
      expect(all.length).toBeGreaterThan(3000);
      expect(new Set(all.map((row) => row['tcp.stream'])).size).toBe(TALKS.length);
      expect(all.filter((row) => row['tcp.checksum.status'] !== '1')).toEqual([]);
      const loud = all.filter((row) =>
        row['_ws.expert.severity'].split(';').some((one) => Number(one) >= WARNING),
      );
      expect(loud).toEqual([]);
      expect(all.filter((row) => row['tcp.analysis.flags'] !== '' || row['_ws.malformed'] !== '')).toEqual(
        [],
      );
      // The scale of 7 was agreed on in each.
      const data = all.filter((row) => row['tcp.len'] !== '0');
      expect(new Set(data.map((row) => row['tcp.window_size_scalefactor']))).toEqual(new Set(['128']));
    }
    run.end();
  });

  test.each([
    { family: 'IPv4', stack: STACK, seed: 7 },
    { family: 'IPv4', stack: STACK, seed: 8 },
    { family: 'IPv6', stack: IN_SIX, seed: 9 },
  ])(
    '$family, losing 2 in 100, disordering and doubling 1 (seed $seed): as many sent again, the same bytes',
    ({ family, stack, seed }) => {
      const run = new Run(stack, TALKS, { loss: 0.02, reorder: 0.01, duplicate: 0.01 }, seed);
      expect(run.complaints()).toEqual([]);
      const near = run.save(run.client.node, `lossy-${family}-${seed}`);
      const far = run.save(run.server.node, `lossy-${family}-${seed}`);
      const counted = [run.client.host.tcp.retransmits, run.server.host.tcp.retransmits];
      expect([again(rows(near), false), again(rows(far), true)]).toEqual(counted);
      expect(Math.min(...counted)).toBeGreaterThan(10);
      // Where the bytes arrive, tshark puts them together as they were sent.
      const streams = new Map(rows(far).map((row) => [row['tcp.srcport'], row['tcp.stream']]));
      for (const i of [2, 4, 5, 10, 20]) {
        const { up, down } = TALKS[i] as Talk;
        const [there, back] = followed(far, streams.get(String(40_000 + i)) ?? '');
        expect(Buffer.compare(there, Buffer.from(whole(2 * i, up.send ?? 0)))).toBe(0);
        expect(Buffer.compare(back, Buffer.from(whole(2 * i + 1, down.send ?? 0)))).toBe(0);
      }
      run.end();
    },
  );

  test('and finds what is wrong: a segment that is sent again without need', () => {
    const run = new Run(STACK, TALKS.slice(0, 2), { delay: 4 * MILLISECOND, duplicate: 0.02 });
    // A copy made by the cable is seen where it arrives, and there only.
    expect(again(rows(run.save(run.client.node, 'double')), false)).toBe(run.client.host.tcp.retransmits);
    expect(again(rows(run.save(run.server.node, 'double')), false)).toBeGreaterThan(5);
    run.end();
  });
});

/** A whole stream. */
function whole(id: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at += 50_000)
    bytes.set(streamBytes(id, at, Math.min(50_000, length - at)), at);
  return bytes;
}
