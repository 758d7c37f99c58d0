// UDP and raw IP sockets as file descriptors, opened through libc: what the batch backend reads and writes many packets at once
// with. Socket addresses as the kernel has them (sockaddr_in, sockaddr_in6).

import { closeSync } from 'node:fs';
import type { Ip } from '../../core/wire/address.ts';
import { formatIp, isIp6, writeIp6 } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { Libc } from './libc.ts';

// linux/socket.h, asm-generic/socket.h, linux/in.h, linux/in6.h
const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_DGRAM = 2;
const SOCK_RAW = 3;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1;
const SO_REUSEADDR = 2;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
const IPPROTO_IP = 0;
const IP_TTL = 2;
const IP_MTU_DISCOVER = 10;
/** Do not fragment, and do not go by what routers said of the path: as a raw socket. */
const PMTUDISC_PROBE = 3;
const PMTUDISC_DONT = 0;
const IP_RECVTOS = 13;
const IP_MULTICAST_IF = 32;
const IP_ADD_MEMBERSHIP = 35;
const IPPROTO_IPV6 = 41;
const IPV6_UNICAST_HOPS = 16;
const IPV6_MULTICAST_IF = 17;
const IPV6_JOIN_GROUP = 20;
const IPV6_MTU_DISCOVER = 23;
const IPV6_V6ONLY = 26;
const IPV6_RECVTCLASS = 66;
const IPPROTO_RAW = 255;
const SOL_UDP = 17;
const UDP_GRO = 104;
const BUFFER = 8 * 1024 * 1024;

/** Ancillary data that holds the size of a train's datagrams: level and type. */
export const TRAIN_MESSAGE: readonly [number, number] = [SOL_UDP, UDP_GRO];

/** Ancillary data that holds the TOS or traffic class: level and type. */
export const TOS_MESSAGE: Readonly<Record<'four' | 'six', readonly [number, number]>> = {
  four: [0, 1],
  six: [IPPROTO_IPV6, 67],
};

/** A socket address in memory of its own. */
export function socketAddress(ip: Ip, port: number, scope: number): Uint8Array {
  const six = isIp6(ip);
  const bytes = new Uint8Array(six ? 28 : 16);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, six ? AF_INET6 : AF_INET, true);
  view.setUint16(2, port);
  if (six) {
    writeIp6(view, 8, ip);
    view.setUint32(24, scope, true);
  } else view.setUint32(4, ip);
  return bytes;
}

/**
 * A UDP socket bound to an address, or to a group that it joins.
 * @param device the interface of a group
 * @param trains whether several datagrams of a flow may come as one (UDP_GRO); an old kernel has no such thing
 * @throws VxlabError PORT_IN_USE, NO_SUCH_ADDRESS, SOCKET_REFUSED
 */
