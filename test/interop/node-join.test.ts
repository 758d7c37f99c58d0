// A lab of which one node is real: a network namespace, made the node by exactly the commands that were written for it. Needs root.

import type { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { UpDocument } from '../../src/cli/report.ts';
import { LECTURE } from '../cli/harness.ts';
import { vxlabArguments } from '../support/live-vtep.ts';
import type { Done } from '../support/netns.ts';
import { canMakeNamespaces, run } from '../support/netns.ts';
import { UnderlayNet } from '../support/underlay-net.ts';

const able = canMakeNamespaces();

/** The lab stands in namespace 1 with its two nodes on 192.0.2.1 and .31; worker2 is namespace 2. */
describe.skipIf(!able).each([['in one process'], ['with a process a node', '--processes']])(
  '%s',
  (_how, ...more) => {
    let net: UnderlayNet;
    let folder: string;
    let lab: ReturnType<typeof spawn>;
    let err = '';
    let out = '';

    beforeAll(async () => {
      net = new UnderlayNet(more.length === 0 ? 'join' : 'joinp', 2);
      folder = mkdtempSync(join(tmpdir(), 'vxlab-join-'));
      net.ip('-n', net.space(1), 'addr', 'add', '192.0.2.31/24', 'dev', 'eth0');
      net.ip('-n', net.space(1), 'addr', 'add', '192.0.2.32/24', 'dev', 'eth0');
      const argv = [
        'up',
        LECTURE,
        '--underlay',
        'udp',
        '--first',
        '192.0.2.31',
        '--join',
        'worker2=192.0.2.2',
      ];
      const rest = ['--join-script', join(folder, 'join.sh'), '--traffic', 'ping', '--json', ...more];
      lab = net.start(1, process.execPath, ...vxlabArguments(...argv, ...rest));
      lab.stdout?.on('data', (chunk: Buffer) => {
        out += chunk.toString();
      });
      lab.stderr?.on('data', (chunk: Buffer) => {
        err += chunk.toString();
      });
      for (let i = 0; i < 400 && !err.includes('as root: sh'); i++) await pause(50);
      expect(err).toContain(`on worker2, as root: sh ${join(folder, 'join.sh')} NODE`);
    }, 60_000);

    afterAll(() => {
      lab?.kill('SIGKILL');
      made('down');
      net?.remove();
      rmSync(folder, { recursive: true, force: true });
    });

    /** The commands for worker2, in its network namespace and among all names of namespaces: `ip netns exec` would hide them. */
    function made(what: 'up' | 'down'): Done {
      const script = ['sh', join(folder, 'join.sh'), 'worker2', what];
      return run('nsenter', [`--net=/run/netns/${net.space(2)}`, ...script]);
    }

    function pause(milliseconds: number): Promise<void> {
      return new Promise((done) => setTimeout(done, milliseconds));
    }

    test('the commands make the namespace the node, and its containers reach the emulated ones and are reached', async () => {
      const up = made('up');
      expect([up.ok, up.err]).toEqual([true, '']);
      // appserver.1 runs on worker2: it pings webserver.1 on manager1 by its address.
      const real = 'lecture_appserver.1';
      for (const [size, ...how] of [['56'], ['1422', '-M', 'do'], ['4000']]) {
        const ping = ['ping', '-c', '2', '-i', '0.2', '-W', '2', '-s', size as string, ...how, '10.0.1.3'];
        const done = run('ip', ['netns', 'exec', real, ...ping]);
        expect([size, done.ok]).toEqual([size, true]);
      }
      await pause(3000);
      const gone = once(lab, 'close');
      // Ctrl-C reaches the program through `ip netns exec`, which became it.
      lab.kill('SIGINT');
      const [code] = (await gone) as [number | null];
      expect(code).toBe(130);
      const report = JSON.parse(out) as UpDocument;
      expect(report.containers.find(({ name }) => name === real)?.node).toBe('worker2');
      const toReal = report.traffic.filter(({ to }) => to === real);
      expect(toReal.length).toBeGreaterThan(0);
      for (const { received } of toReal) expect(received).toBeGreaterThan(0);
      // Nobody pings in the name of a container that is real.
      expect(report.traffic.filter(({ fromNode }) => fromNode === 'worker2')).toEqual([]);
    }, 60_000);

    test('nothing is left of the node when its commands have taken it away', () => {
      const done = made('down');
      expect([done.ok, done.err]).toEqual([true, '']);
      expect(net.ip('-n', net.space(2), '-o', 'link', 'show', 'type', 'vxlan')).toBe('');
      expect(net.ip('netns', 'list')).not.toContain('lecture_appserver.1');
    });
  },
);
