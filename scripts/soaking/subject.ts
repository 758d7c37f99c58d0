// The VTEP under test as a process: its report and tables through its control socket, its memory through /proc and the probe.

import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { callLab } from '../../src/live/control/client.ts';
import type { VtepReport } from '../../src/live/vtep/vtep-report.ts';
import { TSX } from '../benchmarks/vtep-kinds.ts';
import type { Running } from '../benchmarks/vtep-place.ts';
import type { ProbeLine } from './probe.ts';
import { PROBE } from './probe.ts';
import type { Stage } from './stage.ts';
import { HOST_IP, HOST_MAC, PEERS, PORT, TAP, VNI, VTEP_IP } from './stage.ts';

const MAIN: string = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const NAME = 'soak';

/** A row of `vxlab show links`, what is needed of it. */
export interface LinkCounts {
  readonly name: string;
  readonly kind: string;
  readonly namespace: string;
  readonly rxPackets: number;
  readonly txPackets: number;
}

/** Starts `vxlab` in a namespace with a folder of its own for control sockets. */
export function startVxlab(
  stage: Stage,
  node: number,
  env: Readonly<Record<string, string>>,
  before: readonly string[],
  ...args: readonly string[]
): Promise<Running> {
  const { place } = stage;
  const words = Object.entries({ XDG_RUNTIME_DIR: runtimeFolder(stage), ...env }).map(
    ([k, v]) => `${k}=${v}`,
  );
  const command = ['env', ...words, process.execPath, ...TSX, ...before, MAIN, ...args] as const;
  return place.start(stage.node(node), 'Ctrl-C ends it', ...(command as unknown as [string, ...string[]]));
}

function runtimeFolder(stage: Stage): string {
  const folder = join(stage.place.folder, 'run');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Where VTEPs have their control sockets. */
function controlFolder(stage: Stage): string {
  return join(runtimeFolder(stage), 'vxlab', 'vteps');
}

/** Sockets and other files that VTEPs have left. */
export function leftInFolder(stage: Stage): readonly string[] {
  const folder = controlFolder(stage);
  return existsSync(folder) ? readdirSync(folder) : [];
}

export class Subject {
  readonly running: Running;
  readonly #stage: Stage;
  readonly #probed: string;

  private constructor(stage: Stage, running: Running, probed: string) {
    this.#stage = stage;
    this.running = running;
    this.#probed = probed;
  }

  static async start(stage: Stage, backend: string): Promise<Subject> {
    const probed = join(stage.place.folder, 'probe');
    const remotes = ['192.0.2.2', '192.0.2.3', '192.0.2.4', ...PEERS];
    const ends = ['--vni', String(VNI), '--local', VTEP_IP, '--remote', ...remotes, '--port', String(PORT)];
    const behind = ['--host', `${HOST_IP}/24,${HOST_MAC}`, '--attach', TAP];
    const args = ['vtep', ...ends, ...behind, '--backend', backend, '--name', NAME, '--json'];
    const running = await startVxlab(stage, 1, { VXLAB_SOAK_PROBE: probed }, ['--import', PROBE], ...args);
    return new Subject(stage, running, probed);
  }

  async report(): Promise<VtepReport> {
    return (await this.#ask({ op: 'report' }))['report'] as VtepReport;
  }

  async links(): Promise<readonly LinkCounts[]> {
    return (await this.#ask({ op: 'show', table: 'links' }))['rows'] as readonly LinkCounts[];
  }

  /** Resident bytes; 0 when it is gone. */
  resident(): number {
    try {
      const status = readFileSync(`/proc/${this.running.child.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) * 1024;
    } catch {
      return 0;
    }
  }

  /** Sweeps its heap and answers with what is in use. */
  async probe(): Promise<ProbeLine> {
    const before = this.#lines().length;
    this.running.child.kill('SIGUSR2');
    return this.#line(before);
  }

  /** Ends it as Ctrl-C does. */
  async end(): Promise<{ readonly code: number | null; readonly last: ProbeLine | null }> {
    const code = await this.running.stop('SIGINT');
    const last = this.#lines().at(-1) ?? null;
    return { code, last: last?.closed === true ? last : null };
  }

  async #line(after: number): Promise<ProbeLine> {
    for (let tries = 0; tries < 500; tries++) {
      const line = this.#lines()[after];
      if (line !== undefined) return line;
      await this.#stage.place.pause(10);
    }
    throw new Error(`the VTEP under test does not answer: ${this.running.err}`);
  }

  #lines(): readonly ProbeLine[] {
    if (!existsSync(this.#probed)) return [];
    const whole = readFileSync(this.#probed, 'utf8').split('\n').slice(0, -1);
    return whole.map((line) => JSON.parse(line) as ProbeLine);
  }

  async #ask(request: Readonly<Record<string, string>>): Promise<Readonly<Record<string, unknown>>> {
    let said: Readonly<Record<string, unknown>> = {};
    await callLab({
      folder: controlFolder(this.#stage),
      lab: NAME,
      request,
      input: null,
      signal: this.#stage.place.signal,
      answer: (frame) => {
        said = { ...said, ...frame };
      },
    });
    return said;
  }
}
