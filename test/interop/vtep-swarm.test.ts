// `vxlab vtep` in an overlay network of a real Docker Swarm of three nodes, which is brought up once, as docs/live.md says it.
// Needs root and Debian's docker.io; everything made here is taken away again.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { judge } from '../support/judges.ts';
import { LiveVtepProcess, vxlabArguments } from '../support/live-vtep.ts';
import { canMakeNamespaces, run } from '../support/netns.ts';
import { hasTool, runTool } from '../support/peers.ts';
import type { Container, NodeName } from '../support/swarm.ts';
import { canSwarm, NODES, SWARM_SCRIPT, Swarm } from '../support/swarm.ts';

const able = canMakeNamespaces() && ['ping', 'curl'].every((tool) => hasTool(tool)) && canSwarm();

/** Our VTEP and what is behind it; Docker gives no address of the network's upper half away. */
const VTEP = '192.0.2.4';
const HOST = { ip: '10.0.9.130', mac: '02:42:0a:00:09:82' };
const UNTOLD = '10.0.9.131';
const TAP = '10.0.9.140';
const SEALED_TAP = '10.0.10.140';

const [UP = '', JOIN = '', DOWN = ''] = [
  ...readFileSync(new URL('../../docs/live.md', import.meta.url), 'utf8').matchAll(
    /^```bash\n([^`]*)^```$/gm,
  ),
].map(([, script]) => script);

describe.skipIf(!able)('a Docker Swarm', () => {
  const swarm = new Swarm(`test-${process.pid}`);
  const folder = mkdtempSync(join(tmpdir(), 'vxlab-swarm-test-'));
  const tasks = new Map<NodeName, Container>();
  const task = (node: NodeName): Container => tasks.get(node) as Container;

  /** Runs a block of the documentation as it is printed. */
  function follow(script: string): string {
    const program = join(folder, 'bin', 'vxlab');
    mkdirSync(join(folder, 'bin'), { recursive: true });
    writeFileSync(program, `#!/bin/sh\nexec ${[process.execPath, ...vxlabArguments()].join(' ')} "$@"\n`);
    chmodSync(program, 0o755);
    const PATH = `${folder}/bin:${process.env['PATH']}:/usr/sbin:/sbin`;
    const env = { ...process.env, ...swarm.env, PATH, XDG_RUNTIME_DIR: folder };
    const ran = spawnSync('timeout', ['-k', '3', '60', 'bash', '-e', '-c', script], {
      encoding: 'utf8',
      env,
    });
    expect([ran.status, ran.status === 0 ? '' : ran.stdout + ran.stderr]).toEqual([0, '']);
    return ran.stdout;
  }

  beforeAll(() => {
    const began = performance.now();
    follow(UP);
    console.error(`the swarm was up after ${Math.round((performance.now() - began) / 100) / 10} s`);
    for (const node of NODES) tasks.set(node, swarm.task(node));
  }, 180_000);

  afterAll(() => {
    try {
      follow(DOWN);
      expect(run('ip', ['netns']).out).not.toContain(swarm.name);
    } finally {
      swarm.down();
      rmSync(folder, { recursive: true });
    }
  }, 60_000);

  test('is joined as docs/live.md says', () => {
    const said = follow(JOIN);
    expect(said.match(/3 packets received/g)).toHaveLength(3);
    for (const { mac } of tasks.values()) expect(said).toContain(mac);
  }, 120_000);

  test('has a VXLAN device that answers ARP by itself, learns, and knows no peer but by its entries', () => {
    for (const node of NODES) {
      const [link] = JSON.parse(swarm.overlay('lab', node, 'ip', '-d', '-j', 'link', 'show', 'vxlan0'));
      expect(link).toMatchObject({ mtu: 1450, linkinfo: { info_kind: 'vxlan' } });
      const { info_data: how } = link.linkinfo;
      const flags = { learning: true, proxy: true, l2miss: true, l3miss: true };
      expect(how).toMatchObject({ id: swarm.vniOf('lab'), port: 4789, ...flags });
      expect(how).not.toHaveProperty('group');
      expect(how).not.toHaveProperty('remote');
      const fdb = swarm.overlay('lab', node, 'bridge', 'fdb', 'show', 'dev', 'vxlan0');
      expect(fdb).not.toContain('00:00:00:00:00:00');
      for (const other of NODES) {
        if (other !== node) expect(fdb).toContain(`${task(other).mac} dst 192.0.2.1`);
      }
    }
  });

  test('leaves nothing behind when it does not come up, and leaves others alone', () => {
    const name = `short-${process.pid}`;
    const short = run(SWARM_SCRIPT, ['--name', name, 'up', '--for', '1'], 60_000);
    expect([short.ok, short.err]).toEqual([
      false,
      expect.stringContaining('it did not come up, and is gone again'),
    ]);
    expect(run('ip', ['netns']).out).not.toContain(name);
    expect(existsSync(join(tmpdir(), `vxlab-swarm-${name}`))).toBe(false);
    expect(run('find', ['/sys/fs/cgroup', '-name', `vxlab-swarm-${name}*`]).out).toBe('');
    expect(swarm.exec(task('manager1'), 'ping', '-c1', task('worker1').ip).out).toContain(
      '1 packets received',
    );
    expect(run(SWARM_SCRIPT, ['--name', swarm.name, 'up'])).toMatchObject({ ok: false });
    expect(swarm.task('worker2')).toEqual(task('worker2'));
  }, 90_000);

  describe('with an emulated host and a TAP device of ours', () => {
    let vtep: LiveVtepProcess;
    const capture = join(folder, 'guest.pcapng');

    beforeAll(async () => {
      swarm.docker(
        'manager1',
        'network',
        'create',
        '-d',
        'overlay',
        '--attachable',
        '--subnet',
        '10.0.11.0/24',
        'other',
      );
      swarm.docker(
        'manager1',
        'network',
        'create',
        '-d',
        'overlay',
        '--attachable',
        '--opt',
        'encrypted',
        '--subnet',
        '10.0.10.0/24',
        'sealed',
      );
      const [vni, sealed] = [swarm.vniOf('lab'), swarm.vniOf('sealed')];
      const known = [...tasks.values()].flatMap(({ ip, mac, node }) => [
        ...['--neigh', `${ip}=${mac}@${vni}`],
        ...['--fdb', `${mac}=192.0.2.1${NODES.indexOf(node) + 1}@${vni}`],
      ]);
      const hosts = ['--host', `${HOST.ip}/24@${vni}`, `${UNTOLD}/24@${vni}`];
      const devices = ['--attach', `tap0@${vni}`, `tap1@${sealed}`];
      const there = ['--local', VTEP, '--remote', ...swarm.peersOf('lab')];
      const ours = ['--vni', `${vni},${sealed}`, ...there, ...hosts, ...devices, ...known];
      // No router solicitations: what is in the counters is what the tests have sent.
      swarm.guest('sysctl', '-qw', 'net.ipv6.conf.default.disable_ipv6=1');
      vtep = await LiveVtepProcess.start(swarm, 4, ...ours, '--capture', capture);
      for (const [tap, address] of [
        ['tap0', TAP],
        ['tap1', SEALED_TAP],
      ] as const) {
        expect(swarm.guest('ip', 'addr', 'add', `${address}/24`, 'dev', tap).err).toBe('');
      }
      const [tap] = JSON.parse(swarm.guest('ip', '-j', 'link', 'show', 'tap0').out);
      for (const node of NODES) {
        swarm.admit('lab', node, HOST.ip, HOST.mac, VTEP);
        swarm.admit('lab', node, TAP, tap.address, VTEP);
      }
    }, 120_000);

    afterAll(() => vtep?.child.kill('SIGKILL'));

    test.each(NODES)(
      'answers the container of %s: small, the largest that fits, and in fragments',
      async (node) => {
        const { ip } = task(node);
        const { rxFrames = 0, txFrames = 0 } = (await vtep.report()).segments[0] ?? {};
        expect(swarm.exec(task(node), 'ping', '-c3', '-i0.2', HOST.ip).out).toContain('3 packets received');
        // Three questions, three answers, and no ARP.
        const after = (await vtep.report()).segments[0];
        expect([after?.rxFrames, after?.txFrames]).toEqual([rxFrames + 3, txFrames + 3]);
        const fdb = swarm.overlay('lab', node, 'bridge', 'fdb', 'show', 'dev', 'vxlan0');
        expect(fdb).toContain(`${HOST.mac} master br0`);
        // The image's own ping cannot forbid fragments.
        const ping = (...how: string[]) =>
          swarm.beside(task(node), 'ping', '-c2', '-i0.2', '-W2', ...how, HOST.ip);
        expect(ping('-Mdo', '-s1422').out).toContain('2 received');
        expect(ping('-Mdo', '-s1423').err).toContain('message too long, mtu=1450');
        expect(ping('-s4000').out).toMatch(/4008 bytes from.* 2 received/s);
        expect(swarm.guest('ping', '-c2', '-i0.2', '-W2', '-I', 'tap0', ip).out).toContain('2 received');
      },
      60_000,
    );

    test('is not found by a container of a node that has no entry for it', async () => {
      const before = await vtep.report();
      const ping = ['-c2', '-i0.2', '-W1', UNTOLD];
      expect(swarm.beside(task('worker1'), 'ping', ...ping)).toMatchObject({ ok: false });
      const after = await vtep.report();
      // Not even the question leaves the node.
      expect(after.segments[0]?.rxFrames).toBe(before.segments[0]?.rxFrames);
    }, 30_000);

    test('gets no ARP answer out of a node: what it was not told it does not find', () => {
      const untold = swarm.idle('worker2', 'untold', 'lab');
      const ping = ['-c2', '-i0.2', '-W1', '-I', 'tap0', untold.ip];
      expect(swarm.guest('ping', ...ping)).toMatchObject({ ok: false });
      expect(swarm.guest('ip', 'neigh', 'show', untold.ip).out).toMatch(/FAILED|INCOMPLETE/);
      expect(swarm.beside(untold, 'ip', 'neigh', 'show', TAP).out).toContain('dev eth0 lladdr');
      swarm.guest('ip', 'neigh', 'replace', untold.ip, 'lladdr', untold.mac, 'dev', 'tap0');
      expect(swarm.guest('ping', ...ping).out).toContain('2 received');
    }, 60_000);

    test("speaks HTTP with the swarm's service from a program behind the TAP device, and is served", () => {
      const page = swarm.guest('curl', '-sS', '-m', '10', `http://${task('worker1').ip}/index.html`);
      expect(page.out).toBe('served inside the swarm\n');
      for (const node of NODES) {
        const large = swarm.guest('curl', '-sS', '-m', '20', `http://${task(node).ip}/large.txt`);
        expect([large.out.length, /^x+$/.test(large.out)]).toEqual([300_000, true]);
      }
      writeFileSync(join(folder, 'page'), 'served outside the swarm\n');
      const server = swarm.start(4, 'busybox', 'httpd', '-f', '-p', `${TAP}:8000`, '-h', folder);
      try {
        // Nobody is refused inside the overlay while it starts.
        const retry = ['--retry', '20', '--retry-connrefused', '--retry-delay', '1'];
        expect(swarm.guest('curl', '-sS', '-m', '20', ...retry, `http://${TAP}:8000/page`)).toMatchObject({
          ok: true,
        });
        const got = swarm.exec(task('worker2'), 'wget', '-q', '-O', '-', `http://${TAP}:8000/page`);
        expect([got.out, got.ok ? '' : got.err]).toEqual(['served outside the swarm\n', '']);
      } finally {
        server.kill('SIGKILL');
      }
    }, 60_000);

    test('drops what comes from another network of the same swarm: its VNI is not here', async () => {
      const other = swarm.idle('worker1', 'other', 'other');
      swarm.admit('other', 'worker1', '10.0.11.200', '02:42:0a:00:0b:c8', VTEP);
      expect(swarm.beside(other, 'ping', '-c3', '-i0.2', '-W1', '10.0.11.200')).toMatchObject({ ok: false });
      const { underlay, segments } = await vtep.report();
      expect(underlay.drops).toEqual({ 'VNI not found': 3 });
      // Broadcasts and multicasts that the emulated hosts have no use for.
      expect(Object.keys(segments[0]?.drops ?? {}).filter((reason) => reason !== 'not for us')).toEqual([]);
    }, 60_000);

    test('is not let into an encrypted network in clear: the node drops by the VNI', () => {
      const sealed = swarm.idle('worker1', 'sealed', 'sealed');
      swarm.guest('ip', 'neigh', 'replace', sealed.ip, 'lladdr', sealed.mac, 'dev', 'tap1');
      const ping = ['-c3', '-i0.2', '-W1', '-I', 'tap1', sealed.ip];
      expect(swarm.guest('ping', ...ping)).toMatchObject({ ok: false });
      const input = swarm.node('worker1', 'iptables', '-nvxL', 'INPUT');
      const dropped = /^ *(\d+) +\d+ DROP .*policy match dir in pol none/m.exec(input);
      expect(Number(dropped?.[1])).toBeGreaterThanOrEqual(3);
      expect(
        JSON.parse(swarm.overlay('sealed', 'worker1', 'ip', '-j', 'link', 'show', 'vxlan0'))[0].mtu,
      ).toBe(1424);
    }, 60_000);

    test('has a capture that we, and tshark, read as the swarm is', async () => {
      const { code, report } = await vtep.end();
      expect(code).toBe(130);
      expect(report?.underlay).toMatchObject({ sendErrors: 0, queueFull: 0 });
      const read = (...args: string[]) =>
        JSON.parse(runTool(process.execPath, vxlabArguments(...args, '--json', capture)));
      const seen = read('inspect');
      const lab = seen.vnis.find(({ vni }: { vni: number }) => vni === swarm.vniOf('lab'));
      expect(lab.vteps).toEqual([VTEP, ...swarm.peersOf('lab')]);
      const ends = lab.endpoints.map(
        ({ mac, ips, vtep: at }: { mac: string; ips: string[]; vtep: string }) => [mac, ips, at],
      );
      expect(ends).toContainEqual([HOST.mac, [HOST.ip], VTEP]);
      for (const { node, mac, ip } of tasks.values()) {
        expect(ends).toContainEqual([mac, [ip], `192.0.2.1${NODES.indexOf(node) + 1}`]);
      }
      const { findings }: { findings: { code: string; severity: string; title: string }[] } = read(
        'diagnose',
        '--fail-on',
        'never',
      );
      expect(findings.filter(({ severity }) => severity === 'error')).toEqual([]);
      // What went wrong on purpose: the ARP that a node swallows, and the network that is not ours.
      const titles = findings.map(({ code, title }) => `${code} ${title}`).join('\n');
      expect(titles).toContain(`ARP-NO-ANSWER VNI ${swarm.vniOf('lab')}: nobody answers ${TAP}`);
      expect(titles).toContain(`TUNNEL-ONE-WAY VNI ${swarm.vniOf('other')} 192.0.2.12 > ${VTEP}: 3 frames`);
    }, 60_000);

    test.skipIf(!hasTool('tshark'))(
      'has a capture of which tshark reads every field as we do',
      () => {
        const { packets, differences, complaints, count } = judge(capture);
        // That TCP sends something twice on a busy machine is its own affair; a false checksum is not.
        const serious = complaints.filter((words) => !words.includes(':tcp') || /checksum/i.test(words));
        expect({ differences, serious }).toEqual({ differences: [], serious: [] });
        const vnis = ['lab', 'sealed', 'other'].map((network) =>
          count('vxlan.vni', String(swarm.vniOf(network))),
        );
        expect(vnis[0]).toBeGreaterThan(0);
        expect(vnis.slice(1)).toEqual([expect.any(Number), 3]);
        expect(vnis.reduce((sum, n) => sum + n)).toBe(packets);
      },
      60_000,
    );
  });
});
