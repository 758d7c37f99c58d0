// scripts/fuzz: reads its words, runs the loop, tells rates, and writes finds to fixtures/found. Ends with 1 when there are any.

import { parseArgs } from 'node:util';
import { Chance } from './fuzzing/chance.ts';
import { Corpus, FOUND } from './fuzzing/corpus.ts';
import { saveFound } from './fuzzing/found.ts';
import type { Counts, Find } from './fuzzing/run.ts';
import { fuzz } from './fuzzing/run.ts';
import { chosen, KINDS, TARGETS } from './fuzzing/targets.ts';
import { V8Coverage } from './fuzzing/v8-coverage.ts';
import { Watchdog } from './fuzzing/watchdog.ts';

const USAGE = `usage: scripts/fuzz [TARGET|KIND]... [--count N] [--seed S] [--seconds N] [--v8] [--dry]

  TARGET     ${TARGETS.map(({ name }) => name).join(', ')}
  KIND       ${Object.keys(KINDS).join(', ')}: all targets that take them
  --count    damaged packets, files and texts together; default 100000
  --seed     the same seed gives the same inputs; default 1
  --seconds  end after so many
  --v8       also ask V8 which branches ran: sees more, some twenty times as slow
  --dry      write no find`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      count: { type: 'string', default: '100000' },
      seed: { type: 'string', default: '1' },
      seconds: { type: 'string' },
      v8: { type: 'boolean', default: false },
      dry: { type: 'boolean', default: false },
    },
  });
  const targets = chosen(positionals);
  const [count, seed, seconds] = [values.count, values.seed, values.seconds ?? '1e9'].map(Number) as [
    number,
    number,
    number,
  ];
  if (targets === null || !(count >= 1) || !Number.isInteger(seed) || !(seconds > 0)) {
    console.error(USAGE);
    return 2;
  }
  const began = performance.now();
  const watchdog = new Watchdog();
  const v8 = values.v8 ? new V8Coverage() : null;
  const tell = (counts: Counts): void => console.error(line(counts, (performance.now() - began) / 1000));
  const counts = fuzz({
    targets,
    corpus: new Corpus(),
    chance: new Chance(seed),
    count,
    seconds,
    watchdog,
    ...(v8 === null ? {} : { v8 }),
    memory: targets.some(({ takes }) => takes === 'scene'),
    found: (find) => report(find, seed, values.dry),
    progress: tell,
  });
  v8?.end();
  await watchdog.end();
  console.log(line(counts, (performance.now() - began) / 1000));
  if (counts.sweeps.length > 0) {
    console.log(
      `in use after each million packets: ${counts.sweeps.map((bytes) => `${(bytes / 1e6).toFixed(1)} MB`).join(', ')}`,
    );
  }
  return counts.finds.length === 0 ? 0 : 1;
}

let number = 0;

function report({ target, what, input }: Find, seed: number, dry: boolean): void {
  console.log(`\nFOUND by ${target}: ${what}`);
  if (dry || target === 'memory') return;
  const name = `${target}-${seed}-${++number}`;
  console.log(`  ${saveFound(FOUND, name, input, [`${target}: ${what}`.slice(0, 400)])}\n`);
}

function line({ packets, files, texts, reached, branches, sweeps, finds }: Counts, seconds: number): string {
  const kinds = [
    [packets, 'packets'],
    [files, 'files'],
    [texts, 'texts'],
  ] as const;
  const made = kinds.filter(([n]) => n > 0).map(([n, name]) => `${n.toLocaleString('en')} ${name}`);
  const rate = Math.round((packets + files + texts) / seconds).toLocaleString('en');
  const seen = branches > 0 ? `, ${branches} branches` : '';
  const heap = sweeps.length > 0 ? `, ${((sweeps.at(-1) as number) / 1e6).toFixed(1)} MB in use` : '';
  return `${made.join(', ')} in ${seconds.toFixed(0)} s (${rate}/s), ${reached} marks${seen}${heap}, ${finds.length} finds`;
}

process.exitCode = await main();
