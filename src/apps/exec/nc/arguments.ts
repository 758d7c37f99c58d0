// nc's command line (the OpenBSD netcat that Debian packages, nc(1)).

import { decimalNumber, readOptions, wholeNumber } from '../options.ts';
import type { Stop } from '../tool.ts';

export interface NcRequest {
  readonly listen: boolean;
  readonly keep: boolean;
  readonly udp: boolean;
  readonly verbose: boolean;
  /** -z: connect, send nothing. */
  readonly scan: boolean;
  /** -N: end our side after the end of standard input. */
  readonly shut: boolean;
  /** -d: read no standard input. */
  readonly deaf: boolean;
  readonly family: 0 | 4 | 6;
  /** -w: nanoseconds for connecting, and of silence before the end; null for none. */
  readonly timeout: number | null;
  /** -q: nanoseconds after the end of standard input; null for none. */
  readonly quit: number | null;
  /** -p of a client. */
  readonly localPort: number | null;
  /** -C: a line ends with CR LF. */
  readonly crlf: boolean;
  /** null listens on every address. */
  readonly host: string | null;
  readonly ports: readonly number[];
}

const USAGE = `usage: nc [-46CdhklNnuvz] [-p source_port] [-q seconds] [-w timeout]
	  [destination] [port]
`;
/** Names of ports that people type (IANA). */
const SERVICES: Readonly<Record<string, number>> = {
  ftp: 21,
  ssh: 22,
  telnet: 23,
  smtp: 25,
  domain: 53,
  http: 80,
  https: 443,
  mysql: 3306,
  postgresql: 5432,
  'http-alt': 8080,
};
/** Ports of one range. */
const RANGE_MAX = 65_535;

export function readNc(argv: readonly string[]): NcRequest | Stop {
  const read = readOptions(argv, { letters: '46CdhklNnp:q:s:uvw:z' });
  if ('fault' in read) {
    const letter = read.written.replace(/^-+/, '');
    const words = read.fault === 'unknown' ? 'invalid option' : 'option requires an argument';
    return fault(`nc: ${words} -- '${letter}'\n${USAGE}`);
  }
  const has = (letter: string): boolean => read.options.some(({ name }) => name === letter);
  const last = (letter: string): string | undefined =>
    read.options.findLast(({ name }) => name === letter)?.value;
  if (has('h')) return { out: USAGE, err: '', exit: 1 };
  const listen = has('l');
  const times: (number | null)[] = [];
  for (const letter of ['w', 'q']) {
    const text = last(letter);
    const time = text === undefined ? null : decimalNumber(text);
    if (text !== undefined && time === null)
      return fault(`nc: ${letter === 'w' ? 'timeout' : 'quit timer'} invalid: ${text}\n`);
    times.push(time === null ? null : Math.round(time * 1e9));
  }
  const words = [...read.operands];
  const portOption = last('p');
  // `nc -l -p 80`, `nc -l 80` and `nc -l 0.0.0.0 80` mean the same.
  if (listen && portOption !== undefined && words.length < 2) words.push(portOption);
  if (listen && words.length === 1) words.unshift('');
  if (words.length === 0 && !listen) return fault(USAGE);
  const [host = '', port] = words;
  if (port === undefined) return fault('nc: missing port number\n');
  if (words.length > 2) return fault(USAGE);
  const ports = portsOf(port);
  if (ports === null) return fault(`nc: port number ${port.includes('-') ? 'range ' : ''}invalid: ${port}\n`);
  const local = listen || portOption === undefined ? null : wholeNumber(portOption);
  if (!listen && portOption !== undefined && (local === null || local > 65535)) {
    return fault(`nc: port number invalid: ${portOption}\n`);
  }
  return {
    listen,
    keep: has('k'),
    udp: has('u'),
    verbose: has('v'),
    scan: has('z'),
    shut: has('N'),
    deaf: has('d'),
    family: has('4') ? 4 : has('6') ? 6 : 0,
    timeout: times[0] ?? null,
    quit: times[1] ?? null,
    localPort: local,
    crlf: has('C'),
    host: host === '' ? null : host,
    ports,
  };
}

/** A port, a service's name, or `from-to`. */
function portsOf(text: string): number[] | null {
  if (Object.hasOwn(SERVICES, text)) return [SERVICES[text] as number];
  const [first = '', last = first, ...more] = text.split('-');
  const [from, to] = [wholeNumber(first), wholeNumber(last)];
  if (more.length > 0 || from === null || to === null || from < 1 || to > RANGE_MAX || from > to) return null;
  return Array.from({ length: to - from + 1 }, (_, i) => from + i);
}

/** The name of a port in nc's messages, `*` for one without. */
export function serviceName(port: number): string {
  return Object.keys(SERVICES).find((name) => SERVICES[name] === port) ?? '*';
}

function fault(err: string): Stop {
  return { out: '', err, exit: 1 };
}
