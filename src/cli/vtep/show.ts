// `vxlab show TABLE --vtep`: the tables of a running VTEP, printed as a lab's are.

import type { FdbRow } from '../../lab/tables-fdb.ts';
import type { LinkRow } from '../../lab/tables-links.ts';
import type { NeighRow } from '../../lab/tables-neigh.ts';
import type { PeerRow } from '../../lab/tables-peers.ts';
import type { Io } from '../io.ts';
import { printJson } from '../io.ts';
import { renderFdb, renderLinks, renderNeigh } from '../render/devices.ts';
import { renderPeers } from '../render/networks.ts';
import { tableOfVtep } from './control.ts';

type Rows = readonly object[];

/** The rows are of this build's own making: their shapes are those of a lab. */
const RENDER: Readonly<Record<string, (rows: Rows) => string>> = {
  fdb: (rows) => renderFdb(rows as readonly FdbRow[]),
  links: (rows) => renderLinks(rows as readonly LinkRow[]),
  neigh: (rows) => renderNeigh(rows as readonly NeighRow[]),
  peers: (rows) => renderPeers(rows as readonly PeerRow[]),
};

/** @throws VxlabError NO_SUCH_LAB when no such VTEP runs, BAD_REQUEST for a table that a VTEP has not */
export async function showVtep(io: Io, name: string | true, table: string, json: boolean): Promise<void> {
  const rows = await tableOfVtep(io, name, table);
  if (json) printJson(io, { schema: 'vxlab.show/1', stack: '', profile: 'vtep', table, rows });
  else io.out(RENDER[table]?.(rows) ?? '');
}