export function udpDescriptor(
  libc: Libc,
  ip: Ip,
  port: number,
  local: Ip,
  device: string | null,
  trains: boolean,
): number {
  const six = isIp6(ip);
  const fd = libc.socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new VxlabError('SOCKET_REFUSED', `no UDP socket: ${libc.error()}`);
  const group = ip !== local;
  const index = device === null ? 0 : libc.ifIndex(device);
  if (group) number(libc, fd, SOL_SOCKET, SO_REUSEADDR, 1);
  number(libc, fd, SOL_SOCKET, SO_RCVBUF, BUFFER);
  number(libc, fd, SOL_SOCKET, SO_RCVBUFFORCE, BUFFER);
  if (trains) number(libc, fd, SOL_UDP, UDP_GRO, 1);
  if (six) {
    number(libc, fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
    number(libc, fd, IPPROTO_IPV6, IPV6_RECVTCLASS, 1);
  } else number(libc, fd, IPPROTO_IP, IP_RECVTOS, 1);
  const address = socketAddress(ip, port, group ? index : 0);
  if (libc.bind(fd, libc.addressOf(address), address.length) !== 0) {
    const error = libc.error();
    closeSync(fd);
    throw refusal(error, ip, port);
  }
  if (group && !joined(libc, fd, ip, local, index)) {
    const error = libc.error();
    closeSync(fd);
    throw new VxlabError('SOCKET_REFUSED', `cannot join ${formatIp(ip)}: ${error}`);
  }
  return fd;
}

/**
 * A UDP socket that sends trains from a port; it receives nothing.
 * @returns a negative number when the port is somebody else's
 */
export function trainDescriptor(
  libc: Libc,
  site: { readonly local: Ip; readonly ttl: number; readonly dontFragment: boolean },
  port: number,
): number {
  const { local, ttl, dontFragment } = site;
  const six = isIp6(local);
  const fd = libc.socket(six ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fd;
  number(libc, fd, SOL_SOCKET, SO_RCVBUF, 0);
  number(libc, fd, SOL_SOCKET, SO_SNDBUF, BUFFER);
  number(libc, fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER);
  const discover = dontFragment ? PMTUDISC_PROBE : PMTUDISC_DONT;
  if (six) {
    number(libc, fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, ttl);
    number(libc, fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, discover);
  } else {
    number(libc, fd, IPPROTO_IP, IP_TTL, ttl);
    number(libc, fd, IPPROTO_IP, IP_MTU_DISCOVER, discover);
  }
  const address = socketAddress(local, port, 0);
  if (libc.bind(fd, libc.addressOf(address), address.length) === 0) return fd;
  closeSync(fd);
  return -1;
}

/** A raw socket that sends packets with their IP headers. @throws VxlabError BACKEND_REFUSED without the privilege */
export function rawDescriptor(libc: Libc, local: Ip, device: string | null): number {
  const six = isIp6(local);
  const fd = libc.socket(six ? AF_INET6 : AF_INET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_RAW);
  if (fd < 0) {
    throw new VxlabError(
      'BACKEND_REFUSED',
      `the batch backend sends through a raw socket, which needs root or CAP_NET_RAW (${libc.error()}); --backend udp needs neither`,
    );
  }
  number(libc, fd, SOL_SOCKET, SO_SNDBUF, BUFFER);
  number(libc, fd, SOL_SOCKET, SO_SNDBUFFORCE, BUFFER);
  if (six && device !== null) number(libc, fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, libc.ifIndex(device));
  if (!six) {
    const address = new Uint8Array(4);
    new DataView(address.buffer).setUint32(0, local);
    libc.setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, libc.addressOf(address), 4);
  }
  return fd;
}

function joined(libc: Libc, fd: number, group: Ip, local: Ip, index: number): boolean {
  // struct ip_mreqn: group, own address, interface; struct ipv6_mreq: group, interface.
  const bytes = new Uint8Array(isIp6(group) ? 20 : 12);
  const view = new DataView(bytes.buffer);
  if (isIp6(group)) {
    writeIp6(view, 0, group);
    view.setUint32(16, index, true);
    return libc.setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_GROUP, libc.addressOf(bytes), bytes.length) === 0;
  }
  view.setUint32(0, group);
  view.setUint32(4, local as number);
  view.setUint32(8, index, true);
  return libc.setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, libc.addressOf(bytes), bytes.length) === 0;
}

function number(libc: Libc, fd: number, level: number, option: number, value: number): void {
  const word = Int32Array.of(value);
  libc.setsockopt(fd, level, option, libc.addressOf(word), 4);
}

function refusal(error: string, ip: Ip, port: number): VxlabError {
  const address = formatIp(ip);
  if (error === 'EADDRINUSE') {
    return new VxlabError(
      'PORT_IN_USE',
      `UDP port ${port} on ${address} is in use: another VTEP or a kernel VXLAN device has it; give another --port`,
    );
  }
  if (error === 'EADDRNOTAVAIL')
    return new VxlabError('NO_SUCH_ADDRESS', `${address} is not an address of this machine`);
  return new VxlabError('SOCKET_REFUSED', `cannot open UDP ${address}:${port}: ${error}`);
}
