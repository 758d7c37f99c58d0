// VXLAN headers that not every receiver takes: I flag clear, reserved bits set, the bits of group policy and of the generic
// protocol extension on a plain port, and headers or frames that are not whole. RFC 7348 s.5;
// draft-smith-vxlan-group-policy; draft-ietf-nvo3-vxlan-gpe.

import type { Crossing } from '../../dissect/crossing.ts';
import { L } from '../../dissect/layer.ts';
import type { PacketMeta } from '../../pcap/record.ts';
import type { Sight } from '../../reassembly/sight.ts';
import { faultKind, KIND } from '../../wire/fault.ts';
import * as vxlan from '../../wire/vxlan.ts';
import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { finding, many } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import { list } from './rule.ts';
import { GPE_VERDICTS, I_CLEAR_VERDICTS, reservedVerdicts } from './verdicts.ts';

const NUMBERS_MAX = 16;
/** Byte 1: Linux's remote checksum offload (draft-herbert-vxlan-rco). */
const FLAG_RCO = 0x20;
/** What GBP means by bytes 0 and 1, and GPE by byte 0 (version, P, B, O). */
const GBP_FLAGS = vxlan.FLAG_G;
const GBP_MIDDLE = ((vxlan.FLAG_D | vxlan.FLAG_A) << 16) | 0xffff;
const GPE_FLAGS = 0x37;

const I_CLEAR: Advice = {
  code: 'VXLAN-I-CLEAR',
  explain:
    'The I flag says that the VNI is valid and MUST be set (RFC 7348 s.5). Without it no receiver knows which network the frame belongs to.',
  cure: 'Look at what builds the header. If the port is shared with another protocol, this may be no VXLAN at all.',
};
const RESERVED: Advice = {
  code: 'VXLAN-RESERVED-BITS',
  explain:
    'Bits that RFC 7348 s.5 reserves are set. By the RFC a receiver ignores them; most implementations drop the packet instead, some silently.',
  cure: 'Have the sender clear them, or configure the receiver for the extension that they belong to.',
};
const GBP: Advice = {
  code: 'VXLAN-GBP',
  explain:
    'The header carries a group policy (G flag, draft-smith-vxlan-group-policy). A receiver that was not told so takes these for reserved bits.',
  cure: 'Both ends must have it: ip link ... gbp, OVS exts=gbp. A GBP and a plain tunnel cannot share a port on one device.',
};
const GPE: Advice = {
  code: 'VXLAN-GPE-BITS',
  explain:
    'The header has bits of VXLAN-GPE (draft-ietf-nvo3-vxlan-gpe) on a port of plain VXLAN. IANA gave GPE its own port, 4790. Some packet builders set the P flag by default.',
  cure: 'Send plain headers (first byte 0x08) to 4789, or GPE to 4790.',
};
const GPE_HEADER: Advice = {
  code: 'GPE-HEADER',
  explain:
    'A VXLAN-GPE header without the P flag has no valid next protocol, another version than 0 is not known, and the O flag marks packets for the control plane: receivers drop them.',
  cure: 'Set the P flag and the next protocol (3 for Ethernet), or send plain VXLAN to port 4789.',
};
const SHORT: Advice = {
  code: 'VXLAN-TOO-SHORT',
  explain:
    'A datagram to a VXLAN port is too short for the eight bytes of the header (RFC 7348 s.5) or for an Ethernet header behind it, so there is no frame to deliver.',
  cure: 'Look at the sender: a probe or another protocol on this port, or a fault in what builds the packets.',
};

/** One kind of odd header: the packets, and all their bits put together. */
class Odd {
  readonly evidence: Evidence = new Evidence();
  flags = 0;
  middle = 0;
  last = 0;
  readonly numbers: Set<number> = new Set();

  add(packet: number, first: number, last: number): void {
    this.evidence.add(packet);
    this.flags |= (first >>> 24) & ~vxlan.FLAG_I;
    this.middle |= first & 0xffffff;
    this.last |= last;
  }

  /** Notes a VNI, a group, a protocol for the title. */
  note(number: number): void {
    if (this.numbers.size < NUMBERS_MAX) this.numbers.add(number);
  }
}

export class HeaderRule implements Rule {
  readonly #clear = new Odd();
  readonly #reserved = new Odd();
  readonly #remcsum = new Odd();
  readonly #gbp = new Odd();
  readonly #gpe = new Odd();
  readonly #gpeHeader = new Odd();
  readonly #short = new Odd();

  observe(sight: Sight, meta: PacketMeta): void {
    const { d } = sight.last;
    if (d.firstFault < 0) return;
    for (let row = d.firstFault; row < d.count; row++) {
      if (d.quoted(row) || faultKind(d.fault(row)) !== KIND.short) continue;
      const kind = d.kind(row);
      const tunnel = kind === L.vxlan || kind === L.gpe;
      const before = row > 0 ? d.kind(row - 1) : 0;
      if (!tunnel && (kind !== L.ethernet || (before !== L.vxlan && before !== L.gpe))) continue;
      this.#short.evidence.add(meta.number);
      this.#short.note(d.limit(row) - d.start(row) + (tunnel ? 0 : vxlan.HEADER_LEN));
    }
  }

