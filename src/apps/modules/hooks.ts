// ES modules of a program in a container. Their URLs carry the program's key, `?vxlab=KEY`, and Node's loader hooks hand it
// down: what such a module imports is loaded anew for this program; a module of Node's that touches network or time is the
// container's; a CommonJS file is run by the program's graph. The hooks run in a thread of Node's (node:module, register)
// and ask this one for what only it knows.

import { register } from 'node:module';
import { fileURLToPath } from 'node:url';
import { MessageChannel } from 'node:worker_threads';
import type { ModuleGraph } from './graph.ts';
import { BUILTINS } from './scope.ts';

/** Where the hooks' modules find the programs. */
const REGISTER = Symbol.for('vxlab.modules');
const graphs: Map<string, ModuleGraph> = new Map();
let installed = false;

/** What a module made by the hooks imports its parts from. */
interface Register {
  /** A container's module, or the exports of a CommonJS file. */
  take(key: string, what: string): unknown;
  /** Called by each module when it begins to run: what it imports is there by then. */
  globals(key: string): Readonly<Record<string, unknown>>;
}

/**
 * The hooks, as the thread loads them. The thread shares no file with this one, which may be bundled or not be JavaScript at
 * all: so they are text. To find out which of the globals a module declares itself, it is parsed with them in front: an
 * import that leads nowhere keeps it from running.
 */
const HOOKS = `
import { MessageChannel } from 'node:worker_threads';
let port, builtins, globals, serial = 0;
const waiting = new Map();
export function initialize(data) {
  ({ port, builtins, globals } = data);
  port.on('message', ({ id, names, error }) => {
    const { resolve, reject } = waiting.get(id);
    waiting.delete(id);
    error ? reject(Object.assign(new Error(error.message), error)) : resolve(names);
  });
}
const namesOf = (key, what) => new Promise((resolve, reject) => {
  waiting.set(++serial, { resolve, reject });
  port.postMessage({ id: serial, key, what });
});
const keyOf = (url) => /[?&]vxlab=([^&#]+)/.exec(url ?? '')?.[1];
export async function resolve(specifier, context, next) {
  const key = keyOf(context.parentURL) ?? (specifier.startsWith('file:') ? keyOf(specifier) : undefined);
  if (key === undefined) return next(specifier, context);
  const bare = specifier.replace(/^node:/, '');
  if (builtins.includes(bare)) return { url: 'vxlab:' + bare + '?vxlab=' + key, shortCircuit: true };
  if (specifier.startsWith('vxlab:')) return { url: specifier, shortCircuit: true };
  const found = await next(specifier, context);
  if (!found.url.startsWith('file:') || keyOf(found.url)) return found;
  const url = new URL(found.url);
  url.searchParams.set('vxlab', key);
  return { ...found, url: url.href };
}
const made = (key, what, names) => ({
  format: 'module',
  shortCircuit: true,
  source: 'const m = globalThis[Symbol.for("vxlab.modules")].take(' + JSON.stringify(key) + ', ' + JSON.stringify(what) + ');\\n' +
    'export default m;\\n' + names.map((name, i) => 'const n' + i + ' = m[' + JSON.stringify(name) + '];\\nexport { n' + i + ' as ' + JSON.stringify(name) + ' };').join('\\n'),
});
async function prefix(key, source) {
  let names = globals.filter((name) => source.includes(name));
  for (;;) {
    const call = 'globalThis[Symbol.for("vxlab.modules")].globals(' + JSON.stringify(key) + '); ';
    if (names.length === 0) return call;
    const line = 'const { ' + names.join(', ') + ' } = ' + call;
    const probe = line + source + '\\nimport "vxlab-nowhere:";';
    try {
      await import('data:text/javascript;base64,' + Buffer.from(probe).toString('base64'));
    } catch (error) {
      const taken = error instanceof SyntaxError && /Identifier '(.+)' has already been declared/.exec(error.message)?.[1];
      if (taken && names.includes(taken)) { names = names.filter((name) => name !== taken); continue; }
    }
    return line;
  }
}
export async function load(url, context, next) {
  const key = keyOf(url);
  if (key === undefined) return next(url, context);
  if (url.startsWith('vxlab:')) {
    const what = url.slice(6, url.indexOf('?'));
    return made(key, what, await namesOf(key, what));
  }
  const loaded = await next(url, context);
  if (loaded.format === 'commonjs' || loaded.format === 'json') {
    const file = url.replace(/[?&]vxlab=[^&#]+/, '');
    return made(key, file, loaded.format === 'json' ? [] : await namesOf(key, file));
  }
  if (loaded.format !== 'module') return loaded;
  const source = Buffer.from(loaded.source).toString().replace(/^#!/, '//');
  return { ...loaded, source: (await prefix(key, source)) + source };
}
`;

/** Makes a program known to the loader; `forget` it when it is over. */
export function know(graph: ModuleGraph): void {
  install(Object.keys(graph.scope.globals));
  graphs.set(graph.key, graph);
}

export function forget(graph: ModuleGraph): void {
  graphs.delete(graph.key);
}

/** Imports an ES module as one of the program's. */
export async function importInto(graph: ModuleGraph, file: string): Promise<unknown> {
  const { default: native } = (await import(IMPORT)) as { default: (url: string) => Promise<unknown> };
  return native(graph.urlOf(file));
}

/** `import()` that no bundler and no test runner takes for its own. */
const IMPORT = 'data:text/javascript,export default (url) => import(url)';

function install(globals: string[]): void {
  if (installed) return;
  installed = true;
  const registry: Register = {
    take: (key, what) => taken(graphOf(key), what),
    globals: (key) => {
      const graph = graphOf(key);
      graph.begun();
      return graph.scope.globals;
    },
  };
  Object.defineProperty(globalThis, REGISTER, { value: registry });
  const { port1, port2 } = new MessageChannel();
  port1.on('message', ({ id, key, what }: { id: number; key: string; what: string }) => {
    try {
      const names = namesOf(taken(graphOf(key), what));
      port1.postMessage({ id, names });
    } catch (error) {
      const { message, stack, code } = error as NodeJS.ErrnoException;
      port1.postMessage({ id, error: { message, stack, code } });
    }
  });
  port1.unref();
  register(`data:text/javascript,${encodeURIComponent(HOOKS)}`, {
    data: { port: port2, builtins: BUILTINS, globals },
    transferList: [port2],
  });
}

function graphOf(key: string): ModuleGraph {
  const graph = graphs.get(key);
  if (graph === undefined) throw new Error(`the program ${key} is over`);
  return graph;
}

function taken(graph: ModuleGraph, what: string): unknown {
  return what.startsWith('file:') ? graph.load(fileURLToPath(what), null) : graph.builtin(what);
}

function namesOf(exports: unknown): string[] {
  if ((typeof exports !== 'object' && typeof exports !== 'function') || exports === null) return [];
  return Object.keys(exports).filter((name) => name !== 'default' && name !== '__esModule');
}
