// The scenarios of docs/live.md, docs/send.md and docs/node-groups.md, each run as it is printed. Needs root; what a scenario that failed left behind is
// taken away.

import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { vxlabArguments } from '../support/live-vtep.ts';
import { canMakeNamespaces } from '../support/netns.ts';
import { hasTool } from '../support/peers.ts';

const able = canMakeNamespaces() && ['ping', 'python3', 'curl', 'bash'].every((tool) => hasTool(tool));

/** The scenarios of a page. */
function scenariosOf(page: string): (readonly [title: string, script: string])[] {
  const text = readFileSync(new URL(`../../docs/${page}`, import.meta.url), 'utf8');
  return [...text.matchAll(/^## (.+)\n[^#]*?^```sh\n([^`]*)^```$/gm)].map(
    ([, title = '', script = '']) => [title, script] as const,
  );
}

const folder = mkdtempSync(join(tmpdir(), 'vxlab-docs-'));
const programs = join(folder, 'bin');
mkdirSync(programs);
const program = join(programs, 'vxlab');
writeFileSync(program, `#!/bin/sh\nexec ${[process.execPath, ...vxlabArguments()].join(' ')} "$@"\n`);
chmodSync(program, 0o755);
afterAll(() => rmSync(folder, { recursive: true }));

/** The namespaces that a script makes: what is left of them goes. */
function spacesOf(script: string): string[] {
  const named = [...script.matchAll(/ip netns add ([\w-]+)/g)].map(([, name = '']) => name);
  const listed = [...script.matchAll(/^for n in ([\w -]+); do\s+ip netns (?:add|del) (\w*)\$n/gm)].flatMap(
    ([, names = '', before = '']) => names.split(' ').map((name) => before + name),
  );
  return [...new Set([...named, ...listed])];
}

describe.skipIf(!able).each([
  ['live.md', 5],
  ['send.md', 2],
  ['node-groups.md', 2],
] as const)('docs/%s', (page, least) => {
  const scenarios = scenariosOf(page);

  test('has its scenarios', () => {
    expect(scenarios.length).toBeGreaterThanOrEqual(least);
  });

  test.each(scenarios)(
    '%s',
    (_, script) => {
      const env = {
        ...process.env,
        PATH: `${programs}:${process.env['PATH']}:/usr/sbin:/sbin`,
        XDG_RUNTIME_DIR: folder,
      };
      try {
        // Timeout ends all that a script has started, with it.
        const ran = spawnSync('timeout', ['-k', '3', '45', 'bash', '-e', '-c', script], {
          encoding: 'utf8',
          env,
        });
        expect([ran.status, ran.status === 0 ? '' : ran.stdout + ran.stderr]).toEqual([0, '']);
        expect(ran.stderr).not.toContain('Error');
      } finally {
        for (const space of spacesOf(script)) spawnSync('ip', ['netns', 'del', space], { env });
      }
    },
    90_000,
  );
});
