// `vxlab eavesdrop FILE...`: what can be read on the underlay, in captures or in a lab that runs for a while. Exit 1 when it is
// more than --fail-on allows.

import { open } from 'node:fs/promises';
import { extname, resolve } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import type { ReadingKind } from '../../core/eavesdrop/reading.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import { documentPieces } from '../eavesdrop/document.ts';
import type { ListenArguments } from '../eavesdrop/listen.ts';
import { listenToFile } from '../eavesdrop/listen.ts';
import type { Counts } from '../eavesdrop/view.ts';
import { KINDS, View } from '../eavesdrop/view.ts';
import { usage } from '../failure.ts';
import { withExamples } from '../help.ts';
import { keysOf } from '../inspect/keys.ts';
import { addSourceOptions } from '../inspect/source-options.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT } from '../io.ts';
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
  const views: View[] = [];
  const toOutput = (bytes: Uint8Array): Promise<void> => io.write(bytes);
  let code: ExitCode = EXIT.done;
  for (const [i, name] of files.entries()) {
    const isStack = MANIFESTS.includes(extname(name).toLowerCase());
    const heard = isStack
      ? await (await import('../eavesdrop/lab.ts')).listenToStack(io, name, given)
      : await listenToFile(io, name, given, makeOpener);
    const view = new View(heard, given);
    if (fails(view.readable, given.failOn)) code = EXIT.no;
    if (given.html !== undefined) views.push(view);
    if (given.json) await writeAll(documentPieces(view, files.length === 1 ? 2 : 0), toOutput);
    else if (given.html !== '-') {
      const width = given.verbose ? Number.POSITIVE_INFINITY : (io.columns ?? WIDTH);
      io.out((i > 0 ? '\n' : '') + renderEavesdrop(view, { rows: given.rows, width }, io.paint));
    }
    if (io.signal.aborted) break;
  }
  if (given.html !== undefined) {
    const { pagePieces } = await import('../render/eavesdrop-page.ts');
    if (given.html === '-') await writeAll(pagePieces(views), toOutput);
    else await writeFile(io, given.html, pagePieces(views));
  }
  return io.signal.aborted && !given.follow ? EXIT.interrupted : code;
}

/** @throws VxlabError CAPTURE_UNWRITABLE */
async function writeFile(io: Io, name: string, pieces: Iterable<string>): Promise<void> {
  try {
    const file = await open(resolve(io.cwd, name), 'w');
    try {
      await writeAll(pieces, (bytes) => file.appendFile(bytes));
    } finally {
      await file.close();
    }
  } catch (error) {
    throw new VxlabError('CAPTURE_UNWRITABLE', `cannot write ${name}: ${(error as Error).message}`);
  }
}

/** Characters that are put together before they are written. */
const LOT = 1 << 18;

/** Writes as fast as they are taken, so that no more of them is there than a lot. */
async function writeAll(
  pieces: Iterable<string>,
  write: (bytes: Uint8Array) => Promise<void>,
): Promise<void> {
  let lot = '';
  for (const piece of pieces) {
    lot += piece;
    if (lot.length < LOT) continue;
    await write(Buffer.from(lot));
    lot = '';
  }
  if (lot !== '') await write(Buffer.from(lot));
}

/** True when something of this kind, or of a worse one, was readable. */
function fails(readable: Counts, level: EavesdropArguments['failOn']): boolean {
  if (level === 'never') return false;
  return KINDS.slice(0, KINDS.indexOf(level) + 1).some((kind) => readable[kind] > 0);
}
