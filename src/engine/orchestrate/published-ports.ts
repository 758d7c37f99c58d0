// The ports that a stack's services publish, with those chosen that the file leaves open: 30000 to 32767 for the swarm as a
// whole (swarmkit manager/allocator/portallocator.go). On a node itself the engine picks when the task starts.

import { PROTO, VxlabError } from '../../core/wire/numbers.ts';
import type { PortSpec, ServiceSpec } from '../model/spec.ts';

export interface PublishedPort {
  /** Null only with mode `host`, where the node picks. */
  readonly published: number | null;
  readonly target: number;
  /** IP protocol number. */
  readonly proto: number;
  readonly mode: 'ingress' | 'host';
}

const PROTOCOLS = { tcp: PROTO.tcp, udp: PROTO.udp, sctp: PROTO.sctp } as const;
/** dynamicPortStart and dynamicPortEnd. */
const FIRST = 30_000;
const LAST = 32_767;

export class PortAllocator {
  readonly #taken: Set<number> = new Set();
  #next = FIRST;

  /** Ports that are asked for by number are taken before any is chosen. */
  constructor(services: readonly ServiceSpec[]) {
    for (const { ports } of services) {
      for (const { published, mode, protocol } of ports) {
        if (published !== null && mode === 'ingress') this.#taken.add(keyOf(PROTOCOLS[protocol], published));
      }
    }
  }

  /** @throws VxlabError NO_FREE_PORT when the range is used up */
  allocate({ ports }: ServiceSpec): PublishedPort[] {
    return ports.map((port) => ({
      published: port.published ?? (port.mode === 'host' ? null : this.#choose(port)),
      target: port.target,
      proto: PROTOCOLS[port.protocol],
      mode: port.mode,
    }));
  }

  #choose({ protocol }: PortSpec): number {
    const proto = PROTOCOLS[protocol];
    for (let tried = FIRST; tried <= LAST; tried++) {
      const port = this.#next;
      this.#next = port === LAST ? FIRST : port + 1;
      const key = keyOf(proto, port);
      if (this.#taken.has(key)) continue;
      this.#taken.add(key);
      return port;
    }
    throw new VxlabError('NO_FREE_PORT', `all of ${FIRST} to ${LAST} are published already`);
  }
}

function keyOf(proto: number, port: number): number {
  return proto * 0x10000 + port;
}
