// Datagrams that Linux dropped because a UDP socket's buffer was full: the last column of /proc/net/udp and udp6 (proc(5)).

import { readFileSync } from 'node:fs';
import { endianness } from 'node:os';
import type { Ip } from '../../core/wire/address.ts';
import { isIp6 } from '../../core/wire/address.ts';

/** The sum over the sockets bound to an address and port; null where there is no such table. */
export function kernelDrops(local: Ip, port: number): number | null {
  const key = `${addressKey(local)}:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let table: string;
  try {
    table = readFileSync(isIp6(local) ? '/proc/net/udp6' : '/proc/net/udp', 'utf8');
  } catch {
    return null;
  }
  let sum = 0;
  for (const line of table.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    if (columns[1] === key) sum += Number(columns.at(-1));
  }
  return sum;
}

/** Words as they lie in memory, printed as numbers. */
function addressKey(ip: Ip): string {
  return (isIp6(ip) ? [ip.a, ip.b, ip.c, ip.d] : [ip])
    .map((word) => {
      const text = word.toString(16).toUpperCase().padStart(8, '0');
      return endianness() === 'BE' ? text : (text.match(/../g) as string[]).reverse().join('');
    })
    .join('');
}
