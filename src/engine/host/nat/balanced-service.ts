// A service of a load balancer: a firewall mark, and real servers that take new connections in turn
// (net/netfilter/ipvs/ip_vs_rr.c). Each balancer counts for itself; the list of servers is the whole network's.

import type { Ip } from '../../../core/wire/address.ts';
import { RealServer } from './real-server.ts';
import type { Member, ServerList } from './server-list.ts';

/** Counters of servers that are gone are cleared away when there are this many more than servers. */
const SLACK = 16;

export class BalancedService {
  /** Its name in the swarm. */
  readonly name: string;
  /** From 256 on (libnetwork service_common.go). */
  readonly mark: number;
  readonly vip: Ip;
  readonly list: ServerList;
  /** Made when a server gets its first connection here: a thousand nodes know a thousand tasks each. */
  readonly #servers: Map<Member, RealServer> = new Map();
  /** Who was chosen last; null stands before the first. */
  #last: Member | null = null;

  constructor(name: string, mark: number, vip: Ip, list: ServerList) {
    this.name = name;
    this.mark = mark;
    this.vip = vip;
    this.list = list;
  }

  /** As `ipvsadm -Ln` lists them: the newest first. */
  servers(): RealServer[] {
    return this.list.all().map((member) => this.#serverOf(member));
  }

  /** Whose turn it is; null when nobody takes connections. */
  next(): RealServer | null {
    const { list } = this;
    let at = this.#last === null ? null : this.#last.next;
    // Members that are gone only lead on, and are not counted.
    for (let looked = 0; looked < list.size; ) {
      at ??= list.first;
      if (at === null) break;
      if (!at.gone) {
        if (at.weight > 0) {
          this.#last = at;
          return this.#serverOf(at);
        }
        looked++;
      }
      at = at.next;
    }
    return null;
  }

  #serverOf(member: Member): RealServer {
    const known = this.#servers.get(member);
    if (known !== undefined) return known;
    if (this.#servers.size > this.list.size + SLACK) {
      for (const old of this.#servers.keys()) if (old.gone) this.#servers.delete(old);
    }
    const made = new RealServer(member);
    this.#servers.set(member, made);
    return made;
  }
}
