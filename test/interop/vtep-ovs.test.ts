// `vxlab vtep` against Open vSwitch with its userspace datapath: the same basics as with the kernel, and a group policy once. Needs
// root; switch, namespaces and files made here are taken away again.

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LiveVtepProcess } from '../support/live-vtep.ts';
import { canMakeNamespaces } from '../support/netns.ts';
import { hasTool } from '../support/peers.ts';
import { UnderlayNet } from '../support/underlay-net.ts';

const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema';
const able =
  canMakeNamespaces() &&
  existsSync(SCHEMA) &&
  ['ovs-vswitchd', 'ovsdb-server', 'ovsdb-tool', 'ovs-vsctl', 'ovs-ofctl', 'ping', 'curl', 'python3'].every(
    (tool) => hasTool(tool),
  );

/** A switch of its own in namespace 1, with a station behind it. */
class OpenSwitch {
  readonly net: UnderlayNet;
  readonly station: string;
  readonly #folder: string = mkdtempSync(join(tmpdir(), 'vxlab-ovs-'));
  readonly #children: ChildProcessWithoutNullStreams[] = [];

  private constructor(net: UnderlayNet) {
    this.net = net;
    this.station = net.extra('station');
  }

  static async start(net: UnderlayNet): Promise<OpenSwitch> {
    const it = new OpenSwitch(net);
    const folder = it.#folder;
    it.#must('ovsdb-tool', 'create', `${folder}/conf.db`, SCHEMA);
    const server = [`${folder}/conf.db`, `--remote=punix:${folder}/db.sock`, `--unixctl=${folder}/db.ctl`];
    await it.#daemon('ovsdb-server', `${folder}/db.sock`, ...server, `--pidfile=${folder}/db.pid`);
    it.vsctl('--no-wait', 'init');
    const daemon = [`unix:${folder}/db.sock`, `--unixctl=${folder}/vs.ctl`, `--pidfile=${folder}/vs.pid`];
    await it.#daemon('ovs-vswitchd', `${folder}/vs.ctl`, ...daemon);
    // The underlay's address moves to the switch; the kernel, which still sees eth0, is kept from answering for it.
    net.in(1, 'sysctl', '-qw', 'net.ipv4.conf.all.arp_ignore=1', 'net.ipv4.conf.eth0.arp_ignore=1');
    net.ip('-n', net.space(1), 'addr', 'flush', 'dev', 'eth0');
    const netdev = ['datapath_type=netdev', 'other-config:hwaddr=02:00:00:00:01:01'];
    it.vsctl(
      'add-br',
      'br-phy',
      '--',
      'set',
      'bridge',
      'br-phy',
      ...netdev,
      '--',
      'add-port',
      'br-phy',
      'eth0',
    );
    net.ip('-n', net.space(1), 'addr', 'add', '192.0.2.1/24', 'dev', 'br-phy');
    net.ip('-n', net.space(1), 'link', 'set', 'br-phy', 'up');
    const peer = ['peer', 'name', 'eth0', 'netns', it.station];
    net.ip('-n', net.space(1), 'link', 'add', 'st0', 'type', 'veth', ...peer);
    net.ip('-n', net.space(1), 'link', 'set', 'st0', 'up');
    net.ip('-n', it.station, 'link', 'set', 'eth0', 'mtu', '1450', 'up');
    net.ip('-n', it.station, 'addr', 'add', '10.42.0.1/24', 'dev', 'eth0');
    // Without a card's help for what the switch takes from the veth.
    const ethtool = [
      'netns',
      'exec',
      it.station,
      'ethtool',
      '-K',
      'eth0',
      'tx',
      'off',
      'tso',
      'off',
      'gso',
      'off',
    ];
    if (hasTool('ethtool')) net.ip(...ethtool);
    it.vsctl(
      'add-br',
      'br-int',
      '--',
      'set',
      'bridge',
      'br-int',
      'datapath_type=netdev',
      '--',
      'add-port',
      'br-int',
      'st0',
    );
    return it;
  }

  vsctl(...args: string[]): void {
    this.#must('ovs-vsctl', `--db=unix:${this.#folder}/db.sock`, '--timeout=15', ...args);
  }

  /** The tunnel to our VTEP, in place of the one before. */
  tunnel(...options: string[]): void {
    const to = ['type=vxlan', 'options:remote_ip=192.0.2.2', 'options:local_ip=192.0.2.1', ...options];
    this.vsctl('--if-exists', 'del-port', 'br-int', 'vx');
    this.vsctl('add-port', 'br-int', 'vx', '--', 'set', 'interface', 'vx', ...to);
  }

