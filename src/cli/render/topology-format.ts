// Which formats `vxlab inspect --topology` has: what the command line must know before any of them is loaded.

/** `file` is the topology file that `vxlab up` runs. */
export const TOPOLOGY_FORMATS = ['text', 'mermaid', 'dot', 'svg', 'json', 'file'] as const;
export type TopologyFormat = (typeof TOPOLOGY_FORMATS)[number];
