// TCP through load balancers: both ends are real, and the balancer in between must carry every segment of both.

import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Ip } from '../../src/core/wire/address.ts';
import { formatIp } from '../../src/core/wire/address.ts';
import { ipv4, tcp } from '../../src/core/wire/index.ts';
import { ETHERTYPE, PROTO } from '../../src/core/wire/numbers.ts';
import { parseIp } from '../../src/core/wire/parse-ip.ts';
import type { Host } from '../../src/engine/host/host.ts';
import type { TcpError, TcpEvents, TcpSocket } from '../../src/engine/host/tcp/socket.ts';
import type { Container } from '../../src/engine/orchestrate/container.ts';
import { SECOND } from '../../src/engine/time/clock.ts';
import { ipvsRows } from '../../src/lab/tables-balancer.ts';
import { viewOf } from '../support/bytes.ts';
import { pattern } from '../support/lab.ts';
import { Network } from './network.ts';

let net: Network;
beforeEach(() => {
  net = new Network('docker', {}, 1, 'lecture.yml').quiet();
});
afterEach(() => net.end());

const container = (name: string): Container => net.sim.world.containers.get(`lecture_${name}`) as Container;
const vipOf = (service: string, network: string): number => {
  const found = net.sim.world.plan.services.find(({ spec }) => spec.key === service);
  return found?.vips.find((vip) => vip.network.key === network)?.ip as number;
};
const pass = (seconds: number): void => {
  net.sim.clock.runUntil(net.sim.clock.now + seconds * SECOND);
};

/** Sends back whatever it reads, and ends when the peer does. */
function echo(task: string, port: number, heard: string[] = []): void {
  const listener = container(task).host.tcp.listen(port, {
    acceptable: (): void => {
      for (;;) {
        let socket: TcpSocket | null = null;
        const waiting: number[] = [];
        let over = false;
        const pump = (): void => {
          if (socket === null) return;
          const chunk = new Uint8Array(4096);
          for (let n = socket.read(chunk); n > 0; n = socket.read(chunk))
            waiting.push(...chunk.subarray(0, n));
          const took = socket.write(Uint8Array.from(waiting));
          waiting.splice(0, took);
          if (over && waiting.length === 0) socket.end();
        };
        socket = listener.accept({
          connected: () => {},
          readable: pump,
          writable: pump,
          ended: () => {
            over = true;
            pump();
          },
          closed: () => {},
        });
        if (socket === null) return;
        heard.push(`${task} ${formatIp(socket.remoteIp)}`);
        pump();
      }
    },
  });
}

class Client implements TcpEvents {
  readonly received: number[] = [];
  /** Not there yet while a peer on the same node answers from within `connect`. */
  readonly socket: TcpSocket | null = null;
  #left: Uint8Array;
  #finish: boolean;
  is = 'connecting';
  error: TcpError | null = null;

  /** @param finish end after the last byte */
  constructor(host: Host, to: Ip, port: number, bytes: Uint8Array, finish = true, localPort = 0) {
    this.#left = bytes;
    this.#finish = finish;
    this.socket = host.tcp.connect(to, port, this, localPort === 0 ? {} : { localPort });
    if (this.is === 'connected') this.writable();
  }

  send(bytes: Uint8Array): void {
    this.#left = bytes;
    this.writable();
  }

  connected(): void {
    this.is = 'connected';
    this.writable();
  }

  readable(): void {
    const { socket } = this;
    if (socket === null) return;
    const chunk = new Uint8Array(4096);
    for (let n = socket.read(chunk); n > 0; n = socket.read(chunk))
      this.received.push(...chunk.subarray(0, n));
  }

