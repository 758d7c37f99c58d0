// URLs in workloads: `http://host:port/path` (RFC 9110 s.4.2.1) and what names a database, `mysql://` or Java's
// `jdbc:mysql://` (MySQL Connector/J, connection URL syntax). The pure rooms have no URL class, so the forms are read here.

export interface Fault {
  /** What is wrong, in words that follow the quoted URL. */
  readonly fault: string;
  readonly hint: string;
}

export interface HttpUrl {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
  /** Begins with a slash; empty where the URL has none. */
  readonly path: string;
}

export interface DatabaseUrl {
  readonly host: string;
  readonly port: number;
  /** Null where the URL says nothing. */
  readonly user: string | null;
  readonly password: string | null;
  readonly database: string | null;
}

const HOST = String.raw`\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_])?)`;
const HTTP_HINT = 'write http://name:port/path';
const DATABASE_HINT = 'write mysql://user:password@name:3306/database';
const MYSQL_PORT = 3306;

export function isFault(read: object): read is Fault {
  return Object.hasOwn(read, 'fault');
}

export function readHttpUrl(text: string): HttpUrl | Fault {
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return { fault: 'does not begin with http://', hint: HTTP_HINT };
  if (scheme !== 'http') {
    return {
      fault: `is a URL of ${scheme}`,
      hint: 'workloads speak plain http; a program of your own can do more',
    };
  }
  const match = new RegExp(String.raw`^http://(?:${HOST})(?::(\d*))?(/.*|\?.*)?$`, 'i').exec(text);
  if (match === null) return { fault: 'has no host that could be read', hint: HTTP_HINT };
  const port = match[3] === undefined || match[3] === '' ? 80 : Number(match[3]);
  if (port < 1 || port > 65535) return { fault: `has ${port} as port`, hint: 'ports are 1 to 65535' };
  const rest = match[4] ?? '';
  const path = rest.startsWith('?') ? `/${rest}` : rest;
  return checkPath(path) ?? { host: (match[1] ?? match[2]) as string, port, path };
}

/** What is wrong with a path, or null. */
export function checkPath(path: string): Fault | null {
  if (path !== '' && !path.startsWith('/')) {
    return { fault: 'is not a path: it does not begin with a slash', hint: 'write /path' };
  }
  if (!/^[\x21-\x7e]*$/.test(path)) {
    return {
      fault: 'holds a character that URLs cannot have',
      hint: 'write it with %, as in %20 for a space',
    };
  }
  for (const range of path.matchAll(/\[(\d+)-(\d+)\]/g)) {
    const [whole, first, last] = range as unknown as [string, string, string];
    if (Number(first) > Number(last) || Number(last) > Number.MAX_SAFE_INTEGER) {
      return { fault: `has the range ${whole}, which ends before it begins`, hint: 'write it as [1-100]' };
    }
  }
  return null;
}

export function writeHttpUrl({ host, port, path }: HttpUrl): string {
  return `http://${hostText(host)}${port === 80 ? '' : `:${port}`}${path === '' ? '/' : path}`;
}

export function readDatabaseUrl(text: string): DatabaseUrl | Fault {
  const scheme = /^(?:jdbc:)?([A-Za-z][A-Za-z0-9+.-]*):\/\//i.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) return { fault: 'does not begin with mysql://', hint: DATABASE_HINT };
  if (scheme !== 'mysql' && scheme !== 'mariadb') {
    return { fault: `is a URL of ${scheme}: an app-server asks MySQL servers only`, hint: DATABASE_HINT };
  }
  const form = String.raw`^(?:jdbc:)?\w+://(?:([^:@/?]*)(?::([^@/?]*))?@)?(?:${HOST})(?::(\d*))?(?:/([^?/]*))?(?:\?(.*))?$`;
  const match = new RegExp(form, 'i').exec(text);
  if (match === null) return { fault: 'has no host that could be read', hint: DATABASE_HINT };
  const port = match[5] === undefined || match[5] === '' ? MYSQL_PORT : Number(match[5]);
  if (port < 1 || port > 65535) return { fault: `has ${port} as port`, hint: 'ports are 1 to 65535' };
  const options = new Map(
    (match[7] ?? '').split('&').map((pair): [string, string] => {
      const cut = pair.indexOf('=');
      return cut < 0 ? [pair, ''] : [pair.slice(0, cut), decode(pair.slice(cut + 1))];
    }),
  );
  const database = decode(match[6] ?? '');
  return {
    host: (match[3] ?? match[4]) as string,
    port,
    user: match[1] === undefined ? (options.get('user') ?? null) : decode(match[1]),
    password: match[2] === undefined ? (options.get('password') ?? null) : decode(match[2]),
    database: database === '' ? null : database,
  };
}

export function writeDatabaseUrl(
  url: { readonly [K in keyof DatabaseUrl]: NonNullable<DatabaseUrl[K]> },
): string {
  const { host, port, user, password, database } = url;
  const [u, p, d] = [user, password, database].map(encodeURIComponent);
  return `mysql://${u}:${p}@${hostText(host)}:${port}/${d}`;
}

function hostText(host: string): string {
  return host.includes(':') ? `[${host}]` : host;
}

/** Percent signs undone; as it stands where they mean nothing. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
