// ping's command line (iputils' ping(8)).

import { decimalNumber, readOptions, wholeNumber } from '../options.ts';
import type { Stop } from '../tool.ts';

export interface PingRequest {
  readonly to: string;
  /** Requests; null for no end. */
  readonly count: number | null;
  /** Nanoseconds. */
  readonly interval: number;
  /** How long to wait for an answer to the last request; null for iputils' ten seconds, or twice the longest round trip. */
  readonly wait: number | null;
  /** -w: ends after so long, whatever was answered; null for no such end. */
  readonly deadline: number | null;
  /** Bytes of payload. */
  readonly size: number;
  readonly ttl: number;
  readonly discovery: 'do' | 'want' | 'dont';
  readonly family: 0 | 4 | 6;
  readonly quiet: boolean;
}

const SIZE_MAX = 65_507;

export function readPing(argv: readonly string[]): PingRequest | Stop {
  const read = readOptions(argv, { letters: '46c:hi:M:nOqs:t:vVW:w:' });
  if ('fault' in read) {
    const letter = read.written.replace(/^-+/, '');
    const words = read.fault === 'unknown' ? 'invalid option' : 'option requires an argument';
    return fault(`ping: ${words} -- '${letter}'\n\n${USAGE}`, 2);
  }
  const request = {
    count: null as number | null,
    interval: 1e9,
    wait: null as number | null,
    deadline: null as number | null,
    size: 56,
    ttl: 64,
    discovery: 'want' as PingRequest['discovery'],
    family: 0 as PingRequest['family'],
    quiet: false,
  };
  for (const { name, value } of read.options) {
    if (name === 'h') return { out: USAGE, err: '', exit: 2 };
    if (name === 'V') return { out: 'ping from iputils 20221126 (vxlab)\n', err: '', exit: 0 };
    if (name === '4' || name === '6') request.family = name === '4' ? 4 : 6;
    else if (name === 'q') request.quiet = true;
    else if (name === 'M') {
      if (value !== 'do' && value !== 'want' && value !== 'dont')
        return fault(`ping: invalid -M argument: ${value}\n`, 1);
      request.discovery = value;
    } else if (name === 'i' || name === 'W') {
      const seconds = decimalNumber(value);
      if (seconds === null || seconds > 2_147_483)
        return fault(`ping: option argument contains garbage: ${value}\n`, 1);
      // An interval of nothing would let no time pass at all.
      if (name === 'i') request.interval = Math.max(1000, Math.round(seconds * 1e9));
      else request.wait = Math.round(seconds * 1e9);
    } else if (name in NUMBERS) {
      const [key, least, most, unit] = NUMBERS[name] as (typeof NUMBERS)[string];
      const n = wholeNumber(value);
      if (n === null) return fault(`ping: invalid argument: '${value}'\n`, 1);
      if (n < least || n > most) {
        return fault(`ping: invalid argument: '${value}': out of range: ${least} <= value <= ${most}\n`, 1);
      }
      request[key] = n * unit;
    }
  }
  const [to, ...more] = read.operands;
  if (to === undefined) return fault('ping: usage error: Destination address required\n', 1);
  if (more.length > 0)
    return fault(`ping: one destination, not ${more.length + 1}: source routes are not here\n`, 2);
  return { to, ...request };
}

const NUMBERS: Readonly<
  Record<string, readonly ['count' | 'size' | 'ttl' | 'deadline', number, number, number]>
> = {
  c: ['count', 1, 0xffff_ffff, 1],
  s: ['size', 0, SIZE_MAX, 1],
  t: ['ttl', 1, 255, 1],
  w: ['deadline', 1, 2_147_483, 1e9],
};

function fault(err: string, exit: number): Stop {
  return { out: '', err, exit };
}

const USAGE = `Usage
  ping [options] <destination>

Options:
  <destination>      name or address
  -c <count>         stop after <count> requests
  -i <interval>      seconds between requests
  -M <pmtud opt>     define mtu discovery, can be one of <do|dont|want>
  -n                 no dns name resolution of answers (always so here)
  -q                 quiet output
  -s <size>          use <size> as number of data bytes to be sent
  -t <ttl>           define time to live
  -w <deadline>      stop after <deadline> seconds
  -W <timeout>       time to wait for response
  -4                 use IPv4
  -6                 use IPv6
`;