  flow(rule: string): void {
    this.#must('ovs-ofctl', '-O', 'OpenFlow13', 'add-flow', `${this.#folder}/br-int.mgmt`, rule);
  }

  inStation(command: string, ...args: string[]): string {
    return this.net.ip('netns', 'exec', this.station, command, ...args);
  }

  async end(): Promise<void> {
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
    rmSync(this.#folder, { recursive: true });
  }

  async #daemon(name: string, sign: string, ...args: string[]): Promise<void> {
    const folder = this.#folder;
    const where = [`OVS_RUNDIR=${folder}`, `OVS_DBDIR=${folder}`, `OVS_LOGDIR=${folder}`];
    const child = this.net.start(1, 'env', ...where, name, ...args);
    this.#children.push(child);
    for (let tries = 0; !existsSync(sign); tries++) {
      if (tries === 500 || child.exitCode !== null) throw new Error(`${name} does not start`);
      await new Promise((done) => setTimeout(done, 20));
    }
  }

  #must(command: string, ...args: string[]): void {
    const done = this.net.in(1, command, ...args);
    if (!done.ok) throw new Error(`${command} ${args.join(' ')}: ${done.err}`);
  }
}

describe.skipIf(!able)('Open vSwitch', () => {
  let net: UnderlayNet;
  let ovs: OpenSwitch;
  let vtep: LiveVtepProcess;

  beforeAll(async () => {
    net = new UnderlayNet('ovs', 2);
    ovs = await OpenSwitch.start(net);
    const ours = ['--vni', '5000', '5001', '--local', '192.0.2.2', '--remote', '192.0.2.1'];
    const hosts = ['--host', '10.42.0.2/24@5000', '10.42.0.2/24@5001', '--attach', 'tap0@5000'];
    vtep = await LiveVtepProcess.start(net, 2, ...ours, ...hosts);
    net.ip('-n', net.space(2), 'addr', 'add', '10.42.0.3/24', 'dev', 'tap0');
  }, 60_000);

  afterAll(async () => {
    try {
      expect((await vtep?.end())?.code).toBe(130);
    } finally {
      vtep?.child.kill('SIGKILL');
      await ovs?.end();
      net?.remove();
    }
  }, 60_000);

  test('gets answers from the emulated host, up to the largest packet', async () => {
    ovs.tunnel('options:key=5000');
    const ping = ['-i0.2', '-W3', '10.42.0.2'];
    expect(ovs.inStation('ping', '-c4', ...ping)).toMatch(/ [34] received/);
    expect(ovs.inStation('ping', '-c3', '-s1422', '-Mdo', ...ping)).toContain('3 received');
    const { segments, underlay } = await vtep.report();
    expect(underlay.drops).toEqual({});
    expect(segments[0]?.macs).toBeGreaterThanOrEqual(1);
  }, 30_000);

  test('fetches a file from a program behind a TAP device', () => {
    const folder = mkdtempSync(join(tmpdir(), 'vxlab-ovs-file-'));
    const server = net.start(
      2,
      'python3',
      '-m',
      'http.server',
      '8000',
      '--bind',
      '10.42.0.3',
      '--directory',
      '/usr/share/openvswitch',
    );
    try {
      const curl = [
        '-sS',
        '--retry',
        '20',
        '--retry-connrefused',
        '--retry-delay',
        '1',
        '-m',
        '20',
        '-o',
        join(folder, 'got'),
      ];
      ovs.inStation('curl', ...curl, 'http://10.42.0.3:8000/vswitch.ovsschema');
      expect(ovs.inStation('cmp', join(folder, 'got'), SCHEMA)).toBe('');
    } finally {
      server.kill('SIGKILL');
      rmSync(folder, { recursive: true });
    }
  }, 40_000);

  test('is answered when it sends a group policy id: RFC 7348 has those bits ignored', async () => {
    ovs.tunnel('options:key=5001', 'options:exts=gbp');
    ovs.flow('priority=100,ip,in_port=st0,actions=load:0x2a->NXM_NX_TUN_GBP_ID[],normal');
    expect(ovs.inStation('ping', '-c4', '-i0.2', '-W3', '10.42.0.2')).toMatch(/ [34] received/);
    expect((await vtep.report()).segments[1]?.rxFrames).toBeGreaterThanOrEqual(3);
  }, 30_000);

  test('is not heard on a VNI that is not ours', async () => {
    ovs.tunnel('options:key=5002');
    expect(net.in(1, 'ip', 'netns', 'exec', ovs.station, 'ping', '-c2', '-i0.2', '-W1', '10.42.0.9').ok).toBe(
      false,
    );
    expect((await vtep.report()).underlay.drops['VNI not found']).toBeGreaterThanOrEqual(1);
  }, 30_000);
});
