// A large file's second thread, started before this one has loaded the code that surveys: a third of the time that a file of two
// million packets takes is Node's start and the loading of modules.

import type { LaterPart, WorkerTask } from '../../live/survey/survey-threads.ts';
import { startLaterPart } from '../../live/survey/survey-threads.ts';
import type { Io } from '../io.ts';
import type { SourceArguments } from './source-options.ts';
import { pathOf, salt, walkSettings } from './source-options.ts';

/** What a file is surveyed by. */
export interface SurveyArguments extends SourceArguments {
  readonly maxFlows?: number;
  readonly findings?: boolean;
}

/** How both threads survey a file, and the part that the second one has; null where one thread counts. */
export interface Ahead {
  readonly task: Omit<WorkerTask, 'path' | 'from'>;
  readonly later: LaterPart | null;
}

/** Starts a worker on the later part of a file, if it is worth it and nobody looks at single packets. */
export async function startAhead(io: Io, name: string, given: SurveyArguments): Promise<Ahead> {
  const { maxFlows, follow, filter, findings, keys } = given;
  const task = { walk: walkSettings(given), salt: salt(), ...(maxFlows === undefined ? {} : { maxFlows }) };
  // Who opens ESP or follows is one thread; a filter and findings want each packet.
  const alone = follow || filter !== undefined || findings === true || keys !== undefined;
  return { task, later: alone ? null : await startLaterPart(pathOf(io, name), task) };
}
