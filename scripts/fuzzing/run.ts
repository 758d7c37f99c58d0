// The loop: make an input, run the targets of its kind, keep what reached something new, and make a small find of what broke.

import type { Chance } from './chance.ts';
import type { Corpus } from './corpus.ts';
import { bytesInUse, Endless, GROWTH_MOST } from './endless.ts';
import type { Input, Scene } from './input.ts';
import { nextFile, nextScene, nextText } from './inputs.ts';
import { minimised } from './minimise.ts';
import type { Target } from './target.ts';
import { Trail } from './trail.ts';
import type { V8Coverage } from './v8-coverage.ts';
import type { Watchdog } from './watchdog.ts';

/** So long may a packet, a file or a text take on this machine; what takes longer again and again is a hang. */
const HANG_MS = 50;
/** Packets between two sweeps of the heap. */
const SWEEP_EVERY = 1_000_000;
/** Packets of the scenes that broad targets are fed as one. */
const REEL = 2000;
/** Packets around one of a reel that reached something new, kept with it. */
const AROUND = 12;
/** Inputs behind which --v8 asks once. */
const ROUND = 32;

export interface Find {
  readonly target: string;
  /** What went wrong, as one line. */
  readonly what: string;
  readonly input: Input;
}

export interface RunOptions {
  readonly targets: readonly Target[];
  readonly corpus: Corpus;
  readonly chance: Chance;
  /** Damaged packets, files and texts together. */
  readonly count: number;
  readonly seconds?: number;
  /** Finds after which it ends; default as many as there are. */
  readonly finds?: number;
  readonly watchdog?: Watchdog;
  readonly v8?: V8Coverage;
  /** Whether state is kept over the whole run and the heap is swept. */
  readonly memory?: boolean;
  readonly found?: (find: Find) => void;
  /** Told now and then. */
  readonly progress?: (counts: Counts) => void;
}

export interface Counts {
  packets: number;
  files: number;
  texts: number;
  /** Marks of the trail, and with --v8 branches. */
  reached: number;
  branches: number;
  /** Bytes in use after each sweep, from the first on. */
  readonly sweeps: number[];
  readonly finds: Find[];
}

export function fuzz(options: RunOptions): Counts {
  return new Fuzzing(options).run();
}

