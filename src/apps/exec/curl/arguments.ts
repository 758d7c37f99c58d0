// curl's command line (curl(1)): which options there are here, and what they ask for.

import type { GivenOption } from '../options.ts';
import { decimalNumber, readOptions } from '../options.ts';
import { about, help } from './help.ts';

export interface CurlRequest {
  readonly urls: readonly string[];
  /** By place of the URL; null for standard output, '' for nowhere (`/dev/null`). */
  readonly outputs: readonly (string | null)[];
  readonly verbose: boolean;
  readonly silent: boolean;
  readonly showError: boolean;
  /** -i: the answer's head in front of its body. */
  readonly include: boolean;
  readonly head: boolean;
  readonly method: string | null;
  /** `Name: value`; `Name:` takes a header of curl's own away; `Name;` sends it empty. */
  readonly headers: readonly string[];
  /** What -d and its kind gave; null without. */
  readonly data: readonly CurlPart[] | null;
  /** -G: the data stand in the URL. */
  readonly get: boolean;
  readonly agent: string | null;
  readonly referer: string | null;
  readonly cookie: string | null;
  readonly location: boolean;
  readonly maxRedirects: number;
  readonly insecure: boolean;
  readonly writeOut: string | null;
  /** Nanoseconds; null for none. */
  readonly maxTime: number | null;
  readonly connectTimeout: number | null;
  readonly fail: 'no' | 'quietly' | 'with-body';
  readonly family: 0 | 4 | 6;
  /** `host:port` to addresses. */
  readonly resolve: ReadonlyMap<string, readonly string[]>;
  /** `user:password`. */
  readonly user: string | null;
  readonly http10: boolean;
}

export interface CurlPart {
  readonly text: string;
  /** `ascii` takes line ends out of what `@` reads; `raw` knows no `@`. */
  readonly kind: 'ascii' | 'binary' | 'raw' | 'urlencode';
}

/** What to print and the exit code, in place of a transfer. */
export interface CurlStop {
  readonly out: string;
  readonly err: string;
  readonly exit: number;
}

const LETTERS = '#01246A:b:d:e:fGH:hIikLm:No:sSu:vVw:X:';
/** Long names of letters and of what has no letter; `name=` takes a value. */
const LONG: Readonly<Record<string, string>> = Object.fromEntries(
  (
    'X request=,H header=,d data=,d data-ascii=,A user-agent=,e referer=,b cookie=,w write-out=,m max-time=,o output=,' +
    'u user=,v verbose,s silent,S show-error,i include,I head,G get,L location,k insecure,f fail,4 ipv4,6 ipv6,' +
    'N no-buffer,# progress-bar,# no-progress-meter,0 http1.0,1 http1.1,h help,V version,' +
    'data-binary data-binary=,data-raw data-raw=,data-urlencode data-urlencode=,json json=,' +
    'connect-timeout connect-timeout=,resolve resolve=,max-redirs max-redirs=,url url=,fail-with-body fail-with-body'
  )
    .split(',')
    .map((pair) => pair.split(' ').reverse() as [string, string]),
);
/** Real options of curl's that ask for what a container of this lab has not got. */
const ABSENT: Readonly<Record<string, string>> = {
  '-O': 'files',
  '--remote-name': 'files',
  '-T': 'files',
  '--upload-file': 'files',
  '-F': 'multipart forms',
  '--form': 'multipart forms',
  '-x': 'proxies',
  '--proxy': 'proxies',
  '--http2': 'HTTP/2',
  '--http3': 'HTTP/3',
  '-c': 'a cookie jar',
  '--cookie-jar': 'a cookie jar',
  '--cacert': 'files',
  '-E': 'files',
  '--cert': 'files',
  '-K': 'files',
  '--config': 'files',
  '--compressed': 'decompression',
  '-r': 'ranges',
  '--range': 'ranges',
};

const TRY = "curl: try 'curl --help' or 'curl --manual' for more information\n";

/** @param version as `curl --version` names it, such as `8.5.0` */
export function readCurl(argv: readonly string[], version: string): CurlRequest | CurlStop {
  const read = readOptions(argv, { letters: LETTERS, long: LONG });
  if ('fault' in read) {
    if (read.fault === 'no-value') return refuse(`option ${read.written}: requires parameter`);
    const what = ABSENT[read.written];
    return refuse(
      what === undefined
        ? `option ${read.written}: is unknown`
        : `option ${read.written}: this curl runs in an emulated container and has no ${what}`,
    );
  }
  const draft = newDraft();
  for (const option of read.options) {
    if (option.name === 'h') return { out: help(), err: '', exit: 0 };
    if (option.name === 'V') return { out: about(version), err: '', exit: 0 };
    const problem = take(draft, option);
    if (problem !== null) return refuse(`option ${option.written}: ${problem}`);
  }
  const urls = [...draft.urls, ...read.operands];
  if (urls.length === 0) return { out: '', err: TRY, exit: 2 };
  if (draft.head && draft.data !== null && !draft.get) {
    return {
      out: '',
      err: 'curl: You can only select one HTTP request method! You asked for both POST (-d, \ncurl: --data) and HEAD (-I, --head).\n',
      exit: 2,
    };
  }
  return { ...draft, urls };
}

