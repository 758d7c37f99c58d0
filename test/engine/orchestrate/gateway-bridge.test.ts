import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Frame } from '../../../src/core/frame/frame.ts';
import { formatIp } from '../../../src/core/wire/address.ts';
import * as ethernet from '../../../src/core/wire/ethernet.ts';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import { Bridge } from '../../../src/engine/fabric/bridge.ts';
import type { Host } from '../../../src/engine/host/host.ts';
import type { Interface } from '../../../src/engine/host/interface.ts';
import { dockerMac } from '../../../src/engine/ipam/mac-scheme.ts';
import { cluster } from '../../../src/engine/orchestrate/cluster.ts';
import type { Container } from '../../../src/engine/orchestrate/container.ts';
import { GatewayBridge } from '../../../src/engine/orchestrate/gateway-bridge.ts';
import { Ground } from '../../../src/engine/orchestrate/ground.ts';
import { profileOf } from '../../../src/engine/orchestrate/profile.ts';
import { Simulation } from '../../../src/engine/orchestrate/simulation.ts';
import { VirtualClock } from '../../../src/engine/time/virtual-clock.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { compose, lecture } from '../../lab/stack.ts';
import { viewOf } from '../../support/bytes.ts';

let wire: { node: number; inbound: boolean; bytes: Uint8Array }[];
let sim: Simulation;

function start(profile = 'docker', spec = lecture()): void {
  wire = [];
  sim = new Simulation(spec, {
    cluster: cluster(),
    profile: profileOf(profile),
    seed: 1,
    capture: {
      frame: (node: number, inbound: boolean, frame: Frame) => {
        wire.push({ node, inbound, bytes: frame.toBytes() });
      },
    },
  });
}

beforeEach(() => start());
afterEach(() => {
  sim.close();
  expect([sim.world.ground.pool.out, sim.clock.pending]).toEqual([0, 0]);
});

/** IPv4 packets that left a node, as source, destination and protocol. */
const sent = (): string[][] =>
  wire
    .filter(({ inbound, bytes }) => !inbound && ethernet.etherType(viewOf(bytes), 0) === 0x0800)
    .map(({ bytes }) => {
      const view = viewOf(bytes);
      return [formatIp(ipv4.src(view, 14)), formatIp(ipv4.dst(view, 14)), String(ipv4.protocol(view, 14))];
    });
const hostOf = (name: string): Host => sim.world.party(name).host;

test('every node has the same addresses: 172.18.0.1 the bridge, .2 the ingress sandbox, tasks from .3', () => {
  for (const node of sim.world.nodes.values()) {
    const bridge = node.host.interface('docker_gwbridge');
    expect(bridge.addresses.map(({ ip, prefix }) => `${formatIp(ip)}/${prefix}`)).toEqual(['172.18.0.1/16']);
    const legs = [...node.containers.values()].map((one) => {
      const dev = one.host.interfaces.at(-1);
      const ip = dev?.addresses[0]?.ip as number;
      expect(dev?.mac).toBe(dockerMac(ip));
      return formatIp(ip);
    });
    expect(legs).toEqual(legs.map((_, i) => `172.18.0.${i + 3}`));
  }
});

test('an address of a network that the container is not on: the packet leaves masqueraded and in the clear', () => {
  const from = sim.world.party('webserver.1');
  const node = sim.world.nodes.get(from.node);
  const mysql = sim.world.containers.get('lecture_mysql.1')?.task?.endpoints[0]?.ip ?? 0;
  const { replies } = sim.pingNow('webserver.1', formatIp(mysql), { count: 1 });
  expect(replies).toEqual([]);
  expect(sent()[0]).toEqual([formatIp(node?.ip ?? 0), formatIp(mysql), '1']);
  const first = wire.find(
    ({ inbound, bytes }) => !inbound && ethernet.etherType(viewOf(bytes), 0) === 0x0800,
  )?.bytes;
  expect(ipv4.ttl(viewOf(first as Uint8Array), 14)).toBe(63);
});

test('a node that answers is answered back through the masquerade', () => {
  const from = sim.world.party('webserver.1').node;
  const other = [...sim.world.nodes.keys()].find((name) => name !== from) as string;
  expect(sim.pingNow('webserver.1', other, { count: 2 }).replies.map(({ seq }) => seq)).toEqual([1, 2]);
  expect(sent().every(([src, dst]) => !src?.startsWith('172.') && !dst?.startsWith('172.'))).toBe(true);
});

test('containers reach the bridge but not each other over it', () => {
  const node = [...sim.world.nodes.values()].find(({ containers }) => containers.size > 1);
  const [first, second] = [...(node?.containers.values() ?? [])];
  const there = second?.host.interfaces.at(-1)?.addresses[0]?.ip ?? 0;
  for (const { name } of [first, second] as Container[]) {
    expect(sim.pingNow(name, '172.18.0.1', { count: 1 }).replies.length).toBe(1);
  }
  expect(sim.pingNow(first?.name ?? '', formatIp(there), { count: 1 }).replies).toEqual([]);
  // Nor does it help to know the other's MAC.
  const leg = first?.host.interfaces.at(-1) as Interface;
  first?.host.neighbours.pin(there, leg, dockerMac(there as number));
  expect(sim.pingNow(first?.name ?? '', formatIp(there), { count: 1 }).replies).toEqual([]);
  expect(node?.gatewayBridge().bridge.counters.dropped(DROP.isolated)).toBeGreaterThan(0);
});

test('a container that stops gives its leg back, and stopping nobody changes nothing', () => {
  const container = sim.world.containers.get('lecture_webserver.1');
  const bridge = sim.world.nodes.get(container?.node ?? '')?.gatewayBridge(false);
  const leg = container?.host.interfaces.at(-1)?.addresses[0]?.ip ?? 0;
  expect(bridge?.pool.owner(leg)).toBe('lecture_webserver.1');
  sim.world.stop(container as NonNullable<typeof container>);
  expect(bridge?.pool.owner(leg)).toBeUndefined();
  bridge?.detach(container?.host as Host);
  expect(bridge?.pool.owner(leg)).toBeUndefined();
});

test('a container of internal networks alone has no leg and no way out', () => {
  sim.close();
  start(
    'docker',
    compose(
      'version: "3.8"\nservices: {a: {image: x, networks: [n]}}\nnetworks: {n: {driver: overlay, internal: true}}\n',
    ),
  );
  expect(hostOf('a.1').interfaces.map(({ name }) => name)).toEqual(['eth0']);
  wire.length = 0;
  expect(sim.pingNow('a.1', '10.99.0.1', { count: 1 }).errors.map(({ from }) => from)).toEqual([null]);
  expect(wire).toEqual([]);
});

test('profiles without a gateway have none', () => {
  sim.close();
  start('head-end');
  for (const node of sim.world.nodes.values()) expect(node.gatewayBridge(false)).toBeNull();
});

test('on a node without a way out nothing is masqueraded', () => {
  const ground = new Ground(new VirtualClock(), 1);
  const node = ground.host('n', { name: 'n', forwarding: true });
  const made = new GatewayBridge(node, ground);
  expect(made.bridge).toBeInstanceOf(Bridge);
  expect(node.ip4.nat).toBeNull();
  node.close();
});
