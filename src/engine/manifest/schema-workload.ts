// What may stand under `x-vxlab` of a service or container (docs/workloads.md): a kind by name, a mapping of kinds with
// their settings, or a list of these. The first value of a kind may stand for its most important setting.

import { WORKLOAD_KINDS } from '../model/workload.ts';
import type { RecordShape, Shape } from './shape.ts';
import {
  BOOLEAN,
  DURATION,
  dict,
  either,
  INTEGER,
  key,
  list,
  NUMBER,
  record,
  STRING,
  scalar,
} from './shape.ts';

/** Says that nothing runs. */
export const NONE = 'none';

const SIZE = scalar(['integer', 'string'], { format: 'size' });
const TEXT = scalar(['string', 'number', 'boolean']);
const METHOD = scalar(['string'], { values: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] });

function settings(name: string, keys: Readonly<Record<string, Shape>>): RecordShape {
  const rules = Object.entries(keys).map(([name, shape]) => [name, key(shape)] as const);
  return record(name, Object.fromEntries(rules), { nullable: true });
}

const HTTP_SERVER = settings('http-server', {
  port: INTEGER,
  status: INTEGER,
  body: STRING,
  'body-size': SIZE,
  upstream: STRING,
});

const HTTP_CLIENT = settings('http-client', {
  url: STRING,
  to: STRING,
  port: INTEGER,
  path: STRING,
  method: METHOD,
  headers: dict(TEXT),
  'body-size': SIZE,
  rate: NUMBER,
  count: INTEGER,
  'keep-alive': BOOLEAN,
});

const MYSQL_SERVER = settings('mysql-server', {
  port: INTEGER,
  user: STRING,
  password: STRING,
  database: STRING,
  rows: INTEGER,
});

const APP_SERVER = settings('app-server', { port: INTEGER, database: STRING });

const PING = settings('ping', { to: STRING, interval: DURATION, size: SIZE, count: INTEGER });

const UDP = settings('udp', { to: STRING, port: INTEGER, size: SIZE, rate: NUMBER, count: INTEGER });

const TCP_BULK = settings('tcp-bulk', {
  to: STRING,
  port: INTEGER,
  bytes: SIZE,
  duration: DURATION,
  parallel: INTEGER,
});

const DNS = settings('dns', { name: STRING, rate: NUMBER, count: INTEGER });

const RUN = settings('run', { file: STRING, args: list(TEXT) });

/** Which setting a kind's value stands for when it is no mapping. */
export const SHORT: Readonly<Record<string, string>> = {
  'http-server': 'port',
  'http-client': 'url',
  'mysql-server': 'port',
  'app-server': 'database',
  ping: 'to',
  udp: 'to',
  'tcp-bulk': 'to',
  dns: 'name',
  run: 'file',
};

const KINDS = record(
  'x-vxlab',
  {
    'http-server': key(either(HTTP_SERVER, INTEGER)),
    'http-client': key(either(HTTP_CLIENT, STRING)),
    'mysql-server': key(either(MYSQL_SERVER, INTEGER)),
    'app-server': key(either(APP_SERVER, STRING)),
    ping: key(either(PING, STRING)),
    udp: key(either(UDP, STRING)),
    'tcp-bulk': key(either(TCP_BULK, STRING)),
    dns: key(either(DNS, STRING)),
    run: key(either(RUN, STRING)),
  },
  { nullable: true },
);

const KIND_NAME = scalar(['string'], { values: WORKLOAD_KINDS });

export const WORKLOADS: Shape = either(
  KINDS,
  list(either(KINDS, KIND_NAME)),
  scalar(['string'], { values: [...WORKLOAD_KINDS, NONE] }),
);
