// What numbers in packets are called, in Wireshark's words. No behaviour here.

type Names = Readonly<Record<number, string>>;

/** IANA ieee-802-numbers. */
export const ETHERTYPE_NAMES: Names = {
  2048: 'IPv4',
  2054: 'ARP',
  25944: 'Transparent Ethernet bridging',
  32821: 'RARP',
  33024: '802.1Q Virtual LAN',
  34525: 'IPv6',
  34887: 'MPLS label switched packet',
  34888: 'MPLS multicast label switched packet',
  34984: '802.1ad Provider Bridge (Q-in-Q)',
  35006: 'ERSPAN',
  35020: '802.1 Link Layer Discovery Protocol (LLDP)',
  35151: 'Network Service Header',
};

/** IANA protocol-numbers. */
export const IP_PROTOCOL_NAMES: Names = {
  0: 'IPv6 Hop-by-Hop Option',
  1: 'ICMP',
  2: 'IGMP',
  4: 'IPIP',
  6: 'TCP',
  17: 'UDP',
  41: 'IPv6',
  43: 'Routing Header for IPv6',
  44: 'Fragment Header for IPv6',
  47: 'Generic Routing Encapsulation',
  50: 'Encap Security Payload',
  51: 'Authentication Header',
  58: 'ICMPv6',
  59: 'No Next Header for IPv6',
  60: 'Destination Options for IPv6',
  89: 'OSPF IGP',
  103: 'PIM',
  112: 'VRRP',
  132: 'SCTP',
  135: 'Mobility Header',
};

/** The short names that "Fragmented IP protocol (proto=...)" uses. */
export const IP_PROTOCOL_SHORT: Names = {
  ...IP_PROTOCOL_NAMES,
  0: 'IPv6 hop-by-hop option',
  43: 'IPv6 routing',
  44: 'IPv6 fragment',
  47: 'Generic Routing Encapsulation',
  50: 'Encap Security Payload',
  59: 'IPv6 no next header',
  60: 'IPv6 destination option',
};

export const ARP_OPCODES: Names = { 1: 'request', 2: 'reply', 3: 'reverse request', 4: 'reverse reply' };

/** IANA icmp-parameters, as the Info column has them. */
export const ICMP_TYPES: Names = {
  0: 'Echo (ping) reply',
  3: 'Destination unreachable',
  4: 'Source quench (flow control)',
  5: 'Redirect',
  8: 'Echo (ping) request',
  9: 'Router advertisement',
  10: 'Router solicitation',
  11: 'Time-to-live exceeded',
  12: 'Parameter problem',
  13: 'Timestamp request',
  14: 'Timestamp reply',
  15: 'Information request',
  16: 'Information reply',
  17: 'Address mask request',
  18: 'Address mask reply',
};

/** Codes by type. */
export const ICMP_CODES: Readonly<Record<number, Names>> = {
  3: {
    0: 'Network unreachable',
    1: 'Host unreachable',
    2: 'Protocol unreachable',
    3: 'Port unreachable',
    4: 'Fragmentation needed',
    5: 'Source route failed',
    6: 'Destination network unknown',
    7: 'Destination host unknown',
    8: 'Source host isolated',
    9: 'Network administratively prohibited',
    10: 'Host administratively prohibited',
    11: 'Network unreachable for TOS',
    12: 'Host unreachable for TOS',
    13: 'Communication administratively filtered',
    14: 'Host precedence violation',
    15: 'Precedence cutoff in effect',
  },
  5: {
    0: 'Redirect for network',
    1: 'Redirect for host',
    2: 'Redirect for TOS and network',
    3: 'Redirect for TOS and host',
  },
  11: {
    0: 'Time to live exceeded in transit',
    1: 'Fragment reassembly time exceeded',
  },
  12: {
    0: 'Pointer indicates the error',
    1: 'Required option missing',
    2: 'Bad length',
  },
};

