// A real Docker Swarm of three nodes in namespaces (scripts/overlays/swarm) for a test, which asks Docker and the kernel what
// they know of an overlay network. Needs root and Debian's docker.io.

import type { ChildProcessWithoutNullStreams } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Done } from './netns.ts';
import { run, start } from './netns.ts';

export const SWARM_SCRIPT: string = fileURLToPath(new URL('../../scripts/overlays/swarm', import.meta.url));
/** Milliseconds that a command of Docker's may take. */
const PATIENCE = 60_000;
const VNI_LIST = 'com.docker.network.driver.overlay.vxlanid_list';

export const NODES = ['manager1', 'worker1', 'worker2'] as const;
export type NodeName = (typeof NODES)[number];

/** A container at a network, as its own node's Docker knows it. */
export interface Container {
  readonly node: NodeName;
  readonly id: string;
  readonly ip: string;
  readonly mac: string;
  /** Its network namespace, as a file in the node's mount namespace. */
  readonly sandbox: string;
}

/** False where no swarm can be; says why on stderr. */
export function canSwarm(): boolean {
  const { ok, err } = run(SWARM_SCRIPT, ['needs']);
  if (!ok) console.error(`${err.trim()}: the tests beside a real Docker Swarm are skipped`);
  return ok;
}

export class Swarm {
  readonly name: string;
  /** What tells the script, also in a shell of the documentation's, which swarm is meant. */
  readonly env: Readonly<Record<string, string>>;

  constructor(name: string) {
    this.name = name;
    this.env = { VXLAB_SWARM: name };
  }

  /** Starts a command in the guest's namespace; the test must end it. */
  start(_: number, command: string, ...args: string[]): ChildProcessWithoutNullStreams {
    return start(SWARM_SCRIPT, ['--name', this.name, 'in', 'guest', command, ...args]);
  }

  /** A command in the guest's namespace that may fail. */
  guest(command: string, ...args: string[]): Done {
    return this.#run('in', 'guest', command, ...args);
  }

  /** A command in a container's network namespace, of this machine's programs and not of the image's. It may fail. */
  beside({ node, sandbox }: Container, command: string, ...args: string[]): Done {
    return this.#run('in', node, 'nsenter', `--net=${sandbox}`, command, ...args);
  }

  /** A command in a container that may fail. */
  exec({ node, id }: Container, ...command: string[]): Done {
    return this.#run('docker', node, 'exec', id, ...command);
  }

  /** A command in a node's own namespaces. @throws Error with its words */
  node(node: NodeName, ...command: string[]): string {
    return this.#must('in', node, ...command);
  }

  docker(node: NodeName, ...args: string[]): string {
    return this.#must('docker', node, ...args);
  }

  /** A command in a node's namespace of an overlay network, where `vxlan0` is. @throws Error with its words */
  overlay(network: string, node: NodeName, ...command: string[]): string {
    return this.#must('overlay', '--network', network, node, ...command);
  }

  vniOf(network: string): number {
    const options = this.docker('manager1', 'network', 'inspect', '--format', '{{json .Options}}', network);
    return Number((JSON.parse(options) as Record<string, string>)[VNI_LIST]);
  }

  /** The nodes' addresses at the underlay, of those that have the network. */
  peersOf(network: string): string[] {
    const peers = this.docker('manager1', 'network', 'inspect', '--format', '{{json .Peers}}', network);
    return (JSON.parse(peers) as { IP: string }[]).map(({ IP }) => IP).sort();
  }

  /** The container whose id or name this is. */
  container(node: NodeName, id: string, network: string): Container {
    const text = this.docker(node, 'inspect', '--format', '{{json .NetworkSettings}}', id);
    const settings = JSON.parse(text) as {
      SandboxKey: string;
      Networks: Record<string, { IPAddress: string; MacAddress: string }>;
    };
    const { IPAddress: ip = '', MacAddress: mac = '' } = settings.Networks[network] ?? {};
    return { node, id, ip, mac, sandbox: settings.SandboxKey };
  }

  /** A node's task of the service that the swarm comes with. */
  task(node: NodeName): Container {
    const label = 'label=com.docker.swarm.service.name=web';
    return this.container(node, this.docker(node, 'ps', '--quiet', '--filter', label).trim(), 'lab');
  }

  /** A further container that does nothing but be there. */
  idle(node: NodeName, name: string, network: string): Container {
    const image = ['vxlab-busybox:1', 'sleep', '1000'];
    this.docker(node, 'run', '--detach', '--name', name, '--network', network, ...image);
    return this.container(node, name, network);
  }

  /** Tells a node where an endpoint is that Docker does not know. */
  admit(network: string, node: NodeName, ip: string, mac: string, vtep: string): void {
    const entry = ['dev', 'vxlan0', 'dst', vtep, 'self', 'permanent'];
    this.overlay(network, node, 'bridge', 'fdb', 'append', mac, ...entry);
    const neighbour = ['lladdr', mac, 'dev', 'vxlan0', 'nud', 'permanent'];
    this.overlay(network, node, 'ip', 'neigh', 'replace', ip, ...neighbour);
  }

  down(): void {
    this.#must('down');
  }

  #run(...args: string[]): Done {
    return run(SWARM_SCRIPT, ['--name', this.name, ...args], PATIENCE);
  }

  #must(...args: string[]): string {
    const { ok, out, err } = this.#run(...args);
    if (!ok) throw new Error(`${args.join(' ')}: ${err.trim()}`);
    return out;
  }
}
