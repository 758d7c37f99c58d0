// Runs a tool of `vxlab exec` against this machine's own network on loopback: node:net in place of a container's, the wall clock in
// place of virtual time. What it says can so be held against the real programs.

import dgram from 'node:dgram';
import dns from 'node:dns';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Tool, ToolContext } from '../../../src/apps/exec/tool.ts';
import { RandomSource } from '../../../src/engine/time/random.ts';

export interface Ran {
  readonly exit: number;
  readonly out: string;
  readonly err: string;
}

export interface Given {
  /** Names and what they stand for; others do not exist. */
  readonly names?: Readonly<Record<string, readonly string[]>>;
  readonly input?: string;
  readonly signal?: AbortSignal;
}

export async function onMachine(tool: Tool, argv: readonly string[], given: Given = {}): Promise<Ran> {
  let [out, err] = ['', ''];
  const names = given.names ?? {};
  const context = {
    name: 'here',
    net,
    dgram,
    http,
    dns: {
      ...dns,
      lookup: (
        name: string,
        options: { readonly family?: number },
        done: (error: Error | null, found: readonly { address: string; family: number }[]) => void,
      ) => {
        const all = net.isIP(name) === 0 ? (names[name] ?? []) : [name];
        const fitting = all.filter((address) => !options.family || net.isIP(address) === options.family);
        const missing = Object.assign(new Error(`getaddrinfo ENOTFOUND ${name}`), { code: 'ENOTFOUND' });
        setImmediate(() =>
          done(
            fitting.length === 0 ? missing : null,
            fitting.map((address) => ({ address, family: net.isIP(address) })),
          ),
        );
      },
    },
    time: {
      get now() {
        return Math.floor(performance.now() * 1e6);
      },
      date: () => Date.now(),
      Date,
      sleep: (ms: number, options?: { signal?: AbortSignal }) => sleep(ms, undefined, options),
      setTimeout: (callback: () => void, ms: number) => {
        const timer = setTimeout(callback, ms);
        return Object.assign(timer, { close: () => clearTimeout(timer) });
      },
      setInterval: (callback: () => void, ms: number) => {
        const timer = setInterval(callback, ms);
        return Object.assign(timer, { close: () => clearInterval(timer) });
      },
      clearTimeout,
    },
    random: new RandomSource(1).stream('exec'),
    env: {},
    argv,
    signal: given.signal ?? new AbortController().signal,
    input: (async function* () {
      if (given.input !== undefined) yield Buffer.from(given.input);
    })(),
    write: async (bytes: Uint8Array) => {
      out += Buffer.from(bytes).toString('latin1');
    },
    out: (text: string) => {
      out += text;
    },
    err: (text: string) => {
      err += text;
    },
    endless: () => {},
    beside: () => null,
  } as unknown as ToolContext;
  const exit = await tool(context);
  return { exit, out, err };
}