class Fuzzing {
  readonly #o: RunOptions;
  readonly #trail: Trail = new Trail();
  readonly #endless: Endless = new Endless();
  readonly #counts: Counts = {
    packets: 0,
    files: 0,
    texts: 0,
    reached: 0,
    branches: 0,
    sweeps: [],
    finds: [],
  };
  readonly #known: Set<string> = new Set();
  readonly #makers: readonly (() => Input)[];
  readonly #narrow: readonly Target[];
  readonly #broad: readonly Target[];
  #reel: Scene['packets'][number][] = [];
  #round: Input[] = [];
  #nextSweep = SWEEP_EVERY;

  constructor(options: RunOptions) {
    this.#o = options;
    this.#narrow = options.targets.filter(({ broad }) => !broad);
    this.#broad = options.targets.filter(({ broad }) => broad);
    const takes = (kind: Input['kind']): boolean => options.targets.some((target) => target.takes === kind);
    this.#makers = [
      ...(takes('scene') ? [() => this.#scene()] : []),
      ...(takes('file') ? [() => this.#file()] : []),
      ...(takes('text') ? [() => this.#text()] : []),
    ];
  }

  run(): Counts {
    const {
      count,
      seconds = Number.POSITIVE_INFINITY,
      finds = Number.POSITIVE_INFINITY,
      progress,
      v8,
    } = this.#o;
    const counts = this.#counts;
    const began = performance.now();
    let told = began;
    for (let i = 0; counts.packets + counts.files + counts.texts < count; i++) {
      const input = (this.#makers[i % this.#makers.length] as () => Input)();
      this.#feed(input);
      const now = performance.now();
      if (now - told > 10_000) {
        told = now;
        progress?.(this.#counts);
      }
      if (now - began > seconds * 1000 || counts.finds.length >= finds) break;
      if (counts.packets >= this.#nextSweep) this.#sweep();
    }
    counts.reached = this.#trail.reached;
    counts.branches = v8?.reached ?? 0;
    this.#o.watchdog?.rest();
    return counts;
  }

  #scene(): Scene {
    const { scene, damaged } = nextScene(this.#o.corpus, this.#o.chance);
    this.#counts.packets += damaged;
    return scene;
  }

  #file(): Input {
    this.#counts.files++;
    return nextFile(this.#o.corpus, this.#o.chance);
  }

  #text(): Input {
    this.#counts.texts++;
    return nextText(this.#o.corpus, this.#o.chance);
  }

  #feed(input: Input): void {
    this.#o.watchdog?.watch(input);
    this.#trail.begin();
    for (const target of this.#narrow) if (target.takes === input.kind) this.#try(target, input);
    if (input.kind === 'scene') {
      if (this.#o.memory) this.#endless.feed(input);
      if (this.#broad.length > 0) this.#wind(input);
    }
    this.#keep(input, this.#trail.fresh);
    this.#counts.reached = this.#trail.reached;
    if (this.#o.v8 !== undefined) this.#ask(input, this.#o.v8);
  }

  /** Puts a scene on the reel, and shows the reel when it is full. */
  #wind({ walk, packets }: Scene): void {
    this.#reel.push(...packets);
    if (this.#reel.length < REEL) return;
    const reel: Scene = { kind: 'scene', walk, packets: this.#reel };
    this.#reel = [];
    this.#o.watchdog?.watch(reel);
    const scene = new Set(this.#trail.fresh);
    this.#trail.begin();
    for (const target of this.#broad) this.#try(target, reel);
    const { corpus, chance } = this.#o;
    for (const i of this.#trail.fresh) {
      const around = reel.packets.slice(Math.max(0, i - AROUND), i + AROUND);
      corpus.scenes.add({ ...reel, packets: around }, chance);
    }
    this.#trail.begin();
    for (const i of scene) this.#trail.fresh.add(i);
  }

  #keep(input: Input, fresh: ReadonlySet<number>): void {
    const { corpus, chance } = this.#o;
    if (fresh.size === 0) return;
    if (input.kind === 'file') corpus.files.add(input, chance);
    else if (input.kind === 'text') corpus.texts.add(input.text, chance);
    else {
      for (const i of fresh) {
        const packet = input.packets[i];
        if (packet !== undefined) corpus.packets.add(packet, chance);
      }
      if (fresh.has(-1)) corpus.scenes.add(input, chance);
    }
  }

  #ask(input: Input, v8: V8Coverage): void {
    this.#round.push(input);
    if (this.#round.length < ROUND) return;
    for (const one of v8.fresh(this.#round, (again) => this.#again(again))) this.#keep(one, WHOLE);
    this.#round = [];
    this.#counts.branches = v8.reached;
  }

  #again(input: Input): void {
    for (const target of this.#o.targets) {
      if (target.takes === input.kind) failure(target, input);
    }
  }

  #try(target: Target, input: Input): void {
    const began = performance.now();
    try {
      target.run(input, this.#trail);
    } catch (error) {
      this.#broke(target, input, error);
      return;
    }
    if (performance.now() - began > patience(input)) this.#slow(target, input);
  }

  #broke(target: Target, input: Input, error: unknown): void {
    const key = `${target.name} ${likeness(error)}`;
    if (this.#known.has(key)) return;
    this.#known.add(key);
    const fails = (smaller: Input): boolean => {
      this.#o.watchdog?.watch(smaller);
      return `${target.name} ${likeness(failure(target, smaller))}` === key;
    };
    // What fails only after other inputs would be state that stays, which no target has.
    const small = fails(input) ? minimised(input, fails) : input;
    this.#tell({ target: target.name, what: sentence(failure(target, small) ?? error), input: small });
  }

  /** What was slow is run again, by the time that the processor spent on it, whole and in parts. */
  #slow(target: Target, input: Input): void {
    const key = `${target.name} hang`;
    const isHang = (again: Input): boolean => {
      this.#o.watchdog?.watch(again);
      return [1, 2, 3].every(() => processorTime(target, again) > patience(again));
    };
    if (this.#known.has(key) || !isHang(input)) return;
    this.#known.add(key);
    const small = slowPart(input, isHang);
    this.#tell({ target: target.name, what: `takes more than ${patience(small)} ms`, input: small });
  }

  #sweep(): void {
    this.#nextSweep += SWEEP_EVERY;
    if (!this.#o.memory) return;
    this.#round = [];
    const { sweeps } = this.#counts;
    sweeps.push(bytesInUse());
    const grown = (sweeps.at(-1) as number) - (sweeps[0] as number);
    if (grown > GROWTH_MOST && !this.#known.has('memory')) {
      this.#known.add('memory');
      const input: Input = { kind: 'scene', walk: 'default', packets: [] };
      this.#tell({
        target: 'memory',
        what: `the heap grew by ${(grown / 1e6).toFixed(0)} MB since the first million`,
        input,
      });
    }
  }

  #tell(find: Find): void {
    this.#counts.finds.push(find);
    this.#o.found?.(find);
  }
}

const WHOLE: ReadonlySet<number> = new Set([-1]);

/** For runs again: what they reach is known. */
const DEAF = new Trail();

function failure(target: Target, input: Input): unknown {
  try {
    target.run(input, DEAF);
    return null;
  } catch (error) {
    return error;
  }
}

/** Halves of a scene as long as one of them is slow by itself: every try costs time. */
function slowPart(input: Input, isHang: (part: Input) => boolean): Input {
  if (input.kind !== 'scene' || input.packets.length < 2) return input;
  const middle = input.packets.length >> 1;
  for (const packets of [input.packets.slice(0, middle), input.packets.slice(middle)]) {
    const part: Scene = { ...input, packets };
    if (isHang(part)) return slowPart(part, isHang);
  }
  return input;
}

/** Milliseconds that an input may take. A scene's packets share HANG_MS; of a long reel each has one. */
function patience(input: Input): number {
  return input.kind === 'scene' ? Math.max(HANG_MS, input.packets.length) : HANG_MS;
}

function processorTime(target: Target, input: Input): number {
  const began = process.cpuUsage();
  failure(target, input);
  return process.cpuUsage(began).user / 1000;
}

/** What two failures of the same cause have in common: class, words without numbers, and the place in src or in the target. */
function likeness(error: unknown): string {
  if (error === null) return '';
  if (!(error instanceof Error)) return String(error);
  const words = (error.message.split(':')[0] as string).replace(/\d+/g, 'n').slice(0, 80);
  return `${error.constructor.name} ${words} ${placeOf(error)}`;
}

/** The innermost line of src in the stack. */
function placeOf(error: Error): string {
  return /\/(src\/[\w/.-]+\.ts):\d+/.exec(error.stack ?? '')?.[1] ?? '';
}

function sentence(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const place = /\/(src\/[\w/.-]+\.ts:\d+)/.exec(error.stack ?? '')?.[1];
  return `${error.constructor.name}: ${error.message}${place === undefined ? '' : ` (${place})`}`;
}
