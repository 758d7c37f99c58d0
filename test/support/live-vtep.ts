// `vxlab vtep` as a process of its own in a network namespace: started, asked for its counters by SIGUSR1, ended by SIGINT.

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import type { VtepReport } from '../../src/live/vtep/vtep-report.ts';
import type { UnderlayNet } from './underlay-net.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const TSX = createRequire(import.meta.url).resolve('tsx');
/** Milliseconds for a start, a report or an end. */
const PATIENCE = 15_000;

/** What a test runs in place of the program. */
export function vxlabArguments(...args: string[]): string[] {
  return ['--import', TSX, MAIN, ...args];
}

export class LiveVtepProcess {
  readonly child: ChildProcessWithoutNullStreams;
  #out = '';
  #err = '';
  #told = 0;
  #more: () => void = () => {};

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.child = child;
    const hear = (): void => this.#more();
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#out += text;
      hear();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#err += text;
      hear();
    });
    child.once('exit', hear);
  }

  /** Resolves when its sockets are open. @throws Error with its words when it ends instead */
  static async start(
    net: Pick<UnderlayNet, 'start'>,
    n: number,
    ...args: string[]
  ): Promise<LiveVtepProcess> {
    const name = `test-${process.pid}-${n}-${Math.floor(performance.now())}`;
    const child = net.start(
      n,
      process.execPath,
      ...vxlabArguments('vtep', '--json', '--name', name, ...args),
    );
    const vtep = new LiveVtepProcess(child);
    await vtep.#until(() => vtep.#err.includes('Ctrl-C ends it'), 'a start');
    return vtep;
  }

  /** Resolves when it has said so on standard error: that pipe may lag behind the reports. */
  says(words: string): Promise<void> {
    return this.#until(() => this.#err.includes(words), `'${words}'`);
  }

  async report(): Promise<VtepReport> {
    this.child.kill('SIGUSR1');
    return this.#document();
  }

  /** Ends it as Ctrl-C does. */
  async end(): Promise<{ readonly code: number | null; readonly report: VtepReport | null }> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) {
      return { code: this.child.exitCode, report: null };
    }
    const gone = once(this.child, 'exit');
    this.child.kill('SIGINT');
    const killer = setTimeout(() => this.child.kill('SIGKILL'), PATIENCE);
    const report = await this.#document();
    await gone;
    clearTimeout(killer);
    return { code: this.child.exitCode, report };
  }

  async #document(): Promise<VtepReport> {
    const from = this.#told;
    await this.#until(() => this.#out.indexOf('\n}\n', from) >= 0, 'a report');
    this.#told = this.#out.indexOf('\n}\n', from) + 3;
    return JSON.parse(this.#out.slice(from, this.#told)) as VtepReport;
  }

  #until(done: () => boolean, what: string): Promise<void> {
    return new Promise((resolve, fail) => {
      const late = setTimeout(() => fail(new Error(`no sign of ${what}: ${this.#err}`)), PATIENCE);
      this.#more = () => {
        const over = this.child.exitCode !== null;
        if (!done() && !over) return;
        clearTimeout(late);
        this.#more = () => {};
        if (done()) resolve();
        else fail(new Error(`it ended with ${this.child.exitCode}: ${this.#err}`));
      };
      this.#more();
    });
  }
}
