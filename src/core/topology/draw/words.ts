// The words that all drawings use for a network, an endpoint, a VTEP.

import type { Overlay, OverlayEndpoint, OverlayNetwork, OverlaySubnet, OverlayVtep } from '../overlay.ts';

/** Addresses or names of one thing that a drawing shows; how many more there are is said. */
const SHOWN = 4;

export function networkTitle(network: OverlayNetwork): string {
  return `VNI ${network.vni}${network.within === null ? '' : ` in ${network.within}`}`;
}

/** A question mark stands behind what is a guess. */
export function subnetText({ cidr, sure, vtep }: OverlaySubnet): string {
  return `${guess(cidr, sure)}${vtep === null ? '' : ` behind ${vtep}`}`;
}

function guess(text: string, sure: boolean): string {
  return sure ? text : `${text}?`;
}

/** What is worth knowing of a network besides its number and subnets. */
export function networkFacts(network: OverlayNetwork): string[] {
  const facts: string[] = [];
  for (const { gateway } of network.subnets) {
    if (gateway !== null) facts.push(`gateway ${guess(gateway.ip, gateway.sure)}`);
  }
  if (network.mtu !== null) facts.push(`MTU ${network.mtu} by TCP's MSS`);
  if (network.longest !== null) facts.push(`packets up to ${network.longest} bytes`);
  facts.push(`UDP ${network.ports.join(', ')}`);
  if (network.gpe) facts.push('GPE');
  if (network.policies.length > 0) facts.push(`group policy ${shown(network.policies.map(String))}`);
  if (network.vlans.length > 0) facts.push(`inner VLAN ${shown(network.vlans.map(String))}`);
  if (network.groups.length > 0) facts.push(`group ${network.groups.join(', ')}`);
  return facts;
}

/** @param common the subnet that is said elsewhere */
export function vtepFacts({ mac, hops, subnet }: OverlayVtep, common: string | null): string[] {
  const facts: string[] = [];
  if (mac !== null) facts.push(mac);
  if (subnet !== null && subnet.cidr !== common) facts.push(guess(subnet.cidr, subnet.sure));
  if (hops !== null && hops > 0) facts.push(`${hops} ${hops === 1 ? 'hop' : 'hops'} away`);
  return facts;
}

/** The subnet that all these VTEPs share, with its mark; null when there is no such. */
export function commonSubnet(
  vteps: readonly OverlayVtep[],
): { readonly cidr: string; readonly text: string } | null {
  const first = vteps[0]?.subnet ?? null;
  if (first === null || vteps.some(({ subnet }) => subnet?.cidr !== first.cidr)) return null;
  return { cidr: first.cidr, text: guess(first.cidr, first.sure) };
}

/** The name that people would call it by: the first one, or its first address, or its MAC. */
export function endpointTitle(endpoint: OverlayEndpoint): string {
  return endpoint.names[0]?.name ?? endpoint.addresses[0] ?? endpoint.mac ?? endpoint.routed[0] ?? '?';
}

/** Names, each once, without the one that is the title. */
export function otherNames(endpoint: OverlayEndpoint): string[] {
  const title = endpointTitle(endpoint);
  return [...new Set(endpoint.names.map(({ name }) => name))].filter((name) => name !== title);
}

/** `a, b, c, d and 3 more`. */
export function shown(list: readonly string[], most: number = SHOWN): string {
  if (list.length <= most + 1) return list.join(', ');
  return `${list.slice(0, most).join(', ')} and ${list.length - most} more`;
}

export function limitText({ limits }: Overlay): string {
  return limits.map(({ of, most }) => `${most} ${of}`).join(', ');
}

export function packetsText(count: number): string {
  return `${count} ${count === 1 ? 'packet' : 'packets'}`;
}

/** The network's seats by VTEP, and the VTEPs on one link, outermost first. */
export function linksOf({ vteps }: Overlay): Map<string | null, OverlayVtep[]> {
  const links = new Map<string | null, OverlayVtep[]>();
  for (const vtep of vteps) {
    const known = links.get(vtep.within);
    if (known === undefined) links.set(vtep.within, [vtep]);
    else known.push(vtep);
  }
  return links;
}
