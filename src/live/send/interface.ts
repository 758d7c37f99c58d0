// What Linux says in /sys of an interface that packets are to go onto: how long they may be, and what they begin with. Elsewhere
// nothing is known beforehand and libpcap has the last word.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { VxlabError } from '../../core/wire/numbers.ts';

export interface SendInterface {
  readonly name: string;
  /** IP MTU in bytes; Infinity when not known. */
  readonly mtu: number;
  /** What a packet on it begins with. */
  readonly begins: 'ethernet' | 'ip';
}

const SYS = '/sys/class/net';
const IFF_UP = 1;
// linux/if_arp.h
const ETHERNET: readonly number[] = [1, 772];
/** Point to point, TUN and WireGuard, tunnels of IP in IP and their like. */
const BARE_IP: readonly number[] = [65_534, 512, 768, 769, 776, 778];

/** @throws VxlabError NO_SUCH_INTERFACE, INTERFACE_DOWN, BAD_LINK_TYPE for one that takes neither Ethernet nor IP */
export function sendInterface(name: string): SendInterface {
  if (!existsSync(SYS)) return { name, mtu: Number.POSITIVE_INFINITY, begins: 'ethernet' };
  if (!existsSync(`${SYS}/${name}`)) {
    const names = readdirSync(SYS).filter((one) => existsSync(`${SYS}/${one}/mtu`));
    throw new VxlabError(
      'NO_SUCH_INTERFACE',
      `there is no interface ${name}; there are ${names.length === 0 ? 'none' : names.sort().join(', ')}`,
    );
  }
  if ((numberIn(name, 'flags') & IFF_UP) === 0) {
    throw new VxlabError('INTERFACE_DOWN', `the interface ${name} is down`);
  }
  const type = numberIn(name, 'type');
  if (!ETHERNET.includes(type) && !BARE_IP.includes(type)) {
    throw new VxlabError(
      'BAD_LINK_TYPE',
      `${name} takes neither Ethernet frames nor IP packets (its ARPHRD type is ${type})`,
    );
  }
  return { name, mtu: numberIn(name, 'mtu'), begins: ETHERNET.includes(type) ? 'ethernet' : 'ip' };
}

function numberIn(name: string, what: string): number {
  return Number(readFileSync(`${SYS}/${name}/${what}`, 'utf8'));
}
