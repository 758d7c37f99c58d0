// Tunnels that carry frames in one direction only, though what is inside asks for answers; and tunnels that look like
// traffic mirroring, which is one way by design.
//
// Not raised where the inner frames show that answers do arrive (TCP acknowledgements, replies): then the capture saw
// one side only, or the answers take another way. State: the census.

import type { Advice } from '../finding.ts';
import { few, finding, many } from '../finding.ts';
import type { Finding, Rule } from '../rule.ts';
import type { Census } from './census.ts';
import type { Tunnel } from './parties.ts';
import { isMirror } from './parties.ts';
import { idle, seconds } from './rule.ts';

/** Questions, and microseconds of capture behind the first of them. */
const ASKS_MIN = 3;
const PATIENCE = 2_000_000;
/** Frames of a mirror that are worth a word. */
const MIRROR_MIN = 4;

const ONE_WAY: Advice = {
  code: 'TUNNEL-ONE-WAY',
  explain:
    'Frames go into the tunnel and ask for answers (echo requests, TCP SYNs, ARP or DNS questions), and not one frame for a station comes back from that VTEP in this VNI. A tunnel has no state of its own (RFC 7348 s.4): each direction can fail alone.',
  cure: 'Capture at the other VTEP. If the packets do not arrive there: a firewall on UDP (4789 or 8472) or the underlay route. If they arrive and nothing is sent: its VNI, port, FDB (bridge fdb show) and the host behind it. If answers are sent: the way back. A capture that saw one direction only looks the same.',
};
const MIRROR: Advice = {
  code: 'TUNNEL-MIRROR',
  explain:
    'One VTEP sends both sides of the conversations inside and nothing comes back: so do traffic mirroring sessions (AWS VPC, Azure vTAP, ERSPAN replaced by VXLAN), which copy packets to a collector.',
  cure: 'Nothing has to be done if it is meant. Such a VTEP is left out where MACs behind two VTEPs are looked for.',
};

export class OneWayRule implements Rule {
  readonly observe: () => void = idle;
  readonly #census: Census;

  constructor(census: Census) {
    this.#census = census;
  }

  findings(): Finding[] {
    const found: Finding[] = [];
    const mirrors: Finding[] = [];
    for (const { one, other } of this.#census.pairs()) {
      for (const [tunnel, back] of [
        [one, other],
        [other, one],
      ] as const) {
        if (isMirror(tunnel, back)) {
          if (tunnel.unicast >= MIRROR_MIN) mirrors.push(this.#mirror(tunnel));
        } else if (this.#oneWay(tunnel, back)) found.push(this.#tell(tunnel, back));
      }
    }
    return [...few(found), ...few(mirrors)];
  }

  #oneWay(tunnel: Tunnel, back: Tunnel): boolean {
    return (
      back.unicast === 0 &&
      tunnel.answers === 0 &&
      tunnel.asks.count >= ASKS_MIN &&
      this.#census.now - tunnel.askedFirst >= PATIENCE &&
      !tunnel.dst.group &&
      (tunnel.asked === null || tunnel.asked.vtep === null)
    );
  }

  #tell(tunnel: Tunnel, back: Tunnel): Finding {
    // Several stations that are all silent are hardly all switched off.
    const severity = tunnel.askedOthers ? 'error' : 'warning';
    const { asks, unicast } = tunnel;
    const more =
      back.packets === 0
        ? ''
        : `Broadcasts do come back from there (${many(back.packets, 'packet')}), so the underlay's way back is open.`;
    const time = seconds(this.#census.now - tunnel.askedFirst);
    const title = `${tunnel.text}: ${many(unicast, 'frame')} one way and none back, ${many(asks.count, 'question')} unanswered in ${time}`;
    return finding(ONE_WAY, severity, title, asks, more);
  }

  #mirror(tunnel: Tunnel): Finding {
    const title = `${tunnel.text}: ${many(tunnel.unicast, 'frame')} of both sides one way; this looks like a mirror`;
    return finding(MIRROR, 'note', title, tunnel.homeward);
  }
}
