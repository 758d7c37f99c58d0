// From the settings of a workload to what it runs, one reader a kind. What is not in the file has its default here, but for
// what other services decide (workload-tiers.ts).

import type { Where } from '../model/diagnostic.ts';
import type { WorkloadKind, WorkloadSpec } from '../model/workload.ts';
import { DEFAULT_DATABASE, DEFAULT_PORTS } from '../model/workload.ts';
import { joinPath } from './path.ts';
import { itemsOf, textOf, whereOf } from './tree.ts';
import type { Settings } from './workload-settings.ts';
import type { Fault, HttpUrl } from './workload-url.ts';
import { checkPath, isFault, readDatabaseUrl, readHttpUrl, writeHttpUrl } from './workload-url.ts';

/** The name that a workload asks for, and where it stands. */
export interface Target {
  readonly host: string;
  readonly where: Where;
}

export interface Read {
  readonly spec: WorkloadSpec;
  readonly target: Target | null;
}

const BODY_MAX = 2 ** 30;
const DATAGRAM_MAX = 65507; // the largest UDP payload over IPv4

/** Null where what is wrong was reported and nothing can run. */
export const READERS: Readonly<Record<WorkloadKind, (settings: Settings) => Read | null>> = {
  'http-server': readHttpServer,
  'http-client': readHttpClient,
  'mysql-server': readMysqlServer,
  'app-server': readAppServer,
  ping: readPing,
  udp: readUdp,
  'tcp-bulk': readTcpBulk,
  dns: readDns,
  run: readRun,
};

function common({ where }: Settings): { readonly origin: 'x-vxlab'; readonly at: Where['at'] } {
  return { origin: 'x-vxlab', at: where.at };
}

function defaultPort(kind: WorkloadKind): number {
  return DEFAULT_PORTS[kind] as number;
}

function readHttpServer(settings: Settings): Read {
  settings.exclude('body', 'body-size');
  for (const key of ['status', 'body', 'body-size']) settings.exclude('upstream', key);
  const url = settings.text('upstream');
  const upstream = url === null ? null : readHttpUrl(url);
  if (upstream !== null && isFault(upstream)) {
    reportUrl(settings, 'upstream', upstream);
  } else if (upstream !== null && upstream.path !== '' && upstream.path !== '/') {
    const message = `"${url}" has a path: requests keep the path that they came with`;
    settings.found.report('OV1801', settings.at('upstream'), message, 'write http://name:port');
  }
  const known = upstream !== null && !isFault(upstream) ? upstream : null;
  return {
    spec: {
      kind: 'http-server',
      ...common(settings),
      port: settings.port(defaultPort('http-server')),
      status: settings.number('status', 200, [200, 599]),
      body: settings.text('body'),
      bodySize: settings.size('body-size', null, [0, BODY_MAX]),
      upstream: known === null ? null : writeHttpUrl({ ...known, path: '' }).slice(0, -1),
    },
    target: known === null ? null : { host: known.host, where: settings.at('upstream') },
  };
}

function readHttpClient(settings: Settings): Read | null {
  for (const key of ['to', 'port']) settings.exclude('url', key);
  const rest = {
    headers: readHeaders(settings),
    bodySize: settings.size('body-size', 0, [0, BODY_MAX]),
    rate: settings.rate(1),
    count: settings.count(),
    keepAlive: settings.flag('keep-alive', true),
  };
  const key = settings.has('url') ? 'url' : 'to';
  if (!settings.has(key)) settings.missing(['url', 'to'], 'say where to ask, as in url: http://web/');
  const url = key === 'url' ? readUrl(settings) : readPlace(settings);
  const path = settings.text('path');
  const fault = path === null ? null : checkPath(path);
  if (fault !== null) reportUrl(settings, 'path', fault);
  if (url === null || fault !== null) return null;
  if (url.path !== '' && url.path !== '/') settings.exclude('url', 'path');
  return {
    spec: {
      kind: 'http-client',
      ...common(settings),
      url: writeHttpUrl({ ...url, path: path ?? url.path }),
      method: settings.text('method') ?? (rest.bodySize > 0 ? 'POST' : 'GET'),
      ...rest,
    },
    target: { host: url.host, where: settings.at(key) },
  };
}

function readUrl(settings: Settings): HttpUrl | null {
  const text = settings.text('url');
  const url = text === null ? null : readHttpUrl(text);
  if (url === null || !isFault(url)) return url;
  reportUrl(settings, 'url', url);
  return null;
}

/** The URL that `to` and `port` stand for. */
function readPlace(settings: Settings): HttpUrl | null {
  const port = settings.port(80);
  const target = readTarget(settings, 'to');
  return target === null ? null : { host: target.host, port, path: '' };
}

function reportUrl(settings: Settings, key: string, { fault, hint }: Fault): void {
  settings.found.report('OV1801', settings.at(key), `"${settings.text(key)}" ${fault}`, hint);
}

