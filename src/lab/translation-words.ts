// What a host's address translation did, in words: whom the load balancer chose, and what a packet says from now on.

import type { Ip } from '../core/wire/address.ts';
import { formatIp, readIp6 } from '../core/wire/address.ts';
import { PROTO } from '../core/wire/numbers.ts';
import type { TraceEvent } from '../engine/trace/recorder.ts';

interface Words {
  readonly what: string;
  readonly text: string;
  readonly table: string;
  readonly entry?: string;
  readonly command: string;
}

/** @param prefix what gets a shell there */
export function balanced({ a, b }: TraceEvent, prefix: string): Words {
  return {
    what: 'balance',
    text: `a new connection to ${formatIp(a)}: it is the turn of ${formatIp(b)}`,
    table: 'IPVS',
    entry: `-> ${formatIp(b)}:0 Masq 1`,
    command: `${prefix}ipvsadm -Ln`,
  };
}

export function translated({ a, b, bytes }: TraceEvent, prefix: string): Words {
  const ends = endsOf(bytes, b);
  return {
    what: 'translate',
    text: a === 1 ? `is now ${ends}` : `the answer of a known flow: is now ${ends}`,
    table: 'conntrack',
    entry: ends,
    command: `${prefix}conntrack -L`,
  };
}

/** `10.0.1.6:40000 → 10.0.1.2:80`, without ports where there are none. */
function endsOf(view: DataView, ip: number): string {
  const six = view.getUint8(ip) >>> 4 === 6;
  const address = (at: number): Ip => (six ? readIp6(view, at) : view.getUint32(at));
  const [src, dst] = six ? [address(ip + 8), address(ip + 24)] : [address(ip + 12), address(ip + 16)];
  const proto = view.getUint8(ip + (six ? 6 : 9));
  const at = ip + (six ? 40 : (view.getUint8(ip) & 15) * 4);
  if ((proto !== PROTO.tcp && proto !== PROTO.udp) || at + 4 > view.byteLength)
    return `${formatIp(src)} → ${formatIp(dst)}`;
  const ends = (address: Ip, port: number): string =>
    six ? `[${formatIp(address)}]:${port}` : `${formatIp(address)}:${port}`;
  return `${ends(src, view.getUint16(at))} → ${ends(dst, view.getUint16(at + 2))}`;
}
