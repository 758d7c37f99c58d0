// Scapy as a second judge: what we send it builds again to the same bytes, lengths and checksums worked out anew; what it
// builds we read as it does. Needs python3 with Scapy.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import type { Packet } from '../../src/core/pcap/index.ts';
import { LINKTYPE } from '../../src/core/pcap/linktype.ts';
import { hex } from '../support/bytes.ts';
import { readPacket, values } from '../support/columns.ts';
import { Recorded, scratch } from '../support/judges.ts';
import { manifest } from '../support/manifests.ts';
import { runTool } from '../support/peers.ts';

/** The first Python that has Scapy; a second one may hide Debian's. */
const PYTHON = ['python3', '/usr/bin/python3'].find(
  (python) => spawnSync(python, ['-c', 'import scapy.layers.vxlan'], { timeout: 20_000 }).status === 0,
);
if (PYTHON === undefined)
  console.error('python3 with Scapy is not installed: the tests that compare with it are skipped');

const files = scratch('scapy');
afterAll(() => files.done());

function script(name: string, ...args: string[]): string {
  const path = fileURLToPath(new URL(`scapy/${name}`, import.meta.url));
  return runTool(PYTHON as string, [path, ...args]);
}

interface Rebuilt {
  readonly packets: number;
  readonly vxlan: number;
  readonly forgotten: number;
  readonly different: unknown[];
}

interface Built {
  readonly name: string;
  readonly hex: string;
  readonly fields: Readonly<Record<string, string>>;
}

const SIX_INSIDE = manifest('lecture-dnsrr.yml').replace('subnet: 10.0.1.0/24', 'subnet: "fd00:1::/64"');

describe.skipIf(PYTHON === undefined)('Scapy builds what we send to the same bytes', () => {
  test.each([
    { profile: 'docker', family: 4, inside: 4 },
    { profile: 'docker', family: 6, inside: 4 },
    { profile: 'docker', family: 6, inside: 6 },
    { profile: 'flood-and-learn', family: 4, inside: 6 },
    { profile: 'head-end', family: 6, inside: 4 },
    { profile: 'flannel', family: 4, inside: 4 },
  ] as const)('$profile, IPv$inside in a tunnel over IPv$family', ({ profile, family, inside }) => {
    const run = new Recorded(inside === 6 ? SIX_INSIDE : manifest('lecture-dnsrr.yml'), profile, { family });
    expect(run.ping('webserver.1', 'appserver.1')).toEqual({ replies: 2, errors: [] });
    run.ping('webserver.1', 'appserver.1', { size: 4000, dontFragment: false });
    for (const size of [0, 1, 99, 1000]) run.datagram('webserver.1', 'appserver.1', size);
    run.toClosedPort('webserver.1', 'appserver.1');
    run.simulation.close();
    const path = files.path(`${profile}-${family}-${inside}.pcapng`);
    run.save(path);
    const said = JSON.parse(script('rebuild.py', path)) as Rebuilt;
    expect(said.different).toEqual([]);
    expect(said.vxlan).toBeGreaterThan(20);
    expect(said.forgotten).toBeGreaterThan(said.vxlan * 3);
  });

  test('a packet with a wrong inner checksum comes out different', () => {
    const run = new Recorded(manifest('lecture-dnsrr.yml'), 'docker');
    run.spoil((bytes) => {
      if (bytes.length === 148) bytes[86] = (bytes[86] as number) ^ 1;
    });
    run.ping('webserver.1', 'appserver.1', { count: 1 });
    run.simulation.close();
    run.save(files.path('spoilt.pcapng'));
    const said = JSON.parse(script('rebuild.py', files.path('spoilt.pcapng'))) as Rebuilt;
    expect(said.different.length).toBeGreaterThan(0);
  });
});

describe.skipIf(PYTHON === undefined)('we read what Scapy builds as it does', () => {
  const built = PYTHON === undefined ? [] : (JSON.parse(script('build.py')) as Built[]);

  test('there are packets of every kind', () => {
    expect(built.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'plain',
        'group policy',
        'GPE IPv4',
        'IPv6 both',
        'VLAN inside',
        'tunnel in tunnel',
      ]),
    );
  });

  test.each(built)('$name', ({ hex: digits, fields }) => {
    const reading = readPacket(packetOf(hex(digits)));
    const ours = Object.fromEntries(
      Object.keys(fields).map((name) => [name, values(reading, name).join(';')]),
    );
    expect(ours).toEqual(fields);
    for (const layer of ['ip', 'icmp', 'icmpv6']) {
      expect(values(reading, `${layer}.checksum.status`).filter((status) => status !== '1')).toEqual([]);
    }
    for (const status of values(reading, 'udp.checksum.status')) expect(['1', '3']).toContain(status);
    expect(reading.tree.layers.length).toBeGreaterThan(5);
  });
});

function packetOf(bytes: Uint8Array): Packet {
  return {
    number: 1,
    bytes,
    originalLength: bytes.length,
    linkType: LINKTYPE.ethernet,
  } as Packet;
}
