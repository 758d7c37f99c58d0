// A whole TCP story from a few numbers: what lies between two hosts, who says what, what happens on the way; and what is wrong
// with how it came out. The numbers are fast-check's to draw and to shrink.

import fc from 'fast-check';
import type { Impairments } from '../../src/engine/fabric/impair.ts';
import type { TcpError } from '../../src/engine/host/tcp/socket.ts';
import { MILLISECOND, SECOND } from '../../src/engine/time/clock.ts';
import type { Mischief } from './road.ts';
import { HONEST, Road } from './road.ts';
import type { Script } from './streams.ts';
import { Audience, SCRIPT, Talker } from './streams.ts';
import { Referee } from './tcp-referee.ts';

export interface Journey {
  readonly seed: number;
  readonly family: 4 | 6;
  readonly mtu: number;
  readonly routers?: boolean;
  readonly impair: Partial<Impairments>;
  readonly mischief: Mischief;
  /** What the opener and what the other end does, for each connection. */
  readonly talks: readonly { readonly up: Script; readonly down: Script }[];
  /** Nanoseconds between one `connect` and the next. */
  readonly apart: number;
}

/** What happens at a time; nanoseconds. */
export interface Event {
  readonly at: number;
  run(road: Road, pairs: readonly Pair[]): void;
}

export interface Pair {
  readonly up: Talker;
  /** Null while nothing has come through. */
  readonly down: Talker | null;
}

export interface Outcome {
  readonly complaints: string[];
  readonly pairs: readonly Pair[];
  readonly road: Road;
  readonly referee: Referee;
}

/** Longest that a story may take: more than retransmission goes on at its slowest. */
const PATIENCE = 400 * 3600 * SECOND;
const STEPS = 4_000_000;
const PORT = 80;

/**
 * Lets a story happen.
 * @param allowed how a connection may fail; none means that each must end in good order
 */
export function play(
  journey: Journey,
  allowed: readonly TcpError[] = [],
  events: readonly Event[] = [],
): Outcome {
  const referee = new Referee();
  const road = new Road({ ...journey, referee });
  const { clock, a, b } = road;
  const { talks } = journey;
  const audience = new Audience(clock, b.tcp, PORT, (port) => {
    const id = port - 40_000;
    return { script: talks[id]?.down ?? SCRIPT, id };
  });
  const ups: Talker[] = [];
  const pairs = (): Pair[] =>
    talks.flatMap((_, i) => {
      const up = ups[i];
      return up === undefined ? [] : [{ up, down: audience.talkers.get(40_000 + i) ?? null }];
    });
  for (const [i, { up }] of talks.entries()) {
    const open = (): void => {
      ups[i] = Talker.connect(clock, a.tcp, road.ipB, PORT, up, i, { localPort: 40_000 + i });
    };
    clock.at(i * journey.apart, { fire: open }, 0);
  }
  for (const event of events) clock.at(event.at, { fire: () => event.run(road, pairs()) }, 0);
  const isOver = (): boolean =>
    ups.length === talks.length && pairs().every(({ up, down }) => up.over && (down === null || down.over));
  for (let steps = 0; steps < STEPS && clock.now < PATIENCE; steps += 100) {
    let went = true;
    for (let i = 0; i < 100 && went; i++) went = clock.step();
    if (!went || isOver()) break;
  }
  const complaints = [...referee.faults];
  for (const [i, pair] of pairs().entries()) complaints.push(...judgePair(i, pair, allowed));
  if (referee.resent(a) !== a.tcp.retransmits || referee.resent(b) !== b.tcp.retransmits) {
    complaints.push(
      `sent again: ${referee.resent(a)} and ${referee.resent(b)}, counted ${a.tcp.retransmits} and ${b.tcp.retransmits}`,
    );
  }
  // TIME-WAIT passes, and a retransmission with its longest pause.
  clock.runUntil(clock.now + 1200 * SECOND);
  if (complaints.length === 0 && (a.tcp.size !== 0 || b.tcp.size !== (road.isGone(b) ? 0 : 1))) {
    complaints.push(`sockets left: ${a.tcp.size} and, with a listener, ${b.tcp.size}`);
  }
  audience.listener.close();
  complaints.push(...road.end());
  return { complaints, pairs: pairs(), road, referee };
}

function judgePair(i: number, { up, down }: Pair, allowed: readonly TcpError[]): string[] {
  const said: string[] = [];
  const who = `connection ${i}`;
  for (const fault of up.faults) said.push(`${who}, opener: ${fault}`);
  for (const fault of down?.faults ?? []) said.push(`${who}, other end: ${fault}`);
  const hangs = (one: Talker): boolean => !one.over && one.script.last !== 'stay';
  if (hangs(up))
    said.push(`${who}, opener: hangs in ${up.socket?.state}, ${up.sent} sent, ${up.received} heard`);
  if (down !== null && hangs(down)) {
    said.push(`${who}, other end: hangs in ${down.socket?.state}, ${down.sent} sent, ${down.received} heard`);
  }
  for (const [one, far, name] of [
    [up, down, 'opener'],
    [down, up, 'other end'],
  ] as const) {
    const outcome = one?.outcome ?? null;
    if (outcome !== null && outcome !== 'none' && !allowed.includes(outcome) && !isLate(one, far)) {
      said.push(`${who}, ${name}: ${outcome}, ${one?.sent} sent, ${one?.received} heard`);
    }
  }
  // Nobody hears more than was said, and after a good end nobody has heard less.
  if (up.received > (down?.sent ?? 0)) said.push(`${who}: the opener heard more than was sent`);
  if (down !== null && down.received > up.sent) said.push(`${who}: the other end heard more than was sent`);
  for (const [from, to] of [
    [up, down],
    [down, up],
  ]) {
    if (from?.outcome !== null || from === null || from === undefined) continue;
    if (from.endedAt < 0) said.push(`${who}: closed in good order without hearing the other's end`);
    if (to !== null && to !== undefined && to.received !== from.sent && !to.aborted) {
      said.push(`${who}: closed in good order, ${to.received} of ${from.sent} were heard`);
    }
  }
  return said;
}

