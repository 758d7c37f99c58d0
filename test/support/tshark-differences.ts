// Where we and tshark 4.0 read a capture of fixtures/captures differently on purpose, by file and packet, each with its reason;
// and the sentence with which each damaged file ends.

export interface Meant {
  readonly file: RegExp;
  /** From 1; 0 for the file as a whole. */
  readonly packets: readonly number[];
  /** Names of Difference.what, or their first words. */
  readonly what: readonly string[];
  readonly reason: string;
}

const IP = ['ip.proto', 'ip.src', 'ip.dst'] as const;
const UDP = ['udp.srcport', 'udp.dstport'] as const;
const TCP = ['tcp.srcport', 'tcp.dstport'] as const;
const FRAME = ['eth.src', 'eth.dst', 'eth.type'] as const;
const FAULTY = 'the header is not sound: tshark shows no address of it, we show what stands there';
const NO_ADDRESS =
  'the header is not sound: its fields are shown, but the row takes no address or port from it';
const NOT_READ = 'a protocol that is not read here: its bytes are data';
const BIG = 'BIG TCP: tshark 4.0 stops at a length of 0, we take all that was captured';
const STREAM = 'DNS over TCP needs the stream, which we do not follow: its bytes are data';
const CUSTOM = 'tshark counts custom blocks as packets, which they are not';
const COMPRESSED = 'another format, which is refused with what to do about it';
const FRACTION =
  'the fraction is a second or more: tshark prints it as it stands, we carry it into the seconds';

