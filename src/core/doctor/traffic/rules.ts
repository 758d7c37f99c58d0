// The doctor's rules about what tunnels carry, in the order in which their findings read best.

import type { Rule } from '../rule.ts';
import { ChecksumRule } from './checksum.ts';
import { DnsRule } from './dns.ts';
import { EcnRule } from './ecn.ts';
import { LoopRule } from './loop.ts';
import { MtuRule } from './mtu.ts';
import { SecretsRule } from './secrets.ts';
import { TcpRule } from './tcp.ts';
import { TtlRule } from './ttl.ts';

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
