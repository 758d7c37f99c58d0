// The modules of one program: loaded anew for it, so that two tasks that run the same file share nothing, and given the
// container's modules and globals where they ask for Node's. CommonJS is done here; ES modules go through Node's loader,
// whose hooks lead them back here for what is CommonJS or built in (hooks.ts).

import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, extname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { constants, Script } from 'node:vm';
import type { Scope } from './scope.ts';

interface CommonModule {
  id: string;
  path: string;
  filename: string;
  exports: unknown;
  loaded: boolean;
  parent: CommonModule | null;
  children: CommonModule[];
  paths: string[];
  require: (id: string) => unknown;
}
type Body = (
  exports: unknown,
  require: NodeJS.Require,
  module: CommonModule,
  filename: string,
  dirname: string,
) => void;

export class ModuleGraph {
  /** What marks the URLs of this program's ES modules. */
  readonly key: string;
  readonly scope: Scope;
  readonly #modules: Map<string, CommonModule> = new Map();
  readonly #cache: Record<string, CommonModule | undefined> = Object.create(null);
  #main: CommonModule | null = null;
  /** Called when an ES module of it begins to run. */
  begun: () => void = () => {};

  constructor(key: string, scope: Scope) {
    this.key = key;
    this.scope = scope;
  }

  /** Runs a CommonJS file as the program's main module. */
  main(file: string): unknown {
    return this.load(file, null);
  }

  /** The exports of a CommonJS or JSON file of this program, run if they were not asked for before. */
  load(file: string, parent: CommonModule | null): unknown {
    const known = this.#cache[file];
    if (known !== undefined) return known.exports;
    const module: CommonModule = {
      id: parent === null && this.#main === null ? '.' : file,
      path: dirname(file),
      filename: file,
      exports: {},
      loaded: false,
      parent,
      children: [],
      paths: createRequire(file).resolve.paths('x') ?? [],
      require: (id) => this.#require(id, module),
    };
    this.#main ??= module;
    parent?.children.push(module);
    this.#modules.set(file, module);
    this.#cache[file] = module;
    try {
      this.#run(module);
    } catch (error) {
      delete this.#cache[file];
      throw error;
    }
    module.loaded = true;
    return module.exports;
  }

  #run(module: CommonModule): void {
    const { filename } = module;
    const text = readFileSync(filename, 'utf8')
      .replace(/^\uFEFF/, '')
      .replace(/^#!/, '//');
    if (extname(filename) === '.json') {
      module.exports = JSON.parse(text);
      return;
    }
    const names = Object.keys(this.scope.globals);
    // One function for the globals and one for the module, so that it may declare such a name itself.
    const before = `(function (${names.join(', ')}) { return function (exports, require, module, __filename, __dirname) { `;
    const script = new Script(`${before}${text}\n}})`, {
      filename: this.urlOf(filename),
      columnOffset: -before.length,
      // import() from here goes through Node's loader, which knows by the file's URL whose it is. Node warns of it, once, so
      // only those that use it are given it.
      ...(/\bimport\s*\(/.test(text) ? { importModuleDynamically: LOADER } : {}),
    });
    const outer = script.runInThisContext() as (...globals: unknown[]) => Body;
    const body = outer(...Object.values(this.scope.globals));
    Reflect.apply(body, module.exports, [
      module.exports,
      this.#requireOf(module),
      module,
      filename,
      dirname(filename),
    ]);
  }

  #requireOf(module: CommonModule): NodeJS.Require {
    const real = createRequire(module.filename);
    const require = (id: string): unknown => this.#require(id, module);
    return Object.assign(require, {
      resolve: real.resolve,
      cache: this.#cache,
      main: this.#main,
      extensions: real.extensions,
    }) as unknown as NodeJS.Require;
  }

  #require(id: string, from: CommonModule): unknown {
    const mine = this.builtin(id);
    if (mine !== null) return mine;
    const real = createRequire(from.filename);
    if (isBuiltin(id)) return real(id);
    const file = real.resolve(id);
    const ending = extname(file);
    // Addons, and ES modules where Node can take them: those are shared, and see Node's own network.
    if (ending === '.node' || ending === '.mjs' || (ending === '.js' && isModule(file))) return real(id);
    return this.load(file, from);
  }

  /** The container's module of a name, with or without `node:`; null for one that is Node's own. */
  builtin(id: string): object | null {
    return this.scope.builtins.get(id.startsWith('node:') ? id.slice(5) : id) ?? null;
  }

  /** The URL of a file as a module of this program. */
  urlOf(file: string): string {
    const url = pathToFileURL(file);
    url.searchParams.set('vxlab', this.key);
    return url.href;
  }
}

const LOADER = constants.USE_MAIN_CONTEXT_DEFAULT_LOADER as never;
const scopes: Map<string, boolean> = new Map();

/** True where the nearest package.json says that `.js` files are ES modules. */
export function isModule(file: string): boolean {
  const folder = dirname(file);
  const known = scopes.get(folder);
  if (known !== undefined) return known;
  let answer = false;
  for (let at = folder; ; at = dirname(at)) {
    try {
      answer = JSON.parse(readFileSync(`${at}/package.json`, 'utf8')).type === 'module';
      break;
    } catch {
      if (at === dirname(at) || at.endsWith('/node_modules')) break;
    }
  }
  scopes.set(folder, answer);
  return answer;
}
