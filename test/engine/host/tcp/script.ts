// What the rule tests begin with: a connection to a script, opened from either side, and what an ICMP error looks like.

import { parseIp } from '../../../../src/core/wire/parse-ip.ts';
import { Script } from '../../../support/segments.ts';
import { icmpBytes, packet4 } from '../packets.ts';
import type { Tcp } from './pair.ts';
import { Program, Server, seat } from './pair.ts';

export const PEER = parseIp('10.0.0.2');

export interface Scene {
  readonly script: Script;
  readonly tcp: Tcp;
  readonly program: Program;
}

/** A SYN as plain as can be; `options` as in segments.ts. */
export function passive(
  options = 'mss 1000',
  prepare: (tcp: Tcp) => void = () => {},
  make: () => Program = () => new Program(),
): Scene & { server: Server } {
  const script = new Script();
  const tcp = seat(script.host);
  prepare(tcp);
  const server = new Server(tcp, 80, {}, make);
  script.gets(`S 0:0(0) win 65535 <${options}>`);
  script.sent();
  script.gets(`. 1:1(0) ack 1 win 65535${options.includes('TS') ? ' <TS 100 0>' : ''}`);
  script.expects();
  return { script, tcp, server, program: server.first };
}

/** The host connects; the script answers with these options. */
export function active(options = 'mss 1000', prepare: (tcp: Tcp) => void = () => {}): Scene {
  const script = new Script();
  const tcp = seat(script.host);
  prepare(tcp);
  script.peerPort = 80;
  const program = new Program();
  program.socket = tcp.connect(PEER, 80, program);
  script.sent();
  script.gets(`S. 0:0(0) ack 1 win 65535 <${options}>`);
  script.sent();
  return { script, tcp, program };
}

/** An ICMP error of a router or of the peer about the last segment that the host sent. */
export function icmp(script: Script, type: number, code: number, word = 0): void {
  const quoted = script.lastPacket().slice(0, 28);
  const rest = new Uint8Array(4 + quoted.length);
  new DataView(rest.buffer).setUint32(0, word);
  rest.set(quoted, 4);
  const head = { to: script.dev.mac, from: 0x0200000000ff };
  const packet = packet4(head, { src: '10.0.0.2', dst: '10.0.0.1', proto: 1 }, icmpBytes(type, code, rest));
  script.lab.inject(script.host, packet);
}
