// `inspect --topology`: the overlay behind the captures, as a tree, a drawing, a document or a file that `up` runs. Several files
// are taken for one network seen from several places.

import { Sight } from '../../core/reassembly/sight.ts';
import { Atlas } from '../../core/topology/atlas.ts';
import type { ExitCode, Io } from '../io.ts';
import { EXIT } from '../io.ts';
import { topologyText } from '../render/topology.ts';
import type { TopologyFormat } from '../render/topology-format.ts';
import { keysOf, tellOpened } from './keys.ts';
import { filterOf, readSource, tellCutShort, walkOptions } from './source.ts';
import type { SourceArguments } from './source-options.ts';
import { salt } from './source-options.ts';

export interface TopologyArguments extends SourceArguments {
  readonly topology?: true;
  readonly format: TopologyFormat;
  readonly json?: true;
}

export async function inspectTopology(
  io: Io,
  files: readonly string[],
  given: TopologyArguments,
): Promise<ExitCode> {
  const filter = await filterOf(given);
  const makeOpener = await keysOf(io, given);
  const atlas = new Atlas({}, salt());
  for (const name of files) {
    const sight = new Sight(walkOptions(given), {}, makeOpener());
    const file = await readSource(io, name, given, () => (view, start, end, meta) => {
      sight.read(view, start, end, meta);
      if (filter === null || filter.matches(sight, meta)) atlas.observe(sight, meta);
    });
    tellCutShort(io, file);
    tellOpened(io, sight.opener);
    if (io.signal.aborted) break;
  }
  const format = given.json ? 'json' : given.format;
  io.out(topologyText(atlas.overlay(), format));
  return io.signal.aborted && !given.follow ? EXIT.interrupted : EXIT.done;
}