/** IANA icmpv6-parameters. */
export const ICMPV6_TYPES: Names = {
  1: 'Destination Unreachable',
  2: 'Packet Too Big',
  3: 'Time Exceeded',
  4: 'Parameter Problem',
  128: 'Echo (ping) request',
  129: 'Echo (ping) reply',
  130: 'Multicast Listener Query',
  131: 'Multicast Listener Report',
  132: 'Multicast Listener Done',
  133: 'Router Solicitation',
  134: 'Router Advertisement',
  135: 'Neighbor Solicitation',
  136: 'Neighbor Advertisement',
  137: 'Redirect',
  143: 'Multicast Listener Report Message v2',
};

export const ICMPV6_CODES: Readonly<Record<number, Names>> = {
  1: {
    0: 'no route to destination',
    1: 'Administratively prohibited',
    2: 'Beyond scope of source address',
    3: 'Address unreachable',
    4: 'Port unreachable',
    5: 'Source address failed ingress/egress policy',
    6: 'Reject route to destination',
    7: 'Error in Source Routing Header',
  },
  3: {
    0: 'hop limit exceeded in transit',
    1: 'fragment reassembly time exceeded',
  },
  4: {
    0: 'erroneous header field encountered',
    1: 'unrecognized Next Header type encountered',
    2: 'unrecognized IPv6 option encountered',
    3: 'IPv6 First Fragment has incomplete IPv6 Header Chain',
  },
};

export const IGMP_TYPES: Names = {
  17: 'Membership Query',
  18: 'Membership Report',
  22: 'Membership Report',
  23: 'Leave Group',
  34: 'Membership Report',
};

/** Record types of IGMPv3 and MLDv2 reports. */
export const GROUP_RECORDS: Names = {
  1: 'Mode Is Include',
  2: 'Mode Is Exclude',
  3: 'Change To Include Mode',
  4: 'Change To Exclude Mode',
  5: 'Allow New Sources',
  6: 'Block Old Sources',
};

export const ND_OPTIONS: Names = {
  1: 'Source link-layer address',
  2: 'Target link-layer address',
  3: 'Prefix information',
  4: 'Redirected header',
  5: 'MTU',
};

/** VXLAN-GPE's and NSH's next protocols. */
export const GPE_PROTOCOLS: Names = {
  1: 'IPv4',
  2: 'IPv6',
  3: 'Ethernet',
  4: 'Network Service Header',
  5: 'MPLS',
};

/** IANA dns-parameters: types. */
export const DNS_TYPES: Names = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  13: 'HINFO',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
  35: 'NAPTR',
  41: 'OPT',
  43: 'DS',
  46: 'RRSIG',
  47: 'NSEC',
  48: 'DNSKEY',
  50: 'NSEC3',
  64: 'SVCB',
  65: 'HTTPS',
  252: 'AXFR',
  255: 'ANY',
  257: 'CAA',
};

export const DNS_OPCODES: Names = {
  0: 'Standard query',
  1: 'Inverse query',
  2: 'Server status request',
  4: 'Zone change notification',
  5: 'Dynamic update',
};

export const DNS_RCODES: Names = {
  0: 'No error',
  1: 'Format error',
  2: 'Server failure',
  3: 'No such name',
  4: 'Not implemented',
  5: 'Refused',
  6: 'Name exists',
  7: 'RRset exists',
  8: 'RRset does not exist',
  9: 'Not authoritative',
  10: 'Name out of zone',
};

/** tcpdump.org/linktypes/LINKTYPE_LINUX_SLL.html. */
export const SLL_PACKET_TYPES: Names = {
  0: 'Unicast to us',
  1: 'Broadcast',
  2: 'Multicast',
  3: 'Unicast to another host',
  4: 'Sent by us',
};

export const CHECKSUM_STATUS: Names = { 0: 'Bad', 1: 'Good', 2: 'Unverified', 3: 'Not present' };
