// Published ports of a node: what comes for one of its own addresses goes to somebody behind its bridge instead (chain
// DOCKER-INGRESS, libnetwork service_linux.go programIngress; for a host's own ports chain DOCKER).
//
//   any ► node:8085   becomes   any ► 172.18.0.2:8085        the ingress sandbox, or a container of this node
//   node ► node:8085  becomes   172.18.0.1 ► 172.18.0.2:8085
//
// Who sends from the bridge's own side gets the bridge's address too, else the answer would go past the translation.

import type { Ip4 } from '../../../core/wire/address.ts';
import type { Interface } from '../interface.ts';
import type { Stack } from '../stack.ts';
import type { DestinationRule, Opening, SourceRule } from './rule.ts';
import type { Sighting } from './sighting.ts';

export interface PortTarget {
  readonly ip: Ip4;
  readonly port: number;
}

export class PortMap implements DestinationRule, SourceRule {
  readonly #host: Stack;
  readonly #bridge: Interface;
  /** By protocol and port. */
  readonly #targets: Map<number, PortTarget> = new Map();

  /** @param bridge the interface that the targets are behind */
  constructor(host: Stack, bridge: Interface) {
    this.#host = host;
    this.#bridge = bridge;
  }

  /** False, and nothing changed, when the port is taken. */
  add(proto: number, port: number, target: PortTarget): boolean {
    const key = keyOf(proto, port);
    if (this.#targets.has(key)) return false;
    this.#targets.set(key, target);
    return true;
  }

  remove(proto: number, port: number): void {
    this.#targets.delete(keyOf(proto, port));
  }

  divert(seen: Sighting, _dev: Interface, opening: Opening): boolean {
    if (seen.six || this.#targets.size === 0) return false;
    const target = this.#targets.get(keyOf(seen.proto, seen.dstPort));
    if (target === undefined || !this.#host.isLocal(seen.dst)) return false;
    opening.dst = target.ip;
    opening.dstPort = target.port;
    return true;
  }

  disguise(seen: Sighting, from: Interface, out: Interface, opening: Opening): boolean {
    if (out !== this.#bridge || opening.dst === null) return false;
    const own = this.#host.isLocal(seen.view.getUint32(seen.srcAt));
    if (own || from === this.#bridge) opening.src = this.#bridge.primary;
    return true;
  }
}

function keyOf(proto: number, port: number): number {
  return proto * 0x10000 + port;
}
