// Frames that a tunnel gives back: a VTEP receives what one of its own hosts sent, or a VTEP passes a frame from one tunnel on
// into another.
//
// A VTEP must not send a frame that came out of a tunnel into a tunnel of the same network (split horizon), or the
// frame comes back, MACs are learned at the wrong place, and with two such VTEPs it circles for ever, since Ethernet has
// no TTL. The same frame is one with the same bytes within 50 ms. Replicators (service nodes) and gateways between sites
// pass on by design. State: none of its own.

import { Evidence } from '../evidence.ts';
import type { Advice } from '../finding.ts';
import { few, finding, many } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import type { Census } from './census.ts';
import type { Tunnel } from './parties.ts';
import { idle } from './rule.ts';

const TUNNELS_MAX = 256;
/** Frames that come back before it is no accident. */
const MANY = 3;

const REFLECTED: Advice = {
  code: 'FRAME-REFLECTED',
  explain:
    'A VTEP got back from the tunnel a frame that it had sent in there, unchanged. Its bridge then learns its own host behind the other VTEP and sends the host into the tunnel (Linux drops only frames with the MAC of the VXLAN device itself).',
  cure: 'Look for a loop behind the VTEP that sends them back: two VXLAN ports of one VNI in one bridge, a cable between two bridges, or an FDB default entry that names the sender. On Linux, bridge link set dev VXLAN isolated on (or hairpin off) keeps tunnel frames from tunnels.',
};
const RELAYED: Advice = {
  code: 'FRAME-RELAYED',
  explain:
    'A VTEP sent a frame that it had from one tunnel into another tunnel of the same network. Replicators and gateways between sites do so by design; elsewhere split horizon is missing and a loop is near.',
  cure: 'Nothing has to be done if the VTEP is a replicator or gateway. Else keep its tunnels apart: one VXLAN device with several FDB entries, or isolated bridge ports.',
};

/** Frames by the tunnel in which they came again. */
type Found = Map<Tunnel, Evidence>;

export class ReflectionRule implements Rule {
  readonly observe: () => void = idle;
  readonly #census: Census;
  readonly #reflected: Found = new Map();
  readonly #relayed: Found = new Map();

  constructor(census: Census) {
    this.#census = census;
  }

  cross(): void {
    const { valid, twin, tunnel, number } = this.#census;
    if (!valid || twin === null || twin.src === tunnel.src) return;
    if (tunnel.dst === twin.src) note(this.#reflected, tunnel, number);
    else note(this.#relayed, tunnel, number);
  }

  findings(): Finding[] {
    const reflected = [...this.#reflected].map(([tunnel, evidence]) => {
      const title = `${tunnel.text}: ${many(evidence.count, 'frame')} sent back to the VTEP that ${evidence.count === 1 ? 'it' : 'they'} came from`;
      return finding(REFLECTED, evidence.count >= MANY ? 'error' : 'warning', title, evidence);
    });
    // Two mirrors copy what passes both.
    const mirrors = this.#census.mirrors();
    const passed = [...this.#relayed].filter(([tunnel]) => !mirrors.has(tunnel.src));
    const relayed = passed.map(([tunnel, evidence]) => {
      const title = `${tunnel.text}: ${many(evidence.count, 'frame')} passed on from another tunnel`;
      return finding(RELAYED, 'note', title, evidence);
    });
    return [...few(reflected), ...few(relayed)];
  }
}

function note(found: Found, tunnel: Tunnel, number: number): void {
  let evidence = found.get(tunnel);
  if (evidence === undefined) {
    if (found.size >= TUNNELS_MAX) return;
    evidence = new Evidence();
    found.set(tunnel, evidence);
  }
  evidence.add(number);
}
