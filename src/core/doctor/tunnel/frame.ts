// 802.1Q and 802.1ad tags on frames inside a tunnel. RFC 7348 s.6.1: the sender should leave them out, the receiver should
// discard such frames, unless configured otherwise.

import type { Crossing } from '../../dissect/crossing.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import * as vlan from '../../wire/vlan.ts';
import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { finding, many } from '../finding.ts';
import type { Finding, Rule, Verdict } from '../rule.ts';
import { idle, list } from './rule.ts';

const NUMBERS_MAX = 16;

const TAGGED: Advice = {
  code: 'INNER-VLAN',
  explain:
    'Frames inside the tunnel have a VLAN tag. RFC 7348 s.6.1: a VTEP SHOULD NOT include one unless configured to, and decapsulated frames with one SHOULD be discarded unless configured otherwise. Vendors differ: some strip, some keep, some drop.',
  cure: 'Give each VLAN its own VNI and strip the tag before the VTEP (bridge vlan ... pvid untagged; OVS tag=, or an access port), or make both ends a trunk on purpose.',
};

const VERDICTS: readonly Verdict[] = [
  {
    implementation: 'RFC 7348',
    accepts: false,
    why: 's.6.1: SHOULD be discarded unless configured otherwise',
  },
  {
    implementation: 'Linux',
    accepts: true,
    why: 'hands the frame on with its tag; a bridge with vlan_filtering judges it',
  },
  { implementation: 'OVS', accepts: true, why: 'a tunnel port is a trunk unless it has a tag' },
];

export class FrameRule implements Rule {
  readonly observe: () => void = idle;
  readonly #tagged: Evidence = new Evidence();
  readonly #vids: Set<number> = new Set();
  readonly #vnis: Set<number> = new Set();

  cross(crossing: Crossing, sight: Sight, meta: PacketMeta): void {
    const { view, vni } = crossing;
    const { d } = sight.last;
    if (crossing.vlan < 0 || d.end(crossing.vlan) - d.start(crossing.vlan) < vlan.HEADER_LEN) return;
    this.#tagged.add(meta.number);
    if (this.#vids.size < NUMBERS_MAX) this.#vids.add(vlan.vid(view, d.start(crossing.vlan)));
    if (this.#vnis.size < NUMBERS_MAX) this.#vnis.add(vni);
  }

  findings(): Finding[] {
    const { count } = this.#tagged;
    if (count === 0) return [];
    const vids = list([...this.#vids].toSorted((x, y) => x - y));
    const title = `${many(count, 'frame')} inside VNI ${list([...this.#vnis])} have a VLAN tag (VLAN ${vids})`;
    return [{ ...finding(TAGGED, 'warning', title, this.#tagged), verdicts: VERDICTS }];
  }
}
