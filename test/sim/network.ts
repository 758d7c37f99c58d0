// The lecture's stack on virtual time, with every frame that a node puts on the underlay written down.

import { expect } from 'vitest';
import type { Frame } from '../../src/core/frame/frame.ts';
import * as ethernet from '../../src/core/wire/ethernet.ts';
import * as ipv4 from '../../src/core/wire/ipv4.ts';
import * as udp from '../../src/core/wire/udp.ts';
import * as vxlan from '../../src/core/wire/vxlan.ts';
import { loadCompose } from '../../src/engine/manifest/load.ts';
import type { StackSpec } from '../../src/engine/model/spec.ts';
import type { ClusterOptions } from '../../src/engine/orchestrate/cluster.ts';
import { cluster } from '../../src/engine/orchestrate/cluster.ts';
import { profileOf } from '../../src/engine/orchestrate/profile.ts';
import { Simulation } from '../../src/engine/orchestrate/simulation.ts';
import { viewOf } from '../support/bytes.ts';
import { manifest } from '../support/manifests.ts';

/** A frame on a node's underlay interface. */
export interface Seen {
  readonly node: number;
  readonly inbound: boolean;
  readonly bytes: Uint8Array;
}

/** What a VXLAN packet over IPv4 or IPv6 says. */
export interface Encapsulated {
  readonly node: number;
  readonly ipLength: number;
  readonly ttl: number;
  readonly srcPort: number;
  readonly dstPort: number;
  readonly vni: number;
  readonly outerDst: number;
  readonly inner: Uint8Array;
  readonly type: number;
}

export class Network {
  readonly seen: Seen[] = [];
  readonly sim: Simulation;

  constructor(
    profile: string,
    options: ClusterOptions = {},
    seed: number | string = 1,
    stack = 'lecture-dnsrr.yml',
  ) {
    const { spec } = loadCompose(manifest(stack), { stack: 'lecture' });
    this.sim = new Simulation(spec as StackSpec, {
      cluster: cluster(options),
      profile: profileOf(profile),
      seed,
      capture: {
        frame: (node: number, inbound: boolean, frame: Frame) => {
          this.seen.push({ node, inbound, bytes: frame.toBytes() });
        },
      },
    });
  }

  /** How many of `count` echo requests are answered. */
  ping(from: string, to: string, size = 56, dontFragment = false, count = 1): number {
    return this.sim.pingNow(from, to, { count, size, dontFragment }).replies.length;
  }

  /** VXLAN packets, as sent unless told otherwise. */
  tunnelled(inbound = false): Encapsulated[] {
    const port = this.sim.world.plan.profile.port;
    return this.seen.flatMap(({ node, inbound: came, bytes }) => {
      if (came !== inbound) return [];
      const view = viewOf(bytes);
      const six = ethernet.etherType(view, 0) === 0x86dd;
      if (!six && (ethernet.etherType(view, 0) !== 0x0800 || ipv4.isFragment(view, 14))) return [];
      const at = six ? 54 : 34;
      if (view.getUint8(six ? 20 : 23) !== 17 || udp.dstPort(view, at) !== port) return [];
      const inner = bytes.slice(at + 16);
      return [
        {
          node,
          ipLength: bytes.length - 14,
          ttl: view.getUint8(six ? 21 : 22),
          srcPort: udp.srcPort(view, at),
          dstPort: udp.dstPort(view, at),
          vni: vxlan.vni(view, at + 8),
          outerDst: six ? view.getUint32(50) : view.getUint32(30),
          inner,
          type: ethernet.etherType(viewOf(inner), 0),
        },
      ];
    });
  }

  /** Forgets what was seen. */
  quiet(): this {
    this.seen.length = 0;
    return this;
  }

  /** Takes all down: no frame out, no timer pending. */
  end(): void {
    this.sim.close();
    expect(this.sim.world.ground.pool.out).toBe(0);
    expect(this.sim.clock.pending).toBe(0);
  }
}
