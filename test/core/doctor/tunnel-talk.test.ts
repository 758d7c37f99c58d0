import { describe, expect, test } from 'vitest';
import { piecesOf } from './traffic-run.ts';
import {
  A,
  advertisement,
  arpReply,
  arpRequest,
  B,
  C,
  diagnosedCapture,
  diagnosedPieces,
  echo,
  GROUP,
  only,
  solicitation,
  talk,
  told,
  tunnelled,
  VTEP_A,
  VTEP_B,
  VTEP_C,
} from './tunnel-scene.ts';

const QUIET = tunnelled(10, VTEP_A, VTEP_C, echo(A, C, 99));

describe('ARP-NO-ANSWER', () => {
  test('for a request that is asked again', () => {
    const asked = [0, 1, 2].map((at) => tunnelled(at, VTEP_A, VTEP_B, arpRequest(A, B.ip)));
    const found = only(diagnosedPieces(...asked), 'ARP-NO-ANSWER');
    expect(found).toMatchObject({ severity: 'warning', count: 3, packets: [1, 2, 3] });
    expect(found.title).toBe('VNI 100: nobody answers 10.0.0.1 who has 10.0.0.2 (asked 3 times)');
  });

  test('for one request when the capture goes on for three seconds, not when it ends sooner', () => {
    const asked = tunnelled(0, VTEP_A, VTEP_B, arpRequest(A, B.ip));
    expect(told(diagnosedPieces(asked, QUIET), 'ARP')).toEqual(['warning ARP-NO-ANSWER']);
    expect(told(diagnosedPieces(asked, { ...QUIET, at: 2e6 }), 'ARP')).toEqual([]);
  });

  test('as an error when the host is heard meanwhile', () => {
    const asked = [0, 1, 2].map((at) => tunnelled(at, VTEP_A, VTEP_B, arpRequest(A, B.ip)));
    const alive = tunnelled(1.5, VTEP_B, VTEP_C, arpRequest(B, C.ip));
    expect(told(diagnosedPieces(...asked, alive), 'ARP')).toContain('error ARP-NO-ANSWER');
  });

  test('not for an answer in the same network, from whichever VTEP, nor for one that came late', () => {
    const asked = [0, 1, 2].map((at) => tunnelled(at, VTEP_A, VTEP_B, arpRequest(A, B.ip)));
    const answer = tunnelled(2.5, VTEP_C, VTEP_A, arpReply(B, A));
    expect(told(diagnosedPieces(...asked, answer, QUIET), 'ARP')).toEqual([]);
  });

  test('but for an answer in another network', () => {
    const asked = [0, 1, 2].map((at) => tunnelled(at, VTEP_A, VTEP_B, arpRequest(A, B.ip)));
    const answer = tunnelled(0.1, VTEP_B, VTEP_A, arpReply(B, A), { vni: 101 });
    expect(told(diagnosedPieces(...asked, answer), 'ARP')).toEqual(['warning ARP-NO-ANSWER']);
  });

  test('not for gratuitous ARP, probes, or copies for several VTEPs', () => {
    const frames = [arpRequest(A, A.ip), arpRequest(A, B.ip, 0)];
    const sent = frames.flatMap((frame) => [0, 1, 2].map((at) => tunnelled(at, VTEP_A, VTEP_B, frame)));
    expect(told(diagnosedPieces(...sent, QUIET), 'ARP')).toEqual([]);
    const copies = [VTEP_B, VTEP_C].map((to) => tunnelled(0, VTEP_A, to, arpRequest(A, B.ip)));
    expect(told(diagnosedPieces(...copies), 'ARP')).toEqual([]);
  });

  test('in captures of a kernel: one address that nobody has; none where all are answered', () => {
    const found = only(diagnosedCapture('kernel/unicast4.pcap'), 'ARP-NO-ANSWER');
    expect(found.title).toContain('10.1.1.1 who has 10.1.1.77');
    expect(found.packets).toEqual([31, 32, 35]);
    for (const name of [
      'kernel/mcast3-underlay.pcap',
      'kernel/headend3-underlay.pcap',
      'public/tcpdump/vxlan.pcap',
    ]) {
      expect(told(diagnosedCapture(name), 'ARP')).toEqual([]);
    }
  });
});

