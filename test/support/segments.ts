// One host's TCP against a script, in the manner of packetdrill: a line is a segment that the host gets or has sent.
//
//   'S 0:0(0) win 65535 <mss 1460,sackOK,TS 100 0,wscale 7>'
//   'P. 1:1001(1000) ack 1 win 257 <TS 101 0>'     flags F S R P . (ACK); seq:end(length); ack; win as it stands; options
//
// The script's sequence numbers count from 0 as it likes, the host's from its initial sequence number, and its timestamps
// from the first that it sent.

import { expect } from 'vitest';
import { pseudo4 } from '../../src/core/wire/checksum.ts';
import * as ethernet from '../../src/core/wire/ethernet.ts';
import * as ipv4 from '../../src/core/wire/ipv4.ts';
import { parseIp } from '../../src/core/wire/parse-ip.ts';
import * as tcp from '../../src/core/wire/tcp.ts';
import * as options from '../../src/core/wire/tcp-options.ts';
import type { Host } from '../../src/engine/host/host.ts';
import type { Interface } from '../../src/engine/host/interface.ts';
import { viewOf } from './bytes.ts';
import { Lab, pattern } from './lab.ts';

const HOST = '10.0.0.1';
const PEER = '10.0.0.2';
const PEER_MAC = 0x0200000000ff;
const HEADERS = ethernet.HEADER_LEN + ipv4.HEADER_LEN;
const LINE = /^([FSRP.]+) (-?\d+):(-?\d+)\((\d+)\)(?: ack (-?\d+))?(?: win (\d+))?(?: <(.*)>)?$/;

export class Script {
  readonly lab: Lab;
  readonly host: Host;
  readonly dev: Interface;
  /** Ports of the host and of the script. */
  hostPort = 80;
  peerPort = 4000;
  #iss: number | null = null;
  #stamps: number | null = null;
  #seen = 0;

  constructor(mtu = 1500) {
    this.lab = new Lab(true);
    this.host = this.lab.host('host');
    this.dev = this.lab.alone(this.host, { ips: [`${HOST}/24`], mtu });
    this.host.neighbours.pin(parseIp(PEER), this.dev, PEER_MAC);
  }

  /** The host gets segments; payload is `pattern` by sequence number. */
  gets(...lines: readonly string[]): void {
    for (const line of lines) this.lab.inject(this.host, this.frame(line));
  }

