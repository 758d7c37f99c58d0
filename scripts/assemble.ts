// Compiles assembly/*.ts from AssemblyScript to WebAssembly and writes each as text into the module of src/ that loads it. What
// it writes is checked in, so that neither a build nor a user needs the compiler; test/house/assembly.test.ts compiles again and
// compares. Usage: tsx scripts/assemble.ts

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Source -> the module that it becomes. */
export const ASSEMBLED: ReadonlyMap<string, string> = new Map([
  ['assembly/sweep.ts', 'src/core/survey/sweep-code.ts'],
  ['assembly/line.ts', 'src/cli/render/line-code.ts'],
]);

const ROOT: string = fileURLToPath(new URL('../', import.meta.url));
const OPTIONS = '-O3 --converge --noAssert --runtime stub --importMemory --noExportMemory'.split(' ');

/** The text of the module that a source becomes. */
export function assembled(source: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'vxlab-assembly-'));
  try {
    const code = join(folder, 'code.wasm');
    execFileSync(join(ROOT, 'node_modules/.bin/asc'), [source, ...OPTIONS, '-o', code], { cwd: ROOT });
    const text = readFileSync(code).toString('base64');
    return `// ${source} as WebAssembly, in base64: written by scripts/assemble.ts, not by hand.\n\nexport const CODE =\n  '${text}';\n`;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [source, module] of ASSEMBLED) writeFileSync(ROOT + module, assembled(source));
}
