// Where UDP payloads go, and from which address: what the roads of datagrams have in common.

import { createSocket } from 'node:dgram';
import type { Ip } from '../../core/wire/address.ts';
import { formatIp, isIp6 } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { parseIp } from '../../core/wire/parse-ip.ts';
import { deviceOf } from '../kernel/underlay-device.ts';
import type { LiveVtepConfig } from '../vtep/vtep-config.ts';
import { sendInterface } from './interface.ts';

const HEADERS_IPV4 = 28;
const HEADERS_IPV6 = 48;
/** What UDP's length field can say, less its header. */
const PAYLOAD_MAX = 65_507;

export interface DatagramTarget {
  readonly to: Ip;
  /** Address and port, backend, TTL, TOS as `vxlab vtep` has them; its segments are of no interest. */
  readonly config: LiveVtepConfig;
  /** Source ports that the inner flows are spread over; null for one that the kernel picks. */
  readonly sourcePorts: readonly [number, number] | null;
  /** True when each datagram keeps its recorded source port. */
  readonly recordedPorts: boolean;
  /** Bytes of UDP payload that a datagram may have: a VTEP does not fragment (RFC 7348 s.4.3). */
  readonly room: number;
}

/** The address that this machine sends from to another. @throws VxlabError NO_ROUTE */
export function ownAddress(to: Ip): Promise<Ip> {
  const six = isIp6(to);
  const socket = createSocket(six ? 'udp6' : 'udp4');
  return new Promise((resolve, reject) => {
    const fail = (): void => {
      socket.close();
      reject(new VxlabError('NO_ROUTE', `there is no way to ${formatIp(to)} from here (ip route get)`));
    };
    socket.once('error', fail);
    // Connecting a UDP socket sends nothing; any port will do.
    socket.connect(9, formatIp(to), () => {
      const { address } = socket.address();
      socket.close();
      resolve(parseIp(address.replace(/%.*$/, '')));
    });
  });
}

/** Bytes of IP's own header and UDP's. */
export function headersOf(local: Ip): number {
  return isIp6(local) ? HEADERS_IPV6 : HEADERS_IPV4;
}

/** Bytes of UDP payload that leave the address in one piece. */
export function payloadRoom(local: Ip, dev: string | null): number {
  const device = dev ?? deviceOf(local);
  const mtu = device === null ? Number.POSITIVE_INFINITY : sendInterface(device).mtu;
  return Math.min(PAYLOAD_MAX, mtu - headersOf(local));
}
