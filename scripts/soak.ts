// scripts/soak: reads its words, runs the soak, prints a line a minute and a verdict. Ends with 1 when a claim does not hold.

import { parseArgs } from 'node:util';
import { cleanUp } from './benchmarks/native.ts';
import type { Minute, SoakOptions } from './soaking/run.ts';
import { soak, soakLacks } from './soaking/run.ts';

const USAGE = `usage: scripts/soak [--minutes N] [--rate N] [--backend auto|batch|raw|udp] [--json]

  --minutes  how long; default 30
  --rate     datagrams a second; default half of what it takes at most, which is measured first
  --backend  of the VTEP under test; default auto
  --json     the result as JSON, nothing else on standard output`;

const BACKENDS = ['auto', 'batch', 'raw', 'udp'] as const;
const COLUMNS = [
  ['minute', 6],
  ['received/s', 11],
  ['sent/s', 8],
  ['refused', 8],
  ['by kernel', 10],
  ['unanswered', 11],
  ['resident MB', 12],
  ['heap MB', 8],
  ['buffers MB', 11],
  ['slabs MB', 9],
  ['counters', 9],
] as const;

function options(): (SoakOptions & { readonly json: boolean }) | null {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '30' },
      rate: { type: 'string' },
      backend: { type: 'string', default: 'auto' },
      json: { type: 'boolean', default: false },
    },
  });
  const minutes = Number(values.minutes);
  const rate = values.rate === undefined ? null : Number(values.rate);
  const backend = BACKENDS.find((one) => one === values.backend);
  if (!Number.isInteger(minutes) || minutes < 1 || backend === undefined) return null;
  if (rate !== null && !(rate >= 100)) return null;
  return { minutes, rate, backend, json: values.json };
}

function line(one: Minute): string {
  const megabytes = (bytes: number): string => (bytes / 1e6).toFixed(1);
  const cells = [
    String(one.minute),
    one.received.toFixed(0),
    one.sent.toFixed(0),
    String(one.refused),
    String(one.kernelDrops),
    `${(one.unanswered * 100).toFixed(3)} %`,
    megabytes(one.resident),
    megabytes(one.memory.heap),
    megabytes(one.memory.buffers),
    megabytes(one.memory.slabs),
    one.off.length === 0 ? 'add up' : 'OFF',
  ];
  return cells.map((cell, i) => cell.padStart(COLUMNS[i]?.[1] ?? 0)).join(' ');
}

async function main(): Promise<number> {
  let asked: ReturnType<typeof options> = null;
  try {
    asked = options();
  } catch {
    // An option that there is not.
  }
  if (asked === null) {
    console.error(USAGE);
    return 2;
  }
  const lacks = soakLacks();
  if (lacks !== null) {
    console.error(lacks);
    return 4;
  }
  const { json } = asked;
  if (!json) console.log(COLUMNS.map(([name, width]) => name.padStart(width)).join(' '));
  const result = await soak(asked, (minute) => {
    if (!json) console.log(line(minute));
    for (const { text, detail } of minute.off) console.error(`minute ${minute.minute}: ${text}: ${detail}`);
  });
  const failed = result.claims.filter(({ holds }) => !holds);
  if (json) {
    console.log(JSON.stringify(result));
    return failed.length === 0 ? 0 : 1;
  }
  const how = result.top === null ? '' : `, half of the ${Math.round(result.top)} that it takes at most`;
  console.log(`\nbackend ${result.backend}, ${result.rate} datagrams a second${how}`);
  for (const { text, holds, detail } of result.claims)
    console.log(`${holds ? 'yes' : 'NO '}  ${text} (${detail})`);
  console.log(failed.length === 0 ? 'passed' : `FAILED: ${failed.length} of ${result.claims.length}`);
  return failed.length === 0 ? 0 : 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  // Ctrl-C, once everything is taken down.
  if ((error as Error).name !== 'AbortError') throw error;
  process.exitCode = 130;
} finally {
  cleanUp();
}
