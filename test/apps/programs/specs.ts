// Workloads with everything at its default, for tests that care about a setting or two.

import type { WorkloadKind, WorkloadSpec } from '../../../src/engine/model/workload.ts';

type Spec<K extends WorkloadKind> = Extract<WorkloadSpec, { kind: K }>;

const DEFAULTS: { readonly [K in WorkloadKind]: Omit<Spec<K>, 'kind' | 'origin' | 'at'> } = {
  'http-server': { port: 80, status: 200, body: null, bodySize: null, upstream: null },
  'http-client': {
    url: 'http://web/',
    method: 'GET',
    headers: {},
    bodySize: 0,
    rate: 1,
    count: 1,
    keepAlive: false,
  },
  'mysql-server': { port: 3306, user: 'app', password: 'app', database: 'web_customer_tracker', rows: 100 },
  'app-server': { port: 8080, database: null },
  ping: { to: 'web', interval: 1e9, size: 56, count: 3 },
  udp: { to: null, port: 7, size: 64, rate: 10, count: 10 },
  'tcp-bulk': { to: null, port: 5201, bytes: null, duration: null, parallel: 1 },
  dns: { name: 'web', rate: 1, count: 3 },
  run: { file: './x.js', args: [] },
};

export function specOf<K extends WorkloadKind>(kind: K, more: Partial<Spec<K>> = {}): Spec<K> {
  const made = { kind, origin: 'x-vxlab', at: { line: 1, column: 1 }, ...DEFAULTS[kind], ...more };
  return made as unknown as Spec<K>;
}
