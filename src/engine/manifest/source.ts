// Text to tree: the YAML reader (package `yaml`) with its findings in plain words, and the bounds that keep a hostile
// file from costing more than an honest one.
//
// The reader runs with the schema that leaves all scalars as text; what an unquoted one means is scalar.ts's matter,
// because Docker's reader (go-yaml v3) differs from YAML 1.2 in details. Merge keys (`<<`) are resolved here.

import type { Document, Node, Pair, Scalar as YamlScalar } from 'yaml';
import { isAlias, isMap, isScalar, isSeq, parseAllDocuments } from 'yaml';
import type { Diagnostics } from '../model/diagnostic.ts';
import { mendLines } from './lexical.ts';
import { joinPath } from './path.ts';
import { resolvePlain } from './scalar.ts';
import { MendedText, splitLines, TEXT_MAX } from './text.ts';
import type { Entry, Line, Scalar, ScalarNode, Span, TreeNode } from './tree.ts';
import { faultHint, faultMessage } from './yaml-fault.ts';

/** How many nodes a document may have when every alias is written out. */
export const NODES_MAX = 100_000;
/** How deep it may be nested. */
export const DEPTH_MAX = 100;
/** How many faults of one text are reported: behind the first few, YAML errors are echoes. */
const FAULTS_MAX = 20;

const START: Span = { at: { line: 1, column: 1 }, end: { line: 1, column: 1 } };

/**
 * The document's tree, or null when the text is not a document. Slips that can be mended are reported and mended; where
 * the text is still not valid YAML, only that is reported. Never throws.
 */
export function readSource(text: string, found: Diagnostics): TreeNode | null {
  const point = { ...START, path: '' };
  if (text.length > TEXT_MAX) {
    found.report('OV1012', point, `the file has ${text.length} characters; ${TEXT_MAX} is the limit`);
    return null;
  }
  if (text.startsWith('\ufeff')) {
    found.report('OV1013', point, 'the file starts with a byte order mark', 'save it as UTF-8 without one');
  }
  const mended = new MendedText(text.startsWith('\ufeff') ? text.slice(1) : text);
  let documents = parse(mended.toString());
  if (documents?.some((document) => document.errors.length > 0)) {
    mendLines(mended, found);
    if (mended.edited) documents = parse(mended.toString());
  }
  if (documents === null) {
    found.report('OV1012', point, 'the file is too large: it is nested too deeply to be read');
    return null;
  }
  return new TreeBuilder(mended, found).build(documents);
}

/** @returns null when the text is nested so deeply that the reader, which recurses, runs out of stack */
function parse(text: string): readonly Document[] | null {
  const documents = parseAllDocuments(text, {
    schema: 'failsafe',
    version: '1.2',
    uniqueKeys: false,
    merge: false,
    prettyErrors: false,
    logLevel: 'silent',
  }) as readonly Document[];
  const exhausted = documents.some((one) => one.errors.some(({ code }) => code === 'RESOURCE_EXHAUSTION'));
  return exhausted ? null : documents;
}

class TreeBuilder {
  readonly #text: MendedText;
  readonly #source: string;
  readonly #found: Diagnostics;
  readonly #anchors: Map<string, TreeNode | null> = new Map();
  /** Nodes below a node, itself included, with every alias written out. */
  readonly #weights: Map<TreeNode, number> = new Map();
  /** What stands for an alias that could not be followed: reported already, and best left out. */
  readonly #lost: Set<TreeNode> = new Set();
  #tooLarge = false;

  constructor(text: MendedText, found: Diagnostics) {
    this.#text = text;
    this.#source = text.toString();
    this.#found = found;
  }

