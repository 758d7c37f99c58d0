// `vxlab inspect --topology`: an overlay in the format that was asked for.

import { drawDot } from '../../core/topology/draw/dot.ts';
import { drawJson } from '../../core/topology/draw/json.ts';
import { drawMermaid } from '../../core/topology/draw/mermaid.ts';
import { drawSvg } from '../../core/topology/draw/svg.ts';
import { drawText } from '../../core/topology/draw/text.ts';
import type { Overlay } from '../../core/topology/overlay.ts';
import { topologyFile } from '../../core/topology/topology-file.ts';
import type { TopologyFormat } from './topology-format.ts';

const WRITERS: Readonly<Record<TopologyFormat, (overlay: Overlay) => string>> = {
  text: drawText,
  mermaid: drawMermaid,
  dot: drawDot,
  svg: drawSvg,
  json: drawJson,
  file: topologyFile,
};

/** Ends with a line feed, whatever the format. */
export function topologyText(overlay: Overlay, format: TopologyFormat): string {
  return WRITERS[format](overlay);
}
