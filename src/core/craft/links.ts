// Layers of the link: Ethernet, 802.1Q and 802.1ad tags, ARP. Field names are Scapy's where it has one.

import { MAC_BROADCAST } from '../wire/address.ts';
import * as arp from '../wire/arp.ts';
import * as ethernet from '../wire/ethernet.ts';
import { ETHERTYPE } from '../wire/numbers.ts';
import * as vlan from '../wire/vlan.ts';
import { GPE_NEXT } from '../wire/vxlan.ts';
import { IP4, MAC, number } from './field.ts';
import type { LayerKind } from './layer.ts';

/** Locally administered, so nobody's. */
const ONE_MAC = 0x02_00_00_00_00_01;
/** Local Experimental EtherType 1 (IEEE 802-2014 s.9.2.3). */
const EXPERIMENT = 0x88b5;
const TEN_NET = 0x0a00_0001;

export const ETHER: LayerKind = {
  name: 'ether',
  what: 'an Ethernet header',
  fields: { dst: MAC, src: MAC, type: number(0xffff) },
  announced: { gpe: GPE_NEXT.ethernet },
  length: ethernet.HEADER_LEN,
  write: (site) => {
    const type = site.next('type', 'etherType', EXPERIMENT);
    ethernet.write(site.view, site.at, site.number('dst', MAC_BROADCAST), site.number('src', ONE_MAC), type);
  },
};

function tag(name: string, what: string, etherType: number): LayerKind {
  return {
    name,
    what,
    fields: { vlan: number(4095), prio: number(7), dei: number(1), type: number(0xffff) },
    announced: { etherType },
    length: vlan.HEADER_LEN,
    write: (site) => {
      const type = site.next('type', 'etherType', EXPERIMENT);
      vlan.write(
        site.view,
        site.at,
        site.number('vlan', 1),
        site.number('prio', 0),
        site.number('dei', 0) === 1,
        type,
      );
    },
  };
}

export const DOT1Q: LayerKind = tag('dot1q', 'an 802.1Q tag', ETHERTYPE.vlan);
export const DOT1AD: LayerKind = tag('dot1ad', 'an 802.1ad service tag', ETHERTYPE.qinq);

export const ARP: LayerKind = {
  name: 'arp',
  what: 'ARP; sender MAC and target MAC default to the frame around it',
  fields: {
    op: number(0xffff, { 'who-has': arp.OP.request, 'is-at': arp.OP.reply }),
    hwsrc: MAC,
    psrc: IP4,
    hwdst: MAC,
    pdst: IP4,
    hwtype: number(0xffff),
    ptype: number(0xffff),
    hwlen: number(0xff),
    plen: number(0xff),
  },
  announced: { etherType: ETHERTYPE.arp },
  length: arp.HEADER_LEN,
  write: (site) => {
    const op = site.number('op', arp.OP.request);
    let frame = site.outer;
    while (frame !== null && frame.layer.kind !== ETHER) frame = frame.outer;
    const known = op === arp.OP.reply && frame !== null ? ethernet.dst(frame.view, frame.at) : 0;
    arp.writeRaw(site.view, site.at, {
      hardware: site.number('hwtype', 1),
      protocol: site.number('ptype', ETHERTYPE.ipv4),
      hardwareLength: site.number('hwlen', 6),
      protocolLength: site.number('plen', 4),
      op,
      senderMac: site.number('hwsrc', frame === null ? ONE_MAC : ethernet.src(frame.view, frame.at)),
      senderIp: site.number('psrc', TEN_NET),
      targetMac: site.number('hwdst', known),
      targetIp: site.number('pdst', TEN_NET + 1),
    });
  },
};
