// `ss`: the container's TCP connections, listeners and UDP sockets, as iproute2's prints them with -n.

import type { Ip } from '../../core/wire/address.ts';
import { formatIp, isIp6 } from '../../core/wire/address.ts';
import type { Host } from '../../engine/host/host.ts';
import type { TcpInfo, TcpState } from '../../engine/host/tcp/socket.ts';
import { readOptions } from './options.ts';
import type { ToolContext } from './tool.ts';

interface Row {
  readonly protocol: 'tcp' | 'udp';
  readonly state: string;
  /** Bytes that wait to be read or, of a listener, connections that wait. */
  readonly receiving: number;
  readonly sending: number;
  readonly local: string;
  readonly localPort: string;
  readonly peer: string;
  readonly peerPort: string;
  readonly info: TcpInfo | null;
}

const USAGE = 'Usage: ss [ -t | -u ] [ -a | -l ] [ -n ] [ -i ] [ -H ] [ -4 | -6 ]\n';
const SHORT: Readonly<Partial<Record<TcpState, string>>> = {
  ESTABLISHED: 'ESTAB',
  'SYN-RECEIVED': 'SYN-RECV',
};
/** What is not shown without -a: listeners, handshakes that came in, and connections that are over. */
const ASIDE = ['LISTEN', 'SYN-RECV', 'TIME-WAIT', 'UNCONN'];

export function ss(context: ToolContext): Promise<number> {
  const read = readOptions(context.argv, {
    letters: '46aHilnptu',
    long: {
      all: 'a',
      listening: 'l',
      tcp: 't',
      udp: 'u',
      numeric: 'n',
      info: 'i',
      processes: 'p',
      'no-header': 'H',
      ipv4: '4',
      ipv6: '6',
    },
  });
  if ('fault' in read || read.operands.length > 0) {
    context.err(USAGE);
    return Promise.resolve(255);
  }
  const has = (letter: string): boolean => read.options.some(({ name }) => name === letter);
  const { host } = context.container;
  const both = !has('t') && !has('u');
  const rows = [
    ...(has('u') || both ? udpRows(host) : []),
    ...(has('t') || both ? tcpRows(host) : []),
  ].filter(({ state, local }) => {
    if (has('4') && local.startsWith('[')) return false;
    if (has('6') && !local.startsWith('[') && local !== '*') return false;
    if (has('l')) return state === 'LISTEN' || state === 'UNCONN';
    return has('a') || !ASIDE.includes(state);
  });
  context.out(table(rows, both, !has('H'), has('i')));
  return Promise.resolve(0);
}

function tcpRows(host: Host): Row[] {
  if (!host.speaksTcp) return [];
  const listeners = host.tcp.listeners.map(
    ({ ip, port, waiting, backlog }): Row => ({
      protocol: 'tcp',
      state: 'LISTEN',
      receiving: waiting,
      sending: backlog,
      local: shown(ip),
      localPort: String(port),
      peer: shown(ip === null ? null : isIp6(ip) ? { a: 0, b: 0, c: 0, d: 0 } : 0),
      peerPort: '*',
      info: null,
    }),
  );
  const connections = host.tcp.connections.map(
    (one): Row => ({
      protocol: 'tcp',
      state: SHORT[one.state] ?? one.state,
      receiving: one.receiving.length,
      sending: one.sending.length,
      local: shown(one.localIp),
      localPort: String(one.localPort),
      peer: shown(one.remoteIp),
      peerPort: String(one.remotePort),
      info: 'info' in one ? (one as { info(): TcpInfo }).info() : null,
    }),
  );
  const order = (x: Row, y: Row): number =>
    Number(x.localPort) - Number(y.localPort) || Number(x.peerPort) - Number(y.peerPort);
  return [...listeners.sort(order), ...connections.sort(order)];
}

function udpRows(host: Host): Row[] {
  return host.udp.sockets.map(({ address, port }) => ({
    protocol: 'udp',
    state: 'UNCONN',
    receiving: 0,
    sending: 0,
    local: shown(address),
    localPort: String(port),
    peer: shown(address === null ? null : isIp6(address) ? { a: 0, b: 0, c: 0, d: 0 } : 0),
    peerPort: '*',
    info: null,
  }));
}

function shown(ip: Ip | null): string {
  if (ip === null) return '*';
  return isIp6(ip) ? `[${formatIp(ip)}]` : formatIp(ip);
}

/** Addresses end, and ports begin, at the colon. */
function table(rows: readonly Row[], withProtocol: boolean, withHead: boolean, withInfo: boolean): string {
  const head = {
    protocol: 'Netid',
    state: 'State',
    receiving: 'Recv-Q',
    sending: 'Send-Q',
    local: 'Local Address',
    localPort: 'Port',
    peer: 'Peer Address',
    peerPort: 'Port',
  };
  const all = withHead ? [head, ...rows] : rows;
  const width = (of: keyof typeof head): number => Math.max(0, ...all.map((row) => String(row[of]).length));
  const line = (row: (typeof all)[number]): string =>
    [
      ...(withProtocol ? [row.protocol.padEnd(width('protocol'))] : []),
      row.state.padEnd(width('state')),
      String(row.receiving).padEnd(width('receiving')),
      String(row.sending).padEnd(width('sending')),
      `${row.local.padStart(width('local'))}:${row.localPort.padEnd(width('localPort'))}`,
      `${row.peer.padStart(width('peer'))}:${row.peerPort.padEnd(width('peerPort'))}`,
    ]
      .join(' ')
      .trimEnd();
  const lines = rows.flatMap((row) => [
    line(row),
    ...(withInfo && row.info !== null ? [infoLine(row.info)] : []),
  ]);
  return [...(withHead ? [line(head)] : []), ...lines].map((one) => `${one}\n`).join('');
}

/** Times in milliseconds, the window in segments. */
function infoLine(info: TcpInfo): string {
  const ms = (time: number): string => String(Number((time / 1e6).toFixed(3)));
  return (
    `\t reno rto:${ms(info.rto)} rtt:${ms(info.rtt)}/${ms(info.rttVariation)} mss:${info.mss} ` +
    `cwnd:${Math.max(1, Math.floor(info.congestionWindow / info.mss))} bytes_sent:${info.bytesSent} ` +
    `bytes_received:${info.bytesReceived} segs_out:${info.segmentsSent} segs_in:${info.segmentsReceived}` +
    `${info.retransmits === 0 ? '' : ` retrans:0/${info.retransmits}`}`
  );
}
