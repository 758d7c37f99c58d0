import { describe, expect, test } from 'vitest';
import { SECOND } from '../../src/engine/time/clock.ts';
import { FrameLog } from '../../src/lab/capture.ts';
import { Lab } from '../../src/lab/lab.ts';
import { pairsOf } from '../../src/lab/traffic.ts';
import { compose, lecture } from './stack.ts';

describe('the default traffic', () => {
  test('every container pings one of each other service that it shares a network with, on another node', () => {
    const lab = new Lab(lecture());
    const { containers } = lab.population();
    const nodeOf = (name: string): string | undefined => containers.find((one) => one.name === name)?.node;
    const pairs = pairsOf(lab.sim.world);
    const services = (from: string): string[] =>
      pairs
        .filter((pair) => pair.from === from)
        .map(({ to }) => to.replace(/^lecture_|\.\d+$/g, ''))
        .sort();
    expect(services('lecture_webserver.1')).toEqual(['appserver']);
    expect(services('lecture_appserver.2')).toEqual(['mysql', 'webserver']);
    expect(services('lecture_mysql.1')).toEqual(['appserver']);
    for (const { from, to } of pairs) expect(nodeOf(to)).not.toBe(nodeOf(from));
    lab.close();
  });

  test('stays within the node where there is only one', () => {
    const lab = new Lab(lecture(), { cluster: { nodes: 1 } });
    const traffic = lab.startTraffic({ until: 2 * SECOND });
    lab.run(2 * SECOND);
    traffic.stop();
    expect(traffic.rows().every(({ sent, received }) => sent === 2 && received === 2)).toBe(true);
    expect(lab.totals().vxlan.packets).toBe(0);
    lab.close();
  });

  test('lets a service that is alone ping its own next task', () => {
    const spec = compose("version: '3'\nservices:\n  a:\n    image: x\n    deploy: {replicas: 3}\n");
    const lab = new Lab(spec);
    expect(pairsOf(lab.sim.world)).toEqual([
      { from: 'lecture_a.1', to: 'lecture_a.2' },
      { from: 'lecture_a.2', to: 'lecture_a.3' },
      { from: 'lecture_a.3', to: 'lecture_a.1' },
    ]);
    lab.close();
  });

  test('goes on for ever when no end is given, and counts every round', () => {
    const lab = new Lab(lecture());
    const traffic = lab.startTraffic();
    lab.run(1300 * SECOND);
    expect(() => traffic.rows()).toThrow('when it has stopped');
    traffic.stop();
    for (const { sent, received } of traffic.rows()) {
      expect(sent).toBeGreaterThan(1290);
      expect(received).toBe(sent);
    }
    lab.close();
  });

  test('counts what is lost, and why', () => {
    const lab = new Lab(lecture(), { cluster: { cable: { loss: 0.2 } }, seed: 3 });
    const traffic = lab.startTraffic({ until: 30 * SECOND });
    lab.run(30 * SECOND);
    traffic.stop();
    const rows = traffic.rows();
    const lost = rows.reduce((sum, { sent, received }) => sum + sent - received, 0);
    expect(lost).toBeGreaterThan(0);
    expect(lab.totals().drops.find(({ reason }) => reason === 'impairment')?.count).toBeGreaterThanOrEqual(
      lost,
    );
    for (const { rtt } of rows) expect(rtt === null || (rtt.min <= rtt.avg && rtt.avg <= rtt.max)).toBe(true);
    lab.close();
  });
});

