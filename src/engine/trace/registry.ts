// The elements of a world by number: what a trace event's `where` leads back to.

import type { ElementId } from './event.ts';

export type ElementKind =
  | 'host'
  | 'veth'
  | 'bridge'
  | 'vtep'
  | 'demux'
  | 'link'
  | 'router'
  | 'switch'
  | 'vlan';

export interface Element {
  readonly kind: ElementKind;
  /** Its name in its place, as `ip link` or `docker ps` would show it. */
  readonly name: string;
  /** Where it is: a node and, in it, a namespace; empty for the underlay. */
  readonly place: string;
}

const NOBODY: Element = { kind: 'host', name: 'nobody', place: '' };

export class Registry {
  readonly #elements: Element[] = [NOBODY];

  get size(): number {
    return this.#elements.length - 1;
  }

  add(kind: ElementKind, name: string, place: string): ElementId {
    this.#elements.push({ kind, name, place });
    return this.#elements.length - 1;
  }

  at(id: ElementId): Element {
    return this.#elements[id] ?? NOBODY;
  }
}
