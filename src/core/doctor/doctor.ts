// The overlay doctor: all rules over one capture.
//
//   const doctor = new Doctor();
//   ... for each packet: sight.read(view, start, end, meta); doctor.observe(sight, meta);
//   doctor.findings();
//
// Each rule, and the census that the tunnel rules share, has a bound of its own: memory does not grow with the capture.

import { Crossing } from '../dissect/crossing.ts';
import type { PacketMeta } from '../pcap/record.ts';
import type { Sight } from '../reassembly/sight.ts';
import type { Finding, Rule } from './rule.ts';
import { SEVERITIES } from './rule.ts';
import { TRAFFIC_RULES } from './traffic/rules.ts';
import { Census } from './tunnel/census.ts';
import { idle } from './tunnel/rule.ts';
import { TUNNEL_RULES } from './tunnel/rules.ts';

type Crosser = Rule & Required<Pick<Rule, 'cross'>>;

export class Doctor {
  readonly #census: Census = new Census();
  readonly #crossing: Crossing = new Crossing();
  readonly #rules: readonly Rule[];
  readonly #observers: readonly Rule[];
  readonly #crossers: readonly Crosser[];

  constructor() {
    this.#rules = [...TUNNEL_RULES.map((make) => make(this.#census)), ...TRAFFIC_RULES.map((make) => make())];
    this.#observers = this.#rules.filter((rule) => rule.observe !== idle);
    this.#crossers = this.#rules.filter((rule): rule is Crosser => rule.cross !== undefined);
  }

  /** Looks at the packet that the sight has read last. Never throws. */
  observe(sight: Sight, meta: PacketMeta): void {
    const census = this.#census;
    census.read(meta);
    for (const rule of this.#observers) rule.observe(sight, meta);
    const { view, d } = sight.last;
    if (d.vxlan < 0) return;
    const crossing = this.#crossing;
    for (let row = 0; crossing.find(view, d, row); row = crossing.vxlan + 1) {
      census.enter(crossing, sight);
      for (const rule of this.#crossers) rule.cross(crossing, sight, meta);
    }
  }

  /** What was found so far: the worst first, then by code and first packet. */
  findings(): Finding[] {
    return this.#rules.flatMap((rule) => rule.findings()).toSorted(inOrder);
  }
}

function inOrder(x: Finding, y: Finding): number {
  const severity = SEVERITIES.indexOf(x.severity) - SEVERITIES.indexOf(y.severity);
  if (severity !== 0) return severity;
  if (x.code !== y.code) return x.code < y.code ? -1 : 1;
  return (x.packets[0] ?? 0) - (y.packets[0] ?? 0);
}
