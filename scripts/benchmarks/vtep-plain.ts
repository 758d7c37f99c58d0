// What `vxlab vtep` asks for when nothing but addresses is said, for programs of the measurement that have no command line of it.

import { parseIp } from '../../src/core/wire/parse-ip.ts';
import type { Backend } from '../../src/live/underlay/underlay-config.ts';
import type { LiveVtepConfig, SegmentConfig } from '../../src/live/vtep/vtep-config.ts';
import { DEFAULT_LIMITS } from '../../src/live/vtep/vtep-config.ts';

/** The defaults of the command line. */
export function plainConfig(
  backend: Backend,
  local: string,
  port: number,
  segments: readonly SegmentConfig[],
): LiveVtepConfig {
  return {
    local: parseIp(local),
    port,
    backend,
    dev: null,
    sourcePorts: [32_768, 60_999],
    mtu: null,
    ttl: 64,
    tos: 0,
    dontFragment: true,
    learning: true,
    ageing: 300e9,
    accept: [],
    acceptAny: false,
    limits: DEFAULT_LIMITS,
    offload: true,
    rate: 0,
    segments,
  };
}
