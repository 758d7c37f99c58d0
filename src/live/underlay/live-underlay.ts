// What every backend of a live VTEP is: the engine's underlay with a beginning, an end and counters. Sockets of Node's dgram,
// a raw socket and batched system calls stand behind this one face; a VTEP does not know which it has.

import type { Frame } from '../../core/frame/frame.ts';
import type { Ip4 } from '../../core/wire/address.ts';
import type { PeerId } from '../../engine/fabric/peers.ts';
import type { Underlay } from '../../engine/fabric/underlay.ts';

/** Datagrams that the kernel took or gave several at a time; all of them are among `sent` and `received`. */
export interface TrainCounters {
  /** Trains, and the datagrams in them. */
  sent: number;
  sentDatagrams: number;
  received: number;
  receivedDatagrams: number;
  /** Datagrams whose TCP segments were put together with those before them: of each frame all but the first. */
  joined: number;
}

export interface UnderlayCounters {
  /** Datagrams that were to be sent; those of `sendErrors` and `queueFull` are among them. */
  sent: number;
  sentBytes: number;
  /** Datagrams taken from the kernel, those of strangers among them. */
  received: number;
  receivedBytes: number;
  /** Datagrams that the kernel would not take. */
  sendErrors: number;
  /** Datagrams that were not handed over because too many wait already, or the kernel has no room. */
  queueFull: number;
  /** Datagrams that came in longer than anything that fits the overlay, and were cut off: they end here. */
  truncated: number;
  readonly trains: TrainCounters;
}

export function noCounts(): UnderlayCounters {
  return {
    sent: 0,
    sentBytes: 0,
    received: 0,
    receivedBytes: 0,
    sendErrors: 0,
    queueFull: 0,
    truncated: 0,
    trains: { sent: 0, sentDatagrams: 0, received: 0, receivedDatagrams: 0, joined: 0 },
  };
}

export interface LiveUnderlay extends Underlay {
  readonly counters: UnderlayCounters;
  /** What there is to tell the user, each sentence once. */
  readonly notices: string[];
  /** Takes frames that stand for several and cuts them; without it they must be cut before. */
  readonly whole?: boolean;
  /** Opens its sockets. @throws VxlabError PORT_IN_USE, NO_SUCH_ADDRESS, SOCKET_REFUSED; what a backend misses */
  open(): Promise<void>;
  /** Gives everything back; nothing is sent or received any more. */
  close(): Promise<void>;
  /** Datagrams that the kernel dropped because the socket had no room; null where it does not tell. */
  kernelDrops(): number | null;
}

/** Whose datagrams come in: the number of a sender, or NO_PEER: then it has been counted and nothing more is done. */
export interface Door {
  /** By its address as text. */
  peerOf(address: string): PeerId;
  peer4(ip: Ip4): PeerId;
  /** By the IPv6 address that stands at `at`. */
  peer6(view: DataView, at: number): PeerId;
}

/** Sees every datagram at the underlay; must not keep, change or release the frame, which begins with its VXLAN header. */
export interface DatagramWatch {
  /** @param address of the other side, as text; @param port of the other side when inbound, else the own source port */
  datagram(inbound: boolean, address: string, port: number, frame: Frame): void;
}
