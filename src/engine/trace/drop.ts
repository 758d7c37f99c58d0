// Why a frame ended: a number, a word and a sentence. The words are the kernel's where it has one
// (include/net/dropreason-core.h, drivers/net/vxlan/drop.h); a dropped frame is never an exception.

import type { Frame } from '../../core/frame/frame.ts';
import type { ElementId, TraceSink } from './event.ts';
import { TRACE } from './event.ts';

export const DROP = {
  /** A header or a length in it cannot be right; the detail is the codec's Fault. */
  invalidHeader: 0,
  /** VXLAN: no VTEP here has this VNI. */
  vniNotFound: 1,
  /** VXLAN: no FDB entry and no flood list: nowhere to send. */
  noRemote: 2,
  /** The inner source MAC is zero or a group. */
  invalidSourceMac: 3,
  /** The inner source MAC is the device's own. */
  localMac: 4,
  /** A pinned entry holds this MAC behind another VTEP: it does not move. */
  entryExists: 5,
  /** A reserved bit is set and this receiver does not tolerate it. */
  reservedBits: 6,
  /** ECN: congestion was marked on a packet that cannot carry the mark (RFC 6040). */
  ecnError: 7,
  /** A tagged inner frame where tags are discarded (RFC 7348 s.6.1). */
  innerVlan: 8,
  /** Longer than the MTU, and nothing here may fragment it. */
  mtuExceeded: 9,
  /** The port, link or device is down or gone. */
  linkDown: 10,
  /** The queue in front of a slow link is full. */
  queueFull: 11,
  /** Lost on purpose by an impairment. */
  impairment: 12,
  /** The hop limit ran out. */
  hopLimit: 13,
  /** No route to the destination. */
  noRoute: 14,
  /** The neighbour did not answer, or too many frames wait for it. */
  neighbourFailed: 15,
  /** Not for this host: another MAC or another address. */
  notForUs: 16,
  /** A checksum is wrong. */
  checksum: 17,
  /** Nobody listens on this port or protocol. */
  noListener: 18,
  /** A fragment did not fit, came twice, or its datagram was never completed. */
  reassembly: 19,
  /** Came back to the port it came from. */
  sameport: 20,
  /** Link-local group addresses that a bridge keeps to itself (01:80:c2:00:00:0x). */
  linkLocalGroup: 21,
  /** ARP or ND answered by a proxy or suppressed: the question went no further. */
  answered: 22,
  /** A proxy device knows no neighbour for the question and floods nothing (Linux: l3 miss). */
  neighbourMiss: 23,
  /** The receiver has no room left. */
  receiveBuffer: 24,
  /** The sender is not one of the VNI's known VTEPs. */
  unknownPeer: 25,
  /** The EtherType or protocol is not one this host speaks. */
  unknownProtocol: 26,
  /** An address that may not appear there (martian): a loopback address on a wire, a group or own address as a source. */
  martian: 27,
  /** A fragment of a VXLAN datagram, which the receiving VTEP may discard (RFC 7348 s.4.3). */
  outerFragment: 28,
  /** Between two isolated ports of a bridge (docker_gwbridge's icc=false). */
  isolated: 29,
  /** VLAN: no interface and no gateway here has this VLAN id; the detail is the id. */
  vlanNotFound: 30,
  /** No VLAN tag where only VLANs come in; the detail is the EtherType. */
  untagged: 31,
  /** A filter rule refuses it (Linux: NETFILTER_DROP). */
  filtered: 32,
  /** The load balancer has nobody to give it to, or the one it went to is gone. */
  noServer: 33,
  /** TCP: flags that make no sense in this state (TCP_FLAGS). */
  tcpFlags: 34,
  /** TCP: outside the window; below it, a duplicate (TCP_INVALID_SEQUENCE, TCP_OLD_DATA). */
  tcpInvalidSequence: 35,
  /** TCP: acknowledges what was never sent, or too long ago (TCP_INVALID_ACK_SEQUENCE). */
  tcpInvalidAck: 36,
  /** TCP: a SYN in the middle of a connection (TCP_INVALID_SYN). */
  tcpInvalidSyn: 37,
  /** TCP: its time stamp is older than the latest (TCP_RFC7323_PAWS). */
  tcpOldStamp: 38,
  /** TCP: the listener has no room for one connection more (ListenOverflows). */
  listenOverflow: 39,
  /** A live VTEP: from the tunnel came a source address of one of its own hosts; the detail is the peer. */
  ownAddress: 40,
  /** A live VTEP: more broadcast, multicast and unknown unicast than it takes; the detail is the peer. */
  floodLimit: 41,
  /** The FDB holds as many addresses as it may, of all peers or of this one; the detail is the peer. */
  learnLimit: 42,
  /** ESP: no security association, of the peer (sending) or with this SPI, the detail (XfrmOutNoStates, XfrmInNoStates). */
  noAssociation: 43,
  /** ESP: the association's sequence numbers are used up; the detail is the SPI (XfrmOutStateSeqError). */
  sequenceUsedUp: 44,
  /** ESP: the sequence number, the detail, came before or is older than the window (XfrmInStateSeqError). */
  replayed: 45,
  /** ESP: the ICV is not the packet's; the detail is the SPI (XfrmInStateProtoError). */
  forged: 46,
  /** A plain datagram of an encrypted network; the detail is the VNI (Docker's INPUT rule, --pol none). */
  notSecured: 47,
} as const;
export type DropReason = (typeof DROP)[keyof typeof DROP];

