// Link types: what the first byte of a captured packet is. Numbers and names are those of the tcpdump group's registry
// (https://www.tcpdump.org/linktypes.html); how to read each is the dissector's business.

/** The link types that overlays are seen on, and a few that an inspector should at least name. */
export const LINKTYPE = {
  /** A 4-byte address family in the capturing machine's byte order, then IP. */
  null: 0,
  ethernet: 1,
  /** Bare IP as some systems' libpcap wrote it into files before 101 was settled. */
  rawBsd: 12,
  rawOpenbsd: 14,
  /** Bare IP; the version is in its first four bits. */
  raw: 101,
  ieee80211: 105,
  /** As `null`, but the family is in network byte order. */
  loop: 108,
  linuxSll: 113,
  pflog: 117,
  radiotap: 127,
  ppi: 192,
  ipv4: 228,
  ipv6: 229,
  netlink: 253,
  linuxSll2: 276,
} as const;

const NAMES: ReadonlyMap<number, string> = new Map([
  [0, 'NULL'],
  [1, 'EN10MB'],
  [6, 'IEEE802'],
  [9, 'PPP'],
  [10, 'FDDI'],
  [12, 'RAW'],
  [14, 'RAW'],
  [50, 'PPP_SERIAL'],
  [51, 'PPP_ETHER'],
  [101, 'RAW'],
  [104, 'C_HDLC'],
  [105, 'IEEE802_11'],
  [107, 'FRELAY'],
  [108, 'LOOP'],
  [113, 'LINUX_SLL'],
  [117, 'PFLOG'],
  [127, 'IEEE802_11_RADIO'],
  [147, 'USER0'],
  [189, 'USB_LINUX'],
  [192, 'PPI'],
  [195, 'IEEE802_15_4'],
  [220, 'USB_LINUX_MMAPPED'],
  [228, 'IPV4'],
  [229, 'IPV6'],
  [231, 'DBUS'],
  [239, 'NFLOG'],
  [240, 'NETANALYZER'],
  [249, 'USBPCAP'],
  [252, 'WIRESHARK_UPPER_PDU'],
  [253, 'NETLINK'],
  [266, 'USB_DARWIN'],
  [276, 'LINUX_SLL2'],
  [279, 'EBHSCR'],
  [281, 'DSA_TAG_BRCM'],
  [282, 'DSA_TAG_BRCM_PREPEND'],
  [283, 'DSA_TAG_DSA'],
  [284, 'DSA_TAG_EDSA'],
]);

/** The registry's short name, as `tcpdump -L` prints it, or `LINKTYPE_n` for a number that is not in our list. */
export function linkTypeName(linkType: number): string {
  return NAMES.get(linkType) ?? `LINKTYPE_${linkType}`;
}

/** The snapshot length that capture programs use for "everything" (libpcap's MAXIMUM_SNAPLEN). */
export const SNAP_LENGTH_DEFAULT = 262_144;

/** Bytes that no record is believed to have, whatever the file's header says. */
export const RECORD_LIMIT = 0x1000_0000;

/** The largest packet that libpcap believes of a link type: 256 KiB, and more for buses that have larger messages. */
export function snapLimit(linkType: number): number {
  switch (linkType) {
    case 220:
    case 231:
    case 249:
    case 266:
      return 128 * 1024 * 1024;
    case 279:
      return 8 * 1024 * 1024;
    default:
      return SNAP_LENGTH_DEFAULT;
  }
}
