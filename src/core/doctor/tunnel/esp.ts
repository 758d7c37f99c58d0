// VTEPs that encrypt some of their packets and not others: ESP (RFC 4303) beside plain VXLAN between the same two addresses.
//
// Docker encrypts by network, so an encrypted and a plain network between the same nodes look like this; so does a
// policy that misses a VNI, a port or one direction. ESP hides the VNI; what a key opened is still ESP. State: in the census.

import { L } from '../../dissect/layer.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import type { Advice } from '../finding.ts';
import { few, finding, many } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import type { Census } from './census.ts';
import type { Path } from './parties.ts';
import { list } from './rule.ts';

const BESIDE: Advice = {
  code: 'ESP-BESIDE-PLAIN',
  explain:
    'Two VTEPs exchange ESP and, besides, plain VXLAN that anybody on the way can read and forge (RFC 7348 s.7). Either some networks are not encrypted, or the policy does not cover all that it should.',
  cure: 'See whether these VNIs are meant to be plain. Docker: create the network with --opt encrypted (its presence counts); elsewhere the IPsec policy must match UDP to the VXLAN port in both directions, and the receiver must refuse plain packets.',
};

export class EspRule implements Rule {
  readonly #census: Census;

  constructor(census: Census) {
    this.#census = census;
  }

  observe(sight: Sight, meta: PacketMeta): void {
    const { view, d } = sight.last;
    const row = espRow(sight);
    if (row < 1) return;
    const ip = d.below(row, L.ipv4, L.ipv6);
    if (ip < 0) return;
    const census = this.#census;
    const path = census.path(census.vtep(view, d, ip, false), census.vtep(view, d, ip, true));
    path.esp.add(meta.number);
  }

  findings(): Finding[] {
    const found: Finding[] = [];
    for (const path of this.#census.paths()) {
      const { bare: plain, esp } = path;
      const back = this.#census.path(path.dst, path.src);
      // One finding for both directions, at the one that has more plain packets.
      const first = plain.count > back.bare.count || (plain.count === back.bare.count && isFirst(path));
      if (plain.count === 0 || !first || esp.count + back.esp.count === 0) continue;
      const vnis = this.#vnis(path);
      const packets = `${many(plain.count + back.bare.count, 'plain VXLAN packet')} (VNI ${list(vnis)})`;
      const title = `${path.src.text} and ${path.dst.text}: ${packets} beside ${many(esp.count + back.esp.count, 'ESP packet')}`;
      found.push(finding(BESIDE, 'warning', title, plain));
    }
    return few(found);
  }

  #vnis({ src, dst }: Path): number[] {
    const vnis = this.#census
      .pairs()
      .filter(({ one, other }) => one.bare || other.bare)
      .filter(({ one }) => (one.src === src && one.dst === dst) || (one.src === dst && one.dst === src))
      .map(({ one }) => one.vni);
    return vnis.toSorted((x, y) => x - y);
  }
}

/** The ESP row between VTEPs, closed or opened with a key; -1 for none. */
function espRow(sight: Sight): number {
  const { d } = sight.last;
  if (!sight.isOpened) {
    const row = d.count - 1;
    return row >= 0 && d.kind(row) === L.esp && !d.quoted(row) && d.depth(row) === 0 ? row : -1;
  }
  for (let row = 0; row < d.count && d.depth(row) === 0; row++) if (d.kind(row) === L.esp) return row;
  return -1;
}

function isFirst({ src, dst }: Path): boolean {
  return src.serial < dst.serial;
}
