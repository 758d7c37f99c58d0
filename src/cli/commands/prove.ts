// `vxlab prove [FILE]`: a canary in a container's request, looked for in every byte on the underlay: over plain VXLAN, inside ESP,
// and with TLS inside.

import { createHash, randomBytes } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { Command, InvalidArgumentError } from 'commander';
import { CANARY_MAX, CANARY_MIN } from '../../core/canary/needles.ts';
import { writeKeysFile } from '../../core/esp/keys-file.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { Weakness } from '../../engine/host/esp/weakness.ts';
import { WEAKNESSES } from '../../engine/host/esp/weakness.ts';
import type { StackSpec } from '../../engine/model/spec.ts';
import { usage } from '../failure.ts';
import { withExamples } from '../help.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT, printJson } from '../io.ts';
import { Progress } from '../progress.ts';
import { captureOf } from '../prove/capture.ts';
import { proveCve } from '../prove/cve.ts';
import { prove } from '../prove/prove.ts';
import type { Recording } from '../prove/run.ts';
import { TUNNELS } from '../prove/run.ts';
import { renderCve } from '../render/cve.ts';
import { renderProof } from '../render/prove.ts';
import { LECTURE, readStack, stackOf } from '../stack.ts';
import { whole } from '../units.ts';

interface ProveArguments {
  readonly stack?: string;
  readonly nodes?: number;
  readonly seed?: string;
  readonly canary?: string;
  readonly capture?: string;
  readonly keys?: string;
  readonly cve?: Weakness;
  readonly json?: true;
}

const SEED = '1';

export function proveCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('prove')
    .summary('plain tunnel: the secret is recovered; encrypted: it is not')
    .description(
      "Puts a random canary into a container's requests (HTTP header, body, credentials, form, gzip'd body; a MySQL query) and " +
        'runs the same stack three times: over plain VXLAN, over VXLAN inside ESP as Docker encrypts it, and over plain VXLAN ' +
        'with TLS inside. Looks for the canary in every byte on the underlay, also in base64, hexadecimal, percent-encoding and ' +
        'gzip and across packets; says where it stands, and what leaks even so. Exit code 0 when the plain tunnel shows it and ' +
        'the others do not, 1 otherwise.',
    )
    .argument('[FILE]', "Compose or topology file, or - for standard input; default the lecture's stack")
    .option('--stack <NAME>', "the stack's name; default from the file or its folder")
    .option('--nodes <N>', 'nodes in the cluster; default 3', whole(1, 1000))
    .option('--seed <S>', 'the same seed gives the same canary and, but for TLS, the same bytes')
    .option('--canary <TEXT>', `this text, ${CANARY_MIN} to ${CANARY_MAX} letters, instead of a random one`)
    .option('--capture <FOLDER>', "keep each run's underlay there as a pcapng file")
    .option('--keys <FILE>', "the ESP run's keys, as Wireshark reads them (esp_sa)")
    .option(
      '--cve <NUMBER>',
      "instead: a fault that Docker's encrypted networks once had, with its defence off and on: 2023-28840, 2023-28841, 2023-28842",
      weakness,
    )
    .option('--json', 'one JSON document: docs/schema/prove.schema.json, with --cve cve.schema.json');
  return withExamples(command, [
    'vxlab prove',
    'vxlab prove docker-compose.yml --capture proof --keys esp_sa --json',
  ]).action(async (file: string | undefined, given: ProveArguments) => {
    const stack =
      file === undefined ? await lectureStack(given) : await stackOf(io, file, given, given.nodes);
    end(given.cve === undefined ? await run(io, stack, given) : await runCve(io, stack, given.cve, given));
  });

  async function lectureStack({ stack, nodes }: ProveArguments): Promise<StackSpec> {
    const { spec } = await readStack(io, LECTURE, { stack: stack ?? 'mystack1' }, nodes);
    if (spec === null)
      throw new VxlabError('NOT_PROVABLE', 'the stack that comes with the package does not load');
    return spec;
  }
}

