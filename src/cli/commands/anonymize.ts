// `vxlab anonymize IN -o OUT`: a capture that may be shown to others.

import { createCipheriv, randomBytes, scryptSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { AnonymizeOptions } from '../../core/edit/anonymize/anonymize.ts';
import { Anonymizer } from '../../core/edit/anonymize/anonymize.ts';
import type { EditCounts, Editor } from '../../core/edit/editor.ts';
import type { Outlet } from '../../core/edit/outlet.ts';
import type { PacketMeta } from '../../core/pcap/record.ts';
import type { Sight } from '../../core/reassembly/sight.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { OutputArguments } from '../edit/run.ts';
import { addOutputOptions, runEdit } from '../edit/run.ts';
import { usage } from '../failure.ts';
import { withExamples } from '../help.ts';
import type { SourceArguments } from '../inspect/source-options.ts';
import { addSourceOptions } from '../inspect/source-options.ts';
import type { ExitCode, Io } from '../io.ts';

interface AnonymizeArguments extends SourceArguments, OutputArguments {
  readonly key?: string;
  readonly keyFile?: string;
  readonly keepPayload?: true;
  readonly cutPayload?: true;
  readonly keepOui?: true;
  readonly mapVni?: true;
}

const KEY_LEN = 32;
/** The work that guessing a passphrase costs; the same for everybody, so that a phrase gives the same bytes everywhere. */
const SCRYPT = { N: 1 << 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
const SALT = 'vxlab anonymize';

export function anonymizeCommand(io: Io, end: (code: ExitCode) => void): Command {
  const command = new Command('anonymize')
    .summary('other addresses, no payload: a capture to show around')
    .description(
      'Writes a capture with other MAC and IP addresses and other names in every layer, outer and inner, in ARP, neighbour discovery, ' +
        'ICMP quotes and DNS. Addresses that shared a prefix share one as long. What applications sent, and whatever vxlab does not ' +
        'know, becomes zeros. Checksums that were right are right. The same key gives the same bytes.',
    )
    .argument('<IN>', 'a capture, or - for standard input');
  addSourceOptions(command);
  addOutputOptions(command)
    .option('--key <KEY>', 'a passphrase, or 64 hex digits; default a new one, told on standard error')
    .option('--key-file <FILE>', 'the same from the first line of a file')
    .addOption(
      new Option('--keep-payload', 'leave what UDP, TCP and echo messages carry').conflicts('cutPayload'),
    )
    .option('--cut-payload', 'end packets before the payload, as a snap length does, in place of zeros')
    .option('--keep-oui', 'keep the first three bytes of MAC addresses, which name the maker')
    .option('--map-vni', 'other VNIs too');
  return withExamples(command, [
    'vxlab anonymize capture.pcap -o shown.pcapng',
    'vxlab anonymize capture.pcap -o shown.pcap --key lighthouse --keep-oui --json',
  ]).action(async (input: string, given: AnonymizeArguments) => end(await anonymize(io, input, given)));
}

function anonymize(io: Io, input: string, given: AnonymizeArguments): Promise<ExitCode> {
  const key = keyOf(io, given);
  const cipher = createCipheriv('aes-128-ecb', key.subarray(0, 16), null).setAutoPadding(false);
  const options: AnonymizeOptions = {
    payload: given.keepPayload ? 'keep' : given.cutPayload ? 'cut' : 'zero',
    keepOui: given.keepOui ?? false,
    vni: given.mapVni ?? false,
  };
  return runEdit(io, {
    verb: 'anonymize',
    input,
    source: given,
    output: given,
    words: {},
    make: (outputs) =>
      new AnonymizeEditor(
        outputs.open(),
        new Anonymizer((blocks) => cipher.update(blocks), key.subarray(16), options),
      ),
  });
}

/** The 32 bytes of the key. @throws VxlabError USAGE, UNREADABLE */
function keyOf(io: Io, { key, keyFile }: AnonymizeArguments): Uint8Array {
  if (key !== undefined && keyFile !== undefined) throw usage('--key and --key-file are the same; give one');
  const words = keyFile === undefined ? key : firstLine(resolve(io.cwd, keyFile));
  if (words === undefined) {
    const made = randomBytes(KEY_LEN);
    io.err(`key ${made.toString('hex')}: --key with it gives the same bytes again\n`);
    return made;
  }
  if (words === '') throw usage('the key is empty');
  if (/^[0-9a-f]{64}$/i.test(words)) return Buffer.from(words, 'hex');
  return scryptSync(words.normalize('NFC'), SALT, KEY_LEN, SCRYPT);
}

function firstLine(path: string): string {
  try {
    return readFileSync(path, 'utf8').split(/\r?\n/, 1)[0] as string;
  } catch (error) {
    throw new VxlabError('UNREADABLE', `cannot read the key: ${(error as Error).message}`);
  }
}

/** One outlet, whose interfaces are numbered and not named: names tell of machines, and comments of anything. */
class AnonymizeEditor implements Editor {
  readonly #outlet: Outlet;
  readonly #anonymizer: Anonymizer;
  readonly #interfaces: number[] = [];

  constructor(outlet: Outlet, anonymizer: Anonymizer) {
    this.#outlet = outlet;
    this.#anonymizer = anonymizer;
  }

  packet(sight: Sight, meta: PacketMeta, view: DataView, start: number): void {
    const { interfaceId, linkType } = meta;
    const end = this.#anonymizer.take(view, sight.own.d);
    let iface = this.#interfaces[interfaceId];
    if (iface === undefined) {
      iface = this.#outlet.open({ linkType, name: `if${interfaceId}` });
      this.#interfaces[interfaceId] = iface;
    }
    const silent = meta.optionsEnd > meta.optionsStart ? { ...meta, optionsStart: 0, optionsEnd: 0 } : meta;
    this.#outlet.write(iface, view, silent, this.#anonymizer.view, start, end, meta.originalLength);
  }

  end(): void {}

  counts(): EditCounts {
    return {};
  }
}
