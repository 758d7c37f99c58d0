// Worth a note about the UDP header of a tunnel: VXLAN on a port of its own, VXLAN that only its looks give away, and a zero
// UDP checksum over IPv6.

import type { Crossing } from '../../dissect/crossing.ts';
import { L, LAYER_FLAG } from '../../dissect/layer.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import * as udp from '../../wire/udp.ts';
import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { few, finding, many } from '../finding.ts';
import type { Finding, Rule, Verdict } from '../rule.ts';
import { isTunnelPort } from './parties.ts';
import { idle } from './rule.ts';

const PORTS_MAX = 64;

const UNUSUAL: Advice = {
  code: 'PORT-UNUSUAL',
  explain:
    'VXLAN on a UDP port that is neither 4789 (IANA, RFC 7348 s.5), 8472 (Linux, flannel, Cilium) nor 4790 (GPE). Other tools show plain UDP until they are told, and firewalls that open 4789 do not open this one.',
  cure: 'Nothing has to be done if both ends have it. tshark: -d udp.port==PORT,vxlan; vxlab: --port PORT.',
};
const ZERO6: Advice = {
  code: 'UDP6-CHECKSUM-ZERO',
  explain:
    'The outer UDP checksum is zero over IPv6. RFC 8200 s.8.1 forbids that in general, RFC 6935 allows it for tunnels that protect what is inside; nothing then protects the outer addresses and ports.',
  cure: 'Both ends must agree: on Linux the receiver needs udp6zerocsumrx, or the sender noudp6zerocsumtx (the default).',
};

const VERDICTS: readonly Verdict[] = [
  { implementation: 'RFC 7348', accepts: true, why: 's.5: a zero checksum MUST be accepted' },
  {
    implementation: 'Linux',
    accepts: false,
    why: 'drops zero UDP checksums over IPv6 unless the device has udp6zerocsumrx',
  },
  { implementation: 'OVS', accepts: true, why: 'its tunnel ports accept zero checksums over IPv6' },
];

export class PortRule implements Rule {
  readonly observe: () => void = idle;
  readonly #unusual: Map<number, Evidence> = new Map();
  readonly #guessed: Set<number> = new Set();
  readonly #zero: Evidence = new Evidence();

  cross(crossing: Crossing, sight: Sight, meta: PacketMeta): void {
    const { view, ip } = crossing;
    if (crossing.udp < 0) return;
    const { d } = sight.last;
    const at = d.start(crossing.udp);
    const port = udp.dstPort(view, at);
    if (!isTunnelPort(port) && !isTunnelPort(udp.srcPort(view, at))) {
      let evidence = this.#unusual.get(port);
      if (evidence === undefined && this.#unusual.size < PORTS_MAX) {
        evidence = new Evidence();
        this.#unusual.set(port, evidence);
      }
      evidence?.add(meta.number);
      if ((d.flags(crossing.vxlan) & LAYER_FLAG.guessed) !== 0 && this.#guessed.size < PORTS_MAX) {
        this.#guessed.add(port);
      }
    }
    if (ip >= 0 && d.kind(ip) === L.ipv6 && udp.checksum(view, at) === 0) this.#zero.add(meta.number);
  }

  findings(): Finding[] {
    const unusual = [...this.#unusual].map(([port, evidence]) => {
      const title = `UDP port ${port}: ${many(evidence.count, 'VXLAN packet')}`;
      const guess = this.#guessed.has(port);
      const more = guess ? 'No port says that it is VXLAN: the bytes look like it.' : '';
      return finding(UNUSUAL, 'note', guess ? `${title}, by their looks` : title, evidence, more);
    });
    if (this.#zero.count === 0) return few(unusual);
    const title = `${many(this.#zero.count, 'tunnel packet')} over IPv6 without a UDP checksum`;
    return [...few(unusual), { ...finding(ZERO6, 'note', title, this.#zero), verdicts: VERDICTS }];
  }
}
