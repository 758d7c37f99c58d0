// Who accepts a VXLAN header with these bits, and who drops it, by default settings. Sources: RFC 7348 s.5; Linux
// drivers/net/vxlan/vxlan_core.c (vxlan_rcv); Open vSwitch lib/netdev-native-tnl.c; VPP src/plugins/vxlan/decap.c;
// Suricata src/decode-vxlan.c.

import type { Verdict } from '../rule.ts';

/** Bits that are set against RFC 7348, of one packet or of several put together. */
export interface OddBits {
  /** Of byte 0, without the I flag. */
  readonly flags: number;
  /** Bytes 1 to 3. */
  readonly middle: number;
  /** Byte 7. */
  readonly last: number;
}

/** A clear I flag: everybody drops. */
export const I_CLEAR_VERDICTS: readonly Verdict[] = [
  no(
    'RFC 7348',
    's.5: the I flag MUST be set for a valid VNI; without one there is no network to deliver to',
  ),
  no('Linux', 'drops it as an invalid header (VXLAN_INVALID_HDR) before it looks at the VNI'),
  no('OVS', 'wants the first word to be 0x08000000: invalid vxlan flags'),
  no('VPP', 'wants the flag byte to be 0x08: counts bad flags'),
  no('Suricata', 'does not decode what is inside'),
];

/** Set bits that RFC 7348 reserves; `use` names the extension whose bits they are. */
export function reservedVerdicts(bits: OddBits, use: 'none' | 'gbp' | 'gpe' | 'remcsum'): readonly Verdict[] {
  return [
    yes('RFC 7348', 's.5: reserved bits MUST be set to zero by the sender and are ignored by the receiver'),
    no('Linux', LINUX[use]),
    no('OVS', OVS[use]),
    vpp(bits),
    no(
      'Suricata',
      'decoder.vxlan.reserved-bits-check is strict unless set to permissive; versions without it ask for I and a zero last byte',
    ),
  ];
}

/** VXLAN-GPE headers without a next protocol, of another version, or for OAM. */
export const GPE_VERDICTS: readonly Verdict[] = [
  no('Linux', 'a gpe device wants the P flag, version 0 and no O flag'),
  no('OVS', 'exts=gpe wants a next protocol that it knows and no O flag'),
];

const LINUX = {
  none: 'drops what no configured extension explains, on purpose against the RFC; reserved_bits of newer kernels frees single bits',
  gbp: 'only a device made with gbp takes them; others drop (VXLAN_INVALID_HDR)',
  gpe: 'only a device made with gpe takes them; others drop (VXLAN_INVALID_HDR)',
  remcsum: 'only a device made with remcsumrx takes them; others drop (VXLAN_INVALID_HDR)',
} as const;

const OVS = {
  none: 'wants flags 0x08000000 and a zero last byte: invalid vxlan flags',
  gbp: 'only a port with exts=gbp takes them',
  gpe: 'only a port with exts=gpe takes them',
  remcsum: 'wants flags 0x08000000 and a zero last byte: invalid vxlan flags',
} as const;

function vpp({ flags, last }: OddBits): Verdict {
  if (flags !== 0) return no('VPP', 'wants the flag byte to be 0x08: counts bad flags');
  if (last !== 0) return no('VPP', 'takes the last byte as part of the VNI, so it finds no such tunnel');
  return yes('VPP', 'looks at the flag byte and the VNI with the last byte; bytes 1 to 3 are passed over');
}

function yes(implementation: Verdict['implementation'], why: string): Verdict {
  return { implementation, accepts: true, why };
}

function no(implementation: Verdict['implementation'], why: string): Verdict {
  return { implementation, accepts: false, why };
}
