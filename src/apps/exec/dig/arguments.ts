// dig's command line (dig(1)): servers behind @, names and types in any order, query options behind +.

import { formatIp, isIp6 } from '../../../core/wire/address.ts';
import { RR } from '../../../core/wire/dns.ts';
import { parseIp } from '../../../core/wire/parse-ip.ts';
import { wholeNumber } from '../options.ts';

export interface DigQuestion {
  readonly name: string;
  readonly type: number;
}

export interface DigRequest {
  readonly questions: readonly DigQuestion[];
  /** As given behind @; null for the one of resolv.conf. */
  readonly server: string | null;
  readonly port: number;
  readonly family: 0 | 4 | 6;
  readonly short: boolean;
  readonly tcp: boolean;
  readonly ignoreTruncation: boolean;
  readonly recurse: boolean;
  readonly edns: boolean;
  readonly tries: number;
  /** Seconds. */
  readonly timeout: number;
  /** Which parts are shown. */
  readonly show: DigParts;
  /** The words after `dig`, as its first line repeats them. */
  readonly words: string;
}

export interface DigParts {
  readonly cmd: boolean;
  readonly comments: boolean;
  readonly question: boolean;
  readonly answer: boolean;
  readonly authority: boolean;
  readonly additional: boolean;
  readonly stats: boolean;
  readonly ttlid: boolean;
  readonly class: boolean;
}

/** What is wrong, as dig says it, and its exit code. */
export interface DigStop {
  readonly out: string;
  readonly err: string;
  readonly exit: number;
}

const TYPES: Readonly<Record<string, number>> = {
  A: RR.a,
  NS: RR.ns,
  CNAME: RR.cname,
  SOA: RR.soa,
  PTR: RR.ptr,
  MX: RR.mx,
  TXT: RR.txt,
  AAAA: RR.aaaa,
  SRV: RR.srv,
  ANY: RR.any,
};

const PARTS = [
  'cmd',
  'comments',
  'question',
  'answer',
  'authority',
  'additional',
  'stats',
  'ttlid',
  'class',
] as const;
/** Said and unsaid without a difference here. */
const IDLE = [
  'search',
  'defname',
  'cookie',
  'adflag',
  'qr',
  'showsearch',
  'dnssec',
  'nsid',
  'idnout',
  'fail',
  'badcookie',
];

const USAGE = `Usage:  dig [@global-server] [domain] [q-type] [q-class] {q-opt}
            {global-d-opt} host [@local-server] {local-d-opt}
            [ host [@local-server] {local-d-opt} [...]]

Use "dig -h" (or "dig -h | more") for complete list of options
`;

/** The word for a type, as `TYPE65` where there is none (RFC 3597 s.5). */
export function typeName(type: number): string {
  return Object.keys(TYPES).find((name) => TYPES[name] === type) ?? (type === RR.opt ? 'OPT' : `TYPE${type}`);
}

/** The type a word stands for, or null. */
export function typeOf(word: string): number | null {
  const upper = word.toUpperCase();
  if (Object.hasOwn(TYPES, upper)) return TYPES[upper] as number;
  const number = /^TYPE(\d{1,5})$/.exec(upper)?.[1];
  return number !== undefined && Number(number) < 65536 ? Number(number) : null;
}

/** The name under which an address's pointer stands (RFC 1035 s.3.5, RFC 3596 s.2.5), or null for no address. */
export function reverseName(text: string): string | null {
  let ip: ReturnType<typeof parseIp>;
  try {
    ip = parseIp(text);
  } catch {
    return null;
  }
  if (!isIp6(ip)) return `${formatIp(ip).split('.').reverse().join('.')}.in-addr.arpa`;
  const hex = [ip.a, ip.b, ip.c, ip.d].map((word) => (word >>> 0).toString(16).padStart(8, '0')).join('');
  return `${[...hex].reverse().join('.')}.ip6.arpa`;
}

