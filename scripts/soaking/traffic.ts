// What is sent to the VTEP under test: a station that moves between two VTEPs, and datagrams that must be refused, each for a reason.

import { mac, parseMac } from '../../src/core/wire/address.ts';
import * as arp from '../../src/core/wire/arp.ts';
import * as ethernet from '../../src/core/wire/ethernet.ts';
import { ETHERTYPE } from '../../src/core/wire/numbers.ts';
import { parseIp4 } from '../../src/core/wire/parse-ip.ts';
import * as vxlan from '../../src/core/wire/vxlan.ts';
import { program } from '../benchmarks/native.ts';
import { templates, vxlanDatagram } from '../benchmarks/vtep-load.ts';
import type { Sent } from './ledger.ts';
import type { Stage } from './stage.ts';
import * as stage from './stage.ts';

/** The station's echo. */
export const ECHO_PORT = 7;
const ROAMER = { mac: stage.ROAMER_MAC, ip: stage.ROAMER_IP, port: 5000 };
const STATION = { mac: stage.STATION_MAC, ip: stage.STATION_IP, port: ECHO_PORT };
const ETHERNET_ARP = 14 + 28;

const good = (bytes: number): Uint8Array => vxlanDatagram(stage.VNI, bytes, { from: ROAMER, to: STATION });

/** Somebody in the tunnel claims the emulated host's address. */
function stolenAddress(): Uint8Array {
  const out = new Uint8Array(vxlan.HEADER_LEN + ETHERNET_ARP);
  const view = new DataView(out.buffer);
  vxlan.write(view, 0, stage.VNI);
  const thief = parseMac('02:00:00:00:66:66');
  ethernet.write(view, 8, mac(0xffff, 0xffffffff), thief, ETHERTYPE.arp);
  arp.write(view, 22, arp.OP.request, thief, parseIp4(stage.HOST_IP), 0, parseIp4(stage.STATION_IP));
  return out;
}

/** What a known VTEP sends that must be refused, in the order of `BAD`. */
function bad(): readonly Uint8Array[] {
  const otherVni = vxlanDatagram(stage.VNI + 1, 64, { from: ROAMER, to: STATION });
  const noFlag = good(64);
  noFlag[0] = 0;
  const stolenMac = vxlanDatagram(stage.VNI, 64, { from: { ...ROAMER, mac: stage.HOST_MAC }, to: STATION });
  return [otherVni, noFlag, good(64).subarray(0, 6), stolenMac, stolenAddress()];
}

const BAD = ['vniNotFound', 'invalidHeader', 'invalidHeader', 'ownAddress', 'ownAddress'] as const;

export interface Answered {
  readonly sent: number;
  /** Datagrams that came back to the sender's VXLAN port. */
  readonly received: number;
  readonly seconds: number;
}

export class Traffic {
  readonly sent: Sent;
  readonly #stage: Stage;
  readonly #good: string;
  readonly #strange: string;
  readonly #bad: string;

  constructor(on: Stage, sent: Sent) {
    this.#stage = on;
    this.sent = sent;
    // Most packets are small, some are long.
    this.#good = templates(on.place, 'good', [good(64), good(64), good(300), good(64), good(1400)]);
    this.#strange = templates(on.place, 'strange', [good(64)]);
    this.#bad = templates(on.place, 'bad', bad());
  }

  /** The roamer speaks from behind one of the two VTEPs; the station echoes. @param rate a second, 0 for all that goes */
  async roam(behind: 0 | 1, rate: number, seconds: number): Promise<Answered> {
    const from = stage.PEERS[behind];
    const sink = [this.#stage.node(5), from, String(stage.PORT)];
    const answered = await this.#load(from, rate, seconds, this.#good, sink);
    this.sent.good += answered.sent;
    return answered;
  }

  async strangers(rate: number, seconds: number): Promise<void> {
    const { sent } = await this.#load(stage.STRANGER, rate, seconds, this.#strange, []);
    this.sent.unknownPeer += sent;
  }

  async forgers(rate: number, seconds: number): Promise<void> {
    const { sent } = await this.#load(stage.PEERS[1], rate, seconds, this.#bad, []);
    // They are sent in turn.
    for (const [i, reason] of BAD.entries()) this.sent[reason] += Math.ceil((sent - i) / BAD.length);
  }

  async #load(
    from: string,
    rate: number,
    seconds: number,
    file: string,
    sink: readonly string[],
  ): Promise<Answered> {
    const to = [stage.VTEP_IP, String(stage.PORT), String(rate), String(seconds), file];
    const load = program('vtep-load.c') as string;
    const said = await this.#stage.place.run(null, load, this.#stage.node(5), from, ...to, ...sink);
    const [sent = 0, took = 1, received = 0, , late = 0] = said.trim().split(' ').map(Number);
    return { sent, received: received + late, seconds: took };
  }
}
