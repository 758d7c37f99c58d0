import { expect, test } from 'vitest';
import { SECOND } from '../../src/engine/time/clock.ts';
import type { TraceEvent } from '../../src/engine/trace/recorder.ts';
import { elementsOf } from '../../src/lab/elements.ts';
import { Lab } from '../../src/lab/lab.ts';
import { stepOf } from '../../src/lab/trace-words.ts';
import { lecture } from './stack.ts';

test('a ping that leaves by the node says what its source became, and what its answer became', () => {
  const lab = new Lab(lecture(), { trace: true });
  const { steps, others } = lab.journey('webserver.1', 'worker2');
  const said = (list: typeof steps): (string | null)[] =>
    list.filter(({ what }) => what === 'translate').flatMap(({ text, command }) => [text, command]);
  expect(said(steps)).toEqual(['is now 192.0.2.11 → 192.0.2.13', 'conntrack -L']);
  expect(others.flatMap((story) => said(story.steps))).toEqual([
    'the answer of a known flow: is now 192.0.2.13 → 172.18.0.3',
    'conntrack -L',
  ]);
  expect(lab.close()).toBe(0);
});

test('a connection to a virtual address says who was chosen and what its packets became', () => {
  const lab = new Lab(lecture(), { trace: true });
  const { world, recorder } = lab.sim;
  const client = world.party('webserver.1');
  const heard = { datagram: (frame: { release(): void }): void => frame.release(), error: (): void => {} };
  client.host.udp.bind(40000, heard).send(world.addressFor(client, 'appserver'), 8080, Uint8Array.of(1));
  lab.run(SECOND);
  const elements = elementsOf(lab.sim);
  const events = Array.from({ length: recorder?.length ?? 0 }, (_, i) => recorder?.at(i) as TraceEvent);
  const steps = events.map((event) => stepOf(event, 0, lab.sim, elements));
  const lb = world.nodes.get(client.node)?.sandboxes;
  const said = steps.filter(({ what }) => what === 'balance' || what === 'translate');
  expect(said.map(({ text }) => text)).toEqual([
    'a new connection to 10.0.1.5: it is the turn of 10.0.1.7',
    'is now 10.0.1.8:40000 → 10.0.1.7:8080',
    // Nobody listens there, which the client hears from the address that it asked.
    'the answer of a known flow: is now 10.0.1.5 → 10.0.1.3',
  ]);
  const name = [...(lb?.values() ?? [])].find(({ network }) => network.plan.key === 'mywebnw')?.balancer
    ?.name;
  expect(said[0]?.command).toBe(`nsenter --net=/var/run/docker/netns/${name} ipvsadm -Ln`);
  expect(lab.close()).toBe(0);
});