export const MEANT: readonly Meant[] = [
  {
    file: /^formats\/(snoop\.snoop|usec-le\.pcap\.zst)$/,
    packets: [0],
    what: ['packets'],
    reason: COMPRESSED,
  },
  {
    file: /\/(solaris\.snoop|pcapng-zstd-compressed\.pcapng\.zst)$/,
    packets: [0],
    what: ['packets'],
    reason: COMPRESSED,
  },
  {
    file: /\/libpcap\/(brcm-tag|dsa)\.pcap$/,
    packets: [0],
    what: ['packets'],
    reason: 'tshark 4.0 refuses files of this link type, we count packets whose headers we do not read',
  },
  {
    file: /\/pcap-invalid-version-2\.pcap$/,
    packets: [0],
    what: ['packets'],
    reason: 'pcap 2.5: we refuse it as libpcap does, tshark takes it for 2.4',
  },
  { file: /\/test(018|102)\.pcapng$/, packets: [0], what: ['packets'], reason: CUSTOM },
  { file: /\/test(017|202)\.pcapng$/, packets: [0], what: ['packets'], reason: CUSTOM },
  { file: /\/test018\.pcapng$/, packets: [1, 2, 3, 4], what: ['frame.number'], reason: CUSTOM },
  { file: /\/test102\.pcapng$/, packets: [1, 2, 3, 4, 5], what: ['frame.number'], reason: CUSTOM },
  { file: /\/test202\.pcapng$/, packets: [1, 2, 3, 4, 5, 6, 7, 8], what: ['frame.number'], reason: CUSTOM },
  {
    file: /\/timestamp_invalid_(micro|nano)\.pcap$/,
    packets: [2, 3],
    what: ['frame.time_epoch'],
    reason: FRACTION,
  },
  { file: /\/fuzz-2021-10-13\.pcap$/, packets: [1], what: ['frame.time_epoch'], reason: FRACTION },
  { file: /\/fuzz-2021-06-07-c6c72a0a56\.pcap$/, packets: [1], what: ['frame.time_epoch'], reason: FRACTION },
  {
    file: /\/fuzz-2021-06-07-c6c72a0a56\.pcap$/,
    packets: [1],
    what: ['frame.len'],
    reason: 'tshark shows no length above 2^31 - 1',
  },

  {
    file: /\/bigtcp-ipv4-vxlan-ipv4\.pcap$/,
    packets: [1],
    what: ['protocols', ...FRAME, ...IP, ...TCP],
    reason: BIG,
  },
  {
    file: /\/bigtcp-ipv4-vxlan-ipv6\.pcap$/,
    packets: [1],
    what: ['protocols', ...FRAME, 'ipv6.src', 'ipv6.dst', ...TCP],
    reason: BIG,
  },
  {
    file: /\/bigtcp-ipv6-vxlan-ipv4\.pcap$/,
    packets: [1],
    what: ['protocols', ...FRAME, ...IP, ...UDP, ...TCP],
    reason: BIG,
  },
  {
    file: /\/bigtcp-ipv\d-vxlan-ipv\d\.pcap$/,
    packets: [1],
    what: ['vxlan.flags', 'vxlan.vni', 'row'],
    reason: BIG,
  },
  {
    file: /\/bigtcp-ipv\d-vxlan-ipv\d\.pcap$/,
    packets: [0],
    what: ['vni 5001', 'tunnel 5001', 'vxlan packets'],
    reason: BIG,
  },

  {
    file: /\/arkime_synthetic\.pcap$/,
    packets: [305],
    what: ['protocols', ...IP],
    reason: `${NOT_READ} (GTP)`,
  },
  {
    file: /\/arkime_synthetic\.pcap$/,
    packets: [314],
    what: ['protocols', ...IP, 'row'],
    reason: `${NOT_READ} (PPPoE)`,
  },
  {
    file: /\/arkime_synthetic\.pcap$/,
    packets: [315],
    what: ['protocols', ...IP, 'row'],
    reason: `${NOT_READ} (Cisco metadata)`,
  },
  { file: /\/arkime_synthetic\.pcap$/, packets: [353, 354, 702], what: ['protocols'], reason: STREAM },
  { file: /\/arkime\/dns-tcp\.pcap$/, packets: [4, 6, 14, 16], what: ['protocols'], reason: STREAM },
  { file: /\/tcpdump\/dns_tcp\.pcap$/, packets: [4, 6], what: ['protocols'], reason: STREAM },
  {
    file: /\/ndpi\/dns\.pcap$/,
    packets: [4, 5],
    what: ['protocols', ...IP, ...UDP, 'row'],
    reason: `${NOT_READ} (PPPoE)`,
  },
  {
    file: /\/libpcap\/http_PPI\.pcap$/,
    packets: [1, 3],
    what: ['protocols', ...IP, ...UDP, 'row'],
    reason: `${NOT_READ} (802.11 behind PPI)`,
  },
  {
    file: /\/libpcap\/http_PPI\.pcap$/,
    packets: [5],
    what: ['protocols', ...IP, ...TCP, 'row'],
    reason: `${NOT_READ} (802.11 behind PPI)`,
  },
  {
    file: /\/wireshark_samples-test\.pcapng$/,
    packets: [429, 485, 990, 1014, 1599, 1611, 2105, 2819, 3458, 4049, 4603, 5202, 5855],
    what: ['protocols', 'ipv6.src', 'ipv6.dst'],
    reason: `${NOT_READ} (Teredo)`,
  },
  {
    file: /\/GrePackets\.cap$/,
    packets: [26, 27],
    what: ['protocols', ...IP],
    reason: `${NOT_READ} (PPP in GRE)`,
  },
  {
    file: /\/pbb-recursive-frames\.pcapng$/,
    packets: [1],
    what: ['protocols', ...IP, ...UDP, 'row'],
    reason: `${NOT_READ} (802.1ah)`,
  },
  {
    file: /\/vntag_vlan_sandwich_clean\.pcap$/,
    packets: [1],
    what: ['protocols', 'vlan.id', ...IP, ...TCP, 'row'],
    reason: `${NOT_READ} (VN-Tag)`,
  },
  {
    file: /\/icmp6-rfc8335\.pcap$/,
    packets: [1, 3, 5],
    what: ['protocols'],
    reason: 'tshark calls the extension objects of an extended echo request ICMP',
  },

  {
    file: /\/LINKTYPE_IPV4_invalid\.pcap$/,
    packets: [1],
    what: ['protocols', ...IP, 'ipv6.src', 'ipv6.dst', ...UDP, 'row'],
    reason: 'the link type says IPv4 and the version 6: tshark believes the version, we say that it is wrong',
  },
  {
    file: /\/LINKTYPE_IPV6_invalid\.pcap$/,
    packets: [1],
    what: ['protocols', 'ipv6.src', 'ipv6.dst'],
    reason: 'the link type says IPv6 and the version 4: tshark shows nothing, we say that it is wrong',
  },
  {
    file: /\/ipv6-bad-version\.pcap$/,
    packets: [2, 4],
    what: ['protocols', 'ipv6.src', 'ipv6.dst'],
    reason: FAULTY,
  },
  { file: /\/ipv4_invalid_(hdr_length|total_length_2)\.pcap$/, packets: [1], what: IP, reason: FAULTY },
  { file: /\/ipv4-malformed\.pcap$/, packets: [1, 2], what: IP, reason: FAULTY },
  { file: /\/fuzz-2006-09-29-28586\.pcap$/, packets: [76, 91], what: IP, reason: FAULTY },
  { file: /\/ipv4-truncated-broken-header\.pcap$/, packets: [1], what: [...IP, 'row'], reason: FAULTY },
  {
    file: /\/ipv4-internally-truncated-header\.pcap$/,
    packets: [1],
    what: ['ip.dst', 'row'],
    reason: 'the capture ends in the options: tshark shows addresses up to where it gave up, we show both',
  },
  {
    file: /\/trunc-hdr\.pcap$/,
    packets: [1],
    what: ['eth.dst'],
    reason: 'the capture ends inside the Ethernet header: we show the address that is there',
  },
  {
    file: /\/(ipv6-next-header-oobr-1|ipv6hdr-heapoverflow)\.pcap$/,
    packets: [1],
    what: ['protocols'],
    reason: 'the last extension header is cut: tshark leaves it out, we name it and say so',
  },
  { file: /\/udp-length-heapoverflow\.pcap$/, packets: [1], what: ['row'], reason: NO_ADDRESS },
  { file: /\/fuzz-2006-09-29-28586\.pcap$/, packets: [111], what: ['row'], reason: NO_ADDRESS },
];

