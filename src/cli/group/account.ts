// What several shares of a stack did, as one: counters summed, latencies put together from their histograms.

import type { ServiceRow } from '../../apps/runtime.ts';
import { rowsOf } from '../../apps/runtime.ts';
import { Tally } from '../../apps/tally.ts';
import type { ConnectionRow } from '../../lab/service-pairs.ts';
import type { Totals } from '../../lab/summary.ts';
import type { TrafficRow } from '../../lab/traffic.ts';
import type { AccountState } from './messages.ts';

export interface GroupAccount extends Totals {
  readonly requests: readonly ServiceRow[];
  readonly connections: readonly ConnectionRow[];
  readonly traffic: readonly TrafficRow[];
}

export function together(accounts: readonly AccountState[]): GroupAccount {
  const drops = summed(
    accounts.flatMap(({ totals }) => totals.drops),
    ({ reason }) => reason,
    (sum, one) => ({ ...sum, count: sum.count + one.count }),
  );
  return {
    requests: requestsOf(accounts),
    connections: summed(
      accounts.flatMap(({ connections }) => connections),
      ({ from, to, port }) => `${from} ${to} ${port}`,
      (sum, one) => ({
        ...sum,
        connections: sum.connections + one.connections,
        bytesSent: sum.bytesSent + one.bytesSent,
        bytesReceived: sum.bytesReceived + one.bytesReceived,
        retransmits: sum.retransmits + one.retransmits,
      }),
    ),
    traffic: summed(
      accounts.flatMap(({ traffic }) => traffic),
      ({ from, to, address, fromNode }) => [from, to, address, fromNode].join(' '),
      pingsOf,
    ),
    vxlan: {
      packets: accounts.reduce((sum, { totals }) => sum + totals.vxlan.packets, 0),
      bytes: accounts.reduce((sum, { totals }) => sum + totals.vxlan.bytes, 0),
    },
    drops: drops.sort((x, y) => y.count - x.count),
  };
}

function requestsOf(accounts: readonly AccountState[]): ServiceRow[] {
  const tallies = new Map<string, { service: string; kind: string; tally: Tally }>();
  for (const { service, kind, peers } of accounts.flatMap((account) => account.tallies)) {
    const key = `${service} ${kind}`;
    const sum = tallies.get(key) ?? { service, kind, tally: new Tally(() => 0) };
    tallies.set(key, sum);
    sum.tally.take(peers);
  }
  return rowsOf([...tallies.values()]);
}

function pingsOf(sum: TrafficRow, one: TrafficRow): TrafficRow {
  const [a, b] = [sum.rtt, one.rtt];
  const all = sum.received + one.received;
  return {
    ...sum,
    sent: sum.sent + one.sent,
    received: all,
    duplicates: sum.duplicates + one.duplicates,
    errors: sum.errors + one.errors,
    rtt:
      a === null || b === null
        ? (a ?? b)
        : {
            min: Math.min(a.min, b.min),
            avg: Math.round((a.avg * sum.received + b.avg * one.received) / all),
            max: Math.max(a.max, b.max),
          },
  };
}

/** One of each key, in the order of their first. */
function summed<T>(all: readonly T[], keyOf: (one: T) => string, add: (sum: T, one: T) => T): T[] {
  const sums = new Map<string, T>();
  for (const one of all) {
    const sum = sums.get(keyOf(one));
    sums.set(keyOf(one), sum === undefined ? one : add(sum, one));
  }
  return [...sums.values()];
}
