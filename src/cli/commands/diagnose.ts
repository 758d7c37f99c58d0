// `vxlab diagnose FILE...`: the overlay doctor. Exit 1 when something is as bad as --fail-on says.

import { Command, Option } from 'commander';
import { WalkOptions } from '../../core/dissect/ports.ts';
import { CATALOGUE } from '../../core/doctor/catalogue.ts';
import { Doctor } from '../../core/doctor/doctor.ts';
import type { Finding } from '../../core/doctor/rule.ts';
import { SEVERITIES } from '../../core/doctor/rule.ts';
import type { Opener } from '../../core/esp/opener.ts';
import { Sight } from '../../core/reassembly/sight.ts';
import { usage } from '../failure.ts';
import { withExamples } from '../help.ts';
import { keysOf, tellOpened } from '../inspect/keys.ts';
import { filterOf, readSource, tellCutShort } from '../inspect/source.ts';
import type { SourceArguments } from '../inspect/source-options.ts';
import { addSourceOptions, pathOf, walkSettings } from '../inspect/source-options.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import type { DiagnoseDocument } from '../render/findings.ts';
import { diagnoseDocument, renderFindings } from '../render/findings.ts';
import { paintOf } from '../render/paint.ts';
import { sarifLog } from '../render/sarif.ts';
import { VERSION } from '../version.ts';

interface DiagnoseArguments extends SourceArguments {
  readonly failOn: (typeof LEVELS)[number];
  readonly json?: true;
  readonly sarif?: true;
}

const LEVELS = [...SEVERITIES, 'never'] as const;

export function diagnoseCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('diagnose')
    .summary('what is wrong in a capture: the overlay doctor')
    .description(
      'Looks for faults of tunnels and of what they carry. Each finding names the packets that prove it, who cares, and the usual cure; docs/doctor.md lists them all.',
    )
    .argument('FILE...', 'captures, or - for standard input');
  addSourceOptions(command)
    .addOption(
      new Option('--fail-on <LEVEL>', 'exit 1 when there is a finding of this severity or a worse one')
        .choices(LEVELS)
        .default('error'),
    )
    .option('--json', 'one document a file, a line each for several: docs/schema/diagnose.schema.json')
    .addOption(new Option('--sarif', 'one SARIF 2.1.0 log').conflicts('json'));
  return withExamples(command, [
    'vxlab diagnose capture.pcap',
    'vxlab diagnose --fail-on never --sarif capture.pcap',
  ]).action(async (files: string[], given: DiagnoseArguments) => {
    if (files.filter((name) => name === '-').length > 1) throw usage('standard input can be read only once');
    end(await diagnose(io, files, given));
  });
}

async function diagnose(io: Io, files: readonly string[], given: DiagnoseArguments): Promise<ExitCode> {
  const documents: DiagnoseDocument[] = [];
  const makeOpener = await keysOf(io, given);
  for (const [i, name] of files.entries()) {
    const document = await examine(io, name, given, makeOpener());
    documents.push(document);
    if (given.json && files.length === 1) printJson(io, document);
    else if (given.json) io.out(`${JSON.stringify(document)}\n`);
    else if (!given.sarif) {
      const { file, packets, findings } = document;
      io.out((i > 0 ? '\n' : '') + renderFindings(file, packets, findings, paintOf(io.paint)));
    }
    if (io.signal.aborted) break;
  }
  if (given.sarif) {
    const named = documents.map((one, i) => {
      const path = pathOf(io, files[i] as string);
      return { name: one.file, path: path === '-' ? null : path, ...one };
    });
    printJson(io, sarifLog(VERSION, CATALOGUE, named));
  }
  if (io.signal.aborted && !given.follow) return EXIT.interrupted;
  return documents.some(({ findings }) => fails(findings, given.failOn)) ? EXIT.no : EXIT.done;
}

async function examine(
  io: Io,
  name: string,
  given: DiagnoseArguments,
  opener: Opener | null,
): Promise<DiagnoseDocument> {
  const filter = await filterOf(given);
  const sight = new Sight(new WalkOptions(walkSettings(given)), {}, opener);
  const doctor = new Doctor();
  const file = await readSource(io, name, given, () => (view, start, end, meta) => {
    sight.read(view, start, end, meta);
    if (filter === null || filter.matches(sight, meta)) doctor.observe(sight, meta);
  });
  tellCutShort(io, file);
  tellOpened(io, opener);
  return diagnoseDocument(file.name, file.reader.packets, file.cutShort, doctor.findings());
}

/** True when a finding is as bad as `level`, or worse. */
function fails(findings: readonly Finding[], level: DiagnoseArguments['failOn']): boolean {
  if (level === 'never') return false;
  const least = SEVERITIES.indexOf(level);
  return findings.some(({ severity }) => SEVERITIES.indexOf(severity) <= least);
}
