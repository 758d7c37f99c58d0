// An interface of this machine as a port of a segment's bridge. What it is (a TAP device, a packet socket on a veth) is behind one
// face.

import type { Mac } from '../../core/wire/address.ts';
import type { Bridge } from '../../engine/fabric/bridge.ts';
import type { Port } from '../../engine/fabric/port.ts';
import type { Counters } from '../../engine/trace/counters.ts';
import type { OffloadCounters } from '../offload/offload.ts';

export interface Attachment extends Port {
  readonly counters: Counters;
  /** The MAC of the one station that is behind it; null where there may be others. */
  readonly station: Mac | null;
  /** What a network card would have done; null where the kernel does it. */
  readonly offload: OffloadCounters | null;
  /** What there is to tell the user, each sentence once. */
  readonly notices: string[];
  /** Starts to read; frames go to the bridge, which has given the port a number. */
  open(bridge: Bridge, port: number): Promise<void>;
  /** Gives everything back: a TAP device that was made is gone. */
  close(): Promise<void>;
}