describe('ND-NO-ANSWER', () => {
  const asked = [0, 1, 2].map((at) => tunnelled(at, VTEP_A, VTEP_B, solicitation(A, '2001:db8::2')));

  test('for a solicitation that is asked again, not when it is answered', () => {
    const found = only(diagnosedPieces(...asked), 'ND-NO-ANSWER');
    expect(found.title).toBe('VNI 100: nobody answers 2001:db8::1 who has 2001:db8::2 (asked 3 times)');
    const answer = tunnelled(2.1, VTEP_B, VTEP_A, advertisement(B, A, '2001:db8::2'));
    expect(told(diagnosedPieces(...asked, answer), 'ND')).toEqual([]);
  });

  test('not in a kernel capture with IPv6 inside', () => {
    expect(told(diagnosedCapture('kernel/ipv6-underlay.pcap'), 'ND', 'ARP')).toEqual([]);
  });
});

describe('TUNNEL-ONE-WAY', () => {
  const pings = [0, 1, 2, 3].map((at) => tunnelled(at, VTEP_A, VTEP_B, echo(A, B, at)));

  test('for questions that nobody answers: a warning for one silent station, an error for several', () => {
    expect(told(diagnosedPieces(...pings), 'TUNNEL')).toEqual(['warning TUNNEL-ONE-WAY']);
    const second = { ...C, vtep: VTEP_B };
    const more = [0, 1, 2].map((at) => tunnelled(at + 0.5, VTEP_A, VTEP_B, echo(A, second, at)));
    const found = only(diagnosedPieces(...pings, ...more), 'TUNNEL-ONE-WAY');
    expect(found.severity).toBe('error');
    expect(found.title).toContain('VNI 100 192.0.2.1 > 192.0.2.2: 7 frames one way and none back');
  });

  test('when the replies of a real capture are taken out', () => {
    const pieces = piecesOf('kernel/unicast4.pcap');
    const one = pieces.filter(({ bytes }) => bytes[11] === 1 && bytes.length > 90 && bytes[29] === 1);
    const slow = one.map((piece, i) => ({ ...piece, at: i * 1e6 }));
    // Only the first packets: later ones acknowledge, which shows that answers did arrive.
    expect(told(diagnosedPieces(...slow.slice(0, 4)), 'TUNNEL')).toEqual(['warning TUNNEL-ONE-WAY']);
  });

  test('not when something comes back for a station, when the asked station is heard elsewhere, or in a short capture', () => {
    const reply = tunnelled(3.5, VTEP_B, VTEP_A, echo(B, A, 3, true));
    expect(told(diagnosedPieces(...pings, reply), 'TUNNEL')).toEqual([]);
    const elsewhere = tunnelled(3.5, VTEP_C, VTEP_A, echo(B, A, 3, true));
    expect(told(diagnosedPieces(...pings, elsewhere), 'TUNNEL-ONE')).toEqual([]);
    const quick = pings.map((piece, i) => ({ ...piece, at: i * 1000 }));
    expect(told(diagnosedPieces(...quick), 'TUNNEL')).toEqual([]);
  });

  test('not for a mirror, which is noted', () => {
    for (const name of ['vxlan-encapsulated-http', 'vxlan-overlapping-http-get']) {
      const found = diagnosedCapture(`public/zeek/tunnels/${name}.pcap`);
      expect(told(found, 'TUNNEL-ONE', 'VNI', 'MAC', 'PORT-M')).toEqual([]);
      expect(told(found, 'TUNNEL-MIRROR')).toContain('note TUNNEL-MIRROR');
    }
  });

  test('nor a mirror where answers come back', () => {
    expect(told(diagnosedPieces(...talk(0, A, B)), 'TUNNEL')).toEqual([]);
    expect(told(diagnosedCapture('docker-swarm/failure-underlay.pcap'), 'TUNNEL')).toEqual([]);
  });
});

