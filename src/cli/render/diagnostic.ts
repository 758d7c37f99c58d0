// Diagnostics for people and for programs.
//
// Text is what compilers have taught people to read: the place, the rule, the sentence, the source line with a mark
// under it, and what to do. JSON is `vxlab.lint/1`, described in docs/schema/lint.schema.json.

import type { Diagnostic, Severity } from '../../engine/model/diagnostic.ts';
import { countSeverities } from '../../engine/model/diagnostic.ts';

/** How words are coloured; all of them plain where there is no terminal. */
export interface Paint {
  readonly error: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly note: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly bold: (text: string) => string;
}

const same = (text: string): string => text;

export const PLAIN: Paint = { error: same, warning: same, note: same, dim: same, bold: same };

/** Source lines longer than this are cut around the mark. */
const WIDTH = 100;

/** All diagnostics of one file and a line that counts them; ends with a line feed. */
export function renderDiagnostics(
  file: string,
  text: string,
  diagnostics: readonly Diagnostic[],
  paint: Paint = PLAIN,
): string {
  const lines = text.split('\n');
  const blocks = diagnostics.map((one) => renderDiagnostic(file, lines, one, paint));
  return `${[...blocks, summary(file, diagnostics)].join('\n')}\n`;
}

function renderDiagnostic(file: string, lines: readonly string[], one: Diagnostic, paint: Paint): string {
  const { line, column } = one.at;
  const place = paint.bold(`${file}:${line}:${column}`);
  const head = `${place} ${paint[one.severity](`${one.severity} ${one.rule}`)}: ${one.message}`;
  const source = sourceLines(lines[line - 1] ?? '', one, paint);
  const hint = one.hint === null ? [] : [`${margin('')} ${paint.dim('=')} ${one.hint}`];
  return `${[head, ...source, ...hint].join('\n')}\n`;
}

function sourceLines(raw: string, one: Diagnostic, paint: Paint): readonly string[] {
  const line = raw.replace(/\r$/, '');
  if (line.trim() === '') return [];
  const start = one.at.column - 1;
  const end = one.end !== null && one.end.line === one.at.line ? one.end.column - 1 : markEnd(line, one);
  const cut = start > WIDTH - 20 ? start - 20 : 0;
  const shown = line.slice(cut, cut + WIDTH);
  const before = printable(shown.slice(0, start - cut));
  const length = Math.max(1, Math.min(end, cut + WIDTH, line.length) - start);
  const mark = `${' '.repeat(before.length)}${'^'.repeat(length)}`;
  const more = line.length > cut + WIDTH ? '...' : '';
  return [
    `${margin(String(one.at.line))} ${paint.dim('|')} ${printable(shown)}${more}`,
    `${margin('')} ${paint.dim('|')} ${paint[one.severity](mark)}`,
  ];
}

/** A mark that goes on below ends with its first line; without an end it is one character. */
function markEnd(line: string, one: Diagnostic): number {
  return one.end === null ? one.at.column : line.trimEnd().length;
}

function margin(text: string): string {
  return text.padStart(5);
}

/** Control characters shown as one visible character each, so that marks stay under what they mean. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, (char) => (char === '\t' ? '\u2192' : '\ufffd'));
}

function summary(file: string, diagnostics: readonly Diagnostic[]): string {
  if (diagnostics.length === 0) return `${file}: no problems`;
  const counts = countSeverities(diagnostics);
  return `${file}: ${count(counts, 'error')}, ${count(counts, 'warning')}, ${count(counts, 'note')}`;
}

function count(counts: Readonly<Record<Severity, number>>, severity: Severity): string {
  const n = counts[severity];
  return `${n} ${severity}${n === 1 ? '' : 's'}`;
}

/** The document that `vxlab lint --json` prints. */
export interface LintDocument {
  readonly schema: 'vxlab.lint/1';
  readonly file: string;
  readonly diagnostics: readonly Diagnostic[];
  readonly errors: number;
  readonly warnings: number;
}

export function lintDocument(file: string, diagnostics: readonly Diagnostic[]): LintDocument {
  const { error, warning } = countSeverities(diagnostics);
  return {
    schema: 'vxlab.lint/1',
    file,
    diagnostics: diagnostics.map(({ rule, severity, message, hint, at, end, path }) => ({
      rule,
      severity,
      message,
      hint,
      at,
      end,
      path,
    })),
    errors: error,
    warnings: warning,
  };
}
