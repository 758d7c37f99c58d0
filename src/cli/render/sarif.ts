// Findings as SARIF 2.1.0 (OASIS Static Analysis Results Interchange Format), which code hosts and editors show.
//
// A capture has no lines: a result points at the file, and names packets in its message and in `properties.packets`.

import { pathToFileURL } from 'node:url';
import type { Entry } from '../../core/doctor/catalogue.ts';
import type { Finding, Severity } from '../../core/doctor/rule.ts';

const SCHEMA = 'https://json.schemastore.org/sarif-2.1.0.json';

/** One capture and what was found in it; `path` is absolute, or null for standard input. */
export interface Diagnosed {
  readonly name: string;
  readonly path: string | null;
  readonly packets: number;
  readonly findings: readonly Finding[];
}

/** One run with all rules that can be reported, and a result for each finding of each file. */
export function sarifLog(version: string, catalogue: readonly Entry[], files: readonly Diagnosed[]): object {
  const index = new Map(catalogue.map(({ code }, i) => [code, i]));
  return {
    $schema: SCHEMA,
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'vxlab', version, rules: catalogue.map(ruleOf) } },
        columnKind: 'utf16CodeUnits',
        artifacts: files.map((file) => ({ location: { uri: uriOf(file) } })),
        results: files.flatMap((file, i) =>
          file.findings.map((one) => resultOf(one, index.get(one.code), uriOf(file), i)),
        ),
      },
    ],
  };
}

function ruleOf({ code, severities, what, cares }: Entry): object {
  return {
    id: code,
    shortDescription: { text: what },
    fullDescription: { text: `${what} (${cares})` },
    defaultConfiguration: { level: levelOf(severities[0] ?? 'note') },
  };
}

function resultOf(one: Finding, rule: number | undefined, uri: string, index: number): object {
  return {
    ruleId: one.code,
    ...(rule === undefined ? {} : { ruleIndex: rule }),
    level: levelOf(one.severity),
    message: { text: `${one.title}. ${one.explain} Packets: ${proof(one)}. Cure: ${one.cure}` },
    locations: [{ physicalLocation: { artifactLocation: { uri, index } } }],
    occurrenceCount: one.count,
    partialFingerprints: { 'code/title': `${one.code} ${one.title}` },
    properties: { packets: one.packets, verdicts: one.verdicts },
  };
}

function proof({ count, packets }: Finding): string {
  return packets.join(', ') + (count > packets.length ? ` and ${count - packets.length} more` : '');
}

/** SARIF has the same three words. */
function levelOf(severity: Severity): string {
  return severity;
}

function uriOf({ name, path }: Diagnosed): string {
  return path === null ? encodeURIComponent(name) : pathToFileURL(path).href;
}
