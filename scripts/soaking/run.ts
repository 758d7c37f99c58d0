// A soak: `vxlab vtep` in the middle of peers that come, go, are killed and move, under traffic, bursts and refused datagrams. Each minute
// ends with a pause in which every counter is compared with its other side; memory is read all the time.

import { readFileSync } from 'node:fs';
import { median } from '../benchmarks/harness.ts';
import { program } from '../benchmarks/native.ts';
import type { Running } from '../benchmarks/vtep-place.ts';
import { has, Place } from '../benchmarks/vtep-place.ts';
import type { Claim, MemoryPoint } from './ledger.ts';
import { claimsOf, flat, noneSent, refused } from './ledger.ts';
import type { ProbeLine } from './probe.ts';
import { quietBooks } from './reading.ts';
import { HOST_IP, STATION_IP, Stage, TAP, VNI, VTEP_IP } from './stage.ts';
import { leftInFolder, Subject, startVxlab } from './subject.ts';
import type { Answered } from './traffic.ts';
import { ECHO_PORT, Traffic } from './traffic.ts';

/** Seconds of one part of a minute, and parts before the pause. */
const PART = 5;
const PARTS = 11;
const MINUTE_MS = 60_000;
/** After so many parts the heap is swept and read. */
const SWEEP = 4;
/** The part that has a burst: the roamer is behind both VTEPs at once, so answers go astray. */
const BURST = 5;
/** Bits a second of a TCP stream beside it all. */
const STREAM = '20M';
/** Growth of memory that is called flat. */
const ALLOWED = 0.05;
/** Peers of the kernel have these MACs; the one that comes and goes has two. */
const STEADY_MAC = '02:00:00:00:42:02';
const GUEST_MACS = ['02:00:00:00:42:03', '02:00:00:00:42:13'] as const;

export interface SoakOptions {
  readonly minutes: number;
  /** Datagrams a second, or null for half the top. */
  readonly rate: number | null;
  readonly backend: 'auto' | 'batch' | 'raw' | 'udp';
}

export interface Minute {
  readonly minute: number;
  /** Datagrams a second, the average of the minute. */
  readonly received: number;
  readonly sent: number;
  /** Datagrams of this minute. */
  readonly refused: number;
  readonly kernelDrops: number;
  /** Share of the steady traffic that did not come back, 0 to 1. */
  readonly unanswered: number;
  readonly resident: number;
  readonly memory: ProbeLine;
  /** What does not add up. */
  readonly off: readonly Claim[];
}

export interface Soaked {
  readonly backend: string;
  /** Datagrams a second: offered, and the top that was measured; null where the rate was given. */
  readonly rate: number;
  readonly top: number | null;
  readonly minutes: readonly Minute[];
  readonly claims: readonly Claim[];
}

/** Why it cannot be run here, in a sentence; null where it can. */
export function soakLacks(): string | null {
  if (process.getuid?.() !== 0) return 'a soak needs root: it makes network namespaces';
  const absent = ['ip', 'bridge', 'ping', 'sysctl'].filter((tool) => !has(tool));
  if (absent.length > 0) return `a soak needs ${absent.join(', ')}`;
  return program('vtep-load.c') === null ? 'a soak needs a C compiler for its generator' : null;
}

/** @param tell gets each minute as it ends @throws AbortError at Ctrl-C; everything is taken down then, too */
export async function soak(options: SoakOptions, tell: (minute: Minute) => void): Promise<Soaked> {
  const place = new Place('soak');
  try {
    return await new Soak(new Stage(place), options, tell).run();
  } finally {
    await place.end();
  }
}

class Soak {
  readonly #stage: Stage;
  readonly #options: SoakOptions;
  readonly #tell: (minute: Minute) => void;
  readonly #traffic: Traffic;
  readonly #resident: MemoryPoint[] = [];
  readonly #heap: MemoryPoint[] = [];
  readonly #began: number = performance.now();
  #subject!: Subject;
  #neighbour: Running | null = null;
  #guest = false;
  #guestMac = 0;
  #steady: Answered[] = [];

  constructor(stage: Stage, options: SoakOptions, tell: (minute: Minute) => void) {
    this.#stage = stage;
    this.#options = options;
    this.#tell = tell;
    this.#traffic = new Traffic(stage, noneSent());
  }

