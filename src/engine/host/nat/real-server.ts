// A task as one load balancer sees it: ipvsadm's "real server", with what went through it here.

import type { Ip } from '../../../core/wire/address.ts';
import type { Member } from './server-list.ts';

export class RealServer {
  readonly member: Member;
  /** Connections since the first, and what they carried: `ipvsadm -Ln --stats`. Bytes are IP packets'. */
  connections = 0;
  inPackets = 0;
  inBytes = 0;
  outPackets = 0;
  outBytes = 0;

  constructor(member: Member) {
    this.member = member;
  }

  get ip(): Ip {
    return this.member.ip;
  }

  get weight(): number {
    return this.member.weight;
  }

  /** No longer one of its service's. */
  get gone(): boolean {
    return this.member.gone;
  }
}
