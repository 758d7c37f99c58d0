// The lecture's stack without any key, on the whole emulated swarm: its three tiers talk through virtual addresses and tunnels,
// by name, with one customer query a request; and tshark has nothing to say against it.

import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { Pace } from '../../../src/apps/pace.ts';
import { EPOCH } from '../../../src/apps/process.ts';
import { programTable } from '../../../src/apps/programs/index.ts';
import type { ServiceRow } from '../../../src/apps/runtime.ts';
import { Runtime } from '../../../src/apps/runtime.ts';
import { LINKTYPE } from '../../../src/core/pcap/linktype.ts';
import { PcapngWriter } from '../../../src/core/pcap/pcapng-writer.ts';
import { loadCompose } from '../../../src/engine/manifest/load.ts';
import type { StackSpec } from '../../../src/engine/model/spec.ts';
import { cluster } from '../../../src/engine/orchestrate/cluster.ts';
import { profileOf } from '../../../src/engine/orchestrate/profile.ts';
import { Simulation } from '../../../src/engine/orchestrate/simulation.ts';
import { viewOf } from '../../support/bytes.ts';
import { scratch } from '../../support/judges.ts';
import { manifest } from '../../support/manifests.ts';
import { hasTool, runTool } from '../../support/peers.ts';

const files = scratch('lecture');
afterAll(() => files.done());

interface Run {
  readonly rows: readonly ServiceRow[];
  readonly printed: readonly string[];
  readonly file: string;
}

/** A stack for so many seconds of virtual time; every frame once, as it leaves its node, in a file. */
async function run(name: string, text: string, seconds: number): Promise<Run> {
  const { spec } = loadCompose(text, { stack: 'lecture' });
  const nodes = cluster({});
  const chunks: Uint8Array[] = [];
  const writer = new PcapngWriter((bytes) => chunks.push(bytes.slice()));
  writer.addInterface({ linkType: LINKTYPE.ethernet, name: 'underlay' });
  const simulation = new Simulation(spec as StackSpec, {
    cluster: nodes,
    profile: profileOf('docker'),
    seed: 7,
    capture: {
      frame: (_tap, inbound, frame) => {
        if (inbound) return;
        const { now } = simulation.clock;
        const bytes = frame.toBytes();
        writer.writePacket(
          0,
          EPOCH / 1000 + Math.floor(now / 1e9),
          now % 1e9,
          viewOf(bytes),
          0,
          bytes.length,
          bytes.length,
        );
      },
    },
  });
  const pace = new Pace(simulation.clock);
  const printed: string[] = [];
  const runtime = new Runtime({
    world: simulation.world,
    inbox: pace.inbox,
    programs: programTable('fixtures/manifests'),
    print: ({ container }, line) =>
      printed.push(`${container.name.split('.').slice(0, 2).join('.')}: ${line}`),
  });
  runtime.start();
  await pace.run(seconds * 1e9);
  const rows = runtime.rows();
  const file = files.path(`${name}.pcapng`);
  writer.flush();
  writeFileSync(file, Buffer.concat(chunks));
  await runtime.stop(pace);
  await pace.run(120e9);
  pace.close();
  simulation.world.close();
  expect(simulation.world.ground.pool.out).toBe(0);
  expect(simulation.clock.pending).toBe(0);
  return { rows, printed, file };
}

function rowOf(
  rows: readonly ServiceRow[],
  service: string,
  kind: string,
  peer: string,
): ServiceRow | undefined {
  return rows.find((row) => row.service === service && row.kind === kind && row.peer === peer);
}

function fields(file: string, filter: string, ...names: readonly string[]): string[] {
  const wanted = names.flatMap((name) => ['-e', name]);
  const switches = ['-d', 'udp.port==4789,vxlan', '-d', 'tcp.port==8080,http', '-T', 'fields'];
  const lines = runTool('tshark', ['-r', file, ...switches, '-Y', filter, ...wanted]).split('\n');
  return lines.filter((line) => line !== '');
}

describe("the lecture's stack", () => {
  test('each request is one query, and two runs write the same file', async () => {
    const { rows, printed, file } = await run('first', manifest('lecture.yml'), 10);
    expect(rowOf(rows, 'webserver', 'http-client', 'appserver')).toMatchObject({ requests: 20, failures: 0 });
    expect(rowOf(rows, 'appserver', 'app-server', 'mysql')).toMatchObject({ requests: 20, failures: 0 });
    expect(printed).toEqual([]);
    const again = await run('again', manifest('lecture.yml'), 10);
    expect(readFileSync(again.file).equals(readFileSync(file))).toBe(true);
  });

  test.skipIf(!hasTool('tshark'))(
    'tshark sees HTTP and MySQL in every stream, and nothing amiss',
    async () => {
      const { file } = await run('judged', manifest('lecture.yml'), 10);
      const amiss = 'tcp.analysis.flags || _ws.malformed || _ws.expert.severity >= 0x600000';
      expect(fields(file, amiss, 'frame.number', '_ws.expert.message')).toEqual([]);
      const streams = (filter: string): Set<string> =>
        new Set(fields(file, filter, 'tcp.stream').map((cell) => cell.split(',').at(-1) as string));
      expect(streams('tcp.len > 0').size).toBeGreaterThan(10);
      expect(streams('http || mysql')).toEqual(streams('tcp.len > 0'));
      expect(fields(file, 'mysql.query contains "WHERE id"', 'mysql.query').length).toBeGreaterThan(0);
      expect(fields(file, 'http.response.code != 200', 'frame.number')).toEqual([]);
    },
  );
});

describe('the examples', () => {
  test('every kind of workload does what it is there for', async () => {
    const { rows, printed } = await run('all', manifest('workloads.yml'), 40);
    const clean = (peer: string, kind: string): void =>
      expect(rowOf(rows, 'client', kind, peer)).toMatchObject({ failures: 0 });
    for (const [peer, kind] of [
      ['web', 'http-client'],
      ['tasks.web', 'ping'],
      ['sink', 'udp'],
      ['sink', 'tcp-bulk'],
      ['web', 'dns'],
    ] as const) {
      clean(peer, kind);
    }
    expect(rowOf(rows, 'client', 'http-client', 'web')?.requests).toBeGreaterThan(400);
    expect(rowOf(rows, 'app', 'app-server', 'db')).toMatchObject({ failures: 0 });
    expect(rowOf(rows, 'client', 'udp', 'sink')?.requests).toBe(1000);
    expect(printed.filter((line) => /SUM.*receiver/.test(line))).toHaveLength(2);
  });

  test('programs of the user’s find each other by name', async () => {
    const { printed } = await run('own', manifest('workloads-run.yml'), 20);
    expect(
      printed.filter((line) => line.startsWith('lecture_client.1: 2026-01-01T00:00:0')).length,
    ).toBeGreaterThan(3);
    expect(printed).toContain('lecture_api.1: listening on 3000\n');
  });
});
