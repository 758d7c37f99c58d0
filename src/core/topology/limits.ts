// How much an atlas keeps. At a limit it goes on without what is new, and says so.

import { VxlabError } from '../wire/numbers.ts';

/** The most of each kind, 1 to 16,777,216. */
export interface AtlasLimits {
  /** Different IP addresses; default 131072. */
  readonly addresses: number;
  /** VNIs, counted again in each network around them; default 4096. */
  readonly networks: number;
  /** VTEPs and groups; default 16384. */
  readonly vteps: number;
  /** Paths from one VTEP to another in a VNI; default 32768. */
  readonly tunnels: number;
  /** MAC addresses in a network; default 65536. */
  readonly endpoints: number;
  /** IP addresses in a network; default 131072. */
  readonly places: number;
  /** Names of addresses, and DNS messages and HTTP requests that were read for them; default 65536. */
  readonly names: number;
}

export const ATLAS_LIMITS: AtlasLimits = {
  addresses: 131_072,
  networks: 4096,
  vteps: 16_384,
  tunnels: 32_768,
  endpoints: 65_536,
  places: 131_072,
  names: 65_536,
};

const MOST = 16_777_216;

/**
 * The limits with the defaults for what is left out.
 * @throws VxlabError BAD_LIMIT
 */
export function atlasLimits(given: Partial<AtlasLimits> = {}): AtlasLimits {
  const limits = { ...ATLAS_LIMITS, ...given };
  for (const [name, value] of Object.entries(limits)) {
    if (Number.isInteger(value) && value >= 1 && value <= MOST) continue;
    throw new VxlabError(
      'BAD_LIMIT',
      `${value} is no limit of ${name}; it must be a whole number from 1 to ${MOST}`,
    );
  }
  return limits;
}
