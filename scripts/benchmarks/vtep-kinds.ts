// The VTEPs that are compared: ours with each backend, the kernel's, one in C, Open vSwitch's userspace datapath.

import { existsSync, mkdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { program } from './native.ts';
import { has } from './vtep-place.ts';
import type { Kind, Side, Stand } from './vtep-stand.ts';
import { other, UNDERLAY, underlayIp, underlayMac, VNI } from './vtep-stand.ts';

const MAIN: string = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const require = createRequire(import.meta.url);
/** What runs a program of ours. */
export const TSX: readonly string[] = ['--import', require.resolve('tsx')];
const SCHEMA = '/usr/share/openvswitch/vswitch.ovsschema';

/**
 * `vxlab vtep`.
 * @param attach a TAP device that it makes, or a veth that is there
 */
export function ours(backend: 'udp' | 'raw' | 'batch', attach: 'tap' | 'veth'): Kind {
  return {
    name: attach === 'tap' ? backend : `${backend}, veth`,
    missing: () => {
      const addon = { udp: null, raw: 'raw-socket', batch: 'koffi' }[backend];
      if (loads('koffi') && (addon === null || loads(addon))) return null;
      return `the package ${addon ?? 'koffi'} is not installed`;
    },
    start: async (stand, side) => {
      const { place } = stand;
      if (attach === 'veth') stand.hostCable(side);
      const device = attach === 'veth' ? 'p0' : 'tap0';
      const ends = ['--local', underlayIp(side), '--remote', underlayIp(other(side)), '--backend', backend];
      const name = `bench-${process.pid}-${backend}-${attach}-${side}`;
      const args = ['vtep', '--vni', String(VNI), ...ends, '--attach', device, '--name', name];
      const running = await place.start(
        stand.vtep(side),
        'Ctrl-C ends it',
        process.execPath,
        ...TSX,
        MAIN,
        ...args,
      );
      if (attach === 'tap') stand.hostDevice(side, device);
      return async () => void (await running.stop('SIGINT'));
    },
  };
}

function loads(name: string): boolean {
  try {
    require(name);
    return true;
  } catch {
    return false;
  }
}

export const KERNEL: Kind = {
  name: 'kernel',
  missing: () => null,
  start: async (stand, side) => {
    const { place } = stand;
    const vtep = stand.vtep(side);
    stand.hostCable(side);
    const tunnel = ['id', String(VNI), 'dstport', '4789', 'dev', UNDERLAY];
    const ends = ['local', underlayIp(side), 'remote', underlayIp(other(side))];
    place.ip('-n', vtep, 'link', 'add', 'br0', 'type', 'bridge');
    place.ip('-n', vtep, 'link', 'add', 'vx0', 'type', 'vxlan', ...tunnel, ...ends);
    for (const device of ['vx0', 'p0']) place.ip('-n', vtep, 'link', 'set', device, 'master', 'br0', 'up');
    place.ip('-n', vtep, 'link', 'set', 'br0', 'up');
    return async () => {
      for (const device of ['vx0', 'br0']) place.ip('-n', vtep, 'link', 'del', device);
    };
  },
};

export const IN_C: Kind = {
  name: 'VTEP in C',
  missing: () => (program('vtep.c') === null ? 'there is no C compiler' : null),
  start: async (stand, side) => {
    const args = ['tap0', underlayIp(side), underlayIp(other(side)), String(VNI)];
    const running = await stand.place.start(stand.vtep(side), 'ready', program('vtep.c') as string, ...args);
    stand.hostDevice(side, 'tap0');
    return async () => void (await running.stop());
  },
};

export const OVS: Kind = {
  name: 'Open vSwitch, userspace',
  missing: () => {
    const tools = ['ovs-vswitchd', 'ovsdb-server', 'ovsdb-tool', 'ovs-vsctl', 'ethtool'];
    const absent = tools.filter((tool) => !has(tool));
    if (!existsSync(SCHEMA)) absent.push(SCHEMA);
    return absent.length === 0 ? null : `${absent.join(', ')} is not there`;
  },
  start: startOvs,
};

/** A database and a switch of its own, beside the system's; the underlay's address moves to a bridge of it. */
async function startOvs(stand: Stand, side: Side): Promise<() => Promise<void>> {
  const { place } = stand;
  const vtep = stand.vtep(side);
  const folder = join(place.folder, `ovs-${side}-${Math.floor(performance.now())}`);
  mkdirSync(folder);
  const where = [`OVS_RUNDIR=${folder}`, `OVS_DBDIR=${folder}`, `OVS_LOGDIR=${folder}`];
  const daemon = async (name: string, sign: string, ...args: readonly string[]) => {
    const it = await place.start(vtep, null, 'env', ...where, name, ...args);
    for (let tries = 0; !existsSync(join(folder, sign)); tries++) {
      if (tries === 500 || it.over) throw new Error(`${name} does not start: ${it.err}`);
      await place.pause(20);
    }
    return it;
  };
  const vsctl = (...args: readonly string[]): Promise<string> =>
    place.run(vtep, 'ovs-vsctl', `--db=unix:${folder}/db.sock`, '--timeout=15', ...args);
  stand.hostCable(side);
  const off = ['tx', 'off', 'tso', 'off', 'gso', 'off', 'gro', 'off'];
  place.inside(stand.host(side), 'ethtool', '-K', 'h0', ...off);
  for (const device of ['p0', UNDERLAY]) place.inside(vtep, 'ethtool', '-K', device, ...off);
  await place.run(vtep, 'ovsdb-tool', 'create', join(folder, 'conf.db'), SCHEMA);
  const remote = `--remote=punix:${folder}/db.sock`;
  const database = await daemon(
    'ovsdb-server',
    'db.sock',
    join(folder, 'conf.db'),
    remote,
    `--unixctl=${folder}/db.ctl`,
    `--pidfile=${folder}/db.pid`,
  );
  await vsctl('--no-wait', 'init');
  const daemonArgs = [
    `unix:${folder}/db.sock`,
    `--unixctl=${folder}/vs.ctl`,
    `--pidfile=${folder}/vs.pid`,
    `--log-file=${folder}/vs.log`,
  ];
  const daemonOf = await daemon('ovs-vswitchd', 'vs.ctl', ...daemonArgs);
  const bridge = (name: string, ...options: readonly string[]): readonly string[] => [
    'add-br',
    name,
    '--',
    'set',
    'bridge',
    name,
    'datapath_type=netdev',
    ...options,
  ];
  // The bridge has the cable's MAC: to the other side nothing has changed.
  await vsctl(
    ...bridge('br-phy', `other-config:hwaddr="${underlayMac(side)}"`),
    '--',
    'add-port',
    'br-phy',
    UNDERLAY,
  );
  place.ip('-n', vtep, 'addr', 'flush', 'dev', UNDERLAY);
  place.ip('-n', vtep, 'addr', 'add', `${underlayIp(side)}/24`, 'dev', 'br-phy');
  place.ip('-n', vtep, 'link', 'set', 'br-phy', 'up');
  const ends = [`options:remote_ip=${underlayIp(other(side))}`, `options:local_ip=${underlayIp(side)}`];
  const tunnel = ['set', 'interface', 'vx0', 'type=vxlan', ...ends, `options:key=${VNI}`];
  await vsctl(...bridge('br-int'), '--', 'add-port', 'br-int', 'p0');
  await vsctl('add-port', 'br-int', 'vx0', '--', ...tunnel);
  // Asked for once, it is not asked for in the middle of a measurement.
  const arp = ['tnl/arp/set', 'br-phy', underlayIp(other(side)), underlayMac(other(side))];
  await place.run(vtep, 'ovs-appctl', '-t', `${folder}/vs.ctl`, ...arp);
  return async () => {
    await daemonOf.stop();
    await database.stop();
    // Its devices outlive the switch.
    const left = place.ip('-n', vtep, '-br', 'link');
    for (const device of ['br-phy', 'br-int', 'ovs-netdev']) {
      if (left.includes(device)) place.ip('-n', vtep, 'link', 'del', device);
    }
    stand.underlayOnCable(side);
  };
}
