// What the doctor found, for people and for programs. JSON is `vxlab.diagnose/1`, described in
// docs/schema/diagnose.schema.json.

import type { Finding, Severity, Verdict } from '../../core/doctor/rule.ts';
import { SEVERITIES } from '../../core/doctor/rule.ts';
import { count } from '../units.ts';
import type { Paint } from './diagnostic.ts';
import { PLAIN } from './diagnostic.ts';

/** The width that sentences are broken to, and packet numbers shown. */
const WIDTH = 100;
const PACKETS_SHOWN = 12;
const INDENT = '    ';

/** One finding after the other and a line that counts them; ends with a line feed. */
export function renderFindings(
  file: string,
  packets: number,
  findings: readonly Finding[],
  paint: Paint = PLAIN,
): string {
  const blocks = findings.map((one) => renderFinding(one, paint));
  return `${[...blocks, summary(file, packets, findings)].join('\n')}\n`;
}

function renderFinding(one: Finding, paint: Paint): string {
  const lines = [
    `${paint[one.severity](`${one.severity} ${one.code}`)}: ${paint.bold(one.title)}`,
    `${INDENT}${paint.dim(packetsText(one))}`,
    ...wrapped(one.explain, INDENT),
    ...verdictLines(one.verdicts, paint),
    ...wrapped(`Cure: ${one.cure}`, INDENT),
  ];
  return `${lines.join('\n')}\n`;
}

function packetsText({ count: n, packets }: Finding): string {
  const shown = packets.slice(0, PACKETS_SHOWN).join(', ');
  const more = n > Math.min(packets.length, PACKETS_SHOWN) ? ', ...' : '';
  return `${count(n, 'packet')}: ${shown}${more}`;
}

function verdictLines(verdicts: readonly Verdict[], paint: Paint): string[] {
  const name = verdicts.reduce((most, one) => Math.max(most, one.implementation.length), 0);
  return verdicts.flatMap(({ implementation, accepts, why }) => {
    const verdict = accepts ? paint.note('accepts') : paint.error('drops  ');
    const [first = '', ...rest] = wrapped(why, '', WIDTH - INDENT.length - name - 11);
    const margin = ' '.repeat(INDENT.length + name + 11);
    return [
      `${INDENT}${implementation.padEnd(name)}  ${verdict}  ${first}`,
      ...rest.map((line) => `${margin}${line}`),
    ];
  });
}

/** A sentence broken at spaces. */
function wrapped(text: string, indent: string, width: number = WIDTH - indent.length): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(indent + line);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, indent + line];
}

function summary(file: string, packets: number, findings: readonly Finding[]): string {
  const seen = `${file}: ${count(packets, 'packet')}`;
  if (findings.length === 0) return `${seen}, nothing found`;
  const counts = SEVERITIES.map((severity) => count(countOf(findings, severity), severity));
  return `${seen}, ${counts.join(', ')}`;
}

function countOf(findings: readonly Finding[], severity: Severity): number {
  return findings.filter((one) => one.severity === severity).length;
}

/** The document that `vxlab diagnose --json` prints for each file. */
export interface DiagnoseDocument {
  readonly schema: 'vxlab.diagnose/1';
  readonly file: string;
  readonly packets: number;
  /** Where and why reading stopped before the end. */
  readonly cutShort: { readonly offset: number; readonly reason: string } | null;
  readonly findings: readonly Finding[];
}

export function diagnoseDocument(
  file: string,
  packets: number,
  cutShort: DiagnoseDocument['cutShort'],
  findings: readonly Finding[],
): DiagnoseDocument {
  return {
    schema: 'vxlab.diagnose/1',
    file,
    packets,
    cutShort: cutShort === null ? null : { offset: cutShort.offset, reason: cutShort.reason },
    findings: findings.map(
      ({ code, severity, count: n, packets: proof, title, explain, cure, verdicts }) => ({
        code,
        severity,
        count: n,
        packets: proof,
        title,
        explain,
        cure,
        verdicts,
      }),
    ),
  };
}
