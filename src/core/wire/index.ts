// The codecs by name: `import { vxlan, udp } from 'vxlab/wire'`, and the ground they stand on.

export * from './address.ts';
export * as arp from './arp.ts';
export * as checksum from './checksum.ts';
export * as dns from './dns.ts';
export * as ethernet from './ethernet.ts';
export * from './fault.ts';
export * as geneve from './geneve.ts';
export * as gre from './gre.ts';
export * as icmp from './icmp.ts';
export * as icmpv6 from './icmpv6.ts';
export * as igmp from './igmp.ts';
export * as ipv4 from './ipv4.ts';
export * as ipv6 from './ipv6.ts';
export * as ipv6Extensions from './ipv6-extensions.ts';
export * as llc from './llc.ts';
export * as loopback from './loopback.ts';
export * as mld from './mld.ts';
export * as mpls from './mpls.ts';
export * as nd from './nd.ts';
export * as nsh from './nsh.ts';
export * from './numbers.ts';
export * as sll from './sll.ts';
export * as tcp from './tcp.ts';
export * as tcpOptions from './tcp-options.ts';
export * as udp from './udp.ts';
export * as vlan from './vlan.ts';
export * as vxlan from './vxlan.ts';
