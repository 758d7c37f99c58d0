// The event queue in the hold model: the earliest event is taken out and one is added, with ever so many waiting. One
// event in sixteen is a timer of a second, the others are frames that take 50 to 70 microseconds.
//
// All peers keep equal times in order, as a simulation needs it.

import type { TimerTarget } from '../../src/engine/time/clock.ts';
import { EventQueue } from '../../src/engine/time/event-queue.ts';
import type { Figure, Round } from './harness.ts';
import { keep, millions, Numbers } from './harness.ts';
import { native } from './native.ts';

interface Event {
  readonly time: number;
  readonly order: number;
  readonly token: number;
}

export function eventQueueFigures(): Figure[] {
  return [1_000, 10_000, 100_000].map((waiting) => ({
    name: `event queue, ${waiting.toLocaleString('en')} waiting`,
    unit: 'M events/s',
    ours: wheel(waiting, 1_000_000),
    peers: [
      { name: 'array kept sorted, JS', round: sorted(waiting, waiting > 10_000 ? 2_000 : 50_000) },
      { name: 'binary heap of objects, JS', round: heap(waiting, 200_000) },
      { name: 'std::priority_queue, C++', round: native('event-queue.cc', waiting, 1_000_000) },
    ],
  }));
}

function delay(numbers: Numbers): number {
  const drawn = numbers.next();
  return (drawn & 15) === 0 ? 1_000_000_000 : 50_000 + ((drawn >>> 4) % 20_000);
}

function wheel(waiting: number, events: number): Round {
  const numbers = new Numbers();
  const queue = new EventQueue();
  const target: TimerTarget = { fire: keep };
  for (let i = 0; i < waiting; i++) queue.add(delay(numbers), target, i);
  return () =>
    millions(events, () => {
      for (let i = 0; i < events; i++) {
        queue.next();
        queue.add(queue.time + delay(numbers), queue.target, queue.token);
      }
      keep(queue.token);
    });
}

function before(x: Event, y: Event): boolean {
  return x.time < y.time || (x.time === y.time && x.order < y.order);
}

/** The latest first, so that taking out is cheap; a place is found by halving. */
function sorted(waiting: number, events: number): Round {
  const numbers = new Numbers();
  const list: Event[] = [];
  for (let i = 0; i < waiting; i++) list.push({ time: delay(numbers), order: i, token: i });
  list.sort((x, y) => (before(x, y) ? 1 : -1));
  let order = waiting;
  return () =>
    millions(events, () => {
      for (let i = 0; i < events; i++) {
        const first = list.pop() as Event;
        const event = { time: first.time + delay(numbers), order: order++, token: first.token };
        let low = 0;
        let high = list.length;
        while (low < high) {
          const middle = (low + high) >> 1;
          if (before(event, list[middle] as Event)) low = middle + 1;
          else high = middle;
        }
        list.splice(low, 0, event);
      }
      keep(list.length);
    });
}

function heap(waiting: number, events: number): Round {
  const numbers = new Numbers();
  const list: Event[] = [];
  let order = 0;
  const push = (event: Event): void => {
    let at = list.length;
    list.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (before(list[parent] as Event, event)) break;
      list[at] = list[parent] as Event;
      at = parent;
    }
    list[at] = event;
  };
  const pop = (): Event => {
    const first = list[0] as Event;
    const last = list.pop() as Event;
    const count = list.length;
    if (count === 0) return first;
    let at = 0;
    for (let child = 1; child < count; child = 2 * at + 1) {
      if (child + 1 < count && before(list[child + 1] as Event, list[child] as Event)) child++;
      if (before(last, list[child] as Event)) break;
      list[at] = list[child] as Event;
      at = child;
    }
    list[at] = last;
    return first;
  };
  for (let i = 0; i < waiting; i++) push({ time: delay(numbers), order: order++, token: i });
  return () =>
    millions(events, () => {
      for (let i = 0; i < events; i++) {
        const first = pop();
        push({ time: first.time + delay(numbers), order: order++, token: first.token });
      }
      keep(list.length);
    });
}
