// The `vxlab/topology` subpath: the overlay behind a capture, rebuilt and drawn.

export { Atlas } from './atlas.ts';
export { drawDot } from './draw/dot.ts';
export { drawJson } from './draw/json.ts';
export { drawMermaid } from './draw/mermaid.ts';
export { drawSvg } from './draw/svg.ts';
export { drawText } from './draw/text.ts';
export type { AtlasLimits } from './limits.ts';
export type {
  Overlay,
  OverlayEndpoint,
  OverlayNetwork,
  OverlaySeat,
  OverlaySubnet,
  OverlayTunnel,
  OverlayVtep,
} from './overlay.ts';
export { topologyFile } from './topology-file.ts';
