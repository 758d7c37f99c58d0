// An overlay as a Mermaid flowchart (mermaid.js.org, syntax of flowcharts). Ids are letters and digits of our own; in labels
// whatever is not plain is an entity code, which Mermaid takes in quoted text.

import type { Overlay } from '../overlay.ts';
import type { GraphEdge, GraphNode, GraphShape } from './graph.ts';
import { graphOf } from './graph.ts';

/** What stands around a label. */
const SHAPES: Readonly<Record<GraphShape, readonly [string, string]>> = {
  network: ['([', '])'],
  seat: ['[', ']'],
  endpoint: ['(', ')'],
  group: ['{{', '}}'],
  note: ['>', ']'],
};

const ARROWS: Readonly<Record<GraphEdge['kind'], string>> = {
  tunnel: '===',
  link: '---',
  group: '-.->',
  carries: '-.-',
};

/** Ends with a line feed. */
export function drawMermaid(overlay: Overlay): string {
  const { boxes, nodes, edges } = graphOf(overlay);
  const lines = ['flowchart LR'];
  for (const box of boxes) {
    lines.push(
      `  subgraph ${box.id}["${label(box.lines)}"]`,
      ...box.nodes.map((node) => `    ${nodeText(node)}`),
      '  end',
    );
  }
  lines.push(...nodes.map((node) => `  ${nodeText(node)}`));
  for (const { from, to, kind, label: words } of edges) {
    const about = words === '' ? '' : `|"${label([words])}"|`;
    lines.push(`  ${from} ${ARROWS[kind]}${about} ${to}`);
  }
  const networks = nodes.filter(({ shape }) => shape === 'network').map(({ id }) => id);
  if (networks.length > 0) {
    lines.push('  classDef network stroke-width:2px', `  class ${networks.join(',')} network`);
  }
  return `${lines.join('\n')}\n`;
}

function nodeText({ id, shape, lines }: GraphNode): string {
  const [open, close] = SHAPES[shape];
  return `${id}${open}"${label(lines)}"${close}`;
}

function label(lines: readonly string[]): string {
  return lines.map(escaped).join('<br/>');
}

function escaped(text: string): string {
  return text.replace(/[^A-Za-z0-9 .,:/()_+-]/gu, (char) => `#${char.codePointAt(0)};`);
}