  cross(crossing: Crossing, sight: Sight, meta: PacketMeta): void {
    const { view } = crossing;
    const { d } = sight.last;
    const at = d.start(crossing.vxlan);
    const first = vxlan.firstWord(view, at);
    const last = vxlan.reserved2(view, at);
    if (first === vxlan.FIRST_WORD && last === 0) return;
    const odd = d.kind(crossing.vxlan) === L.gpe ? this.#gpeKind(first, last) : this.#plainKind(first, last);
    if (odd === null) return;
    odd.add(meta.number, first, last);
    odd.note(odd === this.#gbp ? first & 0xffff : odd === this.#gpe ? first & 0xff : crossing.vni);
  }

  findings(): Finding[] {
    return [
      ...tell(
        this.#short,
        SHORT,
        'error',
        (n) => `${many(n, 'datagram')} of ${list([...this.#short.numbers])} bytes behind UDP`,
      ),
      ...tell(this.#clear, I_CLEAR, 'error', (n) => `${many(n, 'header')} without the I flag`).map((one) => ({
        ...one,
        verdicts: I_CLEAR_VERDICTS,
      })),
      ...this.#reservedFinding(this.#reserved, 'none', ''),
      ...this.#reservedFinding(this.#remcsum, 'remcsum', ' of remote checksum offload'),
      ...this.#gbpFinding(),
      ...this.#gpeFinding(),
      ...tell(this.#gpeHeader, GPE_HEADER, 'warning', (n) => {
        const { flags } = this.#gpeHeader;
        return `${many(n, 'VXLAN-GPE header')} with flags ${hex(flags | vxlan.FLAG_I, 2)} that receivers drop (VNI ${list([...this.#gpeHeader.numbers])})`;
      }).map((one) => ({ ...one, verdicts: GPE_VERDICTS })),
    ];
  }

  #plainKind(first: number, last: number): Odd | null {
    const flags = (first >>> 24) & 0xff;
    if ((flags & vxlan.FLAG_I) === 0) return this.#clear;
    const odd = flags & ~vxlan.FLAG_I;
    const middle = first & 0xffffff;
    if (odd === GBP_FLAGS && (middle & ~GBP_MIDDLE) === 0 && last === 0) return this.#gbp;
    const offload = odd === 0 && middle === FLAG_RCO << 16;
    if (offload) return this.#remcsum;
    const gpe = (odd & vxlan.FLAG_P) !== 0 && (odd & ~GPE_FLAGS) === 0 && middle <= 0xff && last === 0;
    return gpe ? this.#gpe : this.#reserved;
  }

  #gpeKind(first: number, last: number): Odd | null {
    const flags = (first >>> 24) & 0xff;
    if ((flags & vxlan.FLAG_I) === 0) return this.#clear;
    const bad = (flags & vxlan.FLAG_P) === 0 || (flags & 0x30) !== 0 || (flags & vxlan.FLAG_O) !== 0;
    if (bad) return this.#gpeHeader;
    return (flags & 0xc0) !== 0 || (first & 0xffff00) !== 0 || last !== 0 ? this.#reserved : null;
  }

  #reservedFinding(odd: Odd, use: 'none' | 'remcsum', whose: string): Finding[] {
    const bits = `${hex(odd.flags, 2)} ${hex(odd.middle, 6)}, last byte ${hex(odd.last, 2)}`;
    const vnis = list([...odd.numbers]);
    const verdicts = reservedVerdicts(odd, use);
    return tell(
      odd,
      RESERVED,
      'warning',
      (n) => `${many(n, 'header')} with reserved bits set${whose}: ${bits} (VNI ${vnis})`,
    ).map((one) => ({ ...one, verdicts }));
  }

  #gbpFinding(): Finding[] {
    const groups = list([...this.#gbp.numbers]);
    const verdicts = reservedVerdicts(this.#gbp, 'gbp');
    return tell(this.#gbp, GBP, 'note', (n) => `${many(n, 'header')} with group policy ${groups}`).map(
      (one) => ({
        ...one,
        verdicts,
      }),
    );
  }

  #gpeFinding(): Finding[] {
    const next = list([...this.#gpe.numbers]);
    const verdicts = reservedVerdicts(this.#gpe, 'gpe');
    return tell(
      this.#gpe,
      GPE,
      'warning',
      (n) => `${many(n, 'header')} with the P flag (next protocol ${next}) on a port of plain VXLAN`,
    ).map((one) => ({ ...one, verdicts }));
  }
}

function tell(
  odd: Odd,
  advice: Advice,
  severity: Finding['severity'],
  title: (count: number) => string,
): Finding[] {
  const { evidence } = odd;
  return evidence.count === 0 ? [] : [finding(advice, severity, title(evidence.count), evidence)];
}

function hex(value: number, digits: number): string {
  return `0x${value.toString(16).padStart(digits, '0')}`;
}
