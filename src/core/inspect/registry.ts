// Every layer's fields by layer kind and every field by name: what `-V` shows and what a display filter may ask for.

import type { FieldSpec, LayerSpec } from './field.ts';
import { ICMP, ICMPV6, IGMP } from './fields-control.ts';
import { ESP } from './fields-esp.ts';
import { AH, DESTINATION, FRAGMENT, HOP_BY_HOP, IPV4, IPV6, ROUTING } from './fields-ip.ts';
import { ARP, ETHERNET, LLC, LOOPBACK, RAW, SERVICE_VLAN, SLL, SLL2, STP, VLAN } from './fields-link.ts';
import { DNS, HTTP, PAYLOAD } from './fields-message.ts';
import { TCP, UDP } from './fields-transport.ts';
import { ERSPAN, GENEVE, GPE, GRE, MPLS, NSH, VXLAN } from './fields-tunnel.ts';

const ALL: readonly LayerSpec[] = [
  ETHERNET,
  VLAN,
  SERVICE_VLAN,
  LLC,
  STP,
  SLL,
  SLL2,
  LOOPBACK,
  RAW,
  ARP,
  IPV4,
  IPV6,
  HOP_BY_HOP,
  ROUTING,
  FRAGMENT,
  DESTINATION,
  AH,
  ESP,
  ICMP,
  ICMPV6,
  IGMP,
  UDP,
  TCP,
  VXLAN,
  GPE,
  GENEVE,
  GRE,
  ERSPAN,
  MPLS,
  NSH,
  DNS,
  HTTP,
  PAYLOAD,
];

const BY_KIND: ReadonlyMap<number, LayerSpec> = new Map(ALL.map((layer) => [layer.kind, layer]));

/** The fields of a layer kind. */
export function layerSpec(kind: number): LayerSpec {
  return BY_KIND.get(kind) ?? PAYLOAD;
}

/** A field and a layer that has it. */
export interface FieldPlace {
  readonly layer: LayerSpec;
  readonly field: FieldSpec;
  /** True when `more` places it, so that the layer must be walked to find it. */
  readonly moving: boolean;
}

/** All fields by name, second names such as `ip.addr` included. A name may stand for fields of several layers. */
export const FIELDS: ReadonlyMap<string, readonly FieldPlace[]> = collect();

function collect(): Map<string, FieldPlace[]> {
  const found = new Map<string, FieldPlace[]>();
  const add = (name: string, place: FieldPlace): void => {
    const places = found.get(name);
    if (places === undefined) found.set(name, [place]);
    else places.push(place);
  };
  for (const layer of ALL) {
    for (const field of [...layer.fields, ...layer.moreFields]) {
      const place = { layer, field, moving: field.at < 0 };
      add(field.name, place);
      if (field.also !== null) add(field.also, place);
    }
  }
  return found;
}
