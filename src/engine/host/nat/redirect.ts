// What a task does with its ingress address (libnetwork service_linux.go, redirector): a published port becomes the port
// that the program listens on, and nothing but those gets in.
//
//   ingress sandbox ► task:8085   becomes   ingress sandbox ► task:80

import type { Ip4 } from '../../../core/wire/address.ts';
import { PROTO } from '../../../core/wire/numbers.ts';
import { DROP } from '../../trace/drop.ts';
import type { Interface } from '../interface.ts';
import type { DestinationRule, Opening } from './rule.ts';
import type { Sighting } from './sighting.ts';

export interface RedirectedPort {
  readonly proto: number;
  readonly published: number;
  readonly target: number;
}

export class Redirect implements DestinationRule {
  readonly #ip: Ip4;
  readonly #ports: readonly RedirectedPort[];

  /** @param ip the task's ingress address */
  constructor(ip: Ip4, ports: readonly RedirectedPort[]) {
    this.#ip = ip;
    this.#ports = ports;
  }

  divert(seen: Sighting, _dev: Interface, opening: Opening): boolean {
    if (seen.six || seen.view.getUint32(seen.dstAt) !== this.#ip) return false;
    if (seen.proto !== PROTO.tcp && seen.proto !== PROTO.udp) return false;
    for (const { proto, published, target } of this.#ports) {
      if (proto !== seen.proto || published !== seen.dstPort) continue;
      opening.dst = this.#ip;
      opening.dstPort = target;
      return true;
    }
    for (const { proto, target } of this.#ports)
      if (proto === seen.proto && target === seen.dstPort) return true;
    opening.refused(DROP.filtered, -1);
    return true;
  }
}
