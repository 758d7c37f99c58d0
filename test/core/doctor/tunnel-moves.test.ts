import { describe, expect, test } from 'vitest';
import { isVirtual } from '../../../src/core/doctor/tunnel/moves.ts';
import { parseMac } from '../../../src/core/wire/address.ts';
import type { Piece } from './traffic-run.ts';
import type { Host, Node } from './tunnel-scene.ts';
import {
  A,
  arpReply,
  arpRequest,
  B,
  C,
  datagram,
  diagnosedCapture,
  diagnosedPieces,
  echo,
  host,
  only,
  talk,
  told,
  tunnelled,
  VTEP_A,
  VTEP_B,
  VTEP_C,
} from './tunnel-scene.ts';

/** Datagrams of a host from these VTEPs in turn, one in so many seconds. */
function heard(who: Host, vteps: readonly Node[], every = 10): Piece[] {
  return vteps.map((vtep, i) => tunnelled(i * every, vtep, VTEP_A, datagram(who, A, 4000)));
}

describe('a MAC behind two VTEPs', () => {
  test('moved once: a note', () => {
    const found = only(diagnosedPieces(...heard(B, [VTEP_B, VTEP_B, VTEP_C, VTEP_C])), 'MAC-MOVED');
    expect(found).toMatchObject({ severity: 'note', count: 1, packets: [3] });
    expect(found.title).toBe('VNI 100 0a:00:00:00:00:02 moved from VTEP 192.0.2.2 to 192.0.2.3');
  });

  test('moved with a gratuitous ARP, in a kernel capture that has it, and said so', () => {
    const moved = { ...B, vtep: VTEP_C };
    const found = diagnosedPieces(
      ...heard(B, [VTEP_B]),
      tunnelled(20, VTEP_C, VTEP_A, arpRequest(moved, moved.ip)),
    );
    expect(only(found, 'MAC-MOVED').title).toContain('to 192.0.2.3, with a gratuitous ARP');
    const real = only(diagnosedCapture('kernel/mcast3-underlay.pcap'), 'MAC-MOVED');
    expect(real.packets).toEqual([41]);
    expect(told(diagnosedCapture('kernel/mcast3-underlay.pcap'), 'MAC', 'IP')).toEqual(['note MAC-MOVED']);
  });

  test('back and forth: a warning', () => {
    const found = diagnosedPieces(...heard(B, [VTEP_B, VTEP_C, VTEP_B]));
    expect(told(found, 'MAC')).toEqual(['warning MAC-FLAP']);
    expect(only(found, 'MAC-FLAP').packets).toEqual([2, 3]);
  });

  test('five moves in 180 seconds are a duplicate, five in an hour are not', () => {
    const turns = [VTEP_B, VTEP_C, VTEP_B, VTEP_C, VTEP_B, VTEP_C];
    expect(told(diagnosedPieces(...heard(B, turns, 30)), 'MAC')).toEqual(['error MAC-DUPLICATE']);
    expect(told(diagnosedPieces(...heard(B, turns, 700)), 'MAC')).toEqual(['warning MAC-FLAP']);
  });

  test('there and back at once, twice, is a duplicate', () => {
    const turns = [VTEP_B, VTEP_C, VTEP_B, VTEP_C];
    expect(told(diagnosedPieces(...heard(B, turns, 0.1)), 'MAC')).toEqual(['error MAC-DUPLICATE']);
  });

  test('the same MAC in two networks is two stations', () => {
    const one = tunnelled(0, VTEP_B, VTEP_A, datagram(B, A, 4000), { vni: 100 });
    const other = tunnelled(1, VTEP_C, VTEP_A, datagram(B, A, 4000), { vni: 200 });
    expect(told(diagnosedPieces(one, other), 'MAC')).toEqual([]);
  });

  test('a broadcast for several VTEPs, and one that another VTEP passed on, do not count', () => {
    const frame = arpRequest(B, A.ip);
    const copies = [VTEP_A, VTEP_C].map((to) => tunnelled(0, VTEP_B, to, frame));
    const passed = tunnelled(0.001, VTEP_C, VTEP_A, frame);
    const found = diagnosedPieces(...copies, passed, ...heard(B, [VTEP_B], 10));
    expect(told(found, 'MAC')).toEqual([]);
    expect(told(found, 'FRAME')).toEqual(['note FRAME-RELAYED']);
  });

  test('of a virtual router, or of one that speaks for many addresses: a note at most', () => {
    const turns = [VTEP_B, VTEP_C, VTEP_B, VTEP_C, VTEP_B, VTEP_C];
    const vrrp = host('10.0.0.254', '00:00:5e:00:01:0a', VTEP_B);
    expect(told(diagnosedPieces(...heard(vrrp, turns, 1)), 'MAC')).toEqual(['note MAC-MOVED']);
    const routed = turns.map((vtep, i) =>
      tunnelled(i, vtep, VTEP_A, datagram({ ...B, ip: 0x0a0a0000 + i }, A, 4000)),
    );
    expect(told(diagnosedPieces(...routed), 'MAC')).toEqual(['note MAC-MOVED']);
  });

  test('of stations that mirrors copy do not count', () => {
    const both = [VTEP_B, VTEP_C].flatMap((mirror, k) =>
      [0, 1, 2, 3].flatMap((i) => [
        tunnelled(i + k / 10, mirror, VTEP_A, echo(A, B, 10 * i + k)),
        tunnelled(i + k / 10 + 0.01, mirror, VTEP_A, echo(B, A, 10 * i + k, true)),
      ]),
    );
    const found = diagnosedPieces(...both);
    expect(told(found, 'MAC')).toEqual([]);
    expect(told(found, 'TUNNEL')).toEqual(['note TUNNEL-MIRROR', 'note TUNNEL-MIRROR']);
  });

  test('not in captures of kernels, Docker, Open vSwitch and flannel', () => {
    for (const name of [
      'kernel/headend3-underlay',
      'docker-swarm/failure-underlay',
      'ovs/kernel',
      'kernel/flannel',
    ]) {
      expect(told(diagnosedCapture(`${name}.pcap`), 'MAC', 'IP')).toEqual([]);
    }
  });
});

