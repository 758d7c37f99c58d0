// Programs in containers of one test network (../ground.ts): started, given virtual time, asked what they printed and counted.

import type { ProcessGround } from '../../../src/apps/process.ts';
import { ContainerProcess } from '../../../src/apps/process.ts';
import type { Program, ProgramContext } from '../../../src/apps/program.ts';
import type { TallyRow } from '../../../src/apps/tally.ts';
import { RandomSource } from '../../../src/engine/time/random.ts';
import type { Box, GroundKind } from '../ground.ts';
import { Boxes } from '../ground.ts';

export interface Running {
  readonly context: ProgramContext;
  /** The exit code; 1 for what a program throws. */
  readonly ended: Promise<number>;
  readonly out: string[];
  readonly err: string[];
  readonly text: string;
  /** The counters towards one peer. */
  row(peer: string): TallyRow;
  stop(): void;
}

export interface Options {
  readonly env?: Readonly<Record<string, string>>;
  readonly argv?: readonly string[];
}

export class Street {
  readonly boxes: Boxes;
  readonly #ground: ProcessGround;
  readonly #processes: ContainerProcess[] = [];
  readonly #houses: Map<string, Box> = new Map();

  /** @param tcp the engine's, or two buffers and a delay where a test is about time and not about TCP */
  constructor(seed = 1, tcp: GroundKind = 'engine') {
    this.boxes = new Boxes(tcp);
    const { inbox, ground } = this.boxes.processes;
    const random = new RandomSource(seed);
    this.#ground = { inbox, ground: { ...ground, random } as ProcessGround['ground'] };
  }

  house(name: string, ip: string): Box {
    const box = this.boxes.box(name, ip);
    this.#houses.set(name, box);
    return box;
  }

  box(name: string): Box {
    return this.#houses.get(name) as Box;
  }

  start(name: string, program: Program, options: Options = {}): Running {
    const out: string[] = [];
    const err: string[] = [];
    const process = new ContainerProcess(this.box(name).container, program, this.#ground, {
      name: `program-${this.#processes.length}`,
      ...options,
      out: (text) => out.push(text),
      err: (text) => err.push(text),
    });
    this.#processes.push(process);
    return {
      context: process.context,
      ended: process.ended,
      out,
      err,
      get text(): string {
        return out.join('');
      },
      row: (peer) => process.context.tally.peer(peer).row(),
      stop: () => process.stop(),
    };
  }

  /** Lets seconds of virtual time pass. */
  pass(seconds: number): Promise<void> {
    return this.boxes.pace.run(seconds * 1e9);
  }

  /** The exit code, for which at most so many seconds of virtual time pass. */
  code(running: Running, seconds = 600): Promise<number> {
    return this.boxes.pace.until(running.ended, seconds * 1e9);
  }

  /** Asks all programs to end, as a container's stop does; nothing may be left of those that do. */
  async end(): Promise<void> {
    for (const process of this.#processes) process.stop();
    await this.boxes.pace.until(Promise.all(this.#processes.map(({ ended }) => ended)), 10e9);
    await this.boxes.end();
  }
}
