import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { expect, onTestFinished, test } from 'vitest';
import { wallInbox } from '../../src/apps/pace.ts';
import type { Program } from '../../src/apps/program.ts';
import { Runtime } from '../../src/apps/runtime.ts';
import { profileOf } from '../../src/engine/orchestrate/profile.ts';
import { UdpLab } from '../../src/live/udp-lab.ts';
import { lecture } from '../lab/stack.ts';

const PORT = 42_789;

test('the same programs run on the wall clock, over the loopback interface', async () => {
  const lab = new UdpLab(lecture(), {
    profile: profileOf('docker'),
    seed: 1,
    first: '127.0.66.11',
    port: PORT,
  });
  await lab.start();
  const runtime = new Runtime({
    world: lab.world,
    inbox: wallInbox(),
    programs: {},
    epoch: Date.now(),
    enter: () => lab.clock.tick(),
  });
  onTestFinished(async () => {
    runtime.kill();
    // Connections end in good order.
    await new Promise((done) => setTimeout(done, 100));
    await lab.close();
    expect(lab.world.ground.pool.out).toBe(0);
  });
  const task = (service: string) =>
    [...lab.world.containers.values()].find((one) => one.task?.service === service) as never;
  const serve: Program = async ({ http, time, signal }) => {
    http
      .createServer(async (request, response) => {
        await time.sleep(20);
        request.pipe(response);
      })
      .listen(80);
    await once(signal, 'abort');
  };
  let answer = '';
  const ask: Program = async ({ http, time }) => {
    const agent = new http.Agent({ keepAlive: true });
    const began = time.now;
    for (let n = 0; n < 3; n++) {
      const request = http.request({ host: 'tasks.appserver', method: 'POST', agent });
      request.end('x'.repeat(50_000));
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      let size = 0;
      for await (const chunk of response) size += chunk.length;
      answer += ` ${response.statusCode} ${size}`;
    }
    agent.destroy();
    return time.now - began >= 60e6 ? 0 : 1;
  };
  for (const one of lab.world.containers.values()) {
    if (one.task?.service === 'appserver') runtime.run(one, 'serve', serve);
  }
  expect(await runtime.run(task('webserver'), 'ask', ask).ended).toBe(0);
  expect(answer).toBe(' 200 50000 200 50000 200 50000');
});
