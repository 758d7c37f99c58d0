// Echo requests and answers as iputils prints them, and as a JSON document.

import { formatIp } from '../../core/wire/address.ts';
import type { PingAnswer } from '../../lab/lab.ts';

/** `vxlab.ping/1`, described in docs/schema/ping.schema.json. Times are nanoseconds. */
export interface PingDocument {
  readonly schema: 'vxlab.ping/1';
  readonly from: string;
  readonly to: string;
  readonly address: string;
  /** Bytes of payload. */
  readonly size: number;
  readonly sent: number;
  readonly received: number;
  readonly duplicates: number;
  readonly elapsed: number;
  readonly rtt: {
    readonly min: number;
    readonly avg: number;
    readonly max: number;
    readonly mdev: number;
  } | null;
  readonly replies: readonly PingReplyLine[];
  readonly errors: readonly PingErrorLine[];
}

export interface PingReplyLine {
  readonly seq: number;
  readonly from: string;
  readonly ttl: number;
  readonly bytes: number;
  readonly rtt: number;
}

export interface PingErrorLine {
  readonly seq: number;
  /** Who said it; null when the sender's own stack refused. */
  readonly from: string | null;
  readonly type: number;
  readonly code: number;
  readonly mtu: number;
  readonly text: string;
}

export function pingDocument(
  answer: PingAnswer,
  given: { readonly size: number; readonly mtu: number; readonly elapsed: number },
): PingDocument {
  const times = answer.replies.map(({ rtt }) => rtt);
  const six = answer.address.includes(':');
  return {
    schema: 'vxlab.ping/1',
    from: answer.from,
    to: answer.to,
    address: answer.address,
    size: given.size,
    sent: answer.sent,
    received: answer.replies.length,
    duplicates: answer.duplicates,
    elapsed: given.elapsed,
    rtt: times.length === 0 ? null : statistics(times),
    replies: answer.replies.map((reply) => ({ ...reply, from: formatIp(reply.from) })),
    errors: answer.errors.map((error) => ({
      seq: error.seq,
      from: error.from === null ? null : formatIp(error.from),
      type: error.type,
      code: error.code,
      mtu: error.mtu,
      text: errorText(error.from === null, error.type, error.code, error.mtu || given.mtu, six),
    })),
  };
}

/** mdev is the deviation from the mean, as iputils has it. */
function statistics(times: readonly number[]): { min: number; avg: number; max: number; mdev: number } {
  const avg = times.reduce((sum, time) => sum + time, 0) / times.length;
  const square = times.reduce((sum, time) => sum + time * time, 0) / times.length;
  return {
    min: Math.min(...times),
    avg: Math.round(avg),
    max: Math.max(...times),
    mdev: Math.round(Math.sqrt(Math.max(0, square - avg * avg))),
  };
}

/** iputils' words for ICMP types and codes (ping.c, pr_icmph). */
function errorText(local: boolean, type: number, code: number, mtu: number, six: boolean): string {
  if (local)
    return code === 4 ? `local error: message too long, mtu=${mtu}` : 'connect: Network is unreachable';
  if (six) return `ICMPv6 type ${type} code ${code}`;
  if (type === 3) {
    if (code === 4) return `Frag needed and DF set (mtu = ${mtu})`;
    return UNREACHABLE[code] ?? `Dest Unreachable, Bad Code: ${code}`;
  }
  if (type === 11) return code === 0 ? 'Time to live exceeded' : 'Frag reassembly time exceeded';
  return `Bad ICMP type: ${type}`;
}

const UNREACHABLE: Readonly<Record<number, string>> = {
  0: 'Destination Net Unreachable',
  1: 'Destination Host Unreachable',
  2: 'Destination Protocol Unreachable',
  3: 'Destination Port Unreachable',
};

export function renderPing(ping: PingDocument): string {
  const headers = ping.address.includes(':') ? 48 : 28;
  const total = ping.address.includes(':') ? '' : `(${ping.size + headers})`;
  const lines = [`PING ${ping.to} (${ping.address}) ${ping.size}${total} bytes of data.`];
  const said = [
    ...ping.replies.map(({ seq, bytes, from, ttl, rtt }) => ({
      seq,
      text: `${bytes} bytes from ${from}: icmp_seq=${seq} ttl=${ttl}${ping.size < 16 ? '' : ` time=${time(rtt)} ms`}`,
    })),
    ...ping.errors.map(({ seq, from, text }) => ({
      seq,
      text: from === null ? `ping: ${text}` : `From ${from} icmp_seq=${seq} ${text}`,
    })),
  ].sort((x, y) => x.seq - y.seq);
  lines.push(...said.map(({ text }) => text), '', `--- ${ping.to} ping statistics ---`, counts(ping));
  if (ping.rtt !== null) {
    const { min, avg, max, mdev } = ping.rtt;
    const numbers = [min, avg, max, mdev].map((value) => (value / 1e6).toFixed(3)).join('/');
    lines.push(`rtt min/avg/max/mdev = ${numbers} ms`);
  }
  return `${lines.join('\n')}\n`;
}

function counts({ sent, received, duplicates, errors, elapsed }: PingDocument): string {
  const loss = sent === 0 ? 0 : ((sent - received) / sent) * 100;
  const parts = [`${sent} packets transmitted`, `${received} received`];
  if (duplicates > 0) parts.push(`+${duplicates} duplicates`);
  if (errors.length > 0) parts.push(`+${errors.length} errors`);
  parts.push(`${Number(loss.toPrecision(6))}% packet loss`, `time ${Math.floor(elapsed / 1e6)}ms`);
  return parts.join(', ');
}

/** Three figures or more, as iputils does it. */
function time(nanoseconds: number): string {
  const ms = nanoseconds / 1e6;
  if (ms >= 100) return ms.toFixed(0);
  if (ms >= 10) return ms.toFixed(1);
  return ms >= 1 ? ms.toFixed(2) : ms.toFixed(3);
}
