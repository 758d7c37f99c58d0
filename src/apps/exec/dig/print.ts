// A DNS answer as dig 9.18 prints it: header, sections in columns of tabs, and the four lines behind them.

import { formatIp } from '../../../core/wire/address.ts';
import type { DnsMessage, DnsQuestion, DnsRecord, RecordData } from '../../../core/wire/dns.ts';
import { CLASS_IN, ednsOf, FLAG, opcode, RR, rcode } from '../../../core/wire/dns.ts';
import type { DigRequest } from './arguments.ts';
import { typeName } from './arguments.ts';

export const DIG_VERSION = '9.18.49';

/** An answer and how it came. */
export interface DigAnswer {
  readonly message: DnsMessage;
  /** Bytes of it. */
  readonly size: number;
  readonly server: string;
  readonly port: number;
  readonly transport: 'UDP' | 'TCP';
  /** Nanoseconds from question to answer. */
  readonly time: number;
  /** When it came. */
  readonly when: Date;
}

/** Columns at which TTL, class, type and data start, and how wide a tab is (bin/dig/dighost.c, lib/dns/masterdump.c). */
const COLUMNS = { ttl: 24, class: 32, type: 40, data: 48 } as const;
const TAB = 8;

/** Response codes in words (IANA dns-parameters). */
export const STATUS: readonly string[] = [
  'NOERROR',
  'FORMERR',
  'SERVFAIL',
  'NXDOMAIN',
  'NOTIMP',
  'REFUSED',
  'YXDOMAIN',
  'YXRRSET',
  'NXRRSET',
  'NOTAUTH',
  'NOTZONE',
];
const OPCODES: Readonly<Record<number, string>> = {
  0: 'QUERY',
  1: 'IQUERY',
  2: 'STATUS',
  4: 'NOTIFY',
  5: 'UPDATE',
};

/** The line that repeats the command. @param servers how many a name or address behind @ stood for; null without one */
export function banner(request: DigRequest, servers: number | null): string {
  if (!request.show.cmd || request.short) return '';
  const found = servers === null ? '' : `; (${servers} server${servers === 1 ? '' : 's'} found)\n`;
  return `\n; <<>> DiG ${DIG_VERSION} <<>> ${request.words}\n${found};; global options: +cmd\n`;
}

export function printAnswer(request: DigRequest, answer: DigAnswer): string {
  const { message } = answer;
  if (request.short) return message.answers.map((record) => `${dataText(record)}\n`).join('');
  const { show } = request;
  const text: string[] = [];
  if (show.comments) text.push(headerLines(message));
  const opt = message.additionals.find((record) => record.type === RR.opt);
  if (opt !== undefined && show.comments) text.push(optLines(opt));
  if (show.question && message.questions.length > 0) {
    text.push(section('QUESTION', message.questions.map(questionLine), show.comments));
  }
  const rows = (name: string, records: readonly DnsRecord[], on: boolean): void => {
    const shown = records.filter((record) => record.type !== RR.opt);
    if (on && shown.length > 0) {
      text.push(
        section(
          name,
          shown.map((record) => recordLine(record, request)),
          show.comments,
        ),
      );
    }
  };
  rows('ANSWER', message.answers, show.answer);
  rows('AUTHORITY', message.authorities, show.authority);
  rows('ADDITIONAL', message.additionals, show.additional);
  if (show.stats) text.push(statistics(answer));
  return text.join('');
}

function headerLines(message: DnsMessage): string {
  const bits = message.flags;
  const flags = [
    [FLAG.response, 'qr'],
    [FLAG.authoritative, 'aa'],
    [FLAG.truncated, 'tc'],
    [FLAG.recursionDesired, 'rd'],
    [FLAG.recursionAvailable, 'ra'],
    [FLAG.authenticData, 'ad'],
    [FLAG.checkingDisabled, 'cd'],
  ] as const;
  const set = flags.flatMap(([bit, name]) => ((bits & bit) === 0 ? [] : [` ${name}`])).join('');
  const code = rcode(bits);
  const refused = (bits & FLAG.recursionDesired) !== 0 && (bits & FLAG.recursionAvailable) === 0;
  return (
    ';; Got answer:\n' +
    `;; ->>HEADER<<- opcode: ${OPCODES[opcode(bits)] ?? `RESERVED${opcode(bits)}`}, status: ${STATUS[code] ?? `RESERVED${code}`}, id: ${message.id}\n` +
    `;; flags:${set}; QUERY: ${message.questions.length}, ANSWER: ${message.answers.length}, ` +
    `AUTHORITY: ${message.authorities.length}, ADDITIONAL: ${message.additionals.length}\n` +
    `${refused ? ';; WARNING: recursion requested but not available\n' : ''}\n`
  );
}