export interface Ending {
  /** Packets read before the end; null when the file is refused as no capture. */
  readonly packets: number | null;
  /** Where reading stopped. */
  readonly offset: number;
  readonly reason: string;
}

const NO_CAPTURE = 'this is no capture: it begins neither as pcap nor as pcapng';
const SNOOP =
  'this is a Solaris snoop capture, which is not read here: convert it first, with editcap -F pcapng IN OUT';
const ZSTD = 'this is zstd data, which is not read here: decompress it first, with zstd -d';
const VERSION = (version: string): string =>
  `a section is of pcapng version ${version}; only 1.0 is supported`;

function refused(reason: string): Ending {
  return { packets: null, offset: 0, reason };
}

/** Every file that is not read to its end without a word. */
export const ENDINGS: Readonly<Record<string, Ending>> = {
  'formats/empty.pcap': refused('the file is empty: not even a capture header is there'),
  'formats/snoop.snoop': refused(SNOOP),
  'formats/usec-le.pcap.xz': refused(
    'this is xz data, which is not read here: decompress it first, with xz -d',
  ),
  'formats/usec-le.pcap.zst': refused(ZSTD),
  'formats/truncated-tail.pcap': {
    packets: 19,
    offset: 2811,
    reason: 'the file ends 111 bytes into a packet record of 132 bytes or more',
  },
  'public/libpcap/linktype-reserved-field-not-zero.pcap': {
    packets: 0,
    offset: 20,
    reason: 'the link type word is 0x00300000: its reserved bits are not 0',
  },
  'public/libpcap/pcap-invalid-version-1.pcap': {
    packets: 0,
    offset: 4,
    reason: 'pcap version 1.4 is not supported, only 2.0 to 2.4',
  },
  'public/libpcap/pcap-invalid-version-2.pcap': {
    packets: 0,
    offset: 4,
    reason: 'pcap version 2.5 is not supported, only 2.0 to 2.4',
  },
  'public/libpcap/pcapng-invalid-vers-1.pcapng': { packets: 0, offset: 0, reason: VERSION('0.1') },
  'public/libpcap/pcapng-invalid-vers-2.pcapng': { packets: 0, offset: 0, reason: VERSION('1.1') },
  'public/libpcap/shb-option-too-long.pcapng': {
    packets: 0,
    offset: 0,
    reason: "a block's two lengths differ: 52 in front, 808464432 behind",
  },
  'public/ndpi/fuzz-2021-10-13.pcap': {
    packets: 1,
    offset: 237,
    reason: 'the file ends 2 bytes into a packet record of 16 bytes or more',
  },
  'public/pcap-parser/err-eof.bin': refused(NO_CAPTURE),
  'public/pcapng-conformance/be/gopacket-extra/test901.pcapng': {
    packets: 1,
    offset: 480,
    reason: VERSION('2.0'),
  },
  'public/pcapng-conformance/le/gopacket-extra/test901.pcapng': {
    packets: 1,
    offset: 480,
    reason: VERSION('2.0'),
  },
  'public/pcapplusplus/ArpRequestWithVlan.dat': refused(NO_CAPTURE),
  'public/pcapplusplus/Vxlan1.dat': refused(NO_CAPTURE),
  'public/pcapplusplus/Vxlan2.dat': refused(NO_CAPTURE),
  'public/pcapplusplus/packet_trailer_arp.dat': refused(NO_CAPTURE),
  'public/pcapplusplus/packet_trailer_ipv4.dat': refused(NO_CAPTURE),
  'public/pcapplusplus/packet_trailer_ipv6.dat': refused(NO_CAPTURE),
  'public/pcapplusplus/pcapng-zstd-compressed.pcapng.zst': refused(ZSTD),
  'public/pcapplusplus/solaris.snoop': refused(SNOOP),
};
