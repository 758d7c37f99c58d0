// Everything an emulated cluster puts on its underlay, read by tshark and tcpdump: no packet malformed, no warning, every
// checksum right, and tshark's fields are ours. Each profile, over IPv4 and IPv6, in one rack and in two with spines.

import { afterAll, describe, expect, test } from 'vitest';
import { PROFILES } from '../../src/engine/orchestrate/profile.ts';
import { judge, Recorded, scratch, tcpdumpSays } from '../support/judges.ts';
import { manifest } from '../support/manifests.ts';
import { hasTool } from '../support/peers.ts';

const files = scratch('judges');
afterAll(() => files.done());

const STACK = manifest('lecture-dnsrr.yml');
/** webserver.1 and appserver.1 stand on manager1 and worker2, which two racks part. */
const [WEB, APP] = ['webserver.1', 'appserver.1'];

/**
 * The profiles of RFC 7348 send no UDP checksum. RFC 6935 s.5 allows that for tunnels over IPv6; tshark must be told so
 * and tcpdump cannot be.
 */
const ZERO_OVER_IPV6 = ['-o', 'udp.ignore_ipv6_zero_checksum:TRUE'];
const ZERO_SEEN = /\[bad udp cksum 0x0000 -> 0x[0-9a-f]{4}!\] VXLAN/;

const RUNS = PROFILES.flatMap((profile) =>
  ([4, 6] as const).flatMap((family) =>
    [1, 2].map((racks) => ({ name: profile.name, profile, family, racks })),
  ),
);

