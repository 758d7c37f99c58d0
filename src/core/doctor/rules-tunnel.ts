// The doctor's rules about tunnels, in the order in which their findings read best.

import { EntropyRule } from './tunnel-entropy.ts';
import { EspRule } from './tunnel-esp.ts';
import { FloodRule } from './tunnel-flood.ts';
import { FrameRule } from './tunnel-frame.ts';
import { HeaderRule } from './tunnel-header.ts';
import { LinkRule } from './tunnel-link.ts';
import { MismatchRule } from './tunnel-mismatch.ts';
import { MoveRule } from './tunnel-moves.ts';
import { OneWayRule } from './tunnel-one-way.ts';
import { PortRule } from './tunnel-ports.ts';
import { QuestionRule } from './tunnel-questions.ts';
import { ReflectionRule } from './tunnel-reflection.ts';
import type { TunnelRule } from './tunnel-rule.ts';
import { SizeRule } from './tunnel-size.ts';
import { UnreachableRule } from './tunnel-unreachable.ts';

export const TUNNEL_RULES: readonly TunnelRule[] = [
  () => new HeaderRule(),
  (census) => new UnreachableRule(census),
  (census) => new OneWayRule(census),
  (census) => new MismatchRule(census),
  (census) => new QuestionRule(census),
  (census) => new MoveRule(census),
  (census) => new ReflectionRule(census),
  (census) => new FloodRule(census),
  (census) => new SizeRule(census),
  (census) => new LinkRule(census),
  (census) => new EntropyRule(census),
  () => new FrameRule(),
  () => new PortRule(),
  (census) => new EspRule(census),
];
