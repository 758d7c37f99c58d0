// The programs of a world: what each running task's service says it runs, started with the task and ended with it, and
// what they counted, by service and peer.

import type { ServiceSpec } from '../engine/model/spec.ts';
import type { WorkloadKind, WorkloadSpec } from '../engine/model/workload.ts';
import type { Container } from '../engine/orchestrate/container.ts';
import type { World } from '../engine/orchestrate/world.ts';
import type { Inbox } from './inbox.ts';
import type { Pace } from './pace.ts';
import type { ProcessOptions } from './process.ts';
import { ContainerProcess } from './process.ts';
import type { Program } from './program.ts';
import type { TallyRow } from './tally.ts';
import { Tally } from './tally.ts';

/** How a workload of a kind becomes a program. */
export type ProgramTable = {
  readonly [K in WorkloadKind]?: (spec: Extract<WorkloadSpec, { kind: K }>, container: Container) => Program;
};

type Make = (spec: WorkloadSpec, container: Container) => Program;

export interface RuntimeOptions {
  readonly world: World;
  readonly inbox: Inbox;
  readonly programs: ProgramTable;
  readonly epoch?: number;
  readonly enter?: () => void;
  /** What programs print, with the process that prints it. */
  print?(process: ContainerProcess, text: string, stream: 'out' | 'err'): void;
}

/** Counters of one service towards one peer, summed over its tasks. */
export interface ServiceRow extends TallyRow {
  readonly service: string;
  readonly kind: string;
}

/** What the programs of one kind counted in all tasks of a service. */
export interface ServiceTally {
  readonly service: string;
  readonly kind: string;
  readonly tally: Tally;
}

export function rowsOf(tallies: readonly ServiceTally[]): ServiceRow[] {
  return tallies.flatMap(({ service, kind, tally }) =>
    tally.rows().map((row) => ({ service, kind, ...row })),
  );
}

export class Runtime {
  readonly #options: RuntimeOptions;
  readonly #processes: Map<Container, ContainerProcess[]> = new Map();

  constructor(options: RuntimeOptions) {
    this.#options = options;
  }

  /** All that were started and not forgotten with their container. */
  get processes(): readonly ContainerProcess[] {
    return [...this.#processes.values()].flat();
  }

  /** Starts what every running task runs and has not been started, in the order of the tasks. */
  start(): void {
    for (const container of this.#options.world.containers.values()) {
      if (!this.#processes.has(container)) this.startIn(container);
    }
  }

  /** Starts what a task's service says; nothing for a kind that the table does not have. */
  startIn(container: Container): readonly ContainerProcess[] {
    const workloads = this.#specOf(container)?.workloads ?? [];
    for (const spec of workloads) {
      // The table pairs each kind with its own specification, which an index cannot tell.
      const make = this.#options.programs[spec.kind] as Make | undefined;
      const argv = spec.kind === 'run' ? spec.args : [];
      if (make !== undefined) this.run(container, spec.kind, make(spec, container), { argv });
    }
    return this.#processes.get(container) ?? [];
  }

  /** Runs one more program in a container. */
  run(
    container: Container,
    name: string,
    program: Program,
    options: Omit<ProcessOptions, 'name'> = {},
  ): ContainerProcess {
    const { world, inbox, epoch, enter, print } = this.#options;
    const process: ContainerProcess = new ContainerProcess(
      container,
      program,
      {
        ground: world.ground,
        inbox,
        ...(epoch === undefined ? {} : { epoch }),
        ...(enter === undefined ? {} : { enter }),
      },
      {
        name,
        env: environmentOf(container, this.#specOf(container)),
        out: (text) => print?.(process, text, 'out'),
        err: (text) => print?.(process, text, 'err'),
        ...options,
      },
    );
    const list = this.#processes.get(container);
    if (list === undefined) this.#processes.set(container, [process]);
    else list.push(process);
    return process;
  }

  /** Keeps no count of a program that has ended: for those that were run on the side. */
  forget(process: ContainerProcess): void {
    const list = this.#processes.get(process.container);
    const at = list?.indexOf(process) ?? -1;
    if (at >= 0) list?.splice(at, 1);
  }

  /** Ends the programs of a container that stops: call it before the world takes the container down. */
  stopIn(container: Container): void {
    for (const process of this.#processes.get(container) ?? []) process.kill();
    this.#processes.delete(container);
  }

  /**
   * Asks all programs to end, gives them what virtual time they need up to `grace` nanoseconds (Docker's ten seconds), and
   * ends those that still run.
   */
  async stop(pace: Pace | null = null, grace = 10_000_000_000): Promise<void> {
    for (const process of this.processes) process.stop();
    const all = Promise.all(this.processes.map(({ ended }) => ended));
    await pace?.until(all, grace).catch(() => {});
    this.kill();
  }

  /** Ends all programs now. */
  kill(): void {
    for (const process of this.processes) process.kill();
  }

  /** What was counted, by service, kind of program and peer. */
  rows(): ServiceRow[] {
    return rowsOf(this.tallies());
  }

  tallies(): ServiceTally[] {
    const sums = new Map<string, ServiceTally>();
    for (const [container, processes] of this.#processes) {
      const service = this.#specOf(container)?.key ?? container.name;
      for (const { name: kind, context } of processes) {
        const key = `${service}\n${kind}`;
        let sum = sums.get(key);
        if (sum === undefined) {
          sum = { service, kind, tally: new Tally(() => this.#options.world.ground.clock.now) };
          sums.set(key, sum);
        }
        sum.tally.merge(context.tally);
      }
    }
    return [...sums.values()];
  }

  #specOf(container: Container): ServiceSpec | undefined {
    const { services } = this.#options.world.plan;
    return services.find(({ spec }) => spec.key === container.task?.service)?.spec;
  }
}

/** The service's environment, and the host name that Docker sets. */
function environmentOf(container: Container, spec: ServiceSpec | undefined): Record<string, string> {
  return { HOSTNAME: container.id.slice(0, 12), ...spec?.environment };
}
