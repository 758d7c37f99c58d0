// What a machine offers, found out by trying it. Addons are loaded in a process of their own: one that was built for another
// Node takes no one with it. Nothing is left behind.

import { spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { accessSync, constants } from 'node:fs';
import { PACKAGE_ROOT } from './version.ts';

export interface Finding {
  readonly id: string;
  readonly name: string;
  readonly works: boolean;
  readonly detail: string;
  /** What it is needed for. */
  readonly serves: string;
  /** How to get it; null where there is nothing to do. */
  readonly get: string | null;
}

/** Milliseconds that a program may take to answer. */
const PATIENCE = 5000;
const NODE_MIN = [20, 19] as const;
const LOOPBACK = '127.0.0.11';
const VXLAN_PORT = 4789;

export async function probeAll(): Promise<Finding[]> {
  const linux = process.platform === 'linux';
  return [
    node(),
    root(),
    await loopback(),
    addon(
      'cap',
      'libpcap through cap',
      'live capture (sniff), send --backend cap',
      'apt install libpcap-dev build-essential python3; npm install cap',
    ),
    addon(
      'koffi',
      'calls of the C library through koffi',
      "vtep --attach and --backend batch, send --dev, sniff's count of drops",
      'npm install koffi',
    ),
    addon(
      'raw-socket',
      'raw sockets through raw-socket',
      'vtep and send --backend raw',
      'apt install build-essential python3; npm install raw-socket',
    ),
    tun(),
    kernelVxlan(linux),
    tool('tshark', ['--version'], 'judging our captures', 'apt install tshark'),
    tool('tcpdump', ['--version'], 'watching --underlay udp', 'apt install tcpdump'),
    tool('ip', ['-V'], 'kernel devices beside ours', 'apt install iproute2'),
  ];
}

function node(): Finding {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const works = major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
  return {
    id: 'node',
    name: 'Node.js',
    works,
    detail: works ? process.version : `${process.version}, ${NODE_MIN.join('.')} or newer is needed`,
    serves: 'everything',
    get: works ? null : 'https://nodejs.org/ has newer ones',
  };
}

function root(): Finding {
  const works = process.getuid?.() === 0;
  return {
    id: 'root',
    name: 'root',
    works,
    detail: works ? 'this is root' : 'not root',
    serves: 'live capture, injection and kernel devices; nothing else',
    get: works ? null : 'sudo vxlab ..., or setcap cap_net_raw,cap_net_admin+ep on the node binary',
  };
}

async function loopback(): Promise<Finding> {
  const refused = await bind(LOOPBACK, VXLAN_PORT);
  const works = refused === null;
  return {
    id: 'loopback',
    name: 'VTEPs on loopback',
    works,
    detail: works
      ? `${LOOPBACK} UDP ${VXLAN_PORT} can be bound`
      : `${LOOPBACK} UDP ${VXLAN_PORT}: ${refused}`,
    serves: 'vxlab up --underlay udp',
    get: works
      ? null
      : refused === 'in use'
        ? `ss -lunp 'sport = :${VXLAN_PORT}' names who has it, or vxlab up --underlay udp --port N`
        : 'Linux has all of 127.0.0.0/8; elsewhere: ifconfig lo0 alias 127.0.0.11, and so on for each node',
  };
}

/** Null when it worked, else why not. */
function bind(address: string, port: number): Promise<string | null> {
  return new Promise((done) => {
    const socket = createSocket('udp4');
    socket.once('error', (error: NodeJS.ErrnoException) => {
      socket.close();
      done(error.code === 'EADDRINUSE' ? 'in use' : (error.code ?? error.message));
    });
    socket.bind(port, address, () => socket.close(() => done(null)));
  });
}

function addon(name: string, title: string, serves: string, get: string): Finding {
  const ran = run(process.execPath, ['-e', `require(${JSON.stringify(name)})`], PACKAGE_ROOT);
  const why = /Cannot find module '[^']*'|[\w.-]+\.so[^\n]*/.exec(ran.text)?.[0] ?? 'it does not load';
  return {
    id: name,
    name: title,
    works: ran.ok,
    detail: ran.ok ? 'loads' : why,
    serves,
    get: ran.ok ? null : get,
  };
}

function tun(): Finding {
  const path = '/dev/net/tun';
  let why = '';
  try {
    accessSync(path, constants.R_OK | constants.W_OK);
  } catch (error) {
    why = (error as NodeJS.ErrnoException).code === 'EACCES' ? 'not permitted' : 'not there';
  }
  return {
    id: 'tun',
    name: 'TUN/TAP devices',
    works: why === '',
    detail: why === '' ? `${path} can be opened` : `${path} is ${why}`,
    serves: 'vtep --attach: programs of this machine on an overlay',
    get: why === '' ? null : 'modprobe tun as root; in a container run it with --device /dev/net/tun',
  };
}

/** Makes a VXLAN device in a network namespace that ends with the command. */
function kernelVxlan(linux: boolean): Finding {
  const make = 'ip link add vxlab0 type vxlan id 1 dstport 4789';
  const ran = linux ? run('unshare', ['-n', 'sh', '-c', make]) : { ok: false, text: 'not Linux' };
  const why = /not permitted/i.test(ran.text)
    ? 'not permitted: it takes root'
    : ran.text.trim().split('\n')[0] || 'it failed without a word';
  return {
    id: 'kernel-vxlan',
    name: "the kernel's VXLAN",
    works: ran.ok,
    detail: ran.ok ? 'a vxlan device can be made' : why,
    serves: 'comparing with the kernel',
    get: ran.ok ? null : 'as root: apt install iproute2; modprobe vxlan',
  };
}

function tool(name: string, args: readonly string[], serves: string, get: string): Finding {
  const ran = run(name, args);
  const first = ran.text.trim().split('\n')[0] ?? '';
  return {
    id: name,
    name,
    works: ran.ok,
    detail: ran.ok ? first : 'not installed',
    serves,
    get: ran.ok ? null : get,
  };
}

function run(
  program: string,
  args: readonly string[],
  cwd?: string,
): { readonly ok: boolean; readonly text: string } {
  const ran = spawnSync(program, args, {
    encoding: 'utf8',
    timeout: PATIENCE,
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, PATH: `${process.env['PATH'] ?? ''}:/usr/sbin:/sbin` },
  });
  if (ran.error !== undefined) return { ok: false, text: `${program} is not installed` };
  return { ok: ran.status === 0, text: `${ran.stdout}${ran.stderr}` };
}
