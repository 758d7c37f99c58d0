// The doctor's rules about what tunnels carry, in the order in which their findings read best.

import type { Rule } from './rule.ts';
import { ChecksumRule } from './traffic-checksum.ts';
import { DnsRule } from './traffic-dns.ts';
import { EcnRule } from './traffic-ecn.ts';
import { LoopRule } from './traffic-loop.ts';
import { MtuRule } from './traffic-mtu.ts';
import { SecretsRule } from './traffic-secrets.ts';
import { TcpRule } from './traffic-tcp.ts';
import { TtlRule } from './traffic-ttl.ts';

export const TRAFFIC_RULES: readonly (() => Rule)[] = [
  () => new ChecksumRule(),
  () => new LoopRule(),
  () => new TtlRule(),
  () => new EcnRule(),
  () => new MtuRule(),
  () => new TcpRule(),
  () => new DnsRule(),
  () => new SecretsRule(),
];
