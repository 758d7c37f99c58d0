// `inspect` without --packets: the overview of each file.

import { WalkOptions } from '../../core/dissect/ports.ts';
import type { Finding } from '../../core/doctor/rule.ts';
import type { Opener } from '../../core/esp/opener.ts';
import type { DisplayFilter } from '../../core/filter/index.ts';
import { linkTypeName } from '../../core/pcap/linktype.ts';
import type { AnyReader } from '../../core/pcap/reader.ts';
import type { PacketSink } from '../../core/pcap/record.ts';
import { Sight } from '../../core/reassembly/sight.ts';
import { fileFacts, inspectDocument } from '../../core/survey/document.ts';
import { addPart } from '../../core/survey/merge.ts';
import { overviewOf } from '../../core/survey/overview.ts';
import { Survey } from '../../core/survey/survey.ts';
import type { WorkerResult } from '../../live/survey/survey-threads.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import { renderOverview } from '../render/overview.ts';
import { count } from '../units.ts';
import type { Ahead, SurveyArguments } from './ahead.ts';
import { startAhead } from './ahead.ts';
import { keysOf, tellOpened } from './keys.ts';
import type { SourceFile } from './source.ts';
import { filterOf, readSource, sizeOf, tellCutShort, walkOptions } from './source.ts';
import { pathOf, salt } from './source-options.ts';

export interface OverviewArguments extends SurveyArguments {
  readonly rows: number;
  readonly json?: true;
}

/** Files up to this size are examined for findings unless told otherwise: a larger one would take several times as long. */
const EXAMINED_BYTES = 32_000_000;

/** @param first what was started for the first file */
export async function inspectOverview(
  io: Io,
  files: readonly string[],
  given: OverviewArguments,
  first: Ahead,
): Promise<ExitCode> {
  const filter = await filterOf(given);
  const makeOpener = await keysOf(io, given);
  for (const [i, name] of files.entries()) {
    const examine = given.findings ?? (await sizeOf(pathOf(io, name))) <= EXAMINED_BYTES;
    const opener = makeOpener();
    const { survey, file, findings } =
      filter !== null || examine
        ? await surveyEach(io, name, given, { filter, examine, opener })
        : await surveyAll(io, name, given, opener, i === 0 ? first : await startAhead(io, name, given));
    const facts = fileFacts(file.name, file.reader, survey, file.cutShort, linkTypeName);
    const overview = given.json ? overviewOf(survey) : overviewOf(survey, given.rows);
    if (given.json) printJson(io, inspectDocument(facts, survey, overview, findings));
    else
      io.out((i > 0 ? '\n' : '') + renderOverview(facts, survey, overview, findings, given.rows, io.paint));
    tellCutShort(io, file, survey.packets);
    tellOpened(io, opener);
    tellLimits(io, survey);
    if (findings === null && given.findings === undefined && filter === null) {
      io.err(`vxlab: no findings were looked for in a file this large; vxlab diagnose ${name} does\n`);
    }
    if (io.signal.aborted) return EXIT.interrupted;
  }
  return EXIT.done;
}

interface Surveyed {
  readonly survey: Survey;
  readonly file: SourceFile;
  /** Null when none were looked for. */
  readonly findings: readonly Finding[] | null;
}

/** Surveys packet by packet: those that the filter takes, with a doctor beside if one is asked for. */
async function surveyEach(
  io: Io,
  name: string,
  given: OverviewArguments,
  how: { readonly filter: DisplayFilter | null; readonly examine: boolean; readonly opener: Opener | null },
): Promise<Surveyed> {
  const { filter, examine, opener } = how;
  const walk = walkOptions(given);
  const sight = new Sight(walk, {}, opener);
  const survey = new Survey({
    walk,
    salt: salt(),
    ...(given.maxFlows === undefined ? {} : { maxFlows: given.maxFlows }),
    // A packet is opened once.
    ...(opener === null ? {} : { seen: sight }),
  });
  const doctor = examine ? new (await import('../../core/doctor/doctor.ts')).Doctor() : null;
  const sink: PacketSink = (view, start, end, meta) => {
    sight.read(view, start, end, meta);
    if (filter !== null && !filter.matches(sight, meta)) return;
    doctor?.observe(sight, meta);
    survey.packet(view, start, end, meta);
  };
  const file = await readSource(io, name, given, () => sink);
  return { survey, file, findings: doctor?.findings() ?? null };
}

/** Surveys a file whole; a large one with a second thread. */
async function surveyAll(
  io: Io,
  name: string,
  given: OverviewArguments,
  opener: Opener | null,
  { task, later }: Ahead,
): Promise<Surveyed> {
  const survey = new Survey({ ...task, walk: new WalkOptions(task.walk), bulk: true, opener });
  let reader: AnyReader | null = null;
  let end: WorkerResult | null = null;
  const enough = async (): Promise<boolean> => {
    if (later === null || reader === null || io.signal.aborted) return false;
    if (reader.between && !survey.waiting) end = await later.result;
    return end !== null;
  };
  try {
    const file = await readSource(
      io,
      name,
      given,
      (made) => {
        reader = made;
        return survey.packet;
      },
      { sweep: survey.sweep, ...(later === null ? {} : { meet: { at: later.from, enough } }) },
    );
    const rest = end as WorkerResult | null;
    if (rest === null) return { survey, file, findings: null };
    addPart(survey, rest.part);
    return { survey, file: { ...file, cutShort: rest.cutShort }, findings: null };
  } finally {
    later?.stop();
  }
}

function tellLimits(io: Io, survey: Survey): void {
  const tell = (words: string): void => io.err(`${io.errPaint.yellow('vxlab:')} ${words}\n`);
  if (survey.withoutFlow > 0) {
    tell(`there were more flows than --max-flows: ${count(survey.withoutFlow, 'packet')} stand in no flow`);
  }
  if (survey.withoutTunnel > 0) {
    tell(
      `there were more tunnels and MACs than are kept: ${count(survey.withoutTunnel, 'packet')} stand in none`,
    );
  }
  if (survey.evicted > 0) {
    tell(
      `more datagrams waited for fragments than are kept: ${count(survey.evicted, 'datagram')} were given up`,
    );
  }
}
