// Which backend a live VTEP gets. `auto` is the fastest that this machine has; a named one is taken or refused with a sentence.

import { VxlabError } from '../../core/wire/numbers.ts';
import { loadLibc } from '../kernel/libc.ts';
import { isVirtual } from '../kernel/underlay-device.ts';
import type { BackendSite } from './backend-site.ts';
import { BatchUnderlay } from './batch-underlay.ts';
import type { LiveUnderlay } from './live-underlay.ts';
import { RawUnderlay } from './raw-underlay.ts';
import { UdpUnderlay } from './udp-underlay.ts';
import type { UnderlayConfig } from './underlay-config.ts';

export interface Made {
  readonly backend: 'udp' | 'raw' | 'batch';
  readonly underlay: LiveUnderlay;
}

/** Sockets that the udp backend sends from: as many source ports as flows are spread over. */
const UDP_SENDERS = 16;

/** @throws VxlabError BACKEND_MISSING, BAD_VTEP for what a backend cannot do */
export function openBackend(config: UnderlayConfig, site: BackendSite): Made {
  const backend = config.backend === 'auto' ? best() : config.backend;
  if (backend === 'batch')
    return { backend, underlay: new BatchUnderlay(config, site, isVirtual(site.device)) };
  if (backend === 'raw') {
    // It receives through a socket that sends nothing.
    const { ground, watch, device } = site;
    const inner = udp(config, site, 0);
    return { backend, underlay: new RawUnderlay(inner, config, { peers: ground.peers, watch, device }) };
  }
  if (config.tos !== 0 || !config.dontFragment) {
    throw new VxlabError(
      'BAD_VTEP',
      '--tos and --no-df need headers of our own: --backend batch or raw, as root',
    );
  }
  return { backend: 'udp', underlay: udp(config, site, UDP_SENDERS) };
}

/** Root with koffi gets batched calls; everybody else what needs nothing. */
function best(): 'udp' | 'batch' {
  if (process.getuid?.() !== 0) return 'udp';
  try {
    loadLibc('the batch backend', 'BACKEND_MISSING');
    return 'batch';
  } catch {
    return 'udp';
  }
}

function udp(
  config: UnderlayConfig,
  { ground, clock, receiver, ...site }: BackendSite,
  senders: number,
): UdpUnderlay {
  const { local, port, sourcePorts, ttl } = config;
  const [min, max] = sourcePorts;
  return new UdpUnderlay(ground, clock, receiver, {
    local,
    port,
    sourcePorts,
    senders: Math.min(senders, max - min + 1),
    mtu: site.mtu,
    ttl,
    door: site.door,
    ...(site.device === null ? {} : { dev: site.device }),
    ...(site.watch === null ? {} : { watch: site.watch }),
  });
}