function optLines(opt: DnsRecord): string {
  const { version, dnssecOk, udpSize } = ednsOf(opt);
  return `;; OPT PSEUDOSECTION:\n; EDNS: version: ${version}, flags:${dnssecOk ? ' do' : ''}; udp: ${udpSize}\n`;
}

function section(name: string, lines: readonly string[], comments: boolean): string {
  return `${comments ? `;; ${name} SECTION:\n` : ''}${lines.map((line) => `${line}\n`).join('')}${comments ? '\n' : ''}`;
}

function questionLine(question: DnsQuestion): string {
  const line = new Line(absolute(question.name));
  line.add(COLUMNS.class, className(question.class));
  line.add(COLUMNS.type, typeName(question.type));
  return `;${line.text}`;
}

function recordLine(record: DnsRecord, { show }: DigRequest): string {
  const line = new Line(absolute(record.name));
  // Without TTL or class what stands behind moves up a column.
  const missing = (show.ttlid ? 0 : 1) + (show.class ? 0 : 1);
  if (show.ttlid) line.add(COLUMNS.ttl, String(record.ttl));
  if (show.class) line.add(show.ttlid ? COLUMNS.class : COLUMNS.ttl, className(record.class));
  line.add(COLUMNS.type - TAB * missing, typeName(record.type));
  line.add(COLUMNS.data - TAB * missing, dataText(record));
  return line.text;
}

/** Columns reached with tabs, then spaces; at least one space between two. */
class Line {
  text: string;
  #column: number;

  constructor(start: string) {
    this.text = start;
    this.#column = start.length;
  }

  add(column: number, word: string): void {
    const to = Math.max(column, this.#column + 1);
    const tabs = Math.floor(to / TAB) - Math.floor(this.#column / TAB);
    const from = tabs > 0 ? Math.floor(to / TAB) * TAB : this.#column;
    this.text += '\t'.repeat(tabs) + ' '.repeat(to - from) + word;
    this.#column = to + word.length;
  }
}

function statistics(answer: DigAnswer): string {
  const { server, port, transport, size } = answer;
  return (
    `;; Query time: ${Math.floor(answer.time / 1e6)} msec\n` +
    `;; SERVER: ${server}#${port}(${server}) (${transport})\n` +
    `;; WHEN: ${whenText(answer.when)}\n` +
    `;; MSG SIZE  rcvd: ${size}\n\n`
  );
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Mon Nov 23 02:44:56 UTC 2026`, as strftime's `%a %b %d %H:%M:%S %Z %Y`. */
function whenText(when: Date): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  const clock = [when.getUTCHours(), when.getUTCMinutes(), when.getUTCSeconds()].map(two).join(':');
  return `${DAYS[when.getUTCDay()]} ${MONTHS[when.getUTCMonth()]} ${two(when.getUTCDate())} ${clock} UTC ${when.getUTCFullYear()}`;
}

function className(cls: number): string {
  return cls === CLASS_IN ? 'IN' : cls === 3 ? 'CH' : cls === 4 ? 'HS' : `CLASS${cls}`;
}

function absolute(name: string): string {
  return name === '.' ? '.' : `${name}.`;
}

/** A record's data in the master file's words (RFC 1035 s.5.1; unknown types RFC 3597 s.5). */
function dataText({ data }: DnsRecord): string {
  switch (data.kind) {
    case 'a':
    case 'aaaa':
      return formatIp(data.address);
    case 'name':
      return absolute(data.name);
    case 'mx':
      return `${data.preference} ${absolute(data.exchange)}`;
    case 'srv':
      return `${data.priority} ${data.weight} ${data.port} ${absolute(data.target)}`;
    case 'soa':
      return `${absolute(data.primary)} ${absolute(data.mailbox)} ${data.serial} ${data.refresh} ${data.retry} ${data.expire} ${data.minimum}`;
    case 'txt':
      return data.strings.map((text) => `"${text.replaceAll('"', '\\"')}"`).join(' ');
    default:
      return unknownText(data);
  }
}

function unknownText(data: RecordData): string {
  const bytes = data.kind === 'raw' ? data.bytes : new Uint8Array(0);
  return `\\# ${bytes.length} ${Buffer.from(bytes).toString('hex').toUpperCase()}`.trimEnd();
}
