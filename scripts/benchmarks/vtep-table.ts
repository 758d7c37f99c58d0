// The tables of `scripts/bench vtep`: packets by size, echoes, TCP, and the goals beside what was reached.

import type { Rounds } from './vtep-search.ts';

const BATCH = ['batch', 'batch, veth'] as const;
const IN_C = 'VTEP in C';
const OVS = 'Open vSwitch, userspace';

export interface Effort {
  readonly rounds: number;
  /** Seconds of a load of packets, and of a TCP stream. */
  readonly packets: number;
  readonly tcp: number;
  /** Rates that a search tries. */
  readonly steps: number;
}

/** What was measured; rates in packets a second, TCP in Gbit/s, by what `vtepTables` prints. */
export interface VtepFigures {
  readonly sizes: readonly number[];
  readonly effort: Effort;
  readonly names: readonly string[];
  readonly rounds: Rounds;
  /** Names of those whose sender is held back. */
  readonly held: ReadonlySet<string>;
  /** Sentences about what is not there. */
  readonly missing: readonly string[];
  readonly seconds: number;
}

type Cell = string;

export function vtepTables(figures: VtepFigures): string {
  const { effort, missing, seconds, sizes } = figures;
  return [
    `Medians of ${effort.rounds} rounds in turn, ${effort.packets} s of packets or ${effort.tcp} s of TCP each; ${seconds.toFixed(0)} s in all.`,
    ...missing,
    ...sizes.map((bytes) => `\n${packetTable(figures, bytes)}`),
    "The kernel's VXLAN works in its sender's own time: the sender is held back by its own path and loses nothing. A VTEP in userspace",
    'is offered more than it can take and loses the rest: compare the rates at equal loss. "held back" there: nothing was lost, but on',
    'these cores the sender could offer no more beside the VTEPs.',
    '',
    echoTable(figures),
    '',
    tcpTable(figures),
    '',
    goalTable(figures),
  ].join('\n');
}

function packetTable(figures: VtepFigures, bytes: number): string {
  const { rounds, names, held } = figures;
  const rate = (what: string, name: string): Cell => thousands(rounds.median(what, bytes, name));
  const head = [
    '',
    'sent',
    'received',
    'forwarded',
    'lost of it',
    'at < 0.1 % loss',
    'lost at 80 %',
    'at worst',
  ];
  const body = names.map((name) => [
    name,
    rate('sent', name),
    rate('received', name),
    rate('forwarded', name),
    share(rounds.median('loss', bytes, name)),
    `${held.has(`${bytes}/${name}`) ? 'held back ' : ''}${rate('lossless', name)}`,
    share(rounds.median('loss80', bytes, name)),
    share(rounds.largest('loss80', bytes, name)),
  ]);
  return `Inner frames of ${bytes.toLocaleString('en')} bytes, thousand a second\n${laidOut([head, ...body])}`;
}

function echoTable({ rounds, sizes }: VtepFigures): string {
  const head = ['', ...sizes.map((bytes) => `${bytes.toLocaleString('en')} bytes`)];
  const names = ['batch', 'raw', 'udp', 'C'].filter(
    (name) => rounds.median('echo', sizes[0] ?? 0, name) !== null,
  );
  const body = names.map((name) => [
    name === 'C' ? 'recvmmsg and sendmmsg in C' : name,
    ...sizes.map((bytes) => thousands(rounds.median('echo', bytes, name))),
  ]);
  return `Echo of tunnelled datagrams, thousand a second: what a backend takes and gives by itself\n${laidOut([head, ...body])}`;
}

function tcpTable({ rounds, names }: VtepFigures): string {
  const streams = names.map((name) => [name, gigabits(rounds.median('tcp', name))]);
  const hosts = ['batch', 'raw', 'udp'].flatMap((name) => [
    [`kernel to an emulated host, ${name}`, gigabits(rounds.median('push', name))],
    [`an emulated host to the kernel, ${name}`, gigabits(rounds.median('pull', name))],
  ]);
  return `TCP, one stream at an overlay MTU of 1450, Gbit/s\n${laidOut([['', 'iperf3'], ...streams, ...hosts])}`;
}

interface Goal {
  readonly text: string;
  readonly value: number | null;
  readonly goal: number;
  /** Whether less is better. */
  readonly most?: true;
}

function goalTable({ rounds, sizes }: VtepFigures): string {
  const over = (mine: number | null, theirs: number | null): number | null =>
    mine === null || theirs === null ? null : mine / theirs;
  const goals: Goal[] = [];
  for (const bytes of sizes) {
    const of = (what: string, name: string): number | null => rounds.median(what, bytes, name);
    const size = `${bytes.toLocaleString('en')} bytes`;
    goals.push({
      text: `batch over the C echo, ${size}`,
      value: over(of('echo', 'batch'), of('echo', 'C')),
      goal: 0.9,
    });
    for (const name of BATCH) {
      const against = (peer: string, what: string): number | null => over(of(what, name), of(what, peer));
      goals.push(
        {
          text: `${name} over the VTEP in C, forwarded, ${size}`,
          value: against(IN_C, 'forwarded'),
          goal: 0.9,
        },
        {
          text: `${name} over the VTEP in C, equal loss, ${size}`,
          value: against(IN_C, 'lossless'),
          goal: 0.9,
        },
        {
          text: `${name} over Open vSwitch, forwarded, ${size}`,
          value: against(OVS, 'forwarded'),
          goal: 1.5,
        },
        {
          text: `${name} over Open vSwitch, equal loss, ${size}`,
          value: against(OVS, 'lossless'),
          goal: 1.5,
        },
        {
          text: `${name}, per cent lost at 80 % of the top, ${size}`,
          value: percent(of('loss80', name)),
          goal: 0.1,
          most: true,
        },
      );
    }
  }
  for (const name of BATCH) {
    const tcp = rounds.median('tcp', name);
    goals.push(
      { text: `${name} over Open vSwitch, TCP`, value: over(tcp, rounds.median('tcp', OVS)), goal: 1.5 },
      { text: `${name}, TCP in Gbit/s`, value: tcp, goal: 4 },
    );
  }
  const body = goals
    .filter(({ value }) => value !== null)
    .map(({ text, value, goal, most }) => {
      const reached = most === true ? (value as number) < goal : (value as number) >= goal;
      return [
        text,
        (value as number).toFixed(2),
        `${most === true ? '< ' : '>= '}${goal}`,
        reached ? 'yes' : 'no',
      ];
    });
  return laidOut([['goal', 'reached', 'asked for', ''], ...body]);
}

function percent(loss: number | null): number | null {
  return loss === null ? null : loss * 100;
}

function thousands(rate: number | null): Cell {
  return rate === null ? '' : (rate / 1000).toFixed(1);
}

function gigabits(rate: number | null): Cell {
  return rate === null ? '' : rate.toFixed(2);
}

function share(loss: number | null): Cell {
  return loss === null ? '' : `${(loss * 100).toFixed(loss < 0.1 ? 2 : 0)} %`;
}

/** Columns side by side: words to the left, numbers to the right. */
function laidOut(rows: readonly (readonly Cell[])[]): string {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => (row[i] ?? '').length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] as number) : cell.padStart(widths[i] as number)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
