// The options of a node group.

import { InvalidArgumentError } from 'commander';
import type { Ip } from '../../core/wire/address.ts';
import { ipAddress } from '../edit/options.ts';

/** `NODE=IP`, several of them one after the other. */
export function joinedNodes(text: string, before?: ReadonlyMap<string, Ip>): ReadonlyMap<string, Ip> {
  const at = text.indexOf('=');
  if (at <= 0) throw new InvalidArgumentError('such as worker2=192.0.2.9');
  const name = text.slice(0, at);
  if (before?.has(name)) throw new InvalidArgumentError(`${name} is there twice`);
  return new Map([...(before ?? []), [name, ipAddress(text.slice(at + 1))]]);
}
