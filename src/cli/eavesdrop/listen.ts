// What an eavesdropper reads in a capture file, or on the underlay of a lab that runs while he listens.

import { Eavesdropper } from '../../core/eavesdrop/eavesdropper.ts';
import type { EavesdropReport } from '../../core/eavesdrop/report.ts';
import type { Opener } from '../../core/esp/opener.ts';
import { LINKTYPE } from '../../core/pcap/linktype.ts';
import type { PacketMeta } from '../../core/pcap/record.ts';
import { Sight } from '../../core/reassembly/sight.ts';
import * as vxlan from '../../core/wire/vxlan.ts';
import type { LabCapture, Taps } from '../../lab/capture.ts';
import { EPOCH_SECONDS } from '../../lab/capture.ts';
import { growSlowly } from '../../live/heap-growth.ts';
import { NODE_INFLATE } from '../../live/node-inflate.ts';
import type { MakeOpener } from '../inspect/keys.ts';
import { tellOpened } from '../inspect/keys.ts';
import { filterOf, readSource, tellCutShort, walkOptions } from '../inspect/source.ts';
import type { SourceArguments } from '../inspect/source-options.ts';
import { salt } from '../inspect/source-options.ts';
import type { Io } from '../io.ts';

export interface ListenArguments extends SourceArguments {
  /** Only these networks. */
  readonly vni?: readonly number[];
}

/** What was heard, and where. */
export interface Heard {
  /** The file as it was named, or the stack. */
  readonly name: string;
  readonly cutShort: { readonly offset: number; readonly reason: string } | null;
  readonly report: EavesdropReport;
}

/** Listens to one capture to its end, or until Ctrl-C. @throws VxlabError as readSource and filterOf do */
export async function listenToFile(
  io: Io,
  name: string,
  given: ListenArguments,
  makeOpener: MakeOpener,
): Promise<Heard> {
  growSlowly();
  const filter = await filterOf(given);
  const opener = makeOpener();
  const ear = new Listener(given, opener);
  const file = await readSource(io, name, given, () => (view, start, end, meta) => {
    ear.sight.read(view, start, end, meta);
    if (filter === null || filter.matches(ear.sight, meta)) ear.listen(meta);
  });
  tellCutShort(io, file);
  tellOpened(io, opener);
  const { cutShort } = file;
  return {
    name: file.name,
    cutShort: cutShort === null ? null : { offset: cutShort.offset, reason: cutShort.reason },
    report: ear.end(),
  };
}

class Listener {
  readonly sight: Sight;
  readonly #eavesdropper: Eavesdropper;
  readonly #vnis: ReadonlySet<number> | null;

  constructor(given: ListenArguments, opener: Opener | null) {
    this.sight = new Sight(walkOptions(given), {}, opener);
    this.#vnis = given.vni === undefined ? null : new Set(given.vni);
    this.#eavesdropper = new Eavesdropper({
      inflate: NODE_INFLATE,
      outside: this.#vnis === null,
      salt: salt(),
    });
  }

  /** Takes in what the sight has read. */
  listen(meta: PacketMeta): void {
    if (this.#vnis === null || this.#vnis.has(innerVni(this.sight)))
      this.#eavesdropper.observe(this.sight, meta);
  }

  end(): EavesdropReport {
    this.#eavesdropper.end();
    return this.#eavesdropper.report();
  }
}

/** The network of the innermost frame, -1 outside tunnels. */
function innerVni({ last: { d, view } }: Sight): number {
  return d.innerVxlan < 0 ? -1 : vxlan.vni(view, d.start(d.innerVxlan));
}

/** An eavesdropper on every cable of a lab's underlay: each frame is heard once, as it leaves its node. */
export class UnderlayEar implements LabCapture {
  readonly taps: Taps = 'out';
  readonly #ear: Listener;
  readonly #meta: { -readonly [K in keyof PacketMeta]: PacketMeta[K] };
  #interfaces = 0;
  #isOver = false;
  #now: () => number = () => 0;

  constructor(given: ListenArguments) {
    this.#ear = new Listener(given, null);
    this.#meta = {
      ...{ number: 0, offset: 0, seconds: 0, nanos: 0, timed: true, originalLength: 0 },
      ...{ linkType: LINKTYPE.ethernet, interfaceId: 0, direction: 0, fcsLength: 0 },
      ...{ optionsStart: 0, optionsEnd: 0, littleEndian: true },
    };
  }

  begin(interfaces: readonly string[], now: () => number): void {
    this.#now = now;
    this.#interfaces = interfaces.length;
  }

  add(): number {
    return this.#interfaces++;
  }

  frame(tap: number, inbound: boolean, frame: { view: DataView; start: number; end: number }): void {
    if (inbound || this.#isOver) return;
    const meta = this.#meta;
    const now = this.#now();
    meta.number++;
    meta.interfaceId = tap;
    meta.originalLength = frame.end - frame.start;
    meta.seconds = EPOCH_SECONDS + Math.floor(now / 1e9);
    meta.nanos = now % 1e9;
    this.#ear.sight.read(frame.view, frame.start, frame.end, meta);
    this.#ear.listen(meta);
  }

  /** Ends listening. */
  report(): EavesdropReport {
    this.#isOver = true;
    return this.#ear.end();
  }
}