  async run(): Promise<Soaked> {
    const stage = this.#stage;
    this.#subject = await Subject.start(stage, this.#options.backend);
    stage.takeTap();
    stage.kernelUp(2, STEADY_MAC);
    await this.#guestComes();
    await this.#neighbourComes();
    const echo = program('udp-echo.c') as string;
    await stage.place.start(stage.station, 'ready', echo, STATION_IP, String(ECHO_PORT));
    if (has('iperf3'))
      await stage.place.start(stage.station, 'listening', 'iperf3', '-s', '-B', STATION_IP, '--forceflush');
    // The VTEP learns where the station is.
    await this.#ping(stage.station, HOST_IP, 1);
    const top = this.#options.rate === null ? await this.#top() : null;
    const rate = Math.floor(this.#options.rate ?? (top as number) / 2);
    const minutes: Minute[] = [];
    for (let minute = 1; minute <= this.#options.minutes; minute++) {
      minutes.push(await this.#minute(minute, rate));
      this.#tell(minutes.at(-1) as Minute);
    }
    const { backend } = await this.#subject.report();
    // Half of a short soak, and no more than two minutes, is the warm-up.
    const warmUp = Math.min(120, this.#options.minutes * 30);
    const off = minutes.flatMap((minute) => minute.off);
    const claims: Claim[] = [
      {
        text: 'counters add up to the packet in each minute',
        holds: off.length === 0,
        detail:
          off.length === 0
            ? `${minutes.length} times`
            : off.map(({ text, detail }) => `${text}: ${detail}`).join('; '),
      },
      flat('resident memory', this.#resident, warmUp, ALLOWED),
      flat('memory in use after a sweep', this.#heap, warmUp, ALLOWED),
      ...(await this.#end()),
    ];
    return { backend, rate, top, minutes, claims };
  }

  /** What the echo answers with when more is offered than is taken. */
  async #top(): Promise<number> {
    const rates: number[] = [];
    for (let i = 0; i < 5; i++) {
      const { received, seconds } = await this.#traffic.roam(0, 0, 1);
      rates.push(received / seconds);
    }
    return median(rates.slice(2));
  }

  async #minute(minute: number, rate: number): Promise<Minute> {
    const began = performance.now();
    const before = await this.#subject.report();
    this.#steady = [];
    for (let part = 0; part < PARTS; part++) {
      await this.#part((minute - 1) * PARTS + part, rate);
      this.#resident.push({ at: this.#seconds, bytes: this.#subject.resident() });
      if (part % SWEEP === SWEEP - 1) await this.#swept();
    }
    const books = await quietBooks(this.#stage, this.#subject, this.#traffic.sent);
    const memory = await this.#swept();
    await this.#stage.place.pause(Math.max(0, MINUTE_MS - (performance.now() - began)));
    const { underlay } = books.report;
    const seconds = (performance.now() - began) / 1000;
    const offered = this.#steady.reduce((all, { sent }) => all + sent, 0);
    const back = this.#steady.reduce((all, { received }) => all + received, 0);
    const claims = claimsOf(books);
    claims.push({ text: 'no frame is held', holds: memory.framesOut === 0, detail: `${memory.framesOut}` });
    return {
      minute,
      received: (underlay.received - before.underlay.received) / seconds,
      sent: (underlay.sent - before.underlay.sent) / seconds,
      refused: refused(books.report) - refused(before),
      kernelDrops: (underlay.kernelDrops ?? 0) - (before.underlay.kernelDrops ?? 0),
      unanswered: offered === 0 ? 0 : Math.max(0, 1 - back / offered),
      resident: this.#subject.resident(),
      memory,
      off: claims.filter(({ holds }) => !holds),
    };
  }

  async #swept(): Promise<ProbeLine> {
    const memory = await this.#subject.probe();
    this.#heap.push({ at: this.#seconds, bytes: memory.heap + memory.buffers });
    return memory;
  }

  get #seconds(): number {
    return (performance.now() - this.#began) / 1000;
  }

  /** Five seconds: steady traffic from behind one of two VTEPs, pings all around, something refused, and something happens. */
  async #part(i: number, rate: number): Promise<void> {
    const { place } = this.#stage;
    const end = performance.now() + PART * 1000;
    const seconds = PART - 1;
    const steady = async (): Promise<void> => {
      const answered = await this.#traffic.roam((i % 2) as 0 | 1, rate, seconds);
      if (i % PARTS !== BURST) this.#steady.push(answered);
    };
    const strange = i % PARTS === 9 ? rate / 4 : 50;
    await Promise.all([
      steady(),
      this.#traffic.strangers(strange, seconds),
      this.#traffic.forgers(100, seconds),
      this.#ping(this.#stage.node(2), HOST_IP, seconds),
      this.#ping(this.#stage.node(2), STATION_IP, seconds),
      this.#ping(this.#stage.station, '10.42.0.4', seconds),
      this.#stream(i % 2 === 1, seconds),
      this.#guest ? this.#ping(this.#stage.node(3), STATION_IP, seconds) : null,
      this.#event(i),
    ]);
    await place.pause(Math.max(0, end - performance.now()));
  }

  async #event(i: number): Promise<void> {
    await this.#stage.place.pause(1000);
    switch (i % PARTS) {
      case 1:
        return this.#guestGoes();
      case 2:
        return this.#neighbourGoes('SIGKILL');
      case 3:
        return this.#guestComes();
      case 4:
        return this.#neighbourComes();
      case BURST:
        // A burst on top: more than anybody takes.
        return void (await this.#traffic.roam((1 - (i % 2)) as 0 | 1, 0, 0.5));
      case 7:
        // The peer is back at once, with another MAC.
        await this.#guestGoes();
        this.#guestMac = 1 - this.#guestMac;
        return this.#guestComes();
      case 8:
        return this.#neighbourGoes('SIGINT');
      case 10:
        return this.#neighbourComes();
    }
  }

  async #guestComes(): Promise<void> {
    if (this.#guest) return;
    this.#stage.kernelUp(3, GUEST_MACS[this.#guestMac] as string);
    this.#guest = true;
  }

  async #guestGoes(): Promise<void> {
    if (!this.#guest) return;
    this.#guest = false;
    this.#stage.kernelDown(3);
  }

  async #neighbourComes(): Promise<void> {
    if (this.#neighbour !== null) return;
    const ends = ['--local', '192.0.2.4', '--remote', VTEP_IP, '--backend', 'udp'];
    const args = ['vtep', '--vni', String(VNI), ...ends, '--host', '10.42.0.4/24', '--name', 'neighbour'];
    this.#neighbour = await startVxlab(this.#stage, 4, {}, [], ...args);
  }

  async #neighbourGoes(signal: NodeJS.Signals): Promise<void> {
    const running = this.#neighbour;
    this.#neighbour = null;
    await running?.stop(signal);
  }

  /** TCP between the steady kernel peer and the station, where there is iperf3. */
  async #stream(back: boolean, seconds: number): Promise<void> {
    if (!has('iperf3')) return;
    const { place } = this.#stage;
    const how = ['-c', STATION_IP, '-t', String(seconds - 1), '-b', STREAM, '--connect-timeout', '1000'];
    const stream = place.run(this.#stage.node(2), 'iperf3', ...how, ...(back ? ['-R'] : []));
    // One that is starved in a burst may be late for the next one: the server has one client at a time.
    await stream.catch(() => place.signal.throwIfAborted());
  }

  /** Pings that nobody may answer. */
  async #ping(space: string, to: string, seconds: number): Promise<void> {
    const { place } = this.#stage;
    const how = ['-q', '-i', '0.05', '-c', String(seconds * 20), '-w', String(seconds), to];
    await place.run(space, 'ping', ...how).catch(() => place.signal.throwIfAborted());
  }

  /** Ends all and looks for what is left. */
  async #end(): Promise<Claim[]> {
    const stage = this.#stage;
    await this.#neighbourGoes('SIGINT');
    const { code, last } = await this.#subject.end();
    const files = leftInFolder(stage);
    const sockets = ['udp', 'raw', 'packet'].filter((table) => {
      const lines = stage.place.inside(stage.node(1), 'cat', `/proc/net/${table}`).trim().split('\n');
      return lines.length > 1;
    });
    const alive = isAlive(this.#subject.running.child.pid);
    return [
      { text: 'Ctrl-C ends it as it should', holds: code === 130 && !alive, detail: `exit ${code}` },
      {
        text: 'every frame is home',
        holds: last?.framesOut === 0,
        detail: last === null ? 'it did not say' : `${last.framesOut} are out`,
      },
      {
        text: 'nothing is left: no socket, no device, no file',
        holds: sockets.length === 0 && files.length === 0 && !stage.hasDevice(stage.station, TAP),
        detail:
          [...sockets, ...files, ...(stage.hasDevice(stage.station, TAP) ? [TAP] : [])].join(', ') ||
          'nothing',
      },
    ];
  }
}

function isAlive(pid: number | undefined): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