describe('an IP address behind two VTEPs', () => {
  const other: Host = { ...B, mac: parseMac('0a:00:00:00:00:99'), vtep: VTEP_C };
  const claims = (turns: readonly Host[], every: number): Piece[] =>
    turns.map((who, i) => tunnelled(i * every, who.vtep, VTEP_A, arpReply(who, A)));

  test('moved once: a note', () => {
    const found = only(diagnosedPieces(...claims([B, other, other], 10)), 'IP-MOVED');
    expect(found.title).toBe(
      'VNI 100 10.0.0.2 moved from VTEP 192.0.2.2 to 192.0.2.3 (0a:00:00:00:00:02 and 0a:00:00:00:00:99)',
    );
  });

  test('back and forth: a warning; at the same time: an error', () => {
    expect(told(diagnosedPieces(...claims([B, other, B], 60)), 'IP')).toEqual(['warning IP-FLAP']);
    expect(told(diagnosedPieces(...claims([B, other, B, other], 0.2)), 'IP')).toEqual(['error IP-DUPLICATE']);
  });

  test('with the same MAC it is the MAC that moved', () => {
    const moved = { ...B, vtep: VTEP_C };
    expect(told(diagnosedPieces(...claims([B, moved], 10)), 'IP', 'MAC')).toEqual(['note MAC-MOVED']);
  });

  test('behind one VTEP, or in two networks, is not its matter', () => {
    const near = { ...other, vtep: VTEP_B };
    expect(told(diagnosedPieces(...claims([B, near, B], 10)), 'IP')).toEqual([]);
    const second = tunnelled(1, VTEP_C, VTEP_A, arpReply(other, A), { vni: 200 });
    expect(told(diagnosedPieces(...claims([B], 1), second), 'IP')).toEqual([]);
  });

  test('a source address of routed packets says nothing about where it lives', () => {
    const gateways = [VTEP_B, VTEP_C].map((vtep, i) => host('8.8.8.8', `0a:00:00:00:01:0${i}`, vtep));
    const sent = [0, 1, 0, 1, 0, 1].map((which, i) => {
      const from = gateways[which] as Host;
      return tunnelled(i, from.vtep, VTEP_A, datagram(from, A, 53));
    });
    expect(told(diagnosedPieces(...sent), 'IP', 'MAC')).toEqual([]);
  });
});

test('MACs that routers share are known', () => {
  const shared = [
    '00:00:5e:00:01:01',
    '00:00:5e:00:02:ff',
    '00:00:0c:07:ac:0a',
    '00:00:0c:9f:f1:23',
    '00:05:73:a0:01:02',
    '00:07:b4:00:01:01',
  ];
  expect(shared.filter((mac) => !isVirtual(parseMac(mac)))).toEqual([]);
  const own = ['00:00:5e:00:03:01', '00:00:0c:07:ad:0a', '00:00:0c:9e:f1:23', '02:42:0a:00:01:02'];
  expect(own.filter((mac) => isVirtual(parseMac(mac)))).toEqual([]);
});

test('a whole conversation between three hosts moves nobody', () => {
  expect(told(diagnosedPieces(...talk(0, A, B), ...talk(5, B, C), ...talk(10, C, A)))).toEqual([]);
});
