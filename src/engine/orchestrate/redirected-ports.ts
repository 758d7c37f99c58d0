// A task's own part of the ingress mesh: on its ingress address a published port stands for the port its program has.

import type { Ip, Ip4 } from '../../core/wire/address.ts';
import type { Host } from '../host/host.ts';
import { Nat } from '../host/nat/nat.ts';
import { Redirect } from '../host/nat/redirect.ts';
import type { PublishedPort } from './published-ports.ts';

/** Gives a task's host its rules. @param ip its ingress address */
export function redirect(host: Host, ip: Ip, ports: readonly PublishedPort[]): void {
  const redirected = ports.flatMap(({ mode, proto, published, target }) =>
    mode === 'ingress' && published !== null ? [{ proto, published, target }] : [],
  );
  if (redirected.length === 0) return;
  host.ip4.nat = new Nat(host, { destination: [new Redirect(ip as Ip4, redirected)] });
}
