// RFC 7348 s.4.1 on what a VTEP does when it sends, read from the recorder: it finds the VNI of the sending endpoint, then
// the VTEP of the destination MAC in that VNI, then encapsulates. Two networks, each on all nodes, on one emulated cluster.

import { afterEach, expect, test } from 'vitest';
import type { Mac } from '../../src/core/wire/address.ts';
import { formatIp, macHi, macLo } from '../../src/core/wire/address.ts';
import * as ethernet from '../../src/core/wire/ethernet.ts';
import * as vxlan from '../../src/core/wire/vxlan.ts';
import { FLOOD } from '../../src/engine/fabric/bridge.ts';
import { loadCompose } from '../../src/engine/manifest/load.ts';
import type { StackSpec } from '../../src/engine/model/spec.ts';
import { cluster } from '../../src/engine/orchestrate/cluster.ts';
import { profileOf } from '../../src/engine/orchestrate/profile.ts';
import type { Sandbox } from '../../src/engine/orchestrate/sandbox.ts';
import { Simulation } from '../../src/engine/orchestrate/simulation.ts';
import { TRACE, VIA } from '../../src/engine/trace/event.ts';
import type { Recorder, TraceEvent } from '../../src/engine/trace/recorder.ts';

const STACK = `
services:
  one: {image: x, networks: [left], deploy: {endpoint_mode: dnsrr, replicas: 2}}
  two: {image: x, networks: [right], deploy: {endpoint_mode: dnsrr, replicas: 2}}
networks: {left: {}, right: {}}
`;

let sim: Simulation;
afterEach(() => {
  sim.close();
  expect(sim.world.ground.pool.out).toBe(0);
});

function start(profile: string): Recorder {
  const { spec } = loadCompose(STACK, { stack: 's' });
  sim = new Simulation(spec as StackSpec, {
    cluster: cluster({ nodes: 2 }),
    profile: profileOf(profile),
    seed: 1,
    trace: { snap: 64 },
  });
  return sim.recorder as Recorder;
}

/** Pings once and answers with everything that was recorded of it. */
function sent(recorder: Recorder, from: string, to: string): TraceEvent[] {
  recorder.clear();
  expect(sim.pingNow(from, to, { count: 1 }).replies.length).toBe(1);
  return Array.from({ length: recorder.length }, (_, i) => recorder.at(i));
}

const onNode = (party: string, network: string): Sandbox => {
  const { node } = sim.world.party(party);
  const id = sim.world.networks.get(`s_${network}`)?.plan.id as string;
  return sim.world.nodes.get(node)?.sandboxes.get(id) as Sandbox;
};
const macOf = (party: string): Mac => sim.world.party(party).host.interfaces[0]?.mac as Mac;
const nameOf = (kind: number): string =>
  Object.entries(TRACE).find(([, number]) => number === kind)?.[0] ?? String(kind);

test.each([
  { network: 'left', from: 'one.1', to: 'one.2' },
  { network: 'right', from: 'two.1', to: 'two.2' },
])('s.4.1: a known destination in $network: VNI, then VTEP, then the headers, in this order', (given) => {
  const { network, from, to } = given;
  const recorder = start('flood-and-learn');
  sent(recorder, from, to);
  const events = sent(recorder, from, to);
  const { bridge, vtep } = onNode(from, network);
  const { vni } = vtep.options;
  const node = sim.world.nodes.get(sim.world.party(from).node);
  const remote = sim.world.nodes.get(sim.world.party(to).node);
  const request = events.filter((event) => event.frame === events[0]?.frame);
  const cut = request.findIndex(
    (event) => event.where === sim.underlay.cables.get(node?.name ?? '')?.near.id,
  );
  const steps = request.slice(0, cut + 1).filter(({ what }) => what !== TRACE.send && what !== TRACE.learn);
  expect(steps.map(({ what, where }) => [nameOf(what), where])).toEqual([
    ['transmit', steps[0]?.where],
    ['receive', bridge.id],
    ['forward', bridge.id],
    ['encapsulate', vtep.id],
    ['outer', node?.host.id],
    ['transmit', sim.underlay.cables.get(node?.name ?? '')?.near.id],
  ]);
  const [, , forward, encapsulate, outer, wire] = steps as [
    TraceEvent,
    TraceEvent,
    TraceEvent,
    TraceEvent,
    TraceEvent,
    TraceEvent,
  ];
  // The VNI of the endpoint: its segment hands the frame to the one VTEP of that VNI.
  expect(bridge.port(forward.a)).toBe(vtep);
  expect(vni).toBe(sim.world.networks.get(`s_${network}`)?.plan.vni);
  // The VTEP of the destination MAC in that VNI: the peer in the entry is where the endpoint is.
  expect(ethernet.dst(encapsulate.bytes, 0)).toBe(macOf(to));
  expect([encapsulate.a, encapsulate.b]).toEqual([remote?.peer, VIA.learned]);
  expect(vtep.fdb.lookup(macHi(macOf(to)), macLo(macOf(to)), sim.clock.now)).toBe(remote?.peer);
  // Encapsulation: no VXLAN header before, one with this VNI after, and the outer headers last.
  expect([outer.length - encapsulate.length, wire.length - outer.length]).toEqual([8, 42]);
  expect(vxlan.vni(outer.bytes, 0)).toBe(vni);
  expect(formatIp(wire.bytes.getUint32(30))).toBe(formatIp(remote?.ip ?? 0));
  expect(vxlan.vni(wire.bytes, 42)).toBe(vni);
});

test('s.4.1, s.4.2: without a VTEP for the MAC the group of the VNI takes its place, in the same order', () => {
  const recorder = start('flood-and-learn');
  const events = sent(recorder, 'two.1', 'two.2');
  const { vtep } = onNode('two.1', 'right');
  const group = sim.world.networks.get('s_right')?.group;
  const question = events.find(({ what, where }) => what === TRACE.flood && where === vtep.id) as TraceEvent;
  const steps = events.filter(({ frame }) => frame === question.frame);
  const at = steps.findIndex(({ what, where }) => what === TRACE.flood && where === vtep.id);
  expect(steps.slice(at, at + 3).map(({ what, a, b }) => [nameOf(what), a, b])).toEqual([
    ['flood', 1, FLOOD.broadcast],
    ['encapsulate', group, VIA.group],
    ['outer', steps[at + 2]?.a, 4789],
  ]);
  expect(vxlan.vni(steps[at + 2]?.bytes as DataView, 0)).toBe(vtep.options.vni);
});

test('s.4.1: the same with rows of a control plane: the entry is a pinned one', () => {
  const recorder = start('docker');
  sent(recorder, 'one.1', 'one.2');
  const events = sent(recorder, 'one.1', 'one.2');
  const { vtep } = onNode('one.1', 'left');
  const remote = sim.world.nodes.get(sim.world.party('one.2').node);
  const found = events.filter(({ what, where }) => what === TRACE.encapsulate && where === vtep.id);
  expect(found.map(({ a, b }) => [a, b])).toEqual([[remote?.peer, VIA.pinned]]);
});
