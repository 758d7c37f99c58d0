// What a rule of the doctor is: it looks at every packet, and in the end it may have findings.
//
// A rule is a file with one idea: what it watches for, who cares, and the usual cure. It keeps numbers of packets as evidence
// and bounded state; at its bound it forgets the oldest and goes on. A capture that ends, or that was cut, is no fault: what
// would have come later is not held against anybody.

import type { Crossing } from '../dissect/crossing.ts';
import type { PacketMeta } from '../pcap/record.ts';
import type { Sight } from '../reassembly/sight.ts';

/** From worst to least. */
export const SEVERITIES = ['error', 'warning', 'note'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Who would accept what a packet shows, and who would drop it. */
export interface Verdict {
  readonly implementation: 'RFC 7348' | 'Linux' | 'OVS' | 'VPP' | 'Suricata';
  readonly accepts: boolean;
  readonly why: string;
}

/** What is wrong, with the packets that prove it. */
export interface Finding {
  /** Stable, upper-case words joined by hyphens: `ONE-WAY-TUNNEL`. */
  readonly code: string;
  readonly severity: Severity;
  /** One line with the names and numbers of this very case. */
  readonly title: string;
  /** Why it matters, with the RFC and section or the implementation that cares. */
  readonly explain: string;
  /** What people usually do about it. */
  readonly cure: string;
  /** How many packets show it. */
  readonly count: number;
  /** The numbers of the first of them, ascending, at most EVIDENCE_MAX. */
  readonly packets: readonly number[];
  readonly verdicts: readonly Verdict[];
}

/** Packet numbers kept for a finding. */
export const EVIDENCE_MAX = 20;

export interface Rule {
  /** Looks at one packet. Never throws. */
  observe(sight: Sight, meta: PacketMeta): void;
  /** Looks at one tunnelled frame: called after `observe`, once for each VXLAN header of `sight.last`, outermost first. */
  cross?(crossing: Crossing, sight: Sight, meta: PacketMeta): void;
  /** What it found, after the last packet. */
  findings(): Finding[];
}