describe('VNI-MISMATCH', () => {
  const ask = (vni: number, at: number) => tunnelled(at, VTEP_A, VTEP_B, arpRequest(A, B.ip), { vni });
  const asked = (vni: number, at: number) => tunnelled(at, VTEP_B, VTEP_A, arpRequest(B, A.ip), { vni });

  test('when two ends ask for one another in two networks', () => {
    const found = only(
      diagnosedPieces(ask(100, 0), asked(200, 0.5), ask(100, 1), asked(200, 1.5)),
      'VNI-MISMATCH',
    );
    expect(found.severity).toBe('error');
    expect(found.title).toBe('10.0.0.1 and 10.0.0.2: 192.0.2.1 sends in VNI 100, 192.0.2.2 in VNI 200');
    expect(found.packets).toEqual([1, 2]);
  });

  test('as a note when answers arrive: downstream VNIs', () => {
    const answers = [0, 1, 2].flatMap((at) => [
      tunnelled(at, VTEP_A, VTEP_B, echo(A, B, at), { vni: 100 }),
      tunnelled(at + 0.1, VTEP_B, VTEP_A, echo(B, A, at, true), { vni: 200 }),
    ]);
    expect(told(diagnosedPieces(...answers), 'VNI')).toEqual(['note VNI-MISMATCH']);
  });

  test('not for two networks with the same addresses that both work', () => {
    expect(told(diagnosedCapture('kernel/overlap-two-vnis.pcap'), 'VNI', 'TUNNEL', 'MAC')).toEqual([]);
  });

  test('not for two networks that flood to VTEPs that have only one of them', () => {
    const other = { ...B, ip: C.ip };
    const floods = [ask(100, 0), tunnelled(0.5, VTEP_B, VTEP_A, arpRequest(other, 0x0a000009), { vni: 200 })];
    expect(told(diagnosedPieces(...floods), 'VNI')).toEqual([]);
  });
});

describe('PORT-MISMATCH', () => {
  test('when the ends send to different ports and neither is heard', () => {
    const sent = [0, 1, 2].flatMap((at) => [
      tunnelled(at, VTEP_A, VTEP_B, arpRequest(A, B.ip), { port: 4789 }),
      tunnelled(at + 0.5, VTEP_B, VTEP_A, arpRequest(B, A.ip), { port: 8472 }),
    ]);
    const found = only(diagnosedPieces(...sent), 'PORT-MISMATCH');
    expect(found.severity).toBe('error');
    expect(found.title).toBe('VNI 100: 192.0.2.1 sends to port 4789, 192.0.2.2 to port 8472');
  });

  test('as a warning when one end is heard, as a note when both are', () => {
    const sent = talk(0, A, B);
    const bent = sent.map((piece) => {
      const bytes = piece.bytes.slice();
      if (bytes[29] === 2) bytes.set([8472 >> 8, 8472 & 0xff], 36);
      return { ...piece, bytes };
    });
    const asks = [...bent, ...talk(10, B, A).filter((_, i) => i > 1)];
    expect(told(diagnosedPieces(...bent), 'PORT-M')).toEqual(['warning PORT-MISMATCH']);
    const both = asks.map((piece) => {
      const bytes = piece.bytes.slice();
      bytes.set(bytes[29] === 2 ? [8472 >> 8, 8472 & 0xff] : [4789 >> 8, 4789 & 0xff], 36);
      return { ...piece, bytes };
    });
    expect(told(diagnosedPieces(...both), 'PORT-M')).toEqual(['note PORT-MISMATCH']);
  });

  test('not on one port, whichever it is, nor in captures of flannel and Docker', () => {
    expect(told(diagnosedPieces(...talk(0, A, B, 3, { port: 8472 })), 'PORT')).toEqual([]);
    for (const name of [
      'kernel/flannel.pcap',
      'docker-swarm/traffic-underlay.pcap',
      'public/arkime/arkime_synthetic.pcap',
    ]) {
      expect(told(diagnosedCapture(name), 'PORT-M')).toEqual([]);
    }
  });

  test('a multicast group is no end that could answer', () => {
    const sent = [0, 1, 2, 3].map((at) => tunnelled(at, VTEP_A, GROUP, echo(A, B, at)));
    expect(told(diagnosedPieces(...sent), 'TUNNEL', 'PORT', 'VNI')).toEqual([]);
  });
});