export function readDig(argv: readonly string[]): DigRequest | DigStop {
  const given: Given = {
    questions: [],
    server: null,
    port: 53,
    family: 0,
    flags: new Map(),
    tries: 3,
    timeout: 5,
  };
  let type: number | null = null;
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string;
    if (word.startsWith('@')) given.server = word.slice(1);
    else if (word.startsWith('+')) {
      const problem = queryOption(given, word);
      if (problem !== null) return stop(problem);
    } else if (word.startsWith('-') && word.length > 1) {
      const [, letter = '', glued = ''] = /^-(.)(.*)$/s.exec(word) ?? [];
      if (letter === 'h') return { out: USAGE, err: '', exit: 0 };
      if (letter === '4' || letter === '6') {
        given.family = letter === '4' ? 4 : 6;
        continue;
      }
      if (letter === 'r' || letter === 'u') continue;
      if (!'xtqpc'.includes(letter)) return stop(`Invalid option: ${word}`);
      const value = glued === '' ? argv[++i] : glued;
      if (value === undefined) return stop(`Invalid option: ${word}`);
      const asked = letter === 't' ? typeOf(value) : null;
      if (asked !== null) type = asked;
      const problem = letterOption(given, letter, value);
      if (problem !== null) return stop(problem);
      if (asked !== null) retype(given, asked);
    } else if (typeOf(word) !== null) {
      type = typeOf(word) as number;
      retype(given, type);
    } else if (!/^(in|ch|hs)$/i.test(word))
      given.questions.push({ name: word, type: type ?? RR.a, typed: false });
  }
  if (given.questions.length === 0) given.questions.push({ name: '.', type: type ?? RR.ns, typed: true });
  return request(given, argv.join(' '));
}

interface Given {
  readonly questions: { name: string; type: number; typed: boolean }[];
  server: string | null;
  port: number;
  family: 0 | 4 | 6;
  readonly flags: Map<string, boolean>;
  tries: number;
  timeout: number;
}

/** A type behind a name is that name's. */
function retype(given: Given, type: number): void {
  const last = given.questions.at(-1);
  if (last === undefined || last.typed) return;
  last.type = type;
  last.typed = true;
}

function letterOption(given: Given, letter: string, value: string): string | null {
  if (letter === 'x') {
    const name = reverseName(value);
    if (name === null) return `Invalid IP address ${value}`;
    given.questions.push({ name, type: RR.ptr, typed: true });
  } else if (letter === 'q') given.questions.push({ name: value, type: RR.a, typed: false });
  else if (letter === 't') {
    if (typeOf(value) === null) return `;; Warning, ignoring invalid type ${value}`;
  } else if (letter === 'p') {
    const port = wholeNumber(value);
    if (port === null || port < 1 || port > 65535) return `Couldn't parse port number '${value}'`;
    given.port = port;
  }
  return null;
}

function queryOption(given: Given, word: string): string | null {
  const [, no, key = '', value] = /^\+(no)?([a-z]+)(?:=(.*))?$/.exec(word.toLowerCase()) ?? [];
  const on = no === undefined;
  if (key === 'tries' || key === 'retry' || key === 'time' || key === 'timeout') {
    const n = wholeNumber(value ?? '');
    if (n === null) return `Couldn't parse ${key} '${value ?? ''}'`;
    if (key.startsWith('time')) given.timeout = Math.max(1, n);
    else given.tries = Math.max(1, key === 'retry' ? n + 1 : n);
  } else if (key === 'all') for (const part of PARTS.slice(0, 7)) given.flags.set(part, on);
  else if (key === 'vc') given.flags.set('tcp', on);
  else if (key === 'rec') given.flags.set('recurse', on);
  else if (key === 'cl') given.flags.set('class', on);
  else if ([...PARTS, 'short', 'tcp', 'ignore', 'recurse', 'edns'].includes(key)) given.flags.set(key, on);
  else if (!IDLE.includes(key) && key !== 'bufsize') return `Invalid option: ${word}`;
  return null;
}

function request(given: Given, words: string): DigRequest {
  const flag = (name: string, usual: boolean): boolean => given.flags.get(name) ?? usual;
  const show = Object.fromEntries(PARTS.map((part) => [part, flag(part, true)])) as unknown as DigParts;
  const any = given.questions.some(({ type }) => type === RR.any);
  return {
    questions: given.questions.map(({ name, type }) => ({ name, type })),
    server: given.server,
    port: given.port,
    family: given.family,
    short: flag('short', false),
    tcp: flag('tcp', any),
    ignoreTruncation: flag('ignore', false),
    recurse: flag('recurse', true),
    edns: flag('edns', true),
    tries: given.tries,
    timeout: given.timeout,
    show,
    words,
  };
}

function stop(problem: string): DigStop {
  return { out: '', err: `${problem}\n${problem.startsWith('Invalid option') ? USAGE : ''}`, exit: 1 };
}
