// Loads for a stand: datagrams at a rate from one end to the other through peers/vtep-load.c, and one TCP stream by iperf3.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseMac } from '../../src/core/wire/address.ts';
import * as ethernet from '../../src/core/wire/ethernet.ts';
import * as ipv4 from '../../src/core/wire/ipv4.ts';
import { ETHERTYPE, PROTO, VXLAN_PORT } from '../../src/core/wire/numbers.ts';
import { parseIp4 } from '../../src/core/wire/parse-ip.ts';
import * as udp from '../../src/core/wire/udp.ts';
import * as vxlan from '../../src/core/wire/vxlan.ts';
import { program } from './native.ts';
import type { Place } from './vtep-place.ts';
import type { Trial } from './vtep-search.ts';
import type { Side, Stand } from './vtep-stand.ts';
import { hostIp, hostMac, underlayIp, VNI } from './vtep-stand.ts';

/** Ethernet, IPv4 and UDP of an inner frame. */
const INNER = 42;
const PORT = 5000;

/** An end of a flow: a namespace and an address in it. */
export interface End {
  readonly space: string;
  readonly ip: string;
  readonly port: number;
}

/** Templates in the form that peers/vtep-load.c reads. */
export function templates(place: Place, name: string, all: readonly Uint8Array[]): string {
  const path = join(place.folder, name);
  const parts = all.flatMap((one) => [Uint8Array.of(one.length >> 8, one.length & 255), one]);
  writeFileSync(path, Buffer.concat(parts));
  return path;
}

/** @param rate datagrams a second, 0 for as many as go */
export async function offer(
  place: Place,
  from: End,
  to: End,
  via: { readonly ip: string; readonly port: number },
  file: string,
  rate: number,
  seconds: number,
): Promise<Trial> {
  const source = [from.space, from.ip, via.ip, String(via.port), rate.toFixed(1), String(seconds), file];
  const sink = [to.space, to.ip, String(to.port)];
  const said = await place.run(null, program('vtep-load.c') as string, ...source, ...sink);
  const [sent = 0, took = 1, received = 0, arrived = 0, late = 0] = said.trim().split(' ').map(Number);
  // What the sink was too slow for has come through all the same.
  return { offered: sent / took, sent, received: received + late, rate: arrived };
}

/** What is measured of a stand; each is a flow with two ends. */
export type Way = 'forwarded' | 'sent' | 'received';

/** Flows of a stand, from side A to side B, by inner frames of `bytes`. */
export class Flow {
  readonly #stand: Stand;
  readonly #way: Way;
  readonly #file: string;

  constructor(stand: Stand, way: Way, bytes: number) {
    this.#stand = stand;
    this.#way = way;
    const payload = new Uint8Array(bytes - INNER);
    const text = way === 'received' ? tunnelled(bytes) : payload;
    this.#file = templates(stand.place, `flow-${way === 'received' ? 'vxlan' : 'udp'}-${bytes}`, [text]);
  }

  run(rate: number, seconds: number): Promise<Trial> {
    const stand = this.#stand;
    const host = (side: Side): End => ({ space: stand.host(side), ip: hostIp(side), port: PORT });
    const vtep = (side: Side): End => ({ space: stand.vtep(side), ip: underlayIp(side), port: VXLAN_PORT });
    const from = this.#way === 'received' ? vtep('A') : host('A');
    const to = this.#way === 'sent' ? vtep('B') : host('B');
    const via = this.#way === 'received' ? vtep('B') : host('B');
    return offer(stand.place, from, to, via, this.#file, rate, seconds);
  }
}

/** The payload of a VXLAN datagram that holds a frame of `bytes` from host A to host B. */
export function tunnelled(bytes: number): Uint8Array {
  return vxlanDatagram(VNI, bytes, {
    from: { mac: hostMac('A'), ip: hostIp('A'), port: PORT },
    to: { mac: hostMac('B'), ip: hostIp('B'), port: PORT },
  });
}

export interface Station {
  readonly mac: string;
  readonly ip: string;
  readonly port: number;
}

/** VXLAN, Ethernet, IPv4 and UDP with zeros behind, as the payload of a datagram. */
export function vxlanDatagram(
  vni: number,
  bytes: number,
  { from, to }: { readonly from: Station; readonly to: Station },
): Uint8Array {
  const out = new Uint8Array(vxlan.HEADER_LEN + bytes);
  const view = new DataView(out.buffer);
  const at = vxlan.HEADER_LEN;
  const ip = at + ethernet.HEADER_LEN;
  vxlan.write(view, 0, vni);
  ethernet.write(view, at, parseMac(to.mac), parseMac(from.mac), ETHERTYPE.ipv4);
  ipv4.write(view, ip, out.length, parseIp4(from.ip), parseIp4(to.ip), PROTO.udp, 64, 0, 0, true);
  udp.write(view, ip + ipv4.HEADER_LEN, out.length, from.port, to.port, -1);
  return out;
}

/** Gigabits of payload a second from host A to host B. */
export async function iperf(stand: Stand, seconds: number): Promise<number> {
  const { place } = stand;
  const server = await place.start(
    stand.host('B'),
    'listening',
    'iperf3',
    '-s',
    '-1',
    '-B',
    hostIp('B'),
    '--forceflush',
  );
  try {
    const said = await place.run(stand.host('A'), 'iperf3', '-c', hostIp('B'), '-t', String(seconds), '-J');
    const { end } = JSON.parse(said) as { end: { sum_received: { bits_per_second: number } } };
    if (!server.over) await Promise.race([once(server.child, 'close'), place.pause(500)]);
    return end.sum_received.bits_per_second / 1e9;
  } finally {
    await server.stop();
  }
}
