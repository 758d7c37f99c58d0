// scripts/bench vtep: what a live VTEP carries between network namespaces of this machine, each backend beside the kernel's VXLAN, a
// VTEP in C and Open vSwitch's userspace datapath on paths of the same shape. All take turns, round by round. Whoever is offered
// more than it takes loses the rest, so rates are compared at equal loss too.

import { program } from './native.ts';
import { ECHO } from './vtep-echo.ts';
import { HOST, SINK_PORT, SOURCE_PORT } from './vtep-host.ts';
import { IN_C, KERNEL, OVS, ours, TSX } from './vtep-kinds.ts';
import type { End, Way } from './vtep-load.ts';
import { Flow, iperf, offer, templates, tunnelled } from './vtep-load.ts';
import { has, Place } from './vtep-place.ts';
import { lossOf, Rounds, searchRate } from './vtep-search.ts';
import type { Kind } from './vtep-stand.ts';
import { hostIp, hostMac, Stand, underlayIp, VNI } from './vtep-stand.ts';
import type { Effort, VtepFigures } from './vtep-table.ts';
import { vtepTables } from './vtep-table.ts';

/** Bytes of inner frames. */
const SIZES = [64, 1400] as const;
/** The loss that is allowed, 0 to 1. */
export const LOSS = 0.001;
const BACKENDS = ['batch', 'raw', 'udp'] as const;
/** Rounds of TCP that do not count. */
const WARM = 2;

const EFFORT: Effort = { rounds: 3, packets: 0.35, tcp: 1, steps: 5 };
const QUICK: Effort = { rounds: 1, packets: 0.25, tcp: 1, steps: 4 };

/** Prints the tables. @param rounds null for the usual number; @param quick for a look that takes half a minute */
export async function vtepReport(rounds: number | null, quick: boolean): Promise<void> {
  const lacking = cannot();
  if (lacking !== null) {
    console.log(`vtep: ${lacking}: nothing of it is measured`);
    return;
  }
  const usual = quick ? QUICK : EFFORT;
  const effort = rounds === null ? usual : { ...usual, rounds };
  const place = new Place('bench');
  try {
    console.log(vtepTables(await new Measurement(place, effort).run()));
  } finally {
    await place.end();
  }
}

function cannot(): string | null {
  if (process.getuid?.() !== 0) return 'namespaces need root';
  if (!has('ip') || !has('ping')) return 'iproute2 or ping is not there';
  return program('vtep-load.c') === null ? 'there is no C compiler' : null;
}

class Measurement {
  readonly #place: Place;
  readonly #effort: Effort;
  readonly #rounds: Rounds = new Rounds();
  readonly #held: Set<string> = new Set();
  readonly #missing: string[] = [];
  #stands: Stand[] = [];

  constructor(place: Place, effort: Effort) {
    this.#place = place;
    this.#effort = effort;
  }

