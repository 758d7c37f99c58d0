// Holds one value against its shape: variables, type, format, allowed values.

import type { CheckContext } from './context.ts';
import { interpolate } from './interpolate.ts';
import { codePoint, ODD_QUOTE } from './lexical.ts';
import { subject } from './path.ts';
import { castBoolean, castNumber, parseDuration, parseSize } from './scalar.ts';
import type { ScalarShape, ScalarType } from './shape.ts';
import { describeShape, joinWords } from './shape.ts';
import { suggest } from './suggest.ts';
import type { Scalar, ScalarNode, TreeNode } from './tree.ts';

/** What a node is, in words that follow "not". */
export function nodeWords(node: TreeNode): string {
  if (node.kind === 'list') return 'a list';
  if (node.kind === 'map') return 'a mapping';
  switch (typeof node.value) {
    case 'string':
      return `the text "${shorten(node.value)}"`;
    case 'number':
      return `the number ${node.text}`;
    case 'boolean':
      return `the truth value ${node.text}`;
    default:
      return 'nothing';
  }
}

function shorten(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 37)}...`;
}

export function checkScalar(
  node: ScalarNode,
  shape: ScalarShape,
  path: string,
  context: CheckContext,
): ScalarNode | null {
  reportQuotes(node, path, context);
  const filled = fillIn(node, path, context);
  const value = cast(filled, shape);
  if (!shape.types.some((type) => isOf(value, type))) {
    const name = subject(path);
    const message = `${name} must be ${describeShape(shape)}, not ${nodeWords(filled)}`;
    const hint = typeHint(filled, shape, name);
    context.found.report(shape.rule, { at: node.at, end: node.end, path }, message, hint);
    return null;
  }
  if (typeof value === 'string' && !checkText(value, node, shape, path, context)) return null;
  return { ...filled, value };
}

function reportQuotes(node: ScalarNode, path: string, context: CheckContext): void {
  if (!node.plain) return;
  const odd = [node.text[0] ?? '', node.text[node.text.length - 1] ?? ''].find((one) => ODD_QUOTE.test(one));
  if (odd === undefined) return;
  const message = `the typographic quote ${odd} (${codePoint(odd)}) becomes part of the value`;
  context.found.report(
    'OV1004',
    { at: node.at, end: node.end, path },
    message,
    `type a plain ' or " in its place`,
  );
}

/** The node with its variables filled in. */
function fillIn(node: ScalarNode, path: string, context: CheckContext): ScalarNode {
  if (typeof node.value !== 'string') return node;
  const { text, faults } = interpolate(node.value, context.variables);
  const where = { at: node.at, end: node.end, path };
  for (const fault of faults) {
    if (fault.kind === 'invalid') {
      const hint = 'write $$ for a dollar sign, and $NAME for a variable';
      context.found.report('OV1116', where, `"${fault.name}" is not a variable reference`, hint);
    } else if (fault.kind === 'unset') {
      const hint = `set it, or give a default: \${${fault.name}:-value}`;
      context.found.report(
        'OV1117',
        where,
        `the variable ${fault.name} is not set; nothing stands in its place`,
        hint,
      );
    } else {
      const why = fault.why === '' ? null : `the file says: ${fault.why}`;
      context.found.report('OV1118', where, `the variable ${fault.name} must be set`, why);
    }
  }
  return text === node.value ? node : { ...node, value: text, text, substituted: true };
}

function cast(node: ScalarNode, shape: ScalarShape): Scalar {
  const value = node.value;
  if (!node.substituted || !shape.cast || typeof value !== 'string' || shape.types.includes('string'))
    return value;
  if (shape.types.includes('boolean')) return castBoolean(value) ?? value;
  return castNumber(value, !shape.types.includes('number')) ?? value;
}

function isOf(value: Scalar, type: ScalarType): boolean {
  switch (type) {
    case 'null':
      return value === null;
    case 'integer':
      return Number.isSafeInteger(value);
    case 'number':
      return typeof value === 'number';
    default:
      return typeof value === type;
  }
}

function typeHint(node: ScalarNode, shape: ScalarShape, name: string): string | null {
  const wantsText = shape.types.includes('string');
  if (name === '"encrypted"' && shape.rule === 'OV1206') {
    return `write encrypted: "${node.text}"; any value, even "false", turns encryption on`;
  }
  if (wantsText && (typeof node.value === 'number' || typeof node.value === 'boolean')) {
    return `quote it: "${node.text}"`;
  }
  if (typeof node.value !== 'string') return null;
  const text = node.value.trim();
  if (shape.types.includes('boolean') && castBoolean(text) !== null)
    return `write ${String(castBoolean(text))}, without quotes`;
  const numeric = shape.types.includes('integer') || shape.types.includes('number');
  if (numeric && !node.plain && castNumber(text, false) !== null) return `write ${text}, without quotes`;
  return null;
}

function checkText(
  value: string,
  node: ScalarNode,
  shape: ScalarShape,
  path: string,
  context: CheckContext,
): boolean {
  const where = { at: node.at, end: node.end, path };
  if (shape.format === 'duration' && parseDuration(value) === null) {
    const hint = 'write a number and a unit, as in 90s, 1m30s or 500ms';
    context.found.report('OV1114', where, `"${value}" is not a duration`, hint);
    return false;
  }
  if (shape.format === 'size' && parseSize(value) === null) {
    context.found.report(
      'OV1115',
      where,
      `"${value}" is not a size`,
      'write a number and a unit, as in 64M or 1G',
    );
    return false;
  }
  if (shape.values.length > 0 && !shape.values.includes(value)) {
    const meant = suggest(value, shape.values);
    const hint = meant === null ? null : `did you mean "${meant}"?`;
    context.found.report(
      'OV1111',
      where,
      `"${value}" is none of the values allowed: ${joinWords(shape.values)}`,
      hint,
    );
    return false;
  }
  return true;
}
