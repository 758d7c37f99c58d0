// What ping prints, in the words of iputils (ping.c, ping_common.c): the first line, a line for each answer or error, and the
// statistics at the end. Times are nanoseconds.

/** IP and ICMP headers in front of the payload, counted in the first line of IPv4 only. */
const HEADERS4 = 28;
/** A payload shorter than its time stamp tells no round-trip time. */
const STAMP = 16;

export interface RoundTrips {
  readonly min: number;
  readonly avg: number;
  readonly max: number;
  /** The deviation from the mean. */
  readonly mdev: number;
}

/** What the last lines count. */
export interface PingTotals {
  readonly to: string;
  readonly sent: number;
  readonly received: number;
  readonly duplicates: number;
  readonly errors: number;
  readonly elapsed: number;
  /** null when nothing was answered, or the payload is too short to tell. */
  readonly rtt: RoundTrips | null;
}

/** @param size bytes of payload */
export function openingLine(to: string, address: string, size: number): string {
  const total = address.includes(':') ? '' : `(${size + HEADERS4})`;
  return `PING ${to} (${address}) ${size}${total} bytes of data.`;
}

/** @param bytes of ICMP header and payload */
export function replyLine(
  reply: {
    readonly seq: number;
    readonly from: string;
    readonly ttl: number;
    readonly bytes: number;
    readonly rtt: number;
  },
  duplicate: boolean = false,
): string {
  const { bytes, from, seq, ttl, rtt } = reply;
  const timed = bytes - 8 < STAMP ? '' : ` time=${milliseconds(rtt)} ms`;
  return `${bytes} bytes from ${from}: icmp_seq=${seq} ttl=${ttl}${timed}${duplicate ? ' (DUP!)' : ''}`;
}

/** @param from who said it; null when the sender's own stack refused */
export function errorLine(seq: number, from: string | null, text: string): string {
  return from === null ? `ping: ${text}` : `From ${from} icmp_seq=${seq} ${text}`;
}

/** The words for an ICMP error's type and code. @param mtu of the link that was too small, in bytes */
export function errorText(local: boolean, type: number, code: number, mtu: number, six: boolean): string {
  if (local)
    return code === 4 ? `local error: message too long, mtu=${mtu}` : 'connect: Network is unreachable';
  if (six) return text6(type, code, mtu);
  if (type === 3) {
    if (code === 4) return `Frag needed and DF set (mtu = ${mtu})`;
    return UNREACHABLE[code] ?? `Dest Unreachable, Bad Code: ${code}`;
  }
  if (type === 11) return code === 0 ? 'Time to live exceeded' : 'Frag reassembly time exceeded';
  return `Bad ICMP type: ${type}`;
}

/** RFC 792 s."Destination Unreachable", RFC 1122 s.3.2.2.1, RFC 1812 s.5.2.7.1. */
const UNREACHABLE: Readonly<Record<number, string>> = {
  0: 'Destination Net Unreachable',
  1: 'Destination Host Unreachable',
  2: 'Destination Protocol Unreachable',
  3: 'Destination Port Unreachable',
  5: 'Source Route Failed',
  6: 'Destination Net Unknown',
  7: 'Destination Host Unknown',
  9: 'Destination Net Prohibited',
  10: 'Destination Host Prohibited',
  13: 'Packet filtered',
};

/** RFC 4443 s.3. */
function text6(type: number, code: number, mtu: number): string {
  if (type === 1) return `Destination unreachable: ${UNREACHABLE6[code] ?? `Unknown code ${code}`}`;
  if (type === 2) return `Packet too big: mtu=${mtu}`;
  if (type === 3) return `Time exceeded: ${code === 0 ? 'Hop limit' : 'Defragmentation failure'}`;
  return `ICMPv6 type ${type} code ${code}`;
}

const UNREACHABLE6: Readonly<Record<number, string>> = {
  0: 'No route',
  1: 'Administratively prohibited',
  2: 'Beyond scope of source address',
  3: 'Address unreachable',
  4: 'Port unreachable',
};

/** The block after the last answer, with an empty line before it. */
export function closingLines(totals: PingTotals): string[] {
  const lines = ['', `--- ${totals.to} ping statistics ---`, counts(totals)];
  if (totals.rtt !== null) {
    const { min, avg, max, mdev } = totals.rtt;
    const numbers = [min, avg, max, mdev].map((value) => (value / 1e6).toFixed(3)).join('/');
    lines.push(`rtt min/avg/max/mdev = ${numbers} ms`);
  }
  return lines;
}

function counts({ sent, received, duplicates, errors, elapsed }: PingTotals): string {
  const loss = sent === 0 ? 0 : ((sent - received) / sent) * 100;
  const parts = [`${sent} packets transmitted`, `${received} received`];
  if (duplicates > 0) parts.push(`+${duplicates} duplicates`);
  if (errors > 0) parts.push(`+${errors} errors`);
  parts.push(`${Number(loss.toPrecision(6))}% packet loss`, `time ${Math.floor(elapsed / 1e6)}ms`);
  return parts.join(', ');
}

/** Whole nanoseconds; null for no times. */
export function roundTrips(times: readonly number[]): RoundTrips | null {
  if (times.length === 0) return null;
  const avg = times.reduce((sum, time) => sum + time, 0) / times.length;
  const square = times.reduce((sum, time) => sum + time * time, 0) / times.length;
  return {
    min: times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY),
    avg: Math.round(avg),
    max: times.reduce((most, time) => Math.max(most, time), 0),
    mdev: Math.round(Math.sqrt(Math.max(0, square - avg * avg))),
  };
}

/** Three figures or more. */
function milliseconds(nanoseconds: number): string {
  const ms = nanoseconds / 1e6;
  if (ms >= 100) return ms.toFixed(0);
  if (ms >= 10) return ms.toFixed(1);
  return ms >= 1 ? ms.toFixed(2) : ms.toFixed(3);
}
