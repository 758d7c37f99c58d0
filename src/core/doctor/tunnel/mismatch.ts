// Two ends of one network that do not agree: on the VNI (A sends VNI x, B answers in VNI y), or on the UDP port.
//
// Hosts are compared by the addresses that their packets and ARP questions name. Tunnels with traffic both ways agree, and
// so do ends that hear each other: downstream VNIs and asymmetric routing between VNIs use two numbers on purpose. State: of
// each tunnel that is one way so far, the first 16 conversations inside, for 1024 tunnels.

import type { Crossing } from '../../dissect/crossing.ts';
import { L } from '../../dissect/layer.ts';
import type { Sight } from '../../reassembly/sight.ts';
import type { Ip } from '../../wire/address.ts';
import { formatIp, readIp6, sameIp } from '../../wire/address.ts';
import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { few, finding } from '../finding.ts';
import type { Finding, Rule, Severity } from '../rule.ts';
import type { Census } from './census.ts';
import { addressedKind, isArp } from './manner.ts';
import type { Tunnel } from './parties.ts';
import { isMirror } from './parties.ts';
import { idle } from './rule.ts';

const TUNNELS_MAX = 1024;
const TALKS_MAX = 16;

const VNI: Advice = {
  code: 'VNI-MISMATCH',
  explain:
    'The two VTEPs speak of the same hosts in different VNIs. A VTEP drops a packet whose VNI it does not have (RFC 7348 s.4.1; Linux: VXLAN_VNI_NOT_FOUND), so the hosts never meet.',
  cure: 'Give the network one VNI at both ends (ip -d link show type vxlan; docker network inspect, vxlanid_list).',
};
const PORT: Advice = {
  code: 'PORT-MISMATCH',
  explain:
    'The two ends of a tunnel send to different UDP ports. IANA gave VXLAN 4789 (RFC 7348 s.5); Linux, flannel and Cilium take 8472 unless told. A VTEP listens on its own port only, so each end talks to a closed one.',
  cure: 'Set the same port at both ends (ip link ... dstport 4789; flannel Backend.Port; docker swarm init --data-path-port).',
};

/** How bad different ports are by how many ends show that they hear the other. */
const HEARD: readonly Severity[] = ['error', 'warning', 'note'];

/** Addresses that a packet inside names, from and to, and the packet. */
interface Talk {
  readonly from: Ip;
  readonly to: Ip;
  readonly packet: number;
}

export class MismatchRule implements Rule {
  readonly observe: () => void = idle;
  readonly #census: Census;
  readonly #talks: Map<Tunnel, Talk[]> = new Map();

  constructor(census: Census) {
    this.#census = census;
  }

  cross(crossing: Crossing, sight: Sight): void {
    const { valid, tunnel, reverse, number } = this.#census;
    if (!valid || reverse.unicast > 0 || crossing.network < 0) return;
    let talks = this.#talks.get(tunnel);
    if (talks === undefined) {
      if (this.#talks.size >= TUNNELS_MAX) return;
      talks = [];
      this.#talks.set(tunnel, talks);
    }
    if (talks.length < TALKS_MAX) note(talks, crossing, sight, number);
  }

  findings(): Finding[] {
    return [...few(this.#vnis()), ...few(this.#ports())];
  }

  #vnis(): Finding[] {
    const byVtep = new Map<string, Tunnel[]>();
    for (const { one, other } of this.#census.pairs()) {
      for (const [tunnel, back] of [
        [one, other],
        [other, one],
      ] as const) {
        if (tunnel.packets === 0 || back.packets > 0 || one.src === one.dst) continue;
        if (isMirror(tunnel, back)) continue;
        const key = `${tunnel.src.serial} ${tunnel.dst.serial}`;
        byVtep.set(key, [...(byVtep.get(key) ?? []), tunnel]);
      }
    }
    const found: Finding[] = [];
    for (const tunnels of byVtep.values()) {
      for (const tunnel of tunnels) {
        // Either pair of tunnels comes up twice, once from each end.
        if (tunnel.src.serial > tunnel.dst.serial) continue;
        for (const answer of byVtep.get(`${tunnel.dst.serial} ${tunnel.src.serial}`) ?? []) {
          const one = answer.vni === tunnel.vni ? null : this.#match(tunnel, answer);
          if (one !== null) found.push(one);
        }
      }
    }
    return found;
  }

  #match(tunnel: Tunnel, answer: Tunnel): Finding | null {
    const back = this.#talks.get(answer) ?? [];
    for (const talk of this.#talks.get(tunnel) ?? []) {
      const other = back.find((one) => sameIp(one.from, talk.to) && sameIp(one.to, talk.from));
      if (other === undefined) continue;
      const evidence = new Evidence();
      for (const packet of [talk.packet, other.packet].toSorted((x, y) => x - y)) evidence.add(packet);
      const heard = tunnel.answers + answer.answers > 0;
      const ends = `${tunnel.src.text} sends in VNI ${tunnel.vni}, ${answer.src.text} in VNI ${answer.vni}`;
      return finding(
        VNI,
        heard ? 'note' : 'error',
        `${formatIp(talk.from)} and ${formatIp(talk.to)}: ${ends}`,
        evidence,
        heard ? 'The hosts do hear each other here: downstream VNIs or routing between VNIs are meant.' : '',
      );
    }
    return null;
  }

  #ports(): Finding[] {
    const found: Finding[] = [];
    for (const { one, other } of this.#census.pairs()) {
      if (one.packets === 0 || other.packets === 0 || one.src === one.dst) continue;
      if (one.otherPort !== 0 || other.otherPort !== 0 || one.port === other.port) continue;
      const heard = Number(one.answers > 0) + Number(other.answers > 0);
      const evidence = Evidence.of([one.path.plain, other.path.plain]);
      const title = `VNI ${one.vni}: ${one.src.text} sends to port ${one.port}, ${other.src.text} to port ${other.port}`;
      const more =
        heard === 2 ? 'Answers go both ways here, so each end does listen where the other sends.' : '';
      found.push(finding(PORT, HEARD[heard] ?? 'error', title, evidence, more));
    }
    return found;
  }
}

function note(talks: Talk[], crossing: Crossing, sight: Sight, packet: number): void {
  const { view, network } = crossing;
  const { d } = sight.last;
  const at = d.start(network);
  const arp = d.kind(network) === L.arp && isArp(view, d, network);
  const kind = arp ? L.arp : addressedKind(d, network);
  if (kind === L.none) return;
  if (kind === L.ipv6) {
    for (const { from, to } of talks) if (is6(from, view, at + 8) && is6(to, view, at + 24)) return;
    talks.push({ from: readIp6(view, at + 8), to: readIp6(view, at + 24), packet });
    return;
  }
  const from = view.getUint32(at + (arp ? 14 : 12));
  const to = view.getUint32(at + (arp ? 24 : 16));
  for (const talk of talks) if (talk.from === from && talk.to === to) return;
  talks.push({ from, to, packet });
}

function is6(ip: Ip, view: DataView, at: number): boolean {
  return (
    typeof ip !== 'number' &&
    ip.d === view.getUint32(at + 12) &&
    ip.c === view.getUint32(at + 8) &&
    ip.b === view.getUint32(at + 4) &&
    ip.a === view.getUint32(at)
  );
}
