// iperf3's command line (iperf3(1)).

import { decimalNumber, readOptions, wholeNumber } from '../options.ts';
import type { Stop } from '../tool.ts';

export interface IperfRequest {
  /** null for a server. */
  readonly to: string | null;
  readonly port: number;
  readonly udp: boolean;
  readonly reverse: boolean;
  readonly parallel: number;
  /** Nanoseconds, 0 when bytes or blocks say how long. */
  readonly time: number;
  /** Bytes to send, 0 for no such bound. */
  readonly bytes: number;
  readonly blocks: number;
  /** Bytes of a write or a datagram; 0 for the usual. */
  readonly length: number;
  /** Bits a second of each stream; 0 for no bound. */
  readonly rate: number;
  /** Nanoseconds between reports; 0 for none. */
  readonly interval: number;
  readonly noDelay: boolean;
  readonly family: 0 | 4 | 6;
  readonly json: boolean;
  readonly format: string | null;
  /** -1 of a server: one test, then the end. */
  readonly oneOff: boolean;
}

export const IPERF_PORT = 5201;
export const IPERF_VERSION = '3.12';
const PARALLEL_MAX = 128;
const UDP_RATE = 1024 * 1024;

const LONG: Readonly<Record<string, string>> = {
  'client=': 'c',
  server: 's',
  'port=': 'p',
  udp: 'u',
  reverse: 'R',
  'parallel=': 'P',
  'time=': 't',
  'bytes=': 'n',
  'blockcount=': 'k',
  'length=': 'l',
  'bitrate=': 'b',
  'bandwidth=': 'b',
  'interval=': 'i',
  'no-delay': 'N',
  version4: '4',
  version6: '6',
  json: 'J',
  'format=': 'f',
  'one-off': '1',
  version: 'v',
  help: 'h',
  verbose: 'V',
};

export function readIperf(argv: readonly string[]): IperfRequest | Stop {
  const read = readOptions(argv, { letters: '146b:c:f:hi:Jk:l:Nn:P:p:RSst:uvVD', long: LONG });
  if ('fault' in read) {
    const letter = read.written.replace(/^-+/, '');
    const what = read.fault === 'unknown' ? 'invalid option' : 'option requires an argument';
    return { out: '', err: `iperf3: ${what} -- '${letter}'\n${USAGE}`, exit: 1 };
  }
  const has = (letter: string): boolean => read.options.some(({ name }) => name === letter);
  const last = (letter: string): string | undefined =>
    read.options.findLast(({ name }) => name === letter)?.value;
  if (has('h')) return { out: USAGE, err: '', exit: 0 };
  if (has('v')) return { out: `iperf ${IPERF_VERSION} (vxlab)\n`, err: '', exit: 0 };
  if (has('c') && has('s')) return fault('cannot be both server and client');
  if (!has('c') && !has('s')) return fault('must either be a client (-c) or server (-s)');
  if (read.operands.length > 0) return fault(`unexpected argument ${read.operands[0]}`);
  const udp = has('u');
  const numbers = {
    port: sized(last('p'), IPERF_PORT, 1),
    parallel: sized(last('P'), 1, 1),
    bytes: sized(last('n'), 0, 1024),
    blocks: sized(last('k'), 0, 1024),
    length: sized(last('l'), 0, 1024),
    rate: sized(last('b')?.replace(/\/.*$/, ''), udp ? UDP_RATE : 0, 1000),
  };
  for (const [name, value] of Object.entries(numbers))
    if (value === null) return fault(`bad value for ${name}`);
  const { port, parallel, bytes, blocks, length, rate } = numbers as {
    readonly [Key in keyof typeof numbers]: number;
  };
  const time = decimalNumber(last('t') ?? '10');
  const interval = decimalNumber(last('i') ?? '1');
  if (port < 1 || port > 65535) return fault(`port number ${port} is out of range`);
  if (parallel < 1 || parallel > PARALLEL_MAX)
    return fault(`number of parallel streams too large (maximum = ${PARALLEL_MAX})`);
  if (time === null || time > 86_400) return fault('test duration too long (maximum = 86400 seconds)');
  if (interval === null || interval > 60 || (interval > 0 && interval < 0.1)) {
    return fault('invalid report interval (min = 0.1, max = 60 seconds)');
  }
  if (udp && length > 65_507) return fault('block size too large (maximum = 65507 bytes)');
  if (length > 1_048_576) return fault('block size too large (maximum = 1048576 bytes)');
  const bounded = bytes > 0 || blocks > 0;
  if (bounded && last('t') !== undefined)
    return fault('only one test end condition (-t, -n, -k) may be specified');
  return {
    to: last('c') ?? null,
    port,
    udp,
    reverse: has('R'),
    parallel,
    time: bounded ? 0 : Math.round(time * 1e9),
    bytes,
    blocks,
    length,
    rate,
    interval: Math.round(interval * 1e9),
    noDelay: has('N'),
    family: has('4') ? 4 : has('6') ? 6 : 0,
    json: has('J'),
    format: last('f') ?? null,
    oneOff: has('1'),
  };
}

/** A number with K, M, G or T behind it, in steps of `step`; small and capital letters alike. null for what is none. */
function sized(text: string | undefined, usual: number, step: number): number | null {
  if (text === undefined) return usual;
  const parts = /^(.+?)([kmgt])?$/i.exec(text);
  const base = parts?.[2] === undefined && step === 1 ? wholeNumber(text) : decimalNumber(parts?.[1] ?? '');
  if (base === null || (step === 1 && parts?.[2] !== undefined)) return null;
  const power = 'kmgt'.indexOf((parts?.[2] ?? '').toLowerCase() || ' ') + 1;
  const n = Math.round(base * step ** power);
  return Number.isSafeInteger(n) ? n : null;
}

function fault(words: string): Stop {
  return { out: '', err: `iperf3: parameter error - ${words}\n\n${USAGE}`, exit: 1 };
}

const USAGE = `Usage: iperf3 [-s|-c host] [options]
  -p, --port      #         server port to listen on/connect to
  -i, --interval  #         seconds between periodic throughput reports
  -J, --json                output in JSON format
  -1, --one-off             handle one client connection then exit
  -u, --udp                 use UDP rather than TCP
  -b, --bitrate #[KMG]      target bitrate in bits/sec (0 for unlimited)
  -t, --time      #         time in seconds to transmit for (default 10 secs)
  -n, --bytes     #[KMG]    number of bytes to transmit (instead of -t)
  -k, --blockcount #[KMG]   number of blocks (packets) to transmit (instead of -t or -n)
  -l, --length    #[KMG]    length of buffer to read or write
  -P, --parallel  #         number of parallel client streams to run
  -R, --reverse             run in reverse mode (server sends, client receives)
  -N, --no-delay            set TCP no delay, disabling Nagle's Algorithm
  -f, --format   [kmgtKMGT] format to report
  -4, -6                    only use IPv4, IPv6
`;
