// The doctor's rules about tunnels, in the order in which their findings read best.

import { EntropyRule } from './entropy.ts';
import { EspRule } from './esp.ts';
import { FloodRule } from './flood.ts';
import { FrameRule } from './frame.ts';
import { HeaderRule } from './header.ts';
import { LinkRule } from './link.ts';
import { MismatchRule } from './mismatch.ts';
import { MoveRule } from './moves.ts';
import { OneWayRule } from './one-way.ts';
import { PortRule } from './ports.ts';
import { QuestionRule } from './questions.ts';
import { ReflectionRule } from './reflection.ts';
import type { TunnelRule } from './rule.ts';
import { SizeRule } from './size.ts';
import { UnreachableRule } from './unreachable.ts';

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
