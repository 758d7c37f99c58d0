// The pieces of an SVG drawing: text that is measured and cut to a width, boxes, colours that read on light and dark paper.

/** Colours of networks, by turns: strong enough for a line, and faint as a fill on either paper. */
const HUES = [
  '#2f6fed',
  '#d9730d',
  '#0f9d58',
  '#b5179e',
  '#0e9aa7',
  '#c0392b',
  '#7b5cd6',
  '#6b7280',
] as const;

export function hueOf(index: number): string {
  return HUES[index % HUES.length] as string;
}

/** Width of a character of the fixed-width font, in parts of its size. */
const ADVANCE = 0.6;
/** The page for light and for dark surroundings. No script, no outside font or picture. */
const STYLE = `
  .paper { fill: #ffffff }
  .vtep { fill: #f4f5f7; stroke: #c3c8d0 }
  .blank { fill: #f4f5f7 }
  .card { fill: #ffffff; stroke: #c3c8d0 }
  .bar { fill: #e4e7ec; stroke: #c3c8d0 }
  .wire { stroke: #98a0ac; stroke-width: 2 }
  text { font-family: ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; fill: #1c2430 }
  .quiet { fill: #5b6573 }
  .strong { font-weight: 600 }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #14181e }
    .vtep { fill: #1b2129; stroke: #3a434f }
    .blank { fill: #1b2129 }
    .card { fill: #222a34; stroke: #434d5a }
    .bar { fill: #262e38; stroke: #3a434f }
    .wire { stroke: #6d7784 }
    text { fill: #e6eaf0 }
    .quiet { fill: #a3adba }
  }
`;

export interface TextOptions {
  /** Pixels; default 12. */
  readonly size?: number;
  readonly class?: string;
  readonly fill?: string;
  /** Cut to so many pixels. */
  readonly width?: number;
  readonly anchor?: 'start' | 'middle';
}

/** One line of text with its base line at `y`. */
export function svgText(x: number, y: number, words: string, options: TextOptions = {}): string {
  const size = options.size ?? 12;
  const fit = options.width === undefined ? words : fitted(words, options.width, size);
  const name = options.class === undefined ? '' : ` class="${options.class}"`;
  // A class would win over an attribute.
  const fill = options.fill === undefined ? '' : ` style="fill:${options.fill}"`;
  const anchor = options.anchor === 'middle' ? ' text-anchor="middle"' : '';
  return `<text x="${x}" y="${y}" font-size="${size}"${name}${fill}${anchor}>${escapeXml(fit)}</text>`;
}

export function svgBox(
  x: number,
  y: number,
  width: number,
  height: number,
  how: { readonly class?: string; readonly radius?: number; readonly hue?: string; readonly faint?: number },
): string {
  const name = how.class === undefined ? '' : ` class="${how.class}"`;
  const hue =
    how.hue === undefined
      ? ''
      : ` fill="${how.hue}" fill-opacity="${how.faint ?? 1}" stroke="${how.hue}" stroke-opacity="0.7"`;
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="${how.radius ?? 6}"${name}${hue}/>`;
}

export function svgWire(x: number, from: number, to: number): string {
  return `<line class="wire" x1="${x}" y1="${from}" x2="${x}" y2="${to}"/>`;
}

/** A whole document of this size around its parts; ends with a line feed. */
export function svgPage(width: number, height: number, title: string, parts: readonly string[]): string {
  const head = `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img">`;
  return [
    head,
    `<title>${escapeXml(title)}</title>`,
    `<style>${STYLE}</style>`,
    svgBox(0, 0, width, height, { class: 'paper', radius: 0 }),
    ...parts,
    '</svg>\n',
  ].join('\n');
}

/** The text, its end cut off for an ellipsis where it is too wide. */
export function fitted(words: string, width: number, size: number): string {
  const most = Math.floor(width / (size * ADVANCE));
  const chars = [...words];
  return chars.length <= most ? words : `${chars.slice(0, Math.max(0, most - 1)).join('')}…`;
}

/** Text for XML 1.0: what it does not allow becomes a question mark. */
export function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '?')
    .replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`);
}
