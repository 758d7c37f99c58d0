// Who serves a service, as the control plane knows it: held once for all nodes whose balancers give connections to them
// (docs/adr/0006). The newest stands first, as IPVS lists them (list_add_rcu in ip_vs_ctl.c).

import type { Ip } from '../../../core/wire/address.ts';
import { IpMap } from '../../fabric/ip-map.ts';

export class Member {
  readonly ip: Ip;
  /** 1, or 0 for one that gets no new connections. */
  weight = 1;
  /** Taken off the list: what is left of its connections ends with their next packet. */
  gone = false;
  /** The one that was added before. Stays when it is taken off, so that whoever stands here finds on. */
  next: Member | null;
  before: Member | null = null;

  constructor(ip: Ip, next: Member | null) {
    this.ip = ip;
    this.next = next;
  }
}

export class ServerList {
  readonly #byIp: IpMap<Member> = new IpMap();
  #first: Member | null = null;

  get first(): Member | null {
    return this.#first;
  }

  get size(): number {
    return this.#byIp.size;
  }

  /** Adds a server; one that is there already stays as it is. */
  add(ip: Ip): void {
    if (this.#byIp.has(ip)) return;
    const member = new Member(ip, this.#first);
    if (this.#first !== null) this.#first.before = member;
    this.#first = member;
    this.#byIp.set(ip, member);
  }

  /** Gives a server a weight: 0 lets its connections go on and gives it no new ones. */
  weigh(ip: Ip, weight: number): void {
    const member = this.#byIp.get(ip);
    if (member !== undefined) member.weight = weight;
  }

  remove(ip: Ip): void {
    const member = this.#byIp.get(ip);
    if (member === undefined) return;
    this.#byIp.delete(ip);
    member.gone = true;
    if (member.before === null) this.#first = member.next;
    else member.before.next = member.next;
    if (member.next !== null) member.next.before = member.before;
  }

  /** The servers there are, the newest first. */
  all(): Member[] {
    const members: Member[] = [];
    for (let member = this.#first; member !== null; member = member.next) members.push(member);
    return members;
  }
}