describe.skipIf(!hasTool('tshark'))('tshark reads what the cluster sends as we do', () => {
  test.each(RUNS)('$name over IPv$family, racks: $racks', ({ name, profile, family, racks }) => {
    const run = new Recorded(STACK, name, { family, racks });
    // The spines route no multicast, so flooding by group ends at the rack's edge.
    const parted = profile.flood === 'multicast' && racks > 1;
    // flannel takes 50 bytes off whatever the underlay: over IPv6 full packets do not fit and are dropped.
    const tight = profile.shape === 'routed' && family === 6;
    const reached = { replies: parted ? 0 : 2, errors: [] };
    const full = { replies: parted || tight ? 0 : 2, errors: [] };
    const largest = family === 6 ? 1402 : 1422;
    expect(run.ping(WEB, APP)).toEqual(reached);
    expect(run.ping(WEB, APP, { size: largest })).toEqual(reached);
    if (!tight)
      expect(run.ping(WEB, APP, { size: largest + 1 })).toEqual({ replies: 0, errors: ['3.4', '3.4'] });
    expect(run.ping(WEB, APP, { size: 4000, dontFragment: false })).toEqual(full);
    expect(run.ping('webserver.1', 'webserver.2')).toEqual({ replies: 2, errors: [] });
    for (const size of [0, 1, 100]) {
      const arrived = parted ? [] : [size];
      expect(run.datagram(WEB, APP, size)).toEqual({ there: arrived, back: arrived });
    }
    const arrived = parted || tight ? [] : [3000];
    expect(run.datagram(WEB, APP, 3000)).toEqual({ there: arrived, back: arrived });
    expect(run.toClosedPort(WEB, APP)).toEqual(parted ? [] : ['3.3']);
    expect(run.ping('manager1', 'worker2')).toEqual({ replies: 2, errors: [] });
    const large = { size: 4000, dontFragment: false };
    expect(run.ping('manager1', 'worker2', large)).toEqual({ replies: 2, errors: [] });
    const expired = family === 6 ? '3.0' : '11.0';
    expect(run.ping('manager1', 'worker2', { ttl: 1 })).toEqual(
      racks > 1 ? { replies: 0, errors: [expired, expired] } : { replies: 2, errors: [] },
    );
    run.simulation.close();

    const path = files.path(`${name}-${family}-${racks}.pcapng`);
    run.save(path);
    const zero = family === 6 && !profile.udpChecksum;
    const said = judge(path, zero ? ZERO_OVER_IPV6 : []);
    expect(said.differences).toEqual([]);
    expect(said.complaints).toEqual([]);
    expect(said.interfaces.sort()).toEqual([...run.interfaces]);
    expect(said.packets).toBeGreaterThan(60);
    // The checksums were looked at: good ones are there, bad ones not.
    expect(said.count('ip.checksum.status', '1')).toBeGreaterThan(family === 4 ? 60 : 5);
    for (const kind of ['ip', 'udp', 'icmp', 'icmpv6', 'igmp']) {
      expect(said.count(`${kind}.checksum.status`, '0')).toBe(0);
    }
    if (!(profile.directRouting && family === 4 && racks === 1)) {
      expect([...said.stacks.keys()].some((stack) => stack.includes('vxlan:eth:ethertype:ip:icmp'))).toBe(
        true,
      );
    }
    if (!hasTool('tcpdump')) return;
    const words = tcpdumpSays(path);
    expect(words.bad.filter((line) => !(zero && ZERO_SEEN.test(line)))).toEqual([]);
    expect(words.lines).toBeGreaterThan(said.packets);
  });

  test('IPv6 in the overlay, over IPv4 and IPv6', () => {
    const stack = STACK.replace('subnet: 10.0.1.0/24', 'subnet: "fd00:1::/64"');
    for (const [name, family] of [
      ['docker', 4],
      ['docker', 6],
      ['head-end', 4],
      ['flood-and-learn', 4],
    ] as const) {
      const run = new Recorded(stack, name, { family });
      expect(run.ping(WEB, APP)).toEqual({ replies: 2, errors: [] });
      expect(run.ping(WEB, APP, { size: 4000, dontFragment: false })).toEqual({ replies: 2, errors: [] });
      expect(run.datagram(WEB, APP, 3000)).toEqual({ there: [3000], back: [3000] });
      expect(run.toClosedPort(WEB, APP)).toEqual(['257.4']);
      run.simulation.close();
      const path = files.path(`overlay6-${name}-${family}.pcapng`);
      run.save(path);
      const said = judge(path);
      expect(said.differences).toEqual([]);
      expect(said.complaints).toEqual([]);
      expect(said.count('icmpv6.checksum.status', '1')).toBeGreaterThan(8);
      expect(
        [...said.stacks.keys()].some((one) => one.includes('vxlan:eth:ethertype:ipv6:ipv6.fraghdr')),
      ).toBe(true);
      if (hasTool('tcpdump')) expect(tcpdumpSays(path).bad).toEqual([]);
    }
  });

  test("the lecture's stack for ten seconds of virtual time", () => {
    const run = new Recorded(manifest('lecture.yml'), 'docker');
    for (const [from, to] of [
      ['webserver.1', 'appserver.1'],
      ['appserver.1', 'appserver.2'],
      ['appserver.2', 'mysql.1'],
      ['webserver.2', 'appserver'],
    ] as const) {
      expect(run.ping(from, to)).toEqual({ replies: 2, errors: [] });
    }
    run.pass(10 - run.seconds);
    run.save(files.path('lecture.pcapng'));
    const said = judge(files.path('lecture.pcapng'));
    expect(said.differences).toEqual([]);
    expect(said.complaints).toEqual([]);
    expect(said.interfaces.sort()).toEqual(['manager1/eth0', 'worker1/eth0', 'worker2/eth0']);
    expect(said.count('vxlan.vni', '4097')).toBeGreaterThan(0);
    expect(said.count('udp.checksum.status', '1')).toBeGreaterThan(10);
    run.simulation.close();
  });
});

describe.skipIf(!hasTool('tshark'))('the judge finds what is wrong', () => {
  test('a wrong IPv4 header checksum', () => {
    const run = new Recorded(STACK, 'docker');
    run.spoil((bytes) => {
      if (bytes.length > 90) bytes[24] = (bytes[24] as number) ^ 0xff;
    });
    run.ping('manager1', 'worker2');
    const path = files.path('spoilt.pcapng');
    run.save(path);
    const said = judge(path);
    expect(said.complaints.length).toBeGreaterThan(0);
    expect(said.complaints[0]).toContain('Bad checksum');
    if (hasTool('tcpdump')) expect(tcpdumpSays(path).bad.length).toBeGreaterThan(0);
    run.simulation.close();
  });
});
