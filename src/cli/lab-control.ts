// What a running lab answers on its control socket: `exec` runs a program in a container, `show` gives a table's rows, `info` says
// what runs. The words on the wire are in live/control/wire.ts.
//
//   {"op":"exec","task":"web","argv":["curl","http://app/"]}  ─►  {"task":...} {"stdout":...} {"stderr":...} {"exit":0}
//   {"op":"show","table":"fdb"}                               ─►  {"rows":[...]}
//   {"op":"info"}                                             ─►  {"stack":..., "profile":..., "seed":..., "now":..., "tasks":[...]}

import { execute } from '../apps/exec/execute.ts';
import { VxlabError } from '../core/wire/numbers.ts';
import type { ControlHandler } from '../live/control/control.ts';
import { ControlServer } from '../live/control/control.ts';
import { controlFolder } from '../live/control/folder.ts';
import { textOf, textsOf } from '../live/control/wire.ts';
import type { Io } from './io.ts';
import type { LivingLab } from './living-lab.ts';

/** Opens the control socket of a lab whose time follows the wall clock. @throws VxlabError LAB_RUNNING, CONTROL_REFUSED */
export function openControl(io: Io, living: LivingLab): Promise<ControlServer> {
  return ControlServer.open({
    lab: living.lab.spec.name,
    folder: controlFolder(io.env),
    handlers: new Map<string, ControlHandler>([
      ['exec', (session) => runProgram(living, session)],
      ['show', (session) => session.send({ rows: rowsOf(living, textOf(session.request, 'table')) })],
      ['info', (session) => session.send(infoOf(living))],
    ]),
  });
}

async function runProgram(living: LivingLab, session: Parameters<ControlHandler>[0]): Promise<void> {
  const { request, signal, input } = session;
  const argv = textsOf(request, 'argv');
  if (argv.length === 0) throw new VxlabError('BAD_REQUEST', '"argv" names a program');
  const { world } = living.lab.sim;
  const began = living.now;
  const execution = execute(world, living.runtime, textOf(request, 'task'), argv, {
    input,
    out: (bytes) => session.sendBytes('stdout', bytes),
    err: (text) => void session.sendBytes('stderr', Buffer.from(text)),
    // Somebody is there who can interrupt it.
    endless: () => {},
  });
  await session.send({ task: execution.task });
  const stop = (): void => {
    if (signal.aborted) execution.stop();
  };
  stop();
  signal.addEventListener('abort', stop, { once: true });
  const exit = await execution.ended;
  await session.send({ exit, started: began, duration: living.now - began });
}

/** @throws VxlabError BAD_REQUEST naming the tables there are */
function rowsOf({ lab }: LivingLab, table: string): readonly object[] {
  const tables: Readonly<Record<string, () => readonly object[]>> = {
    fdb: () => lab.fdb(),
    links: () => lab.links(),
    peers: () => lab.peers(),
    neigh: () => lab.neigh(),
    ipam: () => lab.ipam(),
    dns: () => lab.dns(),
    ipvs: () => lab.ipvs(),
  };
  const rows = Object.hasOwn(tables, table) ? tables[table] : undefined;
  if (rows === undefined)
    throw new VxlabError('BAD_REQUEST', `"table" is one of ${Object.keys(tables).join(', ')}`);
  return rows();
}

function infoOf({ lab, now }: LivingLab): Readonly<Record<string, unknown>> {
  const { world } = lab.sim;
  return {
    stack: lab.spec.name,
    profile: world.plan.profile.name,
    seed: lab.seed,
    now,
    nodes: [...world.nodes.keys()],
    tasks: [...world.containers.values()].map(({ name, node }) => ({ name, node })),
  };
}
