import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { describe, expect, test } from 'vitest';
import { Pace } from '../../src/apps/pace.ts';
import type { Program } from '../../src/apps/program.ts';
import { Runtime } from '../../src/apps/runtime.ts';
import { clusterFor } from '../../src/engine/orchestrate/cluster.ts';
import type { Container } from '../../src/engine/orchestrate/container.ts';
import { profileOf } from '../../src/engine/orchestrate/profile.ts';
import { Simulation } from '../../src/engine/orchestrate/simulation.ts';
import { lecture } from '../lab/stack.ts';

interface Run {
  /** Time, length and bytes of every frame on the underlay, in order. */
  readonly digest: string;
  readonly frames: number;
  readonly answers: number;
  readonly most: number;
}

const server =
  (count: (change: number) => void): Program =>
  async ({ http, time, signal }) => {
    http
      .createServer(async (request, response) => {
        count(1);
        let size = 0;
        for await (const chunk of request) size += chunk.length;
        await time.sleep(200);
        count(-1);
        response.writeHead(200, { 'Content-Type': 'text/plain' });
        for (let n = 0; n < 5; n++) response.write(`${size} `.repeat(200));
        response.end();
      })
      .listen(80);
    await once(signal, 'abort');
  };

const client =
  (connections: number, requests: number, answered: () => void): Program =>
  async ({ http, time, random }) => {
    const agent = new http.Agent({ keepAlive: true });
    const one = async (): Promise<void> => {
      await time.sleep(1 + random.integer(50));
      for (let n = 0; n < requests; n++) {
        const body = Buffer.alloc(random.integer(4000), 'x');
        const request = http.request({ host: 'tasks.appserver', method: 'POST', agent });
        request.end(body);
        const [answer] = (await once(request, 'response')) as [IncomingMessage];
        let size = 0;
        for await (const chunk of answer) size += chunk.length;
        if (answer.statusCode === 200 && size >= 2000) answered();
      }
    };
    await Promise.all(Array.from({ length: connections }, one));
    agent.destroy();
  };

async function run(seed: number, connections: number, requests: number): Promise<Run> {
  const hash = createHash('sha256');
  let frames = 0;
  const spec = lecture();
  const sim = new Simulation(spec, {
    cluster: clusterFor(spec, { nodes: 3 }),
    profile: profileOf('docker'),
    seed,
    capture: {
      frame: (tap, inbound, frame) => {
        if (inbound) return;
        frames++;
        hash.update(`${sim.clock.now} ${tap} ${frame.end - frame.start} `).update(frame.toBytes());
      },
    },
  });
  const pace = new Pace(sim.clock);
  const runtime = new Runtime({ world: sim.world, inbox: pace.inbox, programs: {} });
  let [open, most, answers] = [0, 0, 0];
  const tasks = (service: string): Container[] =>
    [...sim.world.containers.values()].filter(({ task }) => task?.service === service);
  for (const task of tasks('appserver')) {
    runtime.run(
      task,
      'server',
      server((change) => {
        open += change;
        most = Math.max(most, open);
      }),
    );
  }
  const clients = tasks('webserver').map((task) =>
    runtime.run(
      task,
      'client',
      client(connections / tasks('webserver').length, requests, () => answers++),
    ),
  );
  await pace.until(Promise.all(clients.map(({ ended }) => ended)));
  expect(clients.map(({ code }) => code)).toEqual(clients.map(() => 0));
  await runtime.stop(pace);
  await pace.run(1e9);
  pace.close();
  sim.close();
  expect(sim.world.ground.pool.out).toBe(0);
  expect(sim.clock.pending).toBe(0);
  return { digest: hash.digest('hex'), frames, answers, most };
}

describe('the same seed', () => {
  test('gives the same packets at the same times, byte for byte, and another seed others', async () => {
    const [one, two, other] = [await run(5, 40, 5), await run(5, 40, 5), await run(6, 40, 5)];
    expect(one.answers).toBe(200);
    expect(one.frames).toBeGreaterThan(1000);
    expect(two).toEqual(one);
    expect(other.digest).not.toBe(one.digest);
  });

  test('1,000 connections at once across the tunnel, twice the same', async () => {
    const [one, two] = [await run(5, 1000, 2), await run(5, 1000, 2)];
    expect([one.answers, one.most]).toEqual([2000, 1000]);
    expect(two).toEqual(one);
  });
});
