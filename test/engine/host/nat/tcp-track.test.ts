import { describe, expect, test } from 'vitest';
import { tcp } from '../../../../src/core/wire/index.ts';
import type { TcpState } from '../../../../src/engine/host/nat/tcp-track.ts';
import {
  CONNTRACK,
  IPVS,
  isClosing,
  nextState,
  TCP_STATE,
  TCP_STATE_NAMES,
} from '../../../../src/engine/host/nat/tcp-track.ts';
import { SECOND } from '../../../../src/engine/time/clock.ts';

const { SYN, ACK, FIN, RST } = tcp.FLAG;
/** Segments by side: `>` from who opened, `<` from the other. */
const SEGMENTS: Readonly<Record<string, readonly [number, boolean]>> = {
  '>S': [SYN, true],
  '<S': [SYN, false],
  '<SA': [SYN | ACK, false],
  '>A': [ACK, true],
  '<A': [ACK, false],
  '>F': [FIN | ACK, true],
  '<F': [FIN | ACK, false],
  '>R': [RST, true],
  '<R': [RST | ACK, false],
};

const after = (segments: string): string => {
  let state: TcpState = TCP_STATE.none;
  for (const one of segments.split(' ').filter((word) => word !== '')) {
    const [flags, client] = SEGMENTS[one] as readonly [number, boolean];
    state = nextState(state, flags, client);
  }
  return TCP_STATE_NAMES[state] as string;
};

describe('TCP seen from the middle', () => {
  test.each([
    ['>S', 'SYN_SENT'],
    ['>S >S', 'SYN_SENT'],
    ['>S <SA', 'SYN_RECV'],
    ['>S <SA >A', 'ESTABLISHED'],
    ['>S <SA >A <A >A', 'ESTABLISHED'],
    ['>S <S', 'SYN_RECV'],
    // A challenge ACK does not open anything.
    ['>S <A', 'SYN_SENT'],
    ['>S <SA >A >S', 'ESTABLISHED'],
    ['>S <SA >A >F', 'CLOSE_WAIT'],
    ['>S <SA >A >F <A >F', 'CLOSE_WAIT'],
    ['>S <SA >A >F <F', 'TIME_WAIT'],
    ['>S <SA >A <F', 'FIN_WAIT'],
    ['>S <SA >A <F >A <F', 'FIN_WAIT'],
    ['>S <SA >A <F >F', 'TIME_WAIT'],
    ['>S <SA >A <F >F <A', 'TIME_WAIT'],
    ['>S <R', 'CLOSE'],
    ['>S <SA >A >R', 'CLOSE'],
    ['>S <SA >A >R <F', 'CLOSE'],
    ['>S <R >S', 'SYN_SENT'],
    ['>S <SA >A <F >F >S', 'SYN_SENT'],
    // Picked up in the middle: a connection once both sides were heard.
    ['>A', 'NONE'],
    ['>A <A', 'ESTABLISHED'],
  ])('%s is %s', (segments, state) => {
    expect(after(segments)).toBe(state);
  });

  test('a new SYN replaces what is closing and nothing else', () => {
    const closing = Object.values(TCP_STATE).filter((state) => isClosing(state));
    expect(closing.map((state) => TCP_STATE_NAMES[state])).toEqual([
      'FIN_WAIT',
      'CLOSE_WAIT',
      'TIME_WAIT',
      'CLOSE',
    ]);
  });
});

test("the kernel's times, in seconds", () => {
  const seconds = ({ udp, echo, tcp: states }: typeof IPVS): object => ({
    udp: udp / SECOND,
    echo: echo / SECOND,
    ...Object.fromEntries(states.map((time, i) => [TCP_STATE_NAMES[i], time / SECOND])),
  });
  const both = { echo: 30, SYN_RECV: 60, FIN_WAIT: 120, CLOSE_WAIT: 60, TIME_WAIT: 120, CLOSE: 10 };
  expect(seconds(IPVS)).toEqual({ ...both, udp: 300, NONE: 2, SYN_SENT: 60, ESTABLISHED: 900 });
  expect(seconds(CONNTRACK)).toEqual({ ...both, udp: 30, NONE: 300, SYN_SENT: 120, ESTABLISHED: 432_000 });
});