  writable(): void {
    if (this.socket === null) return;
    this.#left = this.#left.subarray(this.socket.write(this.#left));
    if (this.#left.length === 0 && this.#finish) this.socket.end();
  }

  ended(): void {
    this.readable();
  }

  closed(error: TcpError | null): void {
    this.is = 'closed';
    this.error = error;
  }
}

/** Addresses of inner TCP packets on the underlay. */
const inner = (): Set<string> =>
  new Set(
    net.tunnelled().flatMap(({ inner: bytes, type }) => {
      const view = viewOf(bytes);
      if (type !== ETHERTYPE.ipv4) return [`type ${type}`];
      if (ipv4.protocol(view, 14) !== PROTO.tcp) return [];
      return [formatIp(ipv4.src(view, 14)), formatIp(ipv4.dst(view, 14))];
    }),
  );

describe('a virtual address', () => {
  test('gives connections to tasks in turn; every byte comes back in order, and the tunnel shows no virtual address', () => {
    const heard: string[] = [];
    for (const task of ['appserver.1', 'appserver.2']) echo(task, 8080, heard);
    const from = container('webserver.1');
    const bytes = pattern(100_000);
    const clients = [1, 2, 3, 4].map(() => new Client(from.host, vipOf('appserver', 'mywebnw'), 8080, bytes));
    pass(10);
    for (const { received, is, error } of clients) {
      expect([received.length, is === 'closed' || is === 'connected', error]).toEqual([
        bytes.length,
        true,
        null,
      ]);
      expect(Uint8Array.from(received)).toEqual(bytes);
    }
    const lb = formatIp(
      net.sim.world.networks.get('lecture_mywebnw')?.plan.balancers.get(from.node)?.ip ?? 0,
    );
    expect(heard.sort()).toEqual([
      `appserver.1 ${lb}`,
      `appserver.1 ${lb}`,
      `appserver.2 ${lb}`,
      `appserver.2 ${lb}`,
    ]);
    const far = ['appserver.1', 'appserver.2'].filter((name) => container(name).node !== from.node);
    const tasks = far.map((name) => {
      const endpoint = container(name).task?.endpoints.find(({ network }) => network.key === 'mywebnw');
      return formatIp(endpoint?.ip ?? 0);
    });
    expect(inner()).toEqual(new Set([lb, ...tasks]));
  });

  test('counts a connection as active while it is open and as inactive after', () => {
    echo('mysql.1', 3306);
    const from = container('appserver.1');
    const client = new Client(from.host, vipOf('mysql', 'mydbnw'), 3306, pattern(10), false);
    const row = (): unknown => {
      const rows = ipvsRows(net.sim.world);
      const mine = rows.find(({ node, service }) => node === from.node && service === 'lecture_mysql');
      return [mine?.active, mine?.inactive, mine?.connections];
    };
    pass(1);
    expect([client.received.length, row()]).toEqual([10, [1, 0, 1]]);
    client.socket?.end();
    pass(1);
    expect(row()).toEqual([0, 1, 1]);
    pass(121);
    expect(row()).toEqual([0, 0, 1]);
  });

  test('refuses where nobody listens, and where there is no task', () => {
    const from = container('appserver.1');
    const vip = vipOf('mysql', 'mydbnw');
    const closed = new Client(from.host, vip, 3306, pattern(1));
    pass(1);
    expect([closed.is, closed.error]).toEqual(['closed', 'ECONNREFUSED']);
    net.sim.world.stop(container('mysql.1'));
    const gone = new Client(from.host, vip, 3306, pattern(1));
    pass(10);
    expect([gone.is, gone.error]).toEqual(['closed', 'ECONNREFUSED']);
  });

  test('resets a connection whose task is gone, and no other', () => {
    const heard: string[] = [];
    for (const task of ['appserver.1', 'appserver.2']) echo(task, 8080, heard);
    const from = container('webserver.1');
    const clients = [1, 2].map(
      () => new Client(from.host, vipOf('appserver', 'mywebnw'), 8080, pattern(10), false),
    );
    pass(1);
    expect(heard.map((one) => one.split(' ')[0])).toEqual(['appserver.2', 'appserver.1']);
    net.sim.world.stop(container('appserver.2'));
    for (const client of clients) client.send(pattern(10));
    pass(10);
    expect(clients.map(({ is, error, received }) => [is, error, received.length])).toEqual([
      ['closed', 'ECONNRESET', 10],
      ['connected', null, 20],
    ]);
  });

  test('forgets a connection that was idle for a quarter of an hour: it is reset', () => {
    echo('mysql.1', 3306);
    const client = new Client(
      container('appserver.1').host,
      vipOf('mysql', 'mydbnw'),
      3306,
      pattern(1),
      false,
    );
    pass(899);
    client.send(pattern(1));
    pass(1);
    expect(client.received.length).toBe(2);
    pass(902);
    client.send(pattern(1));
    pass(1);
    expect([client.is, client.error]).toEqual(['closed', 'ECONNRESET']);
  });
});

describe('a published port', () => {
  const NODES = ['192.0.2.11', '192.0.2.12', '192.0.2.13'];

  test('answers on every node, from outside, from the node itself and from a container', () => {
    const heard: string[] = [];
    for (const task of ['webserver.1', 'webserver.2']) echo(task, 80, heard);
    const { world, underlay } = net.sim;
    const bytes = pattern(50_000);
    const clients = NODES.flatMap((ip) => [
      new Client(underlay.gateway as Host, parseIp(ip), 8085, bytes),
      new Client(world.nodes.get('manager1')?.host as Host, parseIp(ip), 8085, bytes),
      new Client(container('appserver.1').host, parseIp(ip), 8085, bytes),
    ]);
    clients.push(new Client(world.nodes.get('worker2')?.host as Host, parseIp('127.0.0.1'), 8085, bytes));
    pass(20);
    for (const { received, error } of clients) {
      expect([received.length, error]).toEqual([bytes.length, null]);
      expect(Uint8Array.from(received)).toEqual(bytes);
    }
    expect(heard.length).toBe(10);
    const ingress = world.plan.networks.find((one) => one.ingress);
    expect(new Set(heard.map((one) => one.split(' ')[1]))).toEqual(
      new Set([...(ingress?.balancers.values() ?? [])].map(({ ip }) => formatIp(ip))),
    );
  });

  test('segments are as long as the overlay takes: nothing is cut up or refused', () => {
    for (const task of ['webserver.1', 'webserver.2']) echo(task, 80);
    const client = new Client(
      net.sim.underlay.gateway as Host,
      parseIp(NODES[0] as string),
      8085,
      pattern(50_000),
    );
    pass(5);
    expect(client.received.length).toBe(50_000);
    const lengths = net.tunnelled().map(({ inner: bytes }) => bytes.length - 14);
    expect(Math.max(...lengths)).toBe(1450);
    for (const { inner: bytes } of net.tunnelled()) {
      const view = viewOf(bytes);
      expect(ipv4.isFragment(view, 14)).toBe(false);
      if (ipv4.protocol(view, 14) === PROTO.tcp) expect(tcp.checksum(view, 34)).not.toBe(0);
    }
    expect(client.socket?.info().retransmits).toBe(0);
  });

  test('a node and its container may have one port: each has its own answers', () => {
    for (const task of ['webserver.1', 'webserver.2']) echo(task, 80);
    const { host, node } = container('appserver.1');
    const own = net.sim.world.nodes.get(node)?.host as Host;
    const ip = own.interfaces[0]?.primary as number;
    const to = parseIp(NODES.find((one) => one !== formatIp(ip)) as string);
    const clients = [own, host].map((one, i) => new Client(one, to, 8085, pattern(1000 + i), true, 40000));
    pass(5);
    expect(clients.map(({ received, error }) => [received.length, error])).toEqual([
      [1000, null],
      [1001, null],
    ]);
    // What the container leaves with is not the node's to take.
    new Client(host, to, 8085, pattern(1), true, 50000);
    pass(1);
    expect([50000, 50001].map((port) => own.ip4.nat?.holds(6, ip, port, to, 8085))).toEqual([true, false]);
    expect([50000, 50001].map((port) => own.ip4.nat?.holdsPort(6, port))).toEqual([true, false]);
  });

  test('is refused where no program listens', () => {
    const client = new Client(
      net.sim.underlay.gateway as Host,
      parseIp(NODES[2] as string),
      8085,
      pattern(1),
    );
    pass(5);
    expect([client.is, client.error]).toEqual(['closed', 'ECONNREFUSED']);
  });
});
