// A process a node over real sockets: what a dead process means, and that none stays behind.

import type { ChildProcess } from 'node:child_process';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import type { UpDocument } from '../../src/cli/report.ts';
import { cli, LECTURE, validates } from '../cli/harness.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
/** Nobody else's, and one for each run, because they follow each other closely. */
let port = 25_100;

/** `vxlab up` with a process a node; `pids` by node once all have their sockets. */
class Group {
  readonly child: ChildProcess;
  out = '';
  err = '';

  constructor(...more: string[]) {
    const argv = [
      'up',
      LECTURE,
      '--underlay',
      'udp',
      '--processes',
      '--json',
      '--port',
      String(port++),
      ...more,
    ];
    this.child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...argv]);
    this.child.stdout?.on('data', (chunk: Buffer) => {
      this.out += chunk.toString();
    });
    this.child.stderr?.on('data', (chunk: Buffer) => {
      this.err += chunk.toString();
    });
  }

  async says(words: string): Promise<void> {
    for (let i = 0; i < 600 && !this.err.includes(words); i++) await pause(50);
    expect(this.err).toContain(words);
  }

  async pids(): Promise<Map<string, number>> {
    await this.says('processes: ');
    const [, list = ''] = /processes: (.*)\n/.exec(this.err) ?? [];
    return new Map(list.split(', ').map((one) => [one.split(' ')[0] as string, Number(one.split(' ')[1])]));
  }

  /** Ends it as Ctrl-C does, or waits for its end. */
  async end(signal: NodeJS.Signals | null = 'SIGINT'): Promise<{ code: number | null; report: UpDocument }> {
    const gone = once(this.child, 'close');
    if (signal !== null) this.child.kill(signal);
    const [code] = (await gone) as [number | null];
    return { code, report: JSON.parse(this.out) as UpDocument };
  }
}

const groups: Group[] = [];
afterEach(() => {
  for (const { child } of groups.splice(0)) child.kill('SIGKILL');
});

function group(...more: string[]): Group {
  const made = new Group(...more);
  groups.push(made);
  return made;
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

async function allGone(pids: Iterable<number>): Promise<boolean> {
  const all = [...pids];
  for (let i = 0; i < 200 && all.some(isAlive); i++) await pause(50);
  return !all.some(isAlive);
}

describe('up --underlay udp --processes', () => {
  test('every request is answered across processes; the report is that of one process, and none stays', async () => {
    const lab = group('--for', '3s');
    const pids = await lab.pids();
    expect([...pids.keys()]).toEqual(['manager1', 'worker1', 'worker2']);
    const { code, report } = await lab.end(null);
    expect(code).toBe(0);
    validates('up', report);
    expect(report.containers).toHaveLength(5);
    expect(report.requests.map(({ service, peer, failures }) => [service, peer, failures])).toEqual([
      ['webserver', 'appserver', 0],
      ['appserver', 'mysql', 0],
    ]);
    for (const { requests, latency } of report.requests) {
      expect(requests).toBeGreaterThan(2);
      expect(latency.count).toBe(requests);
    }
    expect(report.vxlan.packets).toBeGreaterThan(20);
    expect(report.processes?.map(({ pid, ended }) => [pid, ended])).toEqual(
      [...pids.values()].map((pid) => [pid, null]),
    );
    expect(await allGone(pids.values())).toBe(true);
  }, 60_000);

  test('a process that is killed is a dead node: its tasks run elsewhere and are reached there', async () => {
    const lab = group('--traffic', 'ping');
    const pids = await lab.pids();
    await pause(1200);
    process.kill(pids.get('worker1') as number, 'SIGKILL');
    await lab.says('worker1 is gone');
    expect(lab.err).toMatch(/lecture_webserver\.2 moves to \w+, lecture_mysql\.1 moves to \w+/);
    await pause(2500);
    const { code, report } = await lab.end();
    expect(code).toBe(130);
    validates('up', report);
    expect(report.processes?.find(({ node }) => node === 'worker1')?.ended).toBe('ended by SIGKILL');
    expect(report.moves?.map(({ container, from }) => [container, from])).toEqual([
      ['lecture_webserver.2', 'worker1'],
      ['lecture_mysql.1', 'worker1'],
    ]);
    expect(report.nodes.find(({ name }) => name === 'worker1')?.containers).toBe(0);
    const moved = report.containers.find(({ name }) => name === 'lecture_mysql.1');
    const address = moved?.addresses.at(-1)?.address.split('/')[0];
    const now = report.traffic.filter((row) => row.to === 'lecture_mysql.1' && row.address === address);
    expect(now.length).toBeGreaterThan(0);
    for (const { sent, received } of now) expect([sent > 0, received]).toEqual([true, sent]);
  }, 60_000);

  test('a process that says nothing any more is dead too, and is made sure of', async () => {
    const lab = group('--traffic', 'none');
    const pids = await lab.pids();
    const still = pids.get('worker2') as number;
    process.kill(still, 'SIGSTOP');
    await lab.says('silent for 5 s, killed');
    expect(await allGone([still])).toBe(true);
    const { report } = await lab.end();
    expect(report.moves?.every(({ from, to }) => from === 'worker2' && to !== null)).toBe(true);
  }, 60_000);

  test('nodes end with their manager, however he ends', async () => {
    const lab = group('--traffic', 'none');
    const pids = await lab.pids();
    lab.child.kill('SIGKILL');
    expect(await allGone(pids.values())).toBe(true);
  }, 60_000);

  test('when no node is left it is over', async () => {
    const lab = group('--nodes', '2', '--traffic', 'none');
    for (const pid of (await lab.pids()).values()) process.kill(pid, 'SIGKILL');
    const { code, report } = await lab.end(null);
    expect(code).toBe(0);
    expect(report.containers).toEqual([]);
    expect(report.pending).toHaveLength(5);
  }, 60_000);
});

describe('what cannot be', () => {
  const UDP = ['up', LECTURE, '--underlay', 'udp', '--for', '1s', '--port', '25199'];

  test.each([
    [['up', LECTURE, '--processes'], 2, '--processes goes with --underlay udp'],
    [
      ['up', LECTURE, '--join', 'worker1=192.0.2.9', '--first', '192.0.2.1'],
      2,
      '--first, --join go with --underlay udp',
    ],
    [[...UDP, '--join', 'worker1'], 2, 'such as worker2=192.0.2.9'],
    [[...UDP, '--join', 'worker1=192.0.2.9', 'worker1=192.0.2.8'], 2, 'worker1 is there twice'],
    [
      [...UDP, '--join', 'worker9=192.0.2.9'],
      2,
      'there is no node "worker9"; the nodes are manager1, worker1, worker2',
    ],
    [[...UDP, '--join-script', '/tmp/x'], 2, '--join-script goes with --join NODE=IP'],
    [[...UDP, '--first', '192.0.2.77'], 4, '192.0.2.77'],
    [[...UDP, '--processes', '--first', '192.0.2.77'], 4, 'vxlab: node '],
  ])('%j', async (argv, code, words) => {
    const ran = await cli(argv);
    expect(ran.err.trimEnd().split('\n').at(-1)).not.toContain('    at ');
    expect(ran.err).toContain(words);
    expect([ran.code, ran.out]).toEqual([code, '']);
  });
});
