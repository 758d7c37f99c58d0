// What the kernel says of a frame that lacks what a network card does: struct virtio_net_hdr (linux/virtio_net.h; virtio 1.2
// s.5.1.6), in front of every frame of a TAP device with IFF_VNET_HDR and of a packet socket with PACKET_VNET_HDR. In the
// machine's byte order, which is little-endian wherever these are used.
//
//   0      1      2             4            6            8             10
//   | flags| kind | header len  | segment    | sum start  | sum offset  |  frame ...

export const HEADER_LEN = 10;
/** Bytes to leave free before a header so that the frame behind it lies on a border of eight bytes. */
export const LEAD = 6;

/** The checksum from `sumStart` to the end is to be completed; the field is `sumOffset` behind. */
export const NEEDS_SUM = 1;

/** The frame is one packet, or several of the kind. */
export const KIND = { none: 0, tcp4: 1, udpFragments: 3, tcp6: 4, udp: 5 } as const;
/** A mark beside the kind: the first segment has CWR. */
const ECN = 0x80;

/** True when the checksum must be completed. */
export function needsSum(view: DataView, at: number): boolean {
  return (view.getUint8(at) & NEEDS_SUM) !== 0;
}

export function kind(view: DataView, at: number): number {
  return view.getUint8(at + 1) & ~ECN;
}

/** Bytes of payload of each packet. */
export function segment(view: DataView, at: number): number {
  return view.getUint16(at + 4, true);
}

/** Where the sum begins, from the frame's start. */
export function sumStart(view: DataView, at: number): number {
  return view.getUint16(at + 6, true);
}

export function sumOffset(view: DataView, at: number): number {
  return view.getUint16(at + 8, true);
}

/** A header for a frame that is one packet and lacks nothing. */
export function writePlain(view: DataView, at: number): void {
  view.setUint32(at, 0);
  view.setUint32(at + 4, 0);
  view.setUint16(at + 8, 0);
}

/**
 * A header for a frame that stands for several and whose checksum is to be completed.
 * @param headers bytes before the payload; @param start of the transport's header
 */
export function writeLong(
  view: DataView,
  at: number,
  what: number,
  congested: boolean,
  headers: number,
  size: number,
  start: number,
  offset: number,
): void {
  view.setUint8(at, NEEDS_SUM);
  view.setUint8(at + 1, congested ? what | ECN : what);
  view.setUint16(at + 2, headers, true);
  view.setUint16(at + 4, size, true);
  view.setUint16(at + 6, start, true);
  view.setUint16(at + 8, offset, true);
}
