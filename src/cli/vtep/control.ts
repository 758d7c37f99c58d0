// The control socket of a running VTEP: `vxlab show TABLE --vtep` asks it for its tables and counters. It lies in a folder of its
// own beside those of labs.

import { join } from 'node:path';
import { VxlabError } from '../../core/wire/numbers.ts';
import { callLab } from '../../live/control/client.ts';
import type { ControlHandler } from '../../live/control/control.ts';
import { ControlServer } from '../../live/control/control.ts';
import { controlFolder, ensureFolder, runningLabs } from '../../live/control/folder.ts';
import { textOf } from '../../live/control/wire.ts';
import type { LiveVtep } from '../../live/vtep/live-vtep.ts';
import type { VtepTable } from '../../live/vtep/tables.ts';
import { rowsOf, VTEP_TABLES } from '../../live/vtep/tables.ts';
import { reportOf } from '../../live/vtep/vtep-report.ts';
import { usage } from '../failure.ts';
import type { Io } from '../io.ts';

/** The folder of VTEPs' sockets. */
function vtepFolder(io: Io): string {
  return join(controlFolder(io.env), 'vteps');
}

/** @throws VxlabError LAB_RUNNING, CONTROL_REFUSED */
export async function openVtepControl(io: Io, name: string, live: LiveVtep): Promise<ControlServer> {
  await ensureFolder(controlFolder(io.env));
  return ControlServer.open({
    lab: name,
    folder: vtepFolder(io),
    handlers: new Map<string, ControlHandler>([
      ['show', (session) => session.send({ rows: rowsOf(live, tableOf(textOf(session.request, 'table'))) })],
      ['report', (session) => session.send({ report: reportOf(live) })],
    ]),
  });
}

function tableOf(name: string): VtepTable {
  const table = VTEP_TABLES.find((one) => one === name);
  if (table === undefined)
    throw new VxlabError('BAD_REQUEST', `a VTEP's "table" is one of ${VTEP_TABLES.join(', ')}`);
  return table;
}

/**
 * A table of a running VTEP.
 * @param name its name, or true for the only one that runs
 * @throws VxlabError NO_SUCH_LAB when there is none, or several and no name; USAGE for a table that no VTEP has
 */
export async function tableOfVtep(io: Io, name: string | true, table: string): Promise<readonly object[]> {
  if (!VTEP_TABLES.some((one) => one === table)) {
    throw usage(`a VTEP has the tables ${VTEP_TABLES.join(', ')}`);
  }
  const folder = vtepFolder(io);
  const running = await runningLabs(folder);
  const [only] = running;
  const there = running.length === 0 ? 'none runs' : `there are ${running.join(', ')}`;
  const lab = name === true && running.length === 1 && only !== undefined ? only : name;
  if (lab === true || !running.includes(lab)) {
    throw new VxlabError(
      'NO_SUCH_LAB',
      `${lab === true ? 'say which VTEP' : `no VTEP named ${lab}`}: ${there}`,
    );
  }
  let rows: readonly object[] = [];
  const answer = (frame: Readonly<Record<string, unknown>>): void => {
    if (Array.isArray(frame['rows'])) rows = frame['rows'] as readonly object[];
  };
  await callLab({
    folder,
    lab,
    request: { op: 'show', table },
    input: null,
    signal: io.signal,
    answer,
  });
  return rows;
}
