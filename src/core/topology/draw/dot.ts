// An overlay in Graphviz's language (graphviz.org, "DOT Language"): VTEPs are clusters. Labels are quoted strings, in which
// quotes, backslashes and ampersands are escaped.

import type { Overlay } from '../overlay.ts';
import type { GraphEdge, GraphNode, GraphShape } from './graph.ts';
import { graphOf } from './graph.ts';

const SHAPES: Readonly<Record<GraphShape, string>> = {
  network: 'shape=box, style="rounded,bold"',
  seat: 'shape=box',
  endpoint: 'shape=box, style=rounded',
  group: 'shape=hexagon',
  note: 'shape=plaintext',
};

const EDGES: Readonly<Record<GraphEdge['kind'], string>> = {
  tunnel: 'style=bold',
  link: 'style=solid',
  group: 'style=dashed',
  carries: 'style=dotted',
};

/** Ends with a line feed. */
export function drawDot(overlay: Overlay): string {
  const { boxes, nodes, edges } = graphOf(overlay);
  const lines = [
    'graph overlay {',
    '  graph [rankdir=LR, fontname="sans-serif", fontsize=11];',
    '  node [fontname="sans-serif", fontsize=10];',
    '  edge [fontname="sans-serif", fontsize=9];',
  ];
  for (const box of boxes) {
    lines.push(
      `  subgraph cluster_${box.id} {`,
      `    label=${quoted(box.lines)};`,
      '    style=rounded;',
      ...box.nodes.map((node) => `    ${nodeText(node)}`),
      '  }',
    );
  }
  lines.push(...nodes.map((node) => `  ${nodeText(node)}`));
  for (const { from, to, kind, label } of edges) {
    const words = label === '' ? '' : `, label=${quoted([label])}`;
    lines.push(`  ${from} -- ${to} [${EDGES[kind]}${words}];`);
  }
  return `${[...lines, '}'].join('\n')}\n`;
}

function nodeText({ id, shape, lines }: GraphNode): string {
  return `${id} [${SHAPES[shape]}, label=${quoted(lines)}];`;
}

/** Lines in the middle; `\n` between them is DOT's own. */
function quoted(lines: readonly string[]): string {
  return `"${lines.map(escaped).join('\\n')}"`;
}

function escaped(text: string): string {
  return text
    .replace(/\p{Cc}/gu, ' ')
    .replace(/[\\"]/g, '\\$&')
    .replaceAll('&', '&amp;');
}