/** Names are tokens (RFC 9110 s.5.1); values hold no control characters (s.5.5). */
function readHeaders(settings: Settings): Readonly<Record<string, string>> {
  const headers: [string, string][] = [];
  for (const { key, where, value } of settings.entries('headers')) {
    const text = textOf(value) ?? '';
    const path = joinPath(`${settings.where.path}.headers`, key);
    if (!/^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/.test(key)) {
      const hint = 'names are letters, digits and dashes';
      settings.found.report('OV1806', whereOf(where, path), `"${key}" is not the name of a header`, hint);
    } else if (!/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) {
      const message = `the header "${key}" holds a character that headers cannot have`;
      settings.found.report(
        'OV1806',
        whereOf(value, path),
        message,
        'write it on one line, in Latin letters',
      );
    } else {
      headers.push([key, text]);
    }
  }
  return Object.fromEntries(headers);
}

function readMysqlServer(settings: Settings): Read {
  const { user, password, database, rows } = DEFAULT_DATABASE;
  return {
    spec: {
      kind: 'mysql-server',
      ...common(settings),
      port: settings.port(defaultPort('mysql-server')),
      user: settings.text('user') ?? user,
      password: settings.text('password') ?? password,
      database: settings.text('database') ?? database,
      rows: settings.number('rows', rows, [0, 100_000]),
    },
    target: null,
  };
}

function readAppServer(settings: Settings): Read {
  const text = settings.text('database');
  const url = text === null ? null : readDatabaseUrl(text);
  if (url !== null && isFault(url)) reportUrl(settings, 'database', url);
  const known = url !== null && !isFault(url) ? url : null;
  return {
    spec: {
      kind: 'app-server',
      ...common(settings),
      port: settings.port(defaultPort('app-server')),
      database: text,
    },
    target: known === null ? null : { host: known.host, where: settings.at('database') },
  };
}

/** A name or an address to send to; null (reported) for what can be neither. */
function readTarget(settings: Settings, key: string): Target | null {
  const host = settings.text(key);
  if (host === null) return null;
  const where = settings.at(key);
  if (/^[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_])?$|^[0-9a-fA-F:.]*:[0-9a-fA-F:.]*$/.test(host)) {
    return { host, where };
  }
  const hint = 'write a name such as that of a service, or an address; a port goes into "port"';
  settings.found.report('OV1801', where, `"${host}" is neither a name nor an address`, hint);
  return null;
}

function readPing(settings: Settings): Read | null {
  if (!settings.has('to')) settings.missing(['to'], 'say whom, as in ping: web');
  const target = readTarget(settings, 'to');
  const spec = {
    kind: 'ping' as const,
    ...common(settings),
    to: target?.host ?? '',
    interval: settings.duration('interval', 1e9),
    size: settings.size('size', 56, [0, DATAGRAM_MAX]),
    count: settings.count(),
  };
  return target === null ? null : { spec, target };
}

function readUdp(settings: Settings): Read {
  const target = readTarget(settings, 'to');
  const spec = {
    kind: 'udp' as const,
    ...common(settings),
    to: target?.host ?? null,
    port: settings.port(defaultPort('udp')),
    size: settings.size('size', 64, [16, DATAGRAM_MAX]),
    rate: settings.rate(1),
    count: settings.count(),
  };
  return { spec, target };
}

function readTcpBulk(settings: Settings): Read {
  const target = readTarget(settings, 'to');
  const bytes = settings.size('bytes', null, [1, Number.MAX_SAFE_INTEGER]);
  const duration = settings.duration('duration', null);
  const spec = {
    kind: 'tcp-bulk' as const,
    ...common(settings),
    to: target?.host ?? null,
    port: settings.port(defaultPort('tcp-bulk')),
    bytes,
    // iperf3 runs for ten seconds unless told otherwise.
    duration: target !== null && bytes === null && duration === null ? 10e9 : duration,
    parallel: settings.number('parallel', 1, [1, 128]),
  };
  return { spec, target };
}

function readDns(settings: Settings): Read | null {
  const name = settings.text('name');
  if (!settings.has('name')) settings.missing(['name'], 'say what to ask for, as in dns: web');
  const rate = settings.rate(1);
  const count = settings.count();
  if (name === null) return null;
  return { spec: { kind: 'dns', ...common(settings), name, rate, count }, target: null };
}

function readRun(settings: Settings): Read | null {
  const file = settings.text('file');
  if (file === null) {
    if (!settings.has('file')) settings.missing(['file'], 'say which program, as in run: ./server.js');
    return null;
  }
  if (!/[^/]\.(js|mjs|cjs)$/.test(file)) {
    const hint = 'programs are files that end in .js, .mjs or .cjs';
    settings.found.report('OV1805', settings.at('file'), `"${file}" is not a JavaScript file`, hint);
  }
  const args = settings.node('args');
  const words = itemsOf(args).flatMap((item) => textOf(item) ?? []);
  return { spec: { kind: 'run', ...common(settings), file, args: words }, target: null };
}
