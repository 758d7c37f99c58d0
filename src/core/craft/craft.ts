// One frame made from layers, outermost first, as one writes them in Scapy: ether, ip, udp, vxlan, ether, arp. Sizes are known
// first, then headers are written from the outside in, so that an inner one finds the addresses around it; then sums are filled in from the
// inside out, because an outer sum covers the inner ones.

import { VxlabError } from '../wire/numbers.ts';
import type { FieldValue } from './field.ts';
import type { Layer, LayerKind } from './layer.ts';
import { Site } from './layer.ts';
import { ARP, DOT1AD, DOT1Q, ETHER } from './links.ts';
import { GPE, ICMP, ICMPV6, IP, IPV6, TCP, UDP, VXLAN } from './packets.ts';

export const LAYER_KINDS: readonly LayerKind[] = [
  ETHER,
  DOT1Q,
  DOT1AD,
  ARP,
  IP,
  IPV6,
  UDP,
  TCP,
  ICMP,
  ICMPV6,
  VXLAN,
  GPE,
];

/** Bytes of the largest frame: what an IPv4 packet may hold behind an Ethernet header and tags. */
export const FRAME_MAX: number = 65_535 + 22;

/**
 * A layer from its fields as text: `src=10.0.0.1,ttl=64`, or '' for none.
 * @throws VxlabError BAD_CRAFT naming the field and what it may be
 */
export function layer(kind: LayerKind, text: string): Layer {
  const values = new Map<string, FieldValue>();
  for (const pair of text === '' ? [] : text.split(',')) {
    const cut = pair.indexOf('=');
    const name = cut < 0 ? pair : pair.slice(0, cut);
    const field = Object.hasOwn(kind.fields, name) ? kind.fields[name] : undefined;
    if (field === undefined) {
      const names = Object.keys(kind.fields).join(', ');
      throw new VxlabError('BAD_CRAFT', `--${kind.name} has no field "${name}"; it has ${names}`);
    }
    if (values.has(name)) throw new VxlabError('BAD_CRAFT', `--${kind.name} has ${name} twice`);
    const value = cut < 0 ? null : field.parse(pair.slice(cut + 1));
    if (value === null) {
      throw new VxlabError('BAD_CRAFT', `--${kind.name} ${pair}: ${name} is ${field.says}`);
    }
    values.set(name, value);
  }
  return { kind, values };
}

/**
 * The bytes of a frame.
 * @param payload what the innermost layer carries
 * @throws VxlabError BAD_CRAFT without layers, for one that cannot follow another, or beyond FRAME_MAX bytes
 */
export function craft(layers: readonly Layer[], payload: Uint8Array): Uint8Array {
  if (layers.length === 0) throw new VxlabError('BAD_CRAFT', 'a frame has at least one layer');
  const headers = layers.reduce((sum, { kind }) => sum + kind.length, 0);
  const bytes = new Uint8Array(headers + payload.length);
  if (bytes.length > FRAME_MAX) {
    throw new VxlabError('BAD_CRAFT', `the frame would have ${bytes.length} bytes; ${FRAME_MAX} is the most`);
  }
  bytes.set(payload, headers);
  const view = new DataView(bytes.buffer);
  const sites: Site[] = [];
  let at = headers;
  for (const one of layers.toReversed()) {
    at -= one.kind.length;
    sites.push(new Site(view, one, at, bytes.length, sites.at(-1) ?? null));
  }
  for (const site of sites.toReversed()) site.layer.kind.write(site);
  for (const site of sites) site.layer.kind.sum?.(site);
  return bytes;
}
