// What passes between a container's programs and 127.0.0.11, read by tshark: every message dissected as DNS, every
// checksum right, no warning, each answer tied to its question.

import { writeFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { PcapWriter } from '../../src/core/pcap/index.ts';
import { LINKTYPE } from '../../src/core/pcap/linktype.ts';
import * as dns from '../../src/core/wire/dns.ts';
import { Loopback } from '../../src/engine/host/loopback.ts';
import type { Container } from '../../src/engine/orchestrate/container.ts';
import { Network } from '../sim/network.ts';
import { viewOf } from '../support/bytes.ts';
import { scratch } from '../support/judges.ts';
import { hasTool, runTool } from '../support/peers.ts';

const files = scratch('names');
afterAll(() => files.done());

const FIELDS = [
  ...[
    'frame.protocols',
    'ip.src',
    'ip.dst',
    'udp.srcport',
    'udp.dstport',
    'udp.checksum.status',
    'ip.checksum.status',
  ],
  ...['dns.id', 'dns.flags', 'dns.qry.name', 'dns.qry.type', 'dns.a', 'dns.ptr.domain_name', 'dns.resp.ttl'],
  ...['dns.response_to', 'dns.unsolicited', 'dns.retransmission', '_ws.expert.message', '_ws.malformed'],
] as const;
type Row = Readonly<Record<(typeof FIELDS)[number], string>>;

/** Everything that goes over any container's lo while `work` runs, as tshark reads it. */
function judged(stack: string, work: (network: Network) => void): Row[] {
  const network = new Network('docker', {}, 1, stack);
  const { backlog } = network.sim.world.ground;
  const chunks: Uint8Array[] = [];
  const writer = new PcapWriter((bytes) => chunks.push(bytes.slice()), { linkType: LINKTYPE.ethernet });
  const push = backlog.push.bind(backlog);
  let count = 0;
  backlog.push = (frame, sink, port) => {
    if (sink instanceof Loopback) {
      const bytes = frame.toBytes();
      writer.writePacket(0, 1_767_225_600, count++, viewOf(bytes), 0, bytes.length, bytes.length);
    }
    push(frame, sink, port);
  };
  work(network);
  network.sim.clock.runUntilIdle();
  network.end();
  writer.flush();
  const path = files.path(`${stack}.pcap`);
  writeFileSync(path, Buffer.concat(chunks));
  const text = runTool('tshark', [
    ...['-n', '-r', path, '-o', 'udp.check_checksum:TRUE', '-o', 'ip.check_checksum:TRUE', '-T', 'fields'],
    ...['-E', 'separator=/t', '-E', 'aggregator=;', ...FIELDS.flatMap((field) => ['-e', field])],
  ]);
  const lines = text.split('\n').filter((line) => line !== '');
  expect(lines.length).toBe(count);
  return lines.map((line) => {
    const cells = line.split('\t');
    return Object.fromEntries(FIELDS.map((field, i) => [field, cells[i] ?? ''])) as Row;
  });
}

describe.skipIf(!hasTool('tshark'))('tshark reads the embedded DNS', () => {
  test.each(['lecture.yml', 'lecture-dnsrr.yml'])('%s', (stack) => {
    const rows = judged(stack, (network) => {
      const ignore = (): void => {};
      for (const { resolver } of network.sim.world.containers.values() as Iterable<Container>) {
        for (const name of ['webserver', 'appserver', 'tasks.appserver', 'mysql', 'nosuch', 'example.com'])
          resolver.lookup(name, 0, ignore);
        resolver.query('3.1.0.10.in-addr.arpa', dns.RR.ptr, null, ignore);
        resolver.query('appserver', dns.RR.mx, null, ignore);
      }
    });
    expect(rows.length).toBeGreaterThan(100);
    const of = (field: (typeof FIELDS)[number], which = rows): string[] => [
      ...new Set(which.map((row) => row[field])),
    ];
    expect(of('frame.protocols')).toEqual(['eth:ethertype:ip:udp:dns']);
    expect(of('udp.checksum.status')).toEqual(['1']);
    expect(of('ip.checksum.status')).toEqual(['1']);
    for (const field of ['_ws.malformed', '_ws.expert.message', 'dns.unsolicited'] as const)
      expect(of(field)).toEqual(['']);
    const answers = rows.filter((row) => row['ip.src'] === '127.0.0.11');
    const questions = rows.filter((row) => row['ip.src'] === '127.0.0.1');
    expect(answers.length + questions.length).toBe(rows.length);
    expect(of('udp.srcport', answers)).toEqual(['53']);
    expect(of('udp.dstport', questions)).toEqual(['53']);
    for (const row of answers) {
      const question = questions.find(
        (one) => one['dns.id'] === row['dns.id'] && one['udp.srcport'] === row['udp.dstport'],
      );
      expect(question?.['dns.qry.name']).toBe(row['dns.qry.name']);
      expect(question?.['dns.qry.type']).toBe(row['dns.qry.type']);
      expect(row['dns.response_to']).not.toBe('');
    }
    // NOERROR, NXDOMAIN, REFUSED.
    expect(of('dns.flags', answers).sort()).toEqual(['0x8180', '0x8183', '0x8185']);
    const ttls = of('dns.resp.ttl', answers).flatMap((cell) => cell.split(';'));
    expect([...new Set(ttls)].sort()).toEqual(['', '600']);
    const tasks = answers.filter((row) => row['dns.qry.name'] === 'tasks.appserver' && row['dns.a'] !== '');
    expect(tasks.length).toBe(5);
    for (const row of tasks) expect(row['dns.a'].split(';').length).toBe(2);
    expect(of('dns.ptr.domain_name', answers).some((name) => /^lecture_webserver\.\d\./.test(name))).toBe(
      true,
    );
  });
});
