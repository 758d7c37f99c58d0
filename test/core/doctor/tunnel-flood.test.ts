import { describe, expect, test } from 'vitest';
import type { Piece } from './traffic-run.ts';
import {
  A,
  arpRequest,
  B,
  C,
  datagram,
  diagnosedCapture,
  diagnosedPieces,
  echo,
  GROUP,
  only,
  talk,
  told,
  tunnelled,
  VTEP_A,
  VTEP_B,
  VTEP_C,
} from './tunnel-scene.ts';

const HEALTHY = [
  'kernel/headend3-vtep1.pcap',
  'kernel/mcast3-vtep1.pcap',
  'kernel/perf-snap110.pcap',
  'kernel/misc-stp.pcap',
];

describe('FLOOD-SHARE', () => {
  const floods = (count: number): Piece[] =>
    Array.from({ length: count }, (_, i) => tunnelled(i / 10, VTEP_A, VTEP_B, arpRequest(A, 0x0a000100 + i)));
  const flow = (count: number): Piece[] =>
    Array.from({ length: count }, (_, i) => tunnelled(i / 10, VTEP_B, VTEP_A, datagram(B, A, i)));

  test('a warning for most of a network, a note for a fifth, nothing below or for few', () => {
    const found = only(diagnosedPieces(...floods(120), ...flow(80)), 'FLOOD-SHARE');
    expect(found).toMatchObject({ severity: 'warning', count: 120 });
    expect(found.title).toBe('VNI 100: 60 % of 200 packets are flooded broadcasts and multicasts');
    expect(told(diagnosedPieces(...floods(120), ...flow(300)), 'FLOOD')).toEqual(['note FLOOD-SHARE']);
    expect(told(diagnosedPieces(...floods(120), ...flow(600)), 'FLOOD')).toEqual([]);
    expect(told(diagnosedPieces(...floods(60)), 'FLOOD')).toEqual([]);
  });

  test.each(HEALTHY)('not in %s', (name) => {
    expect(told(diagnosedCapture(name), 'FLOOD', 'UNKNOWN')).toEqual([]);
  });
});

describe('UNKNOWN-UNICAST', () => {
  /** Frames for a station at each of these ends, many times over. */
  const lost = (count: number, ends: readonly (typeof VTEP_B)[], every = 0.1): Piece[] =>
    Array.from({ length: count }, (_, i) => {
      const frame = datagram(A, B, 2000 + i);
      return ends.map((to, k) => tunnelled(i * every + k / 1e4, VTEP_A, to, frame));
    }).flat();

  test('frames for one station that go to every VTEP, on and on', () => {
    const found = only(diagnosedPieces(...lost(30, [VTEP_B, VTEP_C])), 'UNKNOWN-UNICAST');
    expect(found).toMatchObject({ severity: 'warning', count: 30 });
    expect(found.title).toBe('VNI 100: 30 frames for 0a:00:00:00:00:02 flooded over 2.9 s');
  });

  test('or to the group', () => {
    expect(told(diagnosedPieces(...lost(30, [GROUP])), 'UNKNOWN')).toEqual(['warning UNKNOWN-UNICAST']);
  });

  test('an error at a thousand a second', () => {
    expect(told(diagnosedPieces(...lost(2500, [VTEP_B, VTEP_C], 0.0005)), 'UNKNOWN')).toEqual([
      'error UNKNOWN-UNICAST',
    ]);
  });

  test('not for the first frames, nor for frames to one VTEP, nor for broadcasts', () => {
    expect(told(diagnosedPieces(...lost(5, [VTEP_B, VTEP_C])), 'UNKNOWN')).toEqual([]);
    expect(told(diagnosedPieces(...lost(100, [VTEP_B])), 'UNKNOWN')).toEqual([]);
    const asked = Array.from({ length: 40 }, (_, i) =>
      [VTEP_B, VTEP_C].map((to) => tunnelled(i, VTEP_A, to, arpRequest(A, 0x0a000100 + i))),
    ).flat();
    expect(told(diagnosedPieces(...asked), 'UNKNOWN')).toEqual([]);
  });
});

describe('FRAME-REFLECTED', () => {
  /** Frames that B's VTEP sends back as they came. */
  const mirrored = (count: number, delay = 0.002): Piece[] =>
    Array.from({ length: count }, (_, i) => {
      const frame = echo(A, B, i);
      return [tunnelled(i, VTEP_A, VTEP_B, frame), tunnelled(i + delay, VTEP_B, VTEP_A, frame)];
    }).flat();

  test('a frame that comes back: a warning once, an error when it goes on', () => {
    expect(told(diagnosedPieces(...mirrored(1)), 'FRAME')).toEqual(['warning FRAME-REFLECTED']);
    const found = only(diagnosedPieces(...mirrored(4)), 'FRAME-REFLECTED');
    expect(found).toMatchObject({ severity: 'error', count: 4, packets: [2, 4, 6, 8] });
    expect(found.title).toBe(
      'VNI 100 192.0.2.2 > 192.0.2.1: 4 frames sent back to the VTEP that they came from',
    );
    expect(told(diagnosedPieces(...mirrored(4)), 'MAC')).toEqual([]);
  });

  test('not for copies at two taps, for answers, or for the same bytes much later', () => {
    const frame = echo(A, B, 1);
    const taps = [0, 1].map((tap) => tunnelled(tap / 1e5, VTEP_A, VTEP_B, frame, { tap }));
    expect(told(diagnosedPieces(...taps), 'FRAME')).toEqual([]);
    expect(told(diagnosedPieces(...talk(0, A, B, 20)), 'FRAME')).toEqual([]);
    expect(told(diagnosedPieces(...mirrored(2, 0.3)), 'FRAME')).toEqual([]);
  });

  test.each([...HEALTHY, 'docker-swarm/traffic-underlay.pcap', 'formats/any-sll2.pcap'])(
    'not in %s',
    (name) => {
      expect(told(diagnosedCapture(name), 'FRAME')).toEqual([]);
    },
  );
});

describe('FRAME-RELAYED', () => {
  test('a frame that a VTEP sends on into another tunnel', () => {
    const frame = echo(A, C, 1);
    const found = diagnosedPieces(
      tunnelled(0, VTEP_A, VTEP_B, frame),
      tunnelled(0.001, VTEP_B, VTEP_C, frame),
    );
    expect(told(found, 'FRAME', 'MAC')).toEqual(['note FRAME-RELAYED']);
    expect(only(found, 'FRAME-RELAYED').packets).toEqual([2]);
  });

  test('not one that its own VTEP sends to several', () => {
    const frame = arpRequest(A, B.ip);
    const copies = [VTEP_B, VTEP_C].map((to, i) => tunnelled(i / 1e4, VTEP_A, to, frame));
    expect(told(diagnosedPieces(...copies), 'FRAME')).toEqual([]);
  });
});
