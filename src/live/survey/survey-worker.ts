// The worker of survey-threads.ts: surveys a pcap file from one of its records to the end.

import { closeSync, openSync, readSync } from 'node:fs';
import { parentPort, workerData } from 'node:worker_threads';
import { WalkOptions } from '../../core/dissect/ports.ts';
import { FILE_HEADER_LEN, PcapReader } from '../../core/pcap/pcap.ts';
import { partOf } from '../../core/survey/merge.ts';
import { Survey } from '../../core/survey/survey.ts';
import type { WorkerResult, WorkerTask } from './survey-threads.ts';

const CHUNK_BYTES = 0x4_0000;

function surveyFrom({ path, from, walk, ...limits }: WorkerTask): WorkerResult {
  const survey = new Survey({ ...limits, walk: new WalkOptions(walk), bulk: true });
  const reader = new PcapReader(survey.packet, survey.sweep);
  const chunk = survey.sweep?.chunk ?? new Uint8Array(CHUNK_BYTES);
  const file = openSync(path, 'r');
  try {
    readSync(file, chunk, 0, FILE_HEADER_LEN, 0);
    reader.push(chunk.subarray(0, FILE_HEADER_LEN));
    for (let at = from; ; ) {
      const read = readSync(file, chunk, 0, chunk.length, at);
      if (read === 0) break;
      reader.push(chunk.subarray(0, read));
      at += read;
    }
  } finally {
    closeSync(file);
  }
  reader.end();
  const cut = reader.cutShort;
  // The reader saw the header and then this part, and counted its offsets so.
  const cutShort = cut === null ? null : { ...cut, offset: cut.offset - FILE_HEADER_LEN + from };
  return { part: partOf(survey), cutShort };
}

const result = surveyFrom(workerData as WorkerTask);
const { lanes, spare, addresses, ports } = result.part;
parentPort?.postMessage(result, [
  lanes.buffer,
  spare.buffer,
  addresses.buffer,
  ports.buffer,
] as ArrayBuffer[]);
