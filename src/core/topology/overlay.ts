// An overlay as a capture shows it, as plain data with addresses as text: VTEPs, networks, who is behind which VTEP.
//
//   Overlay --networks--> OverlayNetwork --seats--> OverlaySeat --endpoints--> OverlayEndpoint
//      `--vteps, tunnels, groups
//
// A seat is a network's presence at a VTEP (RFC 7348 s.4). A tunnel in a tunnel has VTEPs that live in a network: `within`
// names it. Lists are sorted, so that the same capture always gives the same data. What is a guess says so.

export interface Overlay {
  /** Packets looked at. */
  readonly packets: number;
  /** VXLAN headers with a valid VNI; a tunnel in a tunnel counts twice. */
  readonly crossings: number;
  readonly vteps: readonly OverlayVtep[];
  readonly networks: readonly OverlayNetwork[];
  readonly tunnels: readonly OverlayTunnel[];
  readonly groups: readonly OverlayGroup[];
  /** Tables that were full: what came after is missing. */
  readonly limits: readonly OverlayLimit[];
}

export interface OverlayVtep {
  readonly ip: string;
  /** The key of the network that its packets cross; null for the underlay. */
  readonly within: string | null;
  /** Its underlay interface's, where the capture was on the same link; else null. */
  readonly mac: string | null;
  /** UDP destination ports of the tunnels that it sends or receives, ascending. */
  readonly ports: readonly number[];
  /** VXLAN packets that it sent, and that were sent to its address. */
  readonly sent: number;
  readonly received: number;
  readonly subnet: { readonly cidr: string; readonly sure: boolean } | null;
  /** Routers between it and the capture point, from the TTL (64, 128 or 255 at first); null where that cannot be told. */
  readonly hops: number | null;
}

export interface OverlayNetwork {
  /** The VNI; behind the key of the network around it and a slash when that is one: `10/5`; `~/5` inside another tunnel. */
  readonly key: string;
  readonly vni: number;
  /** Tunnels around its own. */
  readonly level: number;
  readonly within: string | null;
  readonly packets: number;
  /** Of whole packets on the wire. */
  readonly bytes: number;
  readonly subnets: readonly OverlaySubnet[];
  /** Bytes of the longest inner IP packet that no network card is to cut yet; null when there was none. */
  readonly longest: number | null;
  /** The IP MTU that the least TCP MSS offered here speaks of; null without a SYN. */
  readonly mtu: number | null;
  /** Outer UDP destination ports, ascending. */
  readonly ports: readonly number[];
  /** Group policy ids (GBP), ascending. */
  readonly policies: readonly number[];
  /** True when some header was VXLAN-GPE's, with the P flag. */
  readonly gpe: boolean;
  /** VLAN ids of inner frames, ascending. */
  readonly vlans: readonly number[];
  readonly seats: readonly OverlaySeat[];
  /** Multicast groups that its frames were sent to. */
  readonly groups: readonly string[];
}

export interface OverlaySubnet {
  readonly cidr: string;
  /** True when the capture leaves no other length: a router advertised it, or a broadcast went to its last address. */
  readonly sure: boolean;
  /** Where each VTEP has a subnet of its own, as with flannel; null for a subnet across all of them. */
  readonly vtep: string | null;
  /** Sure when it was seen to forward; else the first address, as Docker gives it; null when that is somebody's own. */
  readonly gateway: { readonly ip: string; readonly mac: string | null; readonly sure: boolean } | null;
}

export interface OverlaySeat {
  readonly vtep: string;
  readonly endpoints: readonly OverlayEndpoint[];
  /** VTEPs that it sent broadcast, multicast or unknown unicast frames to, each a copy. */
  readonly flood: readonly string[];
  /** True when the same frame was seen on its way to several of them. */
  readonly replicates: boolean;
}

export interface OverlayEndpoint {
  /** Null for a sender of bare IP packets (VXLAN-GPE). */
  readonly mac: string | null;
  /** Its own, as ARP, neighbour discovery, an undiminished TTL or Docker's MAC scheme tell. */
  readonly addresses: readonly string[];
  /** Others that it sent packets of, as a router does. */
  readonly routed: readonly string[];
  readonly names: readonly OverlayName[];
  /** Names that it asked DNS for. */
  readonly asked: readonly string[];
  readonly vlans: readonly number[];
  /** Frames that it sent, and the numbers of the first and last packet that has one. */
  readonly packets: number;
  readonly first: number;
  readonly last: number;
  /** VTEPs that it was behind before; its seat is where it was seen last. */
  readonly moved: readonly string[];
}

/** `dns` an A or AAAA record, `ptr` a PTR record, `host` the Host of an HTTP request that was sent to it. */
export type NameSource = 'dns' | 'ptr' | 'host';

export interface OverlayName {
  readonly name: string;
  readonly address: string;
  readonly source: NameSource;
}

export interface OverlayTunnel {
  readonly network: string;
  readonly src: string;
  /** A VTEP or a group. */
  readonly dst: string;
  readonly packets: number;
  readonly bytes: number;
  /** Frames for a group or everybody, and copies of unknown unicast. */
  readonly flooded: number;
}

export interface OverlayGroup {
  readonly ip: string;
  /** Keys of the networks whose frames were sent to it. */
  readonly networks: readonly string[];
  readonly packets: number;
  /** Who joined it by IGMP or MLD, and who of them left before the capture ended. */
  readonly members: readonly string[];
  readonly left: readonly string[];
}

export interface OverlayLimit {
  /** What there was no room for, as in AtlasLimits. */
  readonly of: string;
  readonly most: number;
}
