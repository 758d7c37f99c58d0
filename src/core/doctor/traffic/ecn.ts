// Congestion marks that a tunnel mangled: the two ECN bits outside and inside, judged by RFC 6040's tables.
//
//   outer \ inner   Not-ECT                  ECT                 CE
//   Not-ECT                                  marks get lost      marks get lost
//   ECT              made congestion-capable                      ECT(1): not in use
//   CE               must be dropped
//
// State: one tally for each of 256 tunnels and kinds of fault.

import type { Crossing } from '../../dissect/crossing.ts';
import type { Dissection } from '../../dissect/layer.ts';
import { L } from '../../dissect/layer.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import * as ipv4 from '../../wire/ipv4.ts';
import * as ipv6 from '../../wire/ipv6.ts';
import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { few, finding, many } from '../finding.ts';
import type { Finding, Rule, Severity } from '../rule.ts';
import { Table } from '../table.ts';
import { idle } from '../tunnel/rule.ts';
import { readable, TUNNEL_WORDS, tagOf, tunnelKey, tunnelName } from './keys.ts';

const TUNNELS_MAX = 256;

/** The codepoints, RFC 3168 s.5. */
const NOT_ECT = 0;
const ECT_1 = 1;
const CE = 3;

const MANGLED = { none: 0, dropped: 1, capable: 2, lost: 3, unused: 4 } as const;

interface Kind extends Advice {
  readonly severity: Severity;
  readonly what: string;
}

const KINDS: readonly Kind[] = [
  {
    code: 'ECN-CE-ON-NOT-ECT',
    severity: 'error',
    what: 'congestion marked outside (CE) on traffic that cannot react (Not-ECT inside)',
    explain:
      'The mark says that a queue is full, but the inner sender does not understand marks, so a decapsulator must drop the packet (RFC 6040 s.4.2; Linux does, and counts rx_frame_errors). Whoever sent it let the outer header say ECT though the inner one does not, or a device on the way sets both bits on whatever passes.',
    cure: 'Make the encapsulating side copy the inner ECN bits to the outer header (RFC 6040 s.4.1), and look for devices that rewrite the whole TOS byte.',
  },
  {
    code: 'ECN-ECT-ON-NOT-ECT',
    severity: 'warning',
    what: 'ECT outside on traffic that is Not-ECT inside',
    explain:
      'The outer header promises that the sender reacts to congestion marks, the inner one says it does not. A queue that marks in place of dropping turns it into CE, and the far VTEP must then drop it (RFC 6040 s.4.2).',
    cure: 'Make the encapsulating side copy the inner ECN bits; do not set a fixed TOS with ECN bits on the tunnel.',
  },
  {
    code: 'ECN-NOT-COPIED',
    severity: 'note',
    what: 'Not-ECT outside on traffic that is ECN-capable inside',
    explain:
      'Routers on the way cannot mark these packets and drop them instead. RFC 6040 s.4.1 allows it as compatibility mode; in normal mode the inner bits are copied, as Linux does. A router that clears the bits looks the same.',
    cure: 'Nothing has to be done. To have ECN work across the tunnel, copy the bits (on Linux `tos inherit`), and check that no device clears them.',
  },
  {
    code: 'ECN-UNUSED-COMBINATION',
    severity: 'note',
    what: 'ECT(1) outside on traffic that is marked CE inside',
    explain:
      'No encapsulator writes this: CE becomes CE or ECT(0) outside. RFC 6040 s.4.2 keeps CE and asks to log it.',
    cure: 'Look for a device between the VTEPs that rewrites the TOS byte.',
  },
];

/** MANGLED by outer ECN * 4 + inner ECN. */
const TABLE: Uint8Array = Uint8Array.from({ length: 16 }, (_, i) => {
  const [outer, inner] = [i >> 2, i & 3];
  if (inner === NOT_ECT) {
    if (outer === CE) return MANGLED.dropped;
    return outer === NOT_ECT ? MANGLED.none : MANGLED.capable;
  }
  if (outer === NOT_ECT) return MANGLED.lost;
  return inner === CE && outer === ECT_1 ? MANGLED.unused : MANGLED.none;
});

export class EcnRule implements Rule {
  readonly #tunnels: Table<Evidence> = new Table(TUNNEL_WORDS, TUNNELS_MAX, () => new Evidence());

  readonly observe: Rule['observe'] = idle;

  cross(crossing: Crossing, sight: Sight, meta: PacketMeta): void {
    const { ip, network, view } = crossing;
    const { d } = sight.last;
    if (!readable(d, ip, 20) || !readable(d, network, 20) || d.kind(network) === L.arp) return;
    const mangled = TABLE[ecnOf(view, d, ip) * 4 + ecnOf(view, d, network)] as number;
    if (mangled === MANGLED.none) return;
    tunnelKey(this.#tunnels.words, view, d, ip, mangled);
    this.#tunnels.value(this.#tunnels.seek()).add(meta.number);
  }

  findings(): Finding[] {
    const found: Finding[][] = KINDS.map(() => []);
    for (let i = 0; i < this.#tunnels.size; i++) {
      const at = tagOf(this.#tunnels, i) - 1;
      const kind = KINDS[at] as Kind;
      const evidence = this.#tunnels.value(i);
      const title = `${tunnelName(this.#tunnels, i)}: ${many(evidence.count, 'packet')} with ${kind.what}`;
      found[at]?.push(finding(kind, kind.severity, title, evidence));
    }
    return found.flatMap(few);
  }
}

function ecnOf(view: DataView, d: Dissection, row: number): number {
  return d.kind(row) === L.ipv6 ? ipv6.ecn(view, d.start(row)) : ipv4.ecn(view, d.start(row));
}
