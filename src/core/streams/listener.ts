// Who hears a stream: each direction's bytes in order and each once.

/** Where bytes stand: in the packet as it was captured, in a datagram put together, in an ESP packet that was opened. */
export type Within = 'packet' | 'datagram' | 'opened';

/** 0: the client, 1: the server. */
export type Side = 0 | 1;

export interface Listener {
  /** Whether a side's bytes are wanted. If not, what comes before its turn is counted and not kept. */
  wants(side: Side): boolean;
  /**
   * Bytes [from, to) come next; they are good only now.
   * @param offset where `from` stands in the packet
   */
  hear(
    side: Side,
    bytes: Uint8Array,
    from: number,
    to: number,
    packet: number,
    offset: number,
    within: Within,
  ): void;
  /** `n` bytes come next that the capture has and nobody wanted when they came. */
  pass(side: Side, n: number): void;
  /** `n` bytes that come next are not in the capture. */
  miss(side: Side, n: number): void;
  /** The side has closed; all that it said was told, as far as it was captured. */
  close(side: Side): void;
}
