// A user's program, unchanged: a JavaScript file whose `net`, `http`, timers and date are the container's.

import { extname, resolve } from 'node:path';
import type { ContainerProcess } from '../process.ts';
import { processOf } from '../process.ts';
import type { Program } from '../program.ts';
import { isModule, ModuleGraph } from './graph.ts';
import { forget, importInto, know } from './hooks.ts';
import { scopeOf } from './scope.ts';

let serial = 0;

/**
 * The program that a file is: CommonJS or an ES module, told apart as Node tells them (`.cjs`, `.mjs`, the package's type). A
 * module whose default export is a function is a Program and is called with its context. Any other is over as it is
 * with Node: when nothing holds it, or by process.exit.
 */
export function programOf(file: string): Program {
  const path = resolve(file);
  return async (context) => {
    const owner = processOf(context);
    const scope = scopeOf(context, path);
    const graph = new ModuleGraph(`${++serial}`, scope);
    know(graph);
    const { events } = scope.process;
    const asked = (): void => {
      if (owner.code !== null) return;
      // As a kernel does: who does not listen is ended by the signal.
      if (!events.emit('SIGTERM', 'SIGTERM', 15)) owner.exit(143);
    };
    context.signal.addEventListener('abort', asked, { once: true });
    try {
      const found = isEsModule(path) ? await imported(owner, graph, path) : graph.main(path);
      const main = typeof found === 'function' ? found : (found as { default?: unknown } | null)?.default;
      if (typeof main === 'function' && main.length === 1 && isProgram(main))
        return (await main(context)) ?? 0;
      await owner.idle();
      const code = Number(scope.process.exitCode ?? 0);
      events.emit('exit', code);
      return code;
    } finally {
      forget(graph);
    }
  };
}

/** Time stands while modules are loaded, and goes on with the first that runs: it may wait for something at its top level. */
async function imported(owner: ContainerProcess, graph: ModuleGraph, path: string): Promise<unknown> {
  const begun = new Promise<void>((begin) => {
    graph.begun = begin;
  });
  const whole = importInto(graph, path);
  await owner.loading(Promise.race([begun, whole]));
  return whole;
}

function isEsModule(path: string): boolean {
  return extname(path) === '.mjs' || (extname(path) === '.js' && isModule(path));
}

/** An Express application is a function too, but no `async function` of one argument. */
function isProgram(main: object): boolean {
  return Object.prototype.toString.call(main) === '[object AsyncFunction]';
}
