// A large pcap file surveyed by two threads: this one reads from the front to about the middle, a worker from there to the end.
//
// Where the middle begins is a guess (core/pcap/resync.ts). When the front's reader comes to the place and stands between two
// records, with no datagram in fragments waiting, the guess was right and the worker's part is added. Else it is thrown away and
// the front goes on alone: the counts are those of one thread in any case.

import type { FileHandle } from 'node:fs/promises';
import { open } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { WalkSettings } from '../../core/dissect/ports.ts';
import { FILE_HEADER_LEN } from '../../core/pcap/pcap.ts';
import type { CutShort } from '../../core/pcap/record.ts';
import { findRecord } from '../../core/pcap/resync.ts';
import type { SurveyPart } from '../../core/survey/merge.ts';
import { isBuilt, PROGRAM, startThread } from '../programs.ts';

/** Below this a worker takes longer to start than it saves. */
const WORTH = 150_000_000;
/** What the front reads while the worker starts, less what this thread still loads meanwhile: so much later its part begins. */
const LEAD = 40_000_000;
/** Bytes in which a record is looked for. */
const WINDOW = 0x4_0000;

export interface WorkerTask {
  readonly path: string;
  readonly from: number;
  readonly walk: WalkSettings;
  readonly maxFlows?: number;
  readonly salt: number;
}

export interface WorkerResult {
  readonly part: SurveyPart;
  readonly cutShort: CutShort | null;
}

/** A later part of a file that a worker is counting. */
export interface LaterPart {
  /** Where it begins. */
  readonly from: number;
  readonly result: Promise<WorkerResult>;
  /** For a result that nobody wants. */
  stop(): void;
}

/** Starts a worker on the second half of a file, if it is a pcap file that is worth it; else null. */
export async function startLaterPart(
  path: string,
  task: Omit<WorkerTask, 'path' | 'from'>,
): Promise<LaterPart | null> {
  if (path === '-' || availableParallelism() < 2 || !isBuilt(PROGRAM.survey)) return null;
  const handle = await open(path, 'r').catch(() => null);
  if (handle === null) return null;
  try {
    const from = await middleOf(handle);
    return from < 0 ? null : await started({ ...task, path, from });
  } finally {
    await handle.close();
  }
}

async function middleOf(handle: FileHandle): Promise<number> {
  const found = await handle.stat();
  if (!found.isFile() || found.size < WORTH) return -1;
  const header = new Uint8Array(FILE_HEADER_LEN);
  await handle.read(header, 0, header.length, 0);
  const window = new Uint8Array(WINDOW);
  const middle = Math.floor((found.size + LEAD) / 2);
  const { bytesRead } = await handle.read(window, 0, WINDOW, middle);
  const at = findRecord(header, window.subarray(0, bytesRead));
  return at < 0 ? -1 : middle + at;
}

async function started(task: WorkerTask): Promise<LaterPart> {
  const worker = await startThread(PROGRAM.survey, task);
  const result = new Promise<WorkerResult>((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', reject);
  });
  // Who stops it early does not wait for it.
  result.catch(() => undefined);
  return { from: task.from, result, stop: () => void worker.terminate() };
}
