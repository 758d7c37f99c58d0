// `vxlab eavesdrop FILE...`: what can be read on the underlay, in captures or in a lab that runs for a while. Exit 1 when it is
// more than --fail-on allows.

import { writeFile } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { ReadingKind } from '../../core/eavesdrop/reading.ts';
import type { EavesdropReport } from '../../core/eavesdrop/report.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { Counts, EavesdropDocument } from '../eavesdrop/document.ts';
import { eavesdropDocument, KINDS } from '../eavesdrop/document.ts';
import type { Heard, ListenArguments } from '../eavesdrop/listen.ts';
import { listenToFile } from '../eavesdrop/listen.ts';
import { masked } from '../eavesdrop/mask.ts';
import { usage } from '../failure.ts';
import { withExamples } from '../help.ts';
import { keysOf } from '../inspect/keys.ts';
import { addSourceOptions } from '../inspect/source.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import { renderEavesdrop } from '../render/eavesdrop.ts';
import { span, whole } from '../units.ts';

export interface EavesdropArguments extends ListenArguments {
  readonly reveal?: true;
  readonly mask?: true;
  readonly only?: readonly ReadingKind[];
  readonly failOn: ReadingKind | 'never';
  readonly rows: number;
  readonly verbose?: true;
  readonly json?: true;
  readonly html?: string;
  readonly for: number;
  readonly nodes?: number;
  readonly seed: string;
}

const ROWS = 20;
/** Columns of a line where there is no terminal. */
const WIDTH = 200;
/** As `vxlab demo` runs. */
const RUN = 3e9;
/** What names a stack and no capture. */
const MANIFESTS: readonly string[] = ['.yml', '.yaml'];

export function eavesdropCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('eavesdrop')
    .summary('what anybody on the underlay can read')
    .description(
      'Listens as somebody on the underlay would, and tells what can be read: requests, queries, log-ins, cookies, names, and ' +
        'who talks to whom, by VNI and conversation, with packet number and byte offset (docs/eavesdrop.md lists the ' +
        'protocols). What nobody can read is measured: share of printable bytes and entropy. Secrets are masked, also in a ' +
        'pipe and in files, unless --reveal is given. A Compose or topology file (.yml) is run, and its underlay listened to.',
    )
    .argument('FILE...', 'captures, or - for standard input; or a stack')
    .option('--reveal', 'show secrets')
    .addOption(new Option('--mask', 'mask secrets; the default').conflicts('reveal'))
    .option('--vni <N,...>', 'only these networks', vnis)
    .option('--only <KIND,...>', `only what is of these kinds: ${KINDS.join(', ')}`, kinds)
    .option('-V, --verbose', 'whole texts; otherwise lines are cut to the width of the terminal')
    .option('--rows <N>', 'conversations, readings and rows in words', whole(1, 1_000_000), ROWS);
  addSourceOptions(command)
    .addOption(
      new Option('--fail-on <KIND>', 'exit 1 when this, or what stands before it, can be read without a key')
        .choices([...KINDS, 'never'])
        .default('secret'),
    )
    .option('--json', 'one document a file, a line each for several: docs/schema/eavesdrop.schema.json')
    .option(
      '--html <FILE>',
      'write a report for a browser: one file that asks for no other; - is standard output',
    )
    .option('--for <TIME>', 'how long a stack runs', span, RUN)
    .option('--nodes <N>', 'nodes that a stack runs on; default 3', whole(1, 100_000))
    .option('--seed <S>', 'of a stack: the same seed gives the same bytes', '1');
  return withExamples(command, [
    'vxlab eavesdrop --fail-on never capture.pcap',
    'vxlab eavesdrop --for 1s docker-compose.yml',
  ]).action(async (files: string[], given: EavesdropArguments) => {
    refuseMixtures(files, given);
    end(await eavesdrop(io, files, given));
  });
}

function vnis(text: string): number[] {
  const list = text.split(',').map((word) => (/^\d+$/.test(word) ? Number(word) : -1));
  if (list.some((vni) => vni < 0 || vni > 0xff_ffff))
    throw new InvalidArgumentError('VNIs are whole numbers from 0 to 16777215, joined by commas: 4097,4098.');
  return list;
}

function kinds(text: string): ReadingKind[] {
  const list = text.split(',');
  if (!list.every((word): word is ReadingKind => (KINDS as readonly string[]).includes(word)))
    throw new InvalidArgumentError(`Kinds are ${KINDS.join(', ')}, joined by commas.`);
  return list;
}

/** @throws VxlabError USAGE */
function refuseMixtures(files: readonly string[], given: EavesdropArguments): void {
  if (files.filter((name) => name === '-').length > 1) throw usage('standard input can be read only once');
  if (given.html === '-' && given.json)
    throw usage('--html - and --json would both write to standard output');
}

async function eavesdrop(io: Io, files: readonly string[], given: EavesdropArguments): Promise<ExitCode> {
  const makeOpener = await keysOf(io, given);
  const pages: { readonly document: EavesdropDocument; readonly report: EavesdropReport }[] = [];
  let code: ExitCode = EXIT.done;
  for (const [i, name] of files.entries()) {
    const isStack = MANIFESTS.includes(extname(name).toLowerCase());
    const heard = isStack
      ? await (await import('../eavesdrop/lab.ts')).listenToStack(io, name, given)
      : await listenToFile(io, name, given, makeOpener);
    const report = shownOf(heard, given);
    const document = eavesdropDocument(heard, report, given.reveal === true);
    if (fails(document.readable, given.failOn)) code = EXIT.no;
    if (given.html !== undefined) pages.push({ document, report });
    if (given.json && files.length === 1) printJson(io, document);
    else if (given.json) io.out(`${JSON.stringify(document)}\n`);
    else if (given.html !== '-') {
      const options = {
        rows: given.rows,
        width: given.verbose ? Number.POSITIVE_INFINITY : (io.columns ?? WIDTH),
      };
      io.out((i > 0 ? '\n' : '') + renderEavesdrop(document, report, options, io.paint));
    }
    if (io.signal.aborted) break;
  }
  if (given.html !== undefined) await writePage(io, given.html, pages);
  return io.signal.aborted && !given.follow ? EXIT.interrupted : code;
}

/** What is asked for, masked unless it is to be shown. Masked first: what is left out may be repeated elsewhere. */
function shownOf({ report }: Heard, { reveal, only }: EavesdropArguments): EavesdropReport {
  const open = reveal ? report : masked(report);
  if (only === undefined) return open;
  const conversations = open.conversations
    .map((one) => ({ ...one, readings: one.readings.filter(({ kind }) => only.includes(kind)) }))
    .filter(({ readings }) => readings.length > 0);
  return { ...open, conversations, more: 0 };
}

async function writePage(
  io: Io,
  name: string,
  pages: readonly { readonly document: EavesdropDocument; readonly report: EavesdropReport }[],
): Promise<void> {
  const { renderEavesdropPage } = await import('../render/eavesdrop-page.ts');
  const text = renderEavesdropPage(pages);
  if (name === '-') {
    io.out(text);
    return;
  }
  await writeFile(resolve(io.cwd, name), text).catch((error: NodeJS.ErrnoException) => {
    throw new VxlabError('CAPTURE_UNWRITABLE', `cannot write ${name}: ${error.message}`);
  });
}

/** True when something of this kind, or of a worse one, was readable. */
function fails(readable: Counts, level: EavesdropArguments['failOn']): boolean {
  if (level === 'never') return false;
  return KINDS.slice(0, KINDS.indexOf(level) + 1).some((kind) => readable[kind] > 0);
}