  build(documents: readonly Document[]): TreeNode | null {
    const real = documents.filter((document) => document.contents !== null || document.errors.length > 0);
    let broken = false;
    let faults = 0;
    for (const document of real) {
      for (const { code, message, pos } of document.errors) {
        broken = true;
        if (faults++ >= FAULTS_MAX) break;
        const where = { ...this.#span(pos[0], pos[1]), path: '' };
        this.#found.report('OV1001', where, faultMessage(code, message), faultHint(code));
      }
    }
    const second = real[1]?.contents;
    if (second !== null && second !== undefined) {
      const hint =
        'keep one stack a file: Docker reads the first document and drops the others without a word';
      this.#found.report(
        'OV1010',
        { ...this.#spanOf(second), path: '' },
        'a second document starts here',
        hint,
      );
    }
    if (broken) return null;
    const contents = real[0]?.contents;
    if (contents === null || contents === undefined) {
      this.#found.report(
        'OV1014',
        { ...START, path: '' },
        'the file is empty',
        'a stack needs at least "services:"',
      );
      return null;
    }
    const tree = this.#node(contents as Node, 0, '');
    return this.#tooLarge ? null : tree;
  }

  #span(from: number, to: number): Span {
    return { at: this.#text.place(from), end: this.#text.place(Math.max(from, to)) };
  }