/**
 * True when all was said and heard, and only the last acknowledgement was lost so often that the other end had waited long
 * enough (TIME-WAIT) and answered the last FIN with a reset.
 */
export function isLate(one: Talker | null, far: Talker | null): boolean {
  if (one?.outcome !== 'ECONNRESET' || far?.outcome !== null) return false;
  return far.received === one.script.send && one.received === far.script.send;
}

/** Most of the time `usual`. */
const rarely = <T>(usual: T, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ arbitrary: fc.constant(usual), weight: 2 }, { arbitrary: other, weight: 1 });
const share = (most: number): fc.Arbitrary<number> =>
  fc.integer({ min: 0, max: Math.floor(most * 1000) }).map((n) => n / 1000);

export const script = (most: number): fc.Arbitrary<Script> =>
  fc.record({
    send: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3000 }), fc.integer({ min: 1, max: most })),
    piece: fc.oneof(
      fc.constant(16_384),
      fc.integer({ min: 100, max: 3000 }),
      fc.integer({ min: 1000, max: 60_000 }),
    ),
    pause: rarely(
      0,
      fc.integer({ min: 1, max: 100 }).map((ms) => ms * MILLISECOND),
    ),
    gulp: fc.oneof(fc.constant(65_536), fc.integer({ min: 100, max: 5000 })),
    rest: rarely(
      0,
      fc.integer({ min: 1, max: 50 }).map((ms) => ms * MILLISECOND),
    ),
    noDelay: fc.boolean(),
    last: fc.constant('end' as const),
    // Who waits for the other must notice that it has gone, or never heard that the handshake was done.
    keepAlive: fc.constant(30 * SECOND),
  });

/** Talks of which one end may wait for the other's end before it ends. */
export const talk = (most: number): fc.Arbitrary<{ up: Script; down: Script }> =>
  fc
    .record({ up: script(most), down: script(most), waits: fc.constantFrom('none', 'up', 'down') })
    .map(({ up, down, waits }) => ({
      up: waits === 'up' ? { ...up, last: 'end-last' } : up,
      down: waits === 'down' ? { ...down, last: 'end-last' } : down,
    }));

const fits = fc.constantFrom(
  { family: 4, mtu: 1500 },
  { family: 4, mtu: 1450 },
  { family: 6, mtu: 1450 },
  {
    family: 6,
    mtu: 1280,
  },
  { family: 4, mtu: 576 },
  { family: 4, mtu: 128 },
  { family: 4, mtu: 9000 },
) as fc.Arbitrary<{
  family: 4 | 6;
  mtu: number;
}>;

/** @param rough the worst loss that is drawn, 0 to 1; 0 is a path that neither loses nor disorders anything */
export function journeys(rough: number, most: number, talks: number): fc.Arbitrary<Journey> {
  const bad = rough > 0;
  return fc
    .record({
      seed: fc.nat(),
      fits,
      delay: fc.oneof(fc.integer({ min: 0, max: 500 }), fc.integer({ min: 1000, max: 100_000 })),
      jitter: bad ? rarely(0, share(1)) : fc.constant(0),
      loss: rarely(0, share(rough)),
      duplicate: rarely(0, share(rough)),
      reorder: rarely(0, share(rough)),
      rate: bad ? rarely(0, fc.integer({ min: 1, max: 100 })) : fc.constant(0),
      queue: fc.constantFrom(1000, 50, 10),
      corrupt: rarely(0, share(rough / 4)),
      narrow: bad ? rarely(0, fc.constantFrom(4, 10, 30, 100, 1000)) : fc.constant(0),
      shut: bad ? rarely(0, share(0.3)) : fc.constant(0),
      talks: fc.array(talk(most), { minLength: 1, maxLength: talks }),
      apart: fc.integer({ min: 0, max: 50 }),
    })
    .map((drawn) => ({
      seed: drawn.seed,
      ...drawn.fits,
      impair: {
        delay: drawn.delay * 1000,
        jitter: Math.floor(drawn.jitter * drawn.delay * 1000),
        loss: drawn.loss,
        duplicate: drawn.duplicate,
        reorder: drawn.reorder,
        rate: drawn.rate * 1e6,
        queue: drawn.queue,
      },
      mischief: bad ? { corrupt: drawn.corrupt, narrow: drawn.narrow, shut: drawn.shut } : HONEST,
      talks: drawn.talks,
      apart: drawn.apart * MILLISECOND,
    }));
}
