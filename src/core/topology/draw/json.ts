// An overlay as a JSON document: docs/schema/topology.schema.json.

import type { Overlay } from '../overlay.ts';

/** `vxlab.topology/1` */
export interface TopologyDocument extends Overlay {
  readonly schema: 'vxlab.topology/1';
}

export function topologyDocument(overlay: Overlay): TopologyDocument {
  return { schema: 'vxlab.topology/1', ...overlay };
}

/** Ends with a line feed. */
export function drawJson(overlay: Overlay): string {
  return `${JSON.stringify(topologyDocument(overlay), null, 2)}\n`;
}
