// What a program finds in a container in place of Node's own: the modules that touch the network or the time, and the
// global names that do.

import { Console } from 'node:console';
import { promisify } from 'node:util';
import { processOf } from '../process.ts';
import type { ProgramContext } from '../program.ts';
import { containerHttps, containerTls } from '../tls.ts';
import { fetchOf } from './fetch.ts';
import type { ProcessView } from './process-view.ts';
import { processView } from './process-view.ts';

export interface Scope {
  readonly process: ProcessView;
  /** By the names they are asked for, without `node:`. */
  readonly builtins: ReadonlyMap<string, object>;
  /** By name, in a fixed order. */
  readonly globals: Readonly<Record<string, unknown>>;
}

/** The names of what a scope holds, for who must know them before there is one. */
export const BUILTINS: readonly string[] = [
  'net',
  'http',
  'https',
  'tls',
  'dgram',
  'dns',
  'dns/promises',
  'timers',
  'timers/promises',
  'process',
  'console',
];

export function scopeOf(context: ProgramContext, file: string): Scope {
  const owner = processOf(context);
  const { time, net, http, dgram, dns } = context;
  const view = processView(context, file, (code) => owner.exit(code));
  const console = new Console({ stdout: view.stdout, stderr: view.stderr });
  const tls = containerTls(net);
  const timers = timersOf(context);
  const promises = timersPromises(context);
  const builtins = new Map<string, object>([
    ['net', net],
    ['http', http],
    ['https', containerHttps(owner.site, net, http, tls)],
    ['tls', tls],
    ['dgram', dgram],
    ['dns', dns],
    ['dns/promises', dns.promises],
    ['timers', { ...timers, promises }],
    ['timers/promises', promises],
    ['process', view],
    ['console', console],
  ]);
  const { setTimeout, setInterval, clearTimeout, clearInterval } = timers;
  const globals = {
    process: view,
    console,
    setTimeout,
    setInterval,
    clearTimeout,
    clearInterval,
    Date: time.Date,
    fetch: fetchOf(net, tls, (promise) => time.hold(promise)),
    performance: Object.create(performance, {
      now: { value: () => time.now / 1e6 },
      timeOrigin: { value: time.date() - time.now / 1e6 },
    }),
  };
  return { process: view, builtins, globals };
}

function timersOf({
  time,
}: ProgramContext): Record<string, unknown> &
  Pick<typeof time, 'setInterval' | 'setTimeout' | 'clearTimeout' | 'clearInterval'> {
  const setTimeout = time.setTimeout.bind(time) as typeof time.setTimeout;
  // util.promisify(setTimeout) is an old way to sleep.
  Object.defineProperty(setTimeout, promisify.custom, {
    value: (ms: number, value: unknown) => time.sleep(ms).then(() => value),
  });
  return {
    setTimeout,
    setInterval: time.setInterval,
    clearTimeout: time.clearTimeout,
    clearInterval: time.clearInterval,
    setImmediate,
    clearImmediate,
  };
}

function timersPromises({ time }: ProgramContext): Record<string, unknown> {
  interface Options {
    readonly signal?: AbortSignal;
    readonly ref?: boolean;
  }
  return {
    setTimeout: (ms?: number, value?: unknown, options?: Options) =>
      time.sleep(ms ?? 1, options).then(() => value),
    setImmediate: promisify(setImmediate),
    setInterval: async function* (ms?: number, value?: unknown, options?: Options) {
      for (;;) {
        await time.sleep(ms ?? 1, options);
        yield value;
      }
    },
    scheduler: {
      wait: (ms: number, options?: Options) => time.sleep(ms, options),
      yield: () => promisify(setImmediate)(),
    },
  };
}