async function run(io: Io, spec: StackSpec, given: ProveArguments): Promise<ExitCode> {
  const canary = canaryOf(given);
  const seed = given.seed ?? SEED;
  const frames = new Map<string, Recording['underlay']>();
  const progress = new Progress(io);
  const document = await prove(io, spec, {
    canary,
    seed,
    cluster: given.nodes === undefined ? {} : { nodes: given.nodes },
    begin: (tunnel) => {
      progress.say(() => `${TUNNELS.indexOf(tunnel) + 1} of ${TUNNELS.length}: ${tunnel}`);
    },
    keep: (recording) => {
      const { tunnel, underlay } = recording;
      frames.set(tunnel, underlay);
      return given.capture === undefined ? null : kept(io, given.capture, tunnel, tunnel, underlay);
    },
    keepKeys: (associations) => {
      if (given.keys === undefined) return null;
      const path = resolve(io.cwd, given.keys);
      write(dirname(path), basename(path), writeKeysFile(associations));
      return given.keys;
    },
  }).finally(() => progress.end());
  if (given.json) printJson(io, document);
  else io.out(renderProof(document, frames, io.paint));
  return document.proved ? EXIT.done : EXIT.no;
}

async function runCve(io: Io, spec: StackSpec, cve: Weakness, given: ProveArguments): Promise<ExitCode> {
  if (given.keys !== undefined) throw usage('--keys goes without --cve: nothing there is opened');
  if (given.nodes !== undefined && cve === 'CVE-2023-28842')
    throw usage(`${cve} is about a node without peers: it is shown on one node, so --nodes has no place`);
  const frames = new Map<string, Recording['underlay']>();
  const document = await proveCve(io, spec, cve, {
    canary: canaryOf(given),
    seed: given.seed ?? SEED,
    cluster: given.nodes === undefined ? {} : { nodes: given.nodes },
    keep: (defence, underlay) => {
      frames.set(defence, underlay);
      const name = `defence-${defence}`;
      return given.capture === undefined
        ? null
        : kept(io, given.capture, name, `${cve}, defence ${defence}`, underlay);
    },
  });
  if (given.json) printJson(io, document);
  else io.out(renderCve(document, frames, io.paint));
  return document.proved ? EXIT.done : EXIT.no;
}

/** Writes a run's underlay into the folder that was named. @throws VxlabError CAPTURE_UNWRITABLE */
function kept(io: Io, folder: string, name: string, about: string, frames: Recording['underlay']): string {
  write(resolve(io.cwd, folder), `${name}.pcapng`, captureOf(frames, `vxlab prove, ${about}`));
  return join(folder, `${name}.pcapng`);
}

function weakness(text: string): Weakness {
  const found = WEAKNESSES.find((one) => one === text.toUpperCase() || one === `CVE-${text}`);
  if (found !== undefined) return found;
  throw new InvalidArgumentError(`it is one of ${WEAKNESSES.map((one) => one.slice(4)).join(', ')}`);
}

/** @throws VxlabError CAPTURE_UNWRITABLE */
function write(folder: string, name: string, content: Uint8Array | string): void {
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), content);
  } catch (error) {
    throw new VxlabError(
      'CAPTURE_UNWRITABLE',
      `cannot write ${join(folder, name)}: ${(error as Error).message}`,
    );
  }
}

/** What is said, or made of the seed that is said, or random. @throws VxlabError USAGE */
function canaryOf({ canary, seed }: ProveArguments): string {
  if (canary === undefined) {
    const random =
      seed === undefined
        ? randomBytes(12)
        : createHash('sha256').update(`canary ${seed}`).digest().subarray(0, 12);
    return `vxlab-${random.toString('hex')}`;
  }
  if (canary.length < CANARY_MIN || canary.length > CANARY_MAX) {
    throw usage(`a canary has ${CANARY_MIN} to ${CANARY_MAX} letters: fewer might stand somewhere by chance`);
  }
  if (!/^[!-~]([ -~]*[!-~])?$/.test(canary)) {
    throw usage('a canary is of printable ASCII without blanks at its ends, so that it fits a header');
  }
  return canary;
}
