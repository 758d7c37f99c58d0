// What -w prints when a transfer is over: `%{variable}` and the escapes \n, \r, \t (curl(1), "write-out").

/** What became of a transfer. Times in nanoseconds from its start; bytes. */
export interface Transfer {
  readonly url: string;
  readonly effective: string;
  readonly method: string;
  readonly scheme: string;
  readonly place: number;
  status: number;
  version: string;
  contentType: string;
  redirect: string;
  redirects: number;
  connects: number;
  remoteIp: string;
  remotePort: number;
  localIp: string;
  localPort: number;
  downloaded: number;
  uploaded: number;
  headerSize: number;
  requestSize: number;
  headers: number;
  exit: number;
  message: string;
  lookedUp: number;
  connected: number;
  secured: number;
  ready: number;
  firstByte: number;
  redirecting: number;
  total: number;
}

export interface WrittenOut {
  readonly out: string;
  readonly err: string;
}

type Value = (transfer: Transfer) => string;

const seconds = (nanoseconds: number): string => (nanoseconds / 1e9).toFixed(6);
const speed = (bytes: number, { total }: Transfer): string =>
  String(total > 0 ? Math.floor((bytes * 1e9) / total) : 0);

const VARIABLES: Readonly<Record<string, Value>> = {
  content_type: (t) => t.contentType,
  errormsg: (t) => t.message,
  exitcode: (t) => String(t.exit),
  http_code: (t) => String(t.status).padStart(3, '0'),
  response_code: (t) => String(t.status).padStart(3, '0'),
  http_version: (t) => t.version,
  local_ip: (t) => t.localIp,
  local_port: (t) => String(t.localPort),
  remote_ip: (t) => t.remoteIp,
  remote_port: (t) => String(t.remotePort),
  method: (t) => t.method,
  num_connects: (t) => String(t.connects),
  num_headers: (t) => String(t.headers),
  num_redirects: (t) => String(t.redirects),
  redirect_url: (t) => t.redirect,
  scheme: (t) => t.scheme.toUpperCase(),
  size_download: (t) => String(t.downloaded),
  size_header: (t) => String(t.headerSize),
  size_request: (t) => String(t.requestSize),
  size_upload: (t) => String(t.uploaded),
  speed_download: (t) => speed(t.downloaded, t),
  speed_upload: (t) => speed(t.uploaded, t),
  time_appconnect: (t) => seconds(t.secured),
  time_connect: (t) => seconds(t.connected),
  time_namelookup: (t) => seconds(t.lookedUp),
  time_pretransfer: (t) => seconds(t.ready),
  time_redirect: (t) => seconds(t.redirecting),
  time_starttransfer: (t) => seconds(t.firstByte),
  time_total: (t) => seconds(t.total),
  url: (t) => t.url,
  url_effective: (t) => t.effective,
  urlnum: (t) => String(t.place),
  ssl_verify_result: () => '0',
};
/** In %{json} as numbers. */
const NUMBERS = /^(exitcode|http_code|response_code|\w+_port|num_|size_|speed_|time_|urlnum|ssl_)/;

export function writeOut(format: string, transfer: Transfer): WrittenOut {
  const written = { out: '', err: '' };
  let to: 'out' | 'err' = 'out';
  const tokens = /%%|%\{([^}]*)\}|\\([nrt\\])|[^%\\]+|[%\\]/gs;
  for (const [token, variable, escaped] of format.matchAll(tokens)) {
    if (token === '%%') written[to] += '%';
    else if (escaped !== undefined) written[to] += { n: '\n', r: '\r', t: '\t', '\\': '\\' }[escaped];
    else if (variable === undefined) written[to] += token;
    else if (variable === 'stderr') to = 'err';
    else if (variable === 'stdout') to = 'out';
    else if (variable === 'onerror' && transfer.exit === 0) break;
    else if (variable === 'onerror') continue;
    else if (variable === 'json') written[to] += json(transfer);
    else if (Object.hasOwn(VARIABLES, variable)) written[to] += VARIABLES[variable]?.(transfer) ?? '';
    else written.err += `curl: unknown --write-out variable: '${variable}'\n`;
  }
  return written;
}

function json(transfer: Transfer): string {
  const pairs = Object.entries(VARIABLES)
    .sort(([x], [y]) => (x < y ? -1 : 1))
    .map(([name, value]): [string, string | number | null] => {
      const text = value(transfer);
      if (NUMBERS.test(name)) return [name, Number(text)];
      return [name, text === '' ? null : text];
    });
  return JSON.stringify(Object.fromEntries(pairs));
}