  async run(): Promise<VtepFigures> {
    const began = performance.now();
    const kinds = [
      ...BACKENDS.map((backend) => ours(backend, 'tap')),
      ours('batch', 'veth'),
      IN_C,
      OVS,
      KERNEL,
    ];
    for (const [i, kind] of kinds.entries()) {
      const why = kind.missing();
      if (why !== null) this.#missing.push(`${kind.name} is left out: ${why}.`);
      else await this.#build(kind, i);
    }
    const parts: readonly (readonly [string, () => Promise<void>])[] = [
      ['warming up', () => this.#warmUp()],
      ['forwarding', () => this.#forwarded()],
      ['the rates at equal loss', () => this.#atEqualLoss()],
      ['TCP', () => this.#tcp()],
      ['echoes', () => this.#echo()],
      ['sending', () => this.#sent()],
      ['receiving', () => this.#received()],
      ['the emulated host', () => this.#emulatedHost()],
    ];
    for (const [name, part] of parts) await this.#part(name, part);
    return {
      sizes: SIZES,
      effort: this.#effort,
      names: this.#stands.map(({ kind }) => kind.name),
      rounds: this.#rounds,
      held: this.#held,
      missing: this.#missing,
      seconds: (performance.now() - began) / 1000,
    };
  }

  /** What fails costs its own figures, not those of others. */
  async #part(name: string, part: () => Promise<void>): Promise<void> {
    try {
      await part();
    } catch (error) {
      this.#place.signal.throwIfAborted();
      this.#missing.push(`${name}: not all is measured: ${(error as Error).message}`);
    }
  }

  /** A kind that does not start is left out with its own words. */
  async #build(kind: Kind, i: number): Promise<void> {
    this.#tell(`${kind.name} starts`);
    try {
      const stand = new Stand(this.#place, kind, `${i}`);
      await Promise.all([stand.up('A'), stand.up('B')]);
      await stand.check();
      this.#stands.push(stand);
    } catch (error) {
      this.#place.signal.throwIfAborted();
      this.#missing.push(`${kind.name} is left out: ${(error as Error).message}`);
    }
  }

  /** Everybody in turn, so many rounds. */
  async #turns(what: string, each: (stand: Stand, bytes: number) => Promise<void>): Promise<void> {
    for (let round = 1; round <= this.#effort.rounds; round++) {
      this.#tell(`${what}, round ${round}`);
      for (const bytes of SIZES) for (const stand of this.#stands) await each(stand, bytes);
    }
  }

  /** Loads that do not count: they are for the compilers and the caches. */
  async #warmUp(): Promise<void> {
    for (const stand of this.#stands) {
      this.#tell(`${stand.kind.name} warms up`);
      await new Flow(stand, 'forwarded', 64).run(0, this.#effort.packets * 3);
    }
  }

  async #forwarded(): Promise<void> {
    await this.#turns('forwarded', async (stand, bytes) => {
      const trial = await new Flow(stand, 'forwarded', bytes).run(0, this.#effort.packets);
      this.#rounds.add(trial.rate, 'forwarded', bytes, stand.kind.name);
      this.#rounds.add(lossOf(trial), 'loss', bytes, stand.kind.name);
    });
  }

  async #atEqualLoss(): Promise<void> {
    const { packets, steps } = this.#effort;
    for (const bytes of SIZES) {
      for (const stand of this.#stands) {
        const { name } = stand.kind;
        this.#tell(`the rate of ${name} at equal loss, ${bytes} bytes`);
        const flow = new Flow(stand, 'forwarded', bytes);
        const top = this.#rounds.median('forwarded', bytes, name) ?? 0;
        const found = await searchRate(top, LOSS, steps, (rate) => flow.run(rate, packets));
        this.#rounds.add(found.rate, 'lossless', bytes, name);
        if (found.held) this.#held.add(`${bytes}/${name}`);
      }
    }
    await this.#turns('at 80 % of the top', async (stand, bytes) => {
      const top = this.#rounds.median('forwarded', bytes, stand.kind.name) ?? 0;
      const trial = await new Flow(stand, 'forwarded', bytes).run(top * 0.8, packets);
      this.#rounds.add(lossOf(trial), 'loss80', bytes, stand.kind.name);
    });
  }

  async #sent(): Promise<void> {
    for (const stand of this.#stands) await stand.down('B');
    await this.#oneWay('sent');
  }

  async #received(): Promise<void> {
    await Promise.all(
      this.#stands.map(async (stand) => {
        await stand.up('B');
        await stand.speak('B');
        await stand.down('A');
      }),
    );
    await this.#oneWay('received');
  }

  async #oneWay(way: Exclude<Way, 'forwarded'>): Promise<void> {
    await this.#turns(way, async (stand, bytes) => {
      const trial = await new Flow(stand, way, bytes).run(0, this.#effort.packets);
      this.#rounds.add(trial.rate, way, bytes, stand.kind.name);
    });
  }

  async #tcp(): Promise<void> {
    if (!has('iperf3')) {
      this.#missing.push('TCP from host to host is left out: iperf3 is not there.');
      return;
    }
    for (let round = 1 - WARM; round <= this.#effort.rounds; round++) {
      this.#tell(round > 0 ? `TCP, round ${round}` : 'TCP warms up');
      for (const stand of this.#stands) {
        const rate = await iperf(stand, this.#effort.tcp);
        if (round > 0) this.#rounds.add(rate, 'tcp', stand.kind.name);
      }
    }
  }

  /** Between the namespaces of the first stand's VTEPs, each echo on a port of its own. */
  async #echo(): Promise<void> {
    const place = this.#place;
    const [stand] = this.#stands;
    if (stand === undefined) return;
    const [near, far] = [stand.vtep('A'), stand.vtep('B')];
    const echoes: { name: string; port: number }[] = [];
    const begin = async (name: string, command: string, ...args: readonly string[]): Promise<void> => {
      const port = 4800 + echoes.length;
      const all = args.map((one) => (one === 'PORT' ? String(port) : one));
      await place.start(far, 'ready', command, ...all);
      echoes.push({ name, port });
    };
    for (const backend of BACKENDS) {
      if (ours(backend, 'tap').missing() !== null) continue;
      await begin(backend, process.execPath, ...TSX, ECHO, backend, underlayIp('B'), underlayIp('A'), 'PORT');
    }
    const inC = program('udp-echo.c') as string;
    await begin('C', inC, underlayIp('B'), 'PORT', underlayIp('A'), 'PORT');
    for (let round = 1; round <= this.#effort.rounds; round++) {
      this.#tell(`echo, round ${round}`);
      for (const bytes of SIZES) {
        const file = templates(place, `echo-${bytes}`, [tunnelled(bytes)]);
        for (const { name, port } of echoes) {
          const here: End = { space: near, ip: underlayIp('A'), port };
          const via = { ip: underlayIp('B'), port };
          const trial = await offer(place, here, here, via, file, 0, this.#effort.packets);
          this.#rounds.add(trial.rate, 'echo', bytes, name);
        }
      }
    }
  }

  /** A kernel's VXLAN device on one side, an emulated host of ours on the other. */
  async #emulatedHost(): Promise<void> {
    const stand = this.#stands.find(({ kind }) => kind === KERNEL);
    const client = program('tcp-load.c');
    if (stand === undefined || client === null) return;
    await stand.down('B');
    await stand.up('A');
    for (let round = 1; round <= this.#effort.rounds; round++) {
      this.#tell(`TCP with an emulated host, round ${round}`);
      for (const backend of BACKENDS) {
        if (ours(backend, 'tap').missing() !== null) continue;
        const ends = [
          backend,
          underlayIp('B'),
          underlayIp('A'),
          String(VNI),
          `${hostIp('B')}/24`,
          hostMac('B'),
        ];
        const host = await this.#place.start(
          stand.vtep('B'),
          'ready',
          process.execPath,
          ...TSX,
          HOST,
          ...ends,
        );
        for (const [verb, port] of [
          ['push', SINK_PORT],
          ['pull', SOURCE_PORT],
        ] as const) {
          const args = [verb, hostIp('B'), String(port), String(this.#effort.tcp)];
          const said = await this.#place.run(stand.host('A'), client, ...args);
          this.#rounds.add(Number(said), verb, backend);
        }
        await host.stop();
      }
    }
  }

  #tell(what: string): void {
    console.error(`vtep: ${what}`);
  }
}
