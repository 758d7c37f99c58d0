// The addresses of a name for a socket that is told in its own context.

import type { AsyncResource } from 'node:async_hooks';
import type { Ip } from '../../core/wire/address.ts';
import type { LookupAnswer } from '../../engine/host/names.ts';
import type { Recipient } from '../inbox.ts';
import type { Site } from '../site.ts';
import type { SystemError } from './errors.ts';
import { lookupError } from './errors.ts';

/** What came of it: addresses, or the error as getaddrinfo has it. */
export type Found = (error: SystemError | null, addresses: readonly Ip[]) => void;

/** A question to the container's resolver, answered out of the inbox unless it was dropped before. */
export class Finding implements Recipient {
  readonly #scope: AsyncResource;
  readonly #name: string;
  readonly #found: Found;
  #answer: LookupAnswer | null = null;
  #dropped = false;

  constructor(site: Site, scope: AsyncResource, name: string, family: 0 | 4 | 6, found: Found) {
    this.#scope = scope;
    this.#name = name;
    this.#found = found;
    site.enter();
    site.resolver.lookup(name, family, (answer) => {
      this.#answer = answer;
      site.inbox.post(this, 0);
    });
  }

  get scope(): AsyncResource | null {
    return this.#dropped ? null : this.#scope;
  }

  drop(): void {
    this.#dropped = true;
  }

  deliver(): void {
    const { addresses, error } = this.#answer as LookupAnswer;
    const code = error ?? (addresses.length === 0 ? 'ENOTFOUND' : null);
    if (code === null) this.#found(null, addresses);
    else this.#found(lookupError(code, 'getaddrinfo', this.#name), []);
  }
}
