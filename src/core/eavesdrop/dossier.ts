// What is known of a conversation besides what was said in it: who, where, when, how much.

import type { InnerPacket } from '../streams/inner-packet.ts';
import type { Side } from '../streams/listener.ts';
import type { Hosts } from './hosts.ts';
import type { Party } from './party.ts';
import { meet } from './party.ts';
import type { Conversation } from './report.ts';

export class Dossier {
  readonly number: number;
  readonly isTcp: boolean;
  readonly client: Party;
  readonly server: Party;
  /** null outside any tunnel. */
  vni: number | null;
  bytes = 0;
  missing = 0;
  /** Names of those who read it, in order. */
  readonly protocols: string[] = [];
  readonly #hosts: Hosts;
  readonly #firstPacket: number;
  #lastPacket: number;
  #packets = 0;

  constructor(hosts: Hosts, number: number, packet: InnerPacket, clientIsSource: boolean) {
    this.#hosts = hosts;
    this.number = number;
    this.isTcp = packet.isTcp;
    const [source, target] = meet(packet);
    this.client = clientIsSource ? source : target;
    this.server = clientIsSource ? target : source;
    this.vni = packet.vni < 0 ? null : packet.vni;
    this.#firstPacket = packet.number;
    this.#lastPacket = packet.number;
    this.#noteHosts();
  }

  /** @param again it was captured at another place before */
  packet(packet: InnerPacket, side: Side, again: boolean): void {
    this.#lastPacket = packet.number;
    if (again) return;
    this.#packets++;
    const speaker = side === 0 ? this.client : this.server;
    if (speaker.hasSpoken) return;
    speaker.hasSpoken = true;
    const [source] = meet(packet);
    // What a frame says of its sender is surer than what an earlier one said of its target.
    speaker.mac = source.mac ?? speaker.mac;
    speaker.vtep = source.vtep ?? speaker.vtep;
    this.#hosts.learn(this.vni, speaker.ip, speaker.mac, speaker.vtep);
  }

  /** It was known outside its tunnel, and here it is inside. */
  tunnelled(packet: InnerPacket, side: Side): void {
    for (const { ip } of [this.client, this.server]) this.#hosts.takeBack(this.vni, ip);
    this.vni = packet.vni;
    const [source, target] = meet(packet);
    Object.assign(this.client, side === 0 ? source : target);
    Object.assign(this.server, side === 0 ? target : source);
    this.#noteHosts();
  }

  conversation(): Omit<Conversation, 'readings' | 'more' | 'opaque'> {
    const speaker = ({ ip, port, mac }: Party): Conversation['client'] => ({ ip, port, mac });
    return {
      number: this.number,
      vni: this.vni,
      transport: this.isTcp ? 'TCP' : 'UDP',
      client: speaker(this.client),
      server: speaker(this.server),
      protocol: this.protocols.join(', '),
      firstPacket: this.#firstPacket,
      lastPacket: this.#lastPacket,
      packets: this.#packets,
      bytes: this.bytes,
      missing: this.missing,
    };
  }

  #noteHosts(): void {
    for (const { ip, mac, vtep } of [this.client, this.server]) this.#hosts.note(this.vni, ip, mac, vtep);
  }
}
