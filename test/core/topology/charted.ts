// Captures of fixtures/captures as overlays, for tests.

import type { WalkOptions } from '../../../src/core/dissect/ports.ts';
import { AnyReader } from '../../../src/core/pcap/reader.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { Atlas } from '../../../src/core/topology/atlas.ts';
import type { AtlasLimits } from '../../../src/core/topology/limits.ts';
import type {
  Overlay,
  OverlayEndpoint,
  OverlayNetwork,
  OverlaySeat,
} from '../../../src/core/topology/overlay.ts';
import { captureBytes } from '../../support/captures.ts';

/** The overlay of some capture files' bytes, seen one after another. */
export function chartOf(
  files: readonly Uint8Array[],
  limits: Partial<AtlasLimits> = {},
  options?: WalkOptions,
): Overlay {
  const atlas = new Atlas(limits);
  for (const bytes of files) {
    const sight = new Sight(options);
    const reader = new AnyReader((view, start, end, meta) => {
      sight.read(view, start, end, meta);
      atlas.observe(sight, meta);
    });
    reader.push(bytes);
    reader.end();
  }
  return atlas.overlay();
}

/** The overlay of captures in fixtures/captures. */
export function charted(...names: readonly string[]): Overlay {
  return chartOf(names.map(captureBytes));
}

/** @param key as in OverlayNetwork */
export function networkOf(overlay: Overlay, key: string | number): OverlayNetwork {
  const found = overlay.networks.find((network) => network.key === String(key));
  if (found === undefined) throw new Error(`no network ${key} in ${overlay.networks.map((one) => one.key)}`);
  return found;
}

export function seatOf(network: OverlayNetwork, vtep: string): OverlaySeat {
  const found = network.seats.find((seat) => seat.vtep === vtep);
  if (found === undefined) throw new Error(`VNI ${network.vni} has no seat at ${vtep}`);
  return found;
}

/** `mac address address` of each endpoint, by VTEP. */
export function placement(network: OverlayNetwork): Record<string, string[]> {
  return Object.fromEntries(network.seats.map(({ vtep, endpoints }) => [vtep, endpoints.map(line)]));
}

function line({ mac, addresses }: OverlayEndpoint): string {
  return [mac ?? '-', ...addresses].join(' ');
}
