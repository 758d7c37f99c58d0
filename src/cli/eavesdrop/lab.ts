// A stack that runs for a while, and what somebody on its underlay reads meanwhile.

import type { Io } from '../io.ts';
import { LivingLab } from '../living-lab.ts';
import { Progress } from '../progress.ts';
import { stackOf } from '../stack.ts';
import { durationText } from '../units.ts';
import type { Heard, ListenArguments } from './listen.ts';
import { UnderlayEar } from './listen.ts';

export interface StackArguments extends ListenArguments {
  /** Nanoseconds of virtual time. */
  readonly for: number;
  readonly nodes?: number;
  readonly seed: string;
}

/** @throws VxlabError UNREADABLE, BAD_MANIFEST and as Lab does */
export async function listenToStack(io: Io, file: string, given: StackArguments): Promise<Heard> {
  const spec = await stackOf(io, file, {}, given.nodes);
  const ear = new UnderlayEar(given);
  const living = new LivingLab(io, spec, {
    cluster: given.nodes === undefined ? {} : { nodes: given.nodes },
    seed: given.seed,
    manifest: file,
    log: ear,
    print: () => undefined,
  });
  const progress = new Progress(io);
  try {
    await living.start();
    await living.run(given.for, io.signal, () =>
      progress.say(() => `${durationText(living.now)} of ${durationText(given.for)} of virtual time`),
    );
    // Taking down is not part of what was asked for.
    return { name: file, cutShort: null, report: ear.report() };
  } finally {
    progress.end();
    await living.close();
  }
}
