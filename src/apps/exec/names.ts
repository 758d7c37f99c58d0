// Names on a tool's command line: looked up as getaddrinfo(3) does, with its words when that fails.

import type { ToolContext } from './tool.ts';

export interface Found {
  /** In letters; empty with an error. */
  readonly addresses: readonly string[];
  /** ENOTFOUND, EAI_AGAIN; null when there are addresses. */
  readonly error: string | null;
}

/** Family 0 takes IPv4 before IPv6. */
export function lookUp(context: ToolContext, name: string, family: 0 | 4 | 6): Promise<Found> {
  return new Promise((done) => {
    context.dns.lookup(name, { all: true, family }, (error, addresses) => {
      if (error !== null) done({ addresses: [], error: error.code ?? 'ENOTFOUND' });
      else done({ addresses: addresses.map(({ address }) => address), error: null });
    });
  });
}

/** gai_strerror(3). */
export function lookupWords(error: string | null): string {
  return error === 'EAI_AGAIN' ? 'Temporary failure in name resolution' : 'Name or service not known';
}
