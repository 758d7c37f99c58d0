import { describe, expect, onTestFinished, test } from 'vitest';
import { Pace } from '../../src/apps/pace.ts';
import type { ContainerProcess } from '../../src/apps/process.ts';
import type { Program } from '../../src/apps/program.ts';
import { Runtime } from '../../src/apps/runtime.ts';
import type { Container } from '../../src/engine/orchestrate/container.ts';
import { Lab } from '../../src/lab/lab.ts';
import { lecture } from '../lab/stack.ts';

/** The lecture's stack on virtual time, with programs. */
class Street {
  readonly lab = new Lab(lecture(), { cluster: { nodes: 3 } });
  readonly pace = new Pace(this.lab.sim.clock);
  readonly printed: string[] = [];
  readonly runtime = new Runtime({
    world: this.lab.sim.world,
    inbox: this.pace.inbox,
    programs: {},
    print: (process, text, stream) =>
      this.printed.push(`${process.container.name} ${stream} ${text.trimEnd()}`),
  });

  container(name: string): Container {
    const found = [...this.lab.sim.world.containers.values()].find((one) => one.name.includes(name));
    if (found === undefined) throw new Error(`no ${name} among ${[...this.lab.sim.world.containers.keys()]}`);
    return found;
  }

  run(name: string, program: Program, options: { argv?: string[] } = {}): ContainerProcess {
    return this.runtime.run(this.container(name), 'test', program, options);
  }

  async end(): Promise<void> {
    await this.runtime.stop(this.pace);
    this.pace.close();
    expect(this.lab.close()).toBe(0);
    expect(this.lab.sim.clock.pending).toBe(0);
  }
}

describe("programs of the lecture's stack", () => {
  test('ask for names as Docker answers them, and talk by datagrams through the tunnel', async () => {
    const street = new Street();
    street.run('appserver', async ({ dgram, signal, out }) => {
      const socket = dgram.createSocket('udp4').bind(9000);
      socket.on('message', (bytes, from) => socket.send(`${bytes}?`, from.port, from.address));
      await new Promise((done) => signal.addEventListener('abort', done));
      out('stopped');
    });
    const asked = street.run('webserver', async ({ dns, dgram, out, tally, time }) => {
      const { address } = await dns.promises.lookup('appserver');
      const [task] = await dns.promises.resolve4('tasks.appserver');
      const [name] = await dns.promises.reverse(task as string);
      out(`${address !== task} ${name}`);
      for (const ask of [() => dns.promises.lookup('nowhere'), () => dns.promises.resolve4('nowhere')]) {
        await ask().catch(({ message }) => out(message));
      }
      const socket = dgram.createSocket('udp4');
      const began = time.now;
      const answer = await new Promise((done) => {
        socket.once('message', (bytes) => done(String(bytes)));
        socket.send('hello', 9000, 'tasks.appserver');
      });
      tally.peer('appserver').request(time.now - began, 5, 6);
      socket.close();
      out(`${answer}`);
      return 4;
    });
    expect(await street.pace.until(asked.ended)).toBe(4);
    expect(street.printed).toEqual([
      expect.stringMatching(/ out true .*appserver/),
      expect.stringContaining('out getaddrinfo ENOTFOUND nowhere'),
      expect.stringContaining('out queryA ENOTFOUND nowhere'),
      expect.stringContaining('out hello?'),
    ]);
    expect(street.runtime.rows()).toMatchObject([
      { service: 'webserver', kind: 'test', peer: 'appserver', requests: 1, bytesSent: 5, bytesReceived: 6 },
    ]);
    expect(street.runtime.rows()[0]?.latency.p50).toBeGreaterThan(0);
    await street.end();
    expect(street.printed.at(-1)).toContain('appserver.1 out stopped');
  });

  test('errors are one line and exit code 1; crashes of one leave the others alone', async () => {
    // As in a process of its own, which has nobody listening for these.
    const others = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    onTestFinished(() => {
      for (const one of others) process.on('unhandledRejection', one);
    });
    const street = new Street();
    const thrown = street.run('webserver', async () => {
      throw new TypeError('first line\nsecond line');
    });
    const crashed = street.run('webserver', async ({ time, dgram }) => {
      dgram.createSocket('udp4').bind(77);
      time.setTimeout(() => {
        void Promise.reject(new Error('nobody cares'));
      }, 10);
      await new Promise<void>(() => {});
    });
    const steady = street.run(
      'appserver',
      ({ signal }) =>
        new Promise<void>((done) => {
          signal.addEventListener('abort', () => done());
        }),
    );
    expect(await street.pace.until(thrown.ended)).toBe(1);
    expect(await street.pace.until(crashed.ended)).toBe(1);
    expect(street.printed.map((line) => line.slice(line.indexOf(' ')))).toEqual([
      ' err test: TypeError: first line',
      ' err test: nobody cares',
    ]);
    expect([crashed.site.holds.size, steady.code]).toEqual([0, null]);
    await street.end();
    expect(steady.code).toBe(0);
  });

  test('a program that does not heed its signal is ended after ten seconds', async () => {
    const street = new Street();
    const deaf = street.run('webserver', ({ time, dgram }) => {
      dgram.createSocket('udp4').bind(77);
      time.setInterval(() => {}, 100);
      return new Promise<void>(() => {});
    });
    await street.pace.run(1e9);
    const began = street.pace.clock.now;
    await street.runtime.stop(street.pace);
    expect(deaf.code).toBe(143);
    expect(street.pace.clock.now - began).toBe(10e9);
    await street.end();
  });

  test('what a service says it runs is started once for each of its tasks', async () => {
    const lab = new Lab(lecture(), { cluster: { nodes: 3 } });
    const pace = new Pace(lab.sim.clock);
    const started: string[] = [];
    const make =
      (spec: { kind: string }, container: Container): Program =>
      async () => {
        started.push(`${container.task?.service} ${spec.kind}`);
      };
    const programs = { 'http-server': make, 'app-server': make, 'mysql-server': make, 'http-client': make };
    const runtime = new Runtime({ world: lab.sim.world, inbox: pace.inbox, programs });
    runtime.start();
    runtime.start();
    await pace.rest();
    const expected = [...lab.sim.world.containers.values()].flatMap((container) => {
      const service = lab.sim.world.plan.services.find(({ spec }) => spec.key === container.task?.service);
      return (service?.spec.workloads ?? [])
        .filter(({ kind }) => kind in programs)
        .map(({ kind }) => `${container.task?.service} ${kind}`);
    });
    expect(started).toEqual(expected);
    runtime.kill();
    pace.close();
    lab.close();
  });
});