/** Words for tables, indexed by DropReason. */
export const DROP_NAMES: readonly string[] = [
  'invalid header',
  'VNI not found',
  'no remote',
  'invalid source MAC',
  'local MAC',
  'entry exists',
  'reserved bits',
  'ECN error',
  'inner VLAN',
  'MTU exceeded',
  'link down',
  'queue full',
  'impairment',
  'hop limit',
  'no route',
  'neighbour failed',
  'not for us',
  'checksum',
  'no listener',
  'reassembly',
  'same port',
  'link-local group',
  'answered here',
  'neighbour miss',
  'receive buffer full',
  'unknown peer',
  'unknown protocol',
  'martian address',
  'outer fragment',
  'port isolation',
  'VLAN not found',
  'untagged',
  'netfilter drop',
  'no real server',
  'TCP flags',
  'TCP sequence',
  'TCP ack sequence',
  'TCP SYN',
  'TCP old time stamp',
  'listen overflow',
  'own address',
  'flood limit',
  'learning limit',
  'no security association',
  'ESP sequence used up',
  'ESP replay',
  'ESP ICV',
  'not encrypted',
];

/** Sentences for a journey, indexed by DropReason. */
export const DROP_SENTENCES: readonly string[] = [
  'a header or a length in it cannot be right',
  'no VTEP here has this VNI',
  'no FDB entry for the destination and no flood list',
  'the inner source MAC is zero or a group address',
  "the inner source MAC is this device's own",
  'a pinned entry holds this MAC behind another VTEP, and pinned entries do not move',
  'a reserved bit is set, and this receiver drops such packets',
  'congestion was marked on a packet that cannot carry the mark (RFC 6040)',
  'the inner frame is tagged, and tagged frames are discarded (RFC 7348 s.6.1)',
  'it is longer than the MTU, and nothing here may fragment it',
  'the link is down',
  'the queue is full',
  'an impairment lost it on purpose',
  'its hop limit ran out',
  'there is no route to the destination',
  'the neighbour did not answer',
  'it is for somebody else',
  'a checksum is wrong',
  'nobody listens there',
  'its fragments do not make a datagram',
  'its way out is the port it came from',
  'a bridge keeps link-local group addresses to itself',
  'the question was answered here and went no further',
  'no neighbour entry answers the question, and a proxy floods nothing',
  'the receiver has no room left',
  "the sender is not one of the VNI's VTEPs",
  'this host does not speak the protocol',
  'an address may not appear there',
  'it is a fragment of a VXLAN datagram (RFC 7348 s.4.3)',
  'both ports are isolated, and isolated ports reach only the others',
  'nothing here has its VLAN id',
  'it has no VLAN tag, and only VLANs come in here',
  'a filter rule refuses it',
  'the load balancer has no task to give it to',
  'its flags make no sense in the state of the connection',
  'its sequence numbers lie outside the window',
  'it acknowledges what was never sent',
  'it is a SYN in the middle of a connection',
  'its time stamp is older than the latest (RFC 7323 s.5)',
  'the listener has no room for one connection more',
  "a peer sent it with the address of one of this VTEP's own hosts",
  'it would be flooded, and more than may be flooded came just now',
  'its source address is one more than may be learned',
  'there is no security association for it',
  'its association has no sequence number left; a new key makes a new one',
  'its ESP sequence number came before',
  'its ESP integrity check value is wrong: it was changed on the way, or sealed with another key',
  'it is not encrypted, and its network is',
];

/** What `drop` needs of an element. */
export interface Dropper {
  readonly id: ElementId;
  readonly counters: { drop(reason: DropReason): void };
  readonly trace: TraceSink;
}

/** Ends a frame: counts the reason, tells it, sends the slot home. `about` is what the reason is about. */
export function drop(where: Dropper, frame: Frame, reason: DropReason, about = 0): void {
  where.counters.drop(reason);
  if (where.trace.on) where.trace.emit(where.id, TRACE.drop, frame, reason, about);
  frame.release();
}