function refuse(message: string): CurlStop {
  return { out: '', err: `curl: ${message}\n${TRY}`, exit: 2 };
}

type Draft = {
  -readonly [Key in keyof CurlRequest]: CurlRequest[Key] extends readonly (infer One)[]
    ? One[]
    : CurlRequest[Key];
} & { resolve: Map<string, readonly string[]> };

function newDraft(): Draft {
  return {
    urls: [],
    outputs: [],
    verbose: false,
    silent: false,
    showError: false,
    include: false,
    head: false,
    method: null,
    headers: [],
    data: null,
    get: false,
    agent: null,
    referer: null,
    cookie: null,
    location: false,
    maxRedirects: 50,
    insecure: false,
    writeOut: null,
    maxTime: null,
    connectTimeout: null,
    fail: 'no',
    family: 0,
    resolve: new Map(),
    user: null,
    http10: false,
  };
}

const NUMERIC = 'expected a proper numerical parameter';

const FLAGS: Readonly<Record<string, Partial<CurlRequest>>> = {
  v: { verbose: true },
  s: { silent: true },
  S: { showError: true },
  i: { include: true },
  I: { head: true },
  G: { get: true },
  L: { location: true },
  k: { insecure: true },
  f: { fail: 'quietly' },
  'fail-with-body': { fail: 'with-body' },
  0: { http10: true },
  4: { family: 4 },
  6: { family: 6 },
};
const TEXTS: Readonly<Record<string, 'method' | 'agent' | 'referer' | 'writeOut' | 'cookie'>> = {
  X: 'method',
  A: 'agent',
  e: 'referer',
  w: 'writeOut',
  b: 'cookie',
};

/** Answers what is wrong with it, or null. */
function take(draft: Draft, { name, value }: GivenOption): string | null {
  const flag = FLAGS[name];
  if (flag !== undefined) Object.assign(draft, flag);
  const text = TEXTS[name];
  if (text !== undefined) draft[text] = value;
  switch (name) {
    case 'b':
      return value.includes('=') ? null : 'there are no files here, only NAME=VALUE';
    case 'H':
      draft.headers.push(value);
      return null;
    case 'u':
      draft.user = value.includes(':') ? value : `${value}:`;
      return null;
    case 'url':
      draft.urls.push(value);
      return null;
    case 'd':
      return data(draft, value, 'ascii');
    case 'data-binary':
      return data(draft, value, 'binary');
    case 'data-raw':
      return data(draft, value, 'raw');
    case 'data-urlencode':
      return data(draft, value, 'urlencode');
    case 'json':
      draft.headers.push('Content-Type: application/json', 'Accept: application/json');
      return data(draft, value, 'binary');
    case 'o':
      return output(draft, value);
    case 'm':
      return seconds(draft, 'maxTime', value);
    case 'connect-timeout':
      return seconds(draft, 'connectTimeout', value);
    case 'max-redirs': {
      const n = Number(value);
      if (!Number.isInteger(n) || n < -1) return NUMERIC;
      draft.maxRedirects = n < 0 ? Number.POSITIVE_INFINITY : n;
      return null;
    }
    case 'resolve':
      return resolve(draft.resolve, value);
    default:
      return null;
  }
}

function data(draft: Draft, text: string, kind: CurlPart['kind']): string | null {
  if ((kind === 'ascii' || kind === 'binary') && text.startsWith('@') && text !== '@-') {
    return 'there are no files here; @- takes standard input';
  }
  draft.data ??= [];
  (draft.data as CurlPart[]).push({ text, kind });
  return null;
}

function output(draft: Draft, file: string): string | null {
  if (file !== '-' && file !== '/dev/null') {
    return `there are no files here but /dev/null; what curl prints is vxlab's standard output: ... > ${file}`;
  }
  draft.outputs.push(file === '-' ? null : '');
  return null;
}

function seconds(draft: Draft, key: 'maxTime' | 'connectTimeout', text: string): string | null {
  const time = decimalNumber(text);
  if (time === null) return NUMERIC;
  draft[key] = time === 0 ? null : Math.round(time * 1e9);
  return null;
}

/** `HOST:PORT:ADDRESS[,ADDRESS]...`, IPv6 addresses in brackets or not. */
function resolve(into: Map<string, readonly string[]>, text: string): string | null {
  const parts = /^\+?([^:]+):(\d+):(.+)$/.exec(text);
  if (parts === null) return `Couldn't parse CURLOPT_RESOLVE entry '${text}'`;
  const [, host = '', port = '', list = ''] = parts;
  into.set(
    `${host.toLowerCase()}:${Number(port)}`,
    list.split(',').map((one) => one.replace(/^\[|\]$/g, '')),
  );
  return null;
}