  /** What the host has sent since it was last asked. */
  sent(): string[] {
    const frames = this.lab.sent.slice(this.#seen);
    this.#seen = this.lab.sent.length;
    return frames.filter(({ bytes }) => bytes[23] === 6).map(({ bytes }) => this.#text(bytes));
  }

  /** The host has sent exactly this since it was last asked. A line that tells no window leaves it open. */
  expects(...lines: readonly string[]): void {
    const sent = this.sent().map((line, i) =>
      lines[i]?.includes(' win ') === false ? line.replace(/ win \d+/, '') : line,
    );
    expect(sent).toEqual(lines);
  }

  /** The same after some seconds. */
  after(seconds: number, ...lines: readonly string[]): void {
    this.lab.run(seconds);
    this.expects(...lines);
  }

  /** The last segment that the host sent: what an ICMP error quotes. */
  lastPacket(): Uint8Array {
    const last = this.lab.sent.filter(({ bytes }) => bytes[23] === 6).at(-1);
    return (last?.bytes ?? new Uint8Array(0)).slice(ethernet.HEADER_LEN);
  }

  /** Puts the next connection's numbers at their beginnings. */
  anew(): void {
    this.#iss = null;
    this.#stamps = null;
  }

  /** The Ethernet frame of a line. */
  frame(line: string): Uint8Array {
    const found = LINE.exec(line);
    if (found === null) throw new Error(`not a segment: ${line}`);
    const [, flags = '', seq = '0', , length = '0', ack, win = '0', list = ''] = found;
    const payload = Number(length);
    const bytes = new Uint8Array(HEADERS + tcp.HEADER_LEN_MAX + payload);
    const view = viewOf(bytes);
    const at = HEADERS;
    let o = at + tcp.HEADER_LEN;
    for (const option of list === '' ? [] : list.split(',')) o = this.#putOption(view, o, option.trim());
    const header = options.pad(view, at, o);
    const start = Number(seq);
    for (let i = 0; i < payload; i++) bytes[at + header + i] = octet(start + i);
    const end = at + header + payload;
    const bits = [...flags].reduce((sum, flag) => sum | BITS[flag as keyof typeof BITS], 0);
    const pseudo = pseudo4(parseIp(PEER) as number, parseIp(HOST) as number, 6, end - at);
    const acked = ack === undefined ? 0 : (Number(ack) + (this.#iss ?? 0)) >>> 0;
    tcp.write(
      view,
      at,
      end,
      this.peerPort,
      this.hostPort,
      start >>> 0,
      acked,
      bits,
      Number(win),
      header,
      pseudo,
    );
    const length4 = end - ethernet.HEADER_LEN;
    ipv4.write(view, 14, 14 + length4, parseIp(PEER) as number, parseIp(HOST) as number, 6, 64, 0, 1, true);
    ethernet.write(view, 0, this.dev.mac, PEER_MAC, 0x0800);
    return bytes.slice(0, end);
  }

  #putOption(view: DataView, o: number, option: string): number {
    const [name, ...values] = option.split(' ');
    const numbers = values.map(Number);
    const [first = 0, second = 0] = numbers;
    switch (name) {
      case 'mss':
        return options.writeMss(view, o, first);
      case 'wscale':
        return options.writeWindowScale(view, o, first);
      case 'sackOK':
        return options.writeSackPermitted(view, o);
      case 'nop':
        return options.writeNop(view, o);
      case 'TS':
        return options.writeTimestamps(view, o, first >>> 0, (second + (this.#stamps ?? 0)) >>> 0);
      case 'sack': {
        const blocks = values.map((block) => block.split(':').map(Number));
        const iss = this.#iss ?? 0;
        const next = options.writeSack(view, o, blocks.length);
        for (const [i, [left = 0, right = 0]] of blocks.entries())
          options.writeSackBlock(view, o, i, (left + iss) >>> 0, (right + iss) >>> 0);
        return next;
      }
      default:
        throw new Error(`not an option: ${option}`);
    }
  }

  #text(bytes: Uint8Array): string {
    const view = viewOf(bytes);
    const at = HEADERS;
    const end = 14 + ipv4.totalLength(view, 14);
    const pseudo = pseudo4(ipv4.src(view, 14), ipv4.dst(view, 14), 6, end - at);
    expect(tcp.checksumOk(view, at, end, pseudo)).toBe(true);
    const header = tcp.read(view, at);
    this.hostPort = header.srcPort;
    this.#iss ??= (header.flags & tcp.FLAG.RST) !== 0 ? 0 : header.seq;
    const payload = end - at - header.dataOffset;
    const seq = (header.seq - this.#iss) | 0;
    const flags = Object.entries(BITS)
      .filter(([, bit]) => (header.flags & bit) !== 0)
      .map(([letter]) => letter)
      .join('');
    const ack = (header.flags & tcp.FLAG.ACK) === 0 ? '' : ` ack ${header.ack | 0}`;
    const list = options.readOptions(view, at).options.flatMap((option) => this.#optionText(option));
    const tail = list.length === 0 ? '' : ` <${list.join(',')}>`;
    return `${flags} ${seq}:${seq + payload}(${payload})${ack} win ${header.window}${tail}`;
  }

  #optionText(option: options.TcpOption): string[] {
    switch (option.kind) {
      case 'mss':
        return [`mss ${option.mss}`];
      case 'windowScale':
        return [`wscale ${option.shift}`];
      case 'sackPermitted':
        return ['sackOK'];
      case 'timestamps':
        this.#stamps ??= option.value;
        return [`TS ${(option.value - this.#stamps) | 0} ${option.echo | 0}`];
      case 'sack':
        return [`sack ${option.blocks.map(({ left, right }) => `${left | 0}:${right | 0}`).join(' ')}`];
      default:
        return [];
    }
  }
}

const BITS = {
  F: tcp.FLAG.FIN,
  S: tcp.FLAG.SYN,
  R: tcp.FLAG.RST,
  P: tcp.FLAG.PSH,
  '.': tcp.FLAG.ACK,
} as const;

/** The byte that the script sends at a sequence number. */
export function octet(seq: number): number {
  return (seq * 7 + 3) & 0xff;
}

/** The bytes that the script sends from `from` up to `to`. */
export function octets(from: number, to: number): Uint8Array {
  return pattern(to - from).map((_, i) => octet(from + i));
}