describe('a lab', () => {
  test('pings by container, service, node and address', () => {
    const lab = new Lab(lecture());
    expect(lab.ping('appserver', 'mysql.1')).toMatchObject({
      from: 'lecture_appserver.1',
      to: 'mysql.1',
      address: '10.0.3.6',
      replies: [{ seq: 1, ttl: 64 }],
    });
    expect(lab.ping('manager1', 'worker2').replies).toHaveLength(1);
    expect(lab.ping('webserver.2', '10.0.1.6').replies).toHaveLength(1);
    expect(() => lab.ping('webserver', 'mysql.1')).toThrow('share no network');
    expect(() => lab.ping('webserver', 'nobody')).toThrow('there is no container, service or node "nobody"');
    lab.close();
  });

  test('answers for a service’s virtual address on every node', () => {
    const lab = new Lab(lecture());
    for (const from of ['appserver.1', 'appserver.2']) {
      expect(lab.ping(from, 'webserver').replies, from).toHaveLength(1);
    }
    expect(lab.totals().vxlan.packets).toBe(0);
    lab.close();
  });

  test('tells a journey only when it records', () => {
    const silent = new Lab(lecture());
    expect(() => silent.journey('appserver', 'mysql.1')).toThrow('records');
    silent.close();
    const lab = new Lab(lecture(), { trace: true });
    const journey = lab.journey('appserver', 'mysql.1');
    expect(journey.answered).toBe(true);
    expect(journey.steps.map(({ what }) => what)).toContain('encapsulate');
    lab.close();
  });

  test('names the nodes there are when one is not', () => {
    const lab = new Lab(lecture());
    expect(lab.node('worker1').name).toBe('worker1');
    expect(() => lab.node('worker7')).toThrow(
      'there is no node "worker7"; there are manager1, worker1, worker2',
    );
    lab.close();
  });

  test('lists tasks that no node may take', () => {
    const spec = compose(
      "version: '3'\nservices:\n  a:\n    image: x\n    deploy: {placement: {constraints: [node.labels.ssd == yes]}}\n",
    );
    const lab = new Lab(spec);
    expect(lab.population()).toMatchObject({ containers: [], pending: ['lecture_a.1'] });
    lab.close();
  });

  test('brings every frame home, whenever it is closed', () => {
    for (const profile of ['docker', 'flood-and-learn', 'head-end', 'flannel', 'flannel-direct']) {
      const lab = new Lab(lecture(), { profile });
      lab.startTraffic();
      lab.run(2 * SECOND + 30_000);
      expect(lab.close(), profile).toBe(0);
      expect(lab.close(), profile).toBe(0);
    }
  });
});

describe('what a capture sees', () => {
  const seen = (taps: 'out' | 'both' | 'all'): FrameLog => {
    const log = new FrameLog(taps);
    const lab = new Lab(lecture(), { capture: log });
    lab.ping('appserver.1', 'mysql.1', { count: 2 });
    lab.close();
    return log;
  };

  test('out: every underlay frame once, as it leaves its node', () => {
    const { frames } = seen('out');
    expect(frames.map(({ tap }) => tap)).toEqual([
      ...['worker2/eth0', 'worker1/eth0', 'worker2/eth0', 'worker1/eth0'],
      ...['worker2/eth0', 'worker1/eth0'],
    ]);
    expect(frames.every(({ inbound }) => !inbound)).toBe(true);
  });

  test('both: each of them again as it arrives, byte for byte', () => {
    const { frames } = seen('both');
    const text = (inbound: boolean): string[] =>
      frames.filter((one) => one.inbound === inbound).map(({ bytes }) => String(bytes));
    expect(text(true)).toEqual(expect.arrayContaining(text(false)));
  });

  test('all: the inner frames too, at both ends of each veth pair and at vxlan0, and the pings are as before', () => {
    const { frames } = seen('all');
    const inner = frames.filter(({ tap, bytes }) => tap.endsWith('/vxlan0') && bytes.length === 98);
    expect(inner.map(({ inbound }) => inbound)).toEqual([false, true, false, true, false, true, false, true]);
    expect(frames.filter(({ tap }) => /\/veth\d+$/.test(tap)).length).toBeGreaterThanOrEqual(8);
    expect(frames.map(({ number }) => number)).toEqual(frames.map((_, i) => i + 1));
  });
});