  #spanOf(node: unknown): Span {
    const range = (node as { range?: readonly number[] | null }).range;
    if (range === null || range === undefined) return START;
    return this.#span(range[0] ?? 0, range[1] ?? 0);
  }

  #node(node: Node, depth: number, path: string): TreeNode {
    const span = this.#spanOf(node);
    if (depth > DEPTH_MAX) return this.#refuse(span, path, `nested more than ${DEPTH_MAX} levels deep`);
    if (isAlias(node)) return this.#alias(node.source, span, path);
    const anchor = (node as { anchor?: string }).anchor;
    if (anchor !== undefined) this.#anchors.set(anchor, null);
    const built = this.#built(node, span, depth, path);
    if (anchor !== undefined) this.#anchors.set(anchor, built);
    return built;
  }

  #built(node: Node, span: Span, depth: number, path: string): TreeNode {
    if (isScalar(node)) return this.#weigh(this.#scalar(node, span), []);
    if (isSeq(node)) {
      const items: TreeNode[] = [];
      for (const [index, item] of node.items.entries()) {
        if (this.#tooLarge) break;
        const value = this.#value(item, span, depth + 1, `${path}[${index}]`);
        if (!this.#lost.has(value)) items.push(value);
      }
      return this.#weigh({ kind: 'list', items, ...span }, items);
    }
    if (isMap(node)) {
      const entries = this.#entries(node.items as Pair[], span, depth, path);
      return this.#weigh(
        { kind: 'map', entries, ...span },
        entries.map((entry) => entry.value),
      );
    }
    return this.#weigh(this.#empty(span), []);
  }

  #value(value: unknown, where: Span, depth: number, path: string): TreeNode {
    if (value === null || value === undefined) return this.#empty({ at: where.end, end: where.end });
    return this.#node(value as Node, depth, path);
  }

  #empty(where: Span): ScalarNode {
    return { kind: 'scalar', value: null, text: '', plain: true, lines: [], substituted: false, ...where };
  }

  #weigh<T extends TreeNode>(built: T, children: readonly TreeNode[]): T {
    let weight = 1;
    for (const child of children) weight += this.#weights.get(child) ?? 1;
    this.#weights.set(built, weight);
    if (weight > NODES_MAX)
      this.#refuse(built, '', `more than ${NODES_MAX} values, with aliases written out`);
    return built;
  }

  #refuse(where: Span, path: string, why: string): ScalarNode {
    if (!this.#tooLarge)
      this.#found.report('OV1012', { at: where.at, end: where.end, path }, `the file is too large: ${why}`);
    this.#tooLarge = true;
    return this.#empty({ at: where.at, end: where.end });
  }

  #alias(name: string, span: Span, path: string): TreeNode {
    const target = this.#anchors.get(name);
    if (target !== undefined && target !== null) return target;
    const why =
      target === null ? `"*${name}" stands inside its own anchor` : `there is no anchor "&${name}" above`;
    this.#found.report('OV1011', { ...span, path }, why);
    const lost = this.#empty(span);
    this.#lost.add(lost);
    return lost;
  }

  #scalar(node: YamlScalar, span: Span): ScalarNode {
    const text = String(node.value ?? '');
    const plain = node.type === 'PLAIN' && node.tag === undefined;
    const lines = plain ? this.#lines(node) : [];
    return { kind: 'scalar', value: resolve(node, text), text, plain, lines, substituted: false, ...span };
  }

  /** The source lines of a plain scalar. */
  #lines(node: YamlScalar): readonly Line[] {
    const [from, to] = node.range ?? [0, 0];
    const source = this.#source.slice(from, to);
    const lines: Line[] = [];
    let offset = from;
    for (const line of splitLines(source)) {
      const text = line.trim();
      const start = offset + line.indexOf(text);
      if (text !== '') lines.push({ text, ...this.#span(start, start + text.length) });
      offset += line.length + 1;
    }
    return lines;
  }

  #entries(pairs: readonly Pair[], span: Span, depth: number, path: string): readonly Entry[] {
    const own = new Map<string, Entry>();
    const merged: Entry[] = [];
    for (const pair of pairs) {
      if (this.#tooLarge) break;
      const where = pair.key === null ? span : this.#spanOf(pair.key);
      const key = this.#key(pair.key, where, path);
      if (key === null) continue;
      const below = joinPath(path, key);
      const value = this.#value(pair.value, where, depth + 1, below);
      if (this.#lost.has(value)) continue;
      if (key === '<<' && isScalar(pair.key) && pair.key.type === 'PLAIN') {
        merged.push(...this.#merge(value, where, path));
        continue;
      }
      const first = own.get(key);
      if (first === undefined) {
        own.set(key, { key, where, value });
      } else {
        const { line, column } = first.where.at;
        const message = `the key "${key}" stands here for the second time; the first is at ${line}:${column}`;
        this.#found.report(
          'OV1009',
          { ...where, path: below },
          message,
          'keep one of them, or join what is below',
        );
      }
    }
    for (const entry of merged) if (!own.has(entry.key)) own.set(entry.key, entry);
    return [...own.values()];
  }

  #key(key: unknown, where: Span, path: string): string | null {
    if (isScalar(key) && typeof key.value === 'string' && key.value !== '') {
      if (key.type !== 'PLAIN' || !isNull(key.value)) return key.value;
    }
    if (isAlias(key)) {
      const target = this.#alias(key.source, where, path);
      if (target.kind === 'scalar' && typeof target.value === 'string') return target.value;
    }
    this.#found.report(
      'OV1015',
      { ...where, path },
      'this key is empty or not a single word',
      'write "key: value"',
    );
    return null;
  }

  /** What `<<` brings in: one mapping, or a list of them of which the first wins. */
  #merge(value: TreeNode, where: Span, path: string): readonly Entry[] {
    const sources = value.kind === 'list' ? value.items : [value];
    const entries = new Map<string, Entry>();
    for (const source of sources) {
      if (source.kind !== 'map') {
        this.#found.report(
          'OV1103',
          { ...where, path: `${path}.<<` },
          '"<<" takes a mapping or a list of mappings',
        );
        continue;
      }
      for (const entry of source.entries) if (!entries.has(entry.key)) entries.set(entry.key, entry);
    }
    return [...entries.values()];
  }
}

function isNull(text: string): boolean {
  return resolvePlain(text) === null;
}

function resolve(node: YamlScalar, text: string): Scalar {
  switch (node.tag) {
    case undefined:
      return node.type === 'PLAIN' ? resolvePlain(text) : text;
    case 'tag:yaml.org,2002:int':
    case 'tag:yaml.org,2002:float':
    case 'tag:yaml.org,2002:bool':
    case 'tag:yaml.org,2002:null':
      return resolvePlain(text);
    default:
      return text;
  }
}
