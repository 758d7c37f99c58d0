// The lecture's stack with encrypted networks, on virtual time: what crosses, what does not, and what a receiver refuses.

import { describe, expect, test } from 'vitest';
import { NONCE_LEN, NOT_OPENED, open } from '../../../src/core/esp/packet.ts';
import type { Frame } from '../../../src/core/frame/frame.ts';
import * as ethernet from '../../../src/core/wire/ethernet.ts';
import * as ipv4 from '../../../src/core/wire/ipv4.ts';
import { PROTO } from '../../../src/core/wire/numbers.ts';
import { loadCompose } from '../../../src/engine/manifest/load.ts';
import type { StackSpec } from '../../../src/engine/model/spec.ts';
import { cluster } from '../../../src/engine/orchestrate/cluster.ts';
import type { EncryptionOptions } from '../../../src/engine/orchestrate/encryption.ts';
import { profileOf } from '../../../src/engine/orchestrate/profile.ts';
import { Simulation } from '../../../src/engine/orchestrate/simulation.ts';
import { SECOND } from '../../../src/engine/time/clock.ts';
import type { DropReason } from '../../../src/engine/trace/drop.ts';
import { DROP } from '../../../src/engine/trace/drop.ts';
import { NODE_CIPHER } from '../../../src/live/node-cipher.ts';
import { viewOf } from '../../support/bytes.ts';
import { manifest } from '../../support/manifests.ts';

const HOUR = 3600 * SECOND;

function spec(encrypted: (name: string) => boolean): StackSpec {
  const { spec: read } = loadCompose(manifest('lecture-dnsrr.yml'), { stack: 'lecture' });
  const stack = read as StackSpec;
  return { ...stack, networks: stack.networks.map((one) => ({ ...one, encrypted: encrypted(one.key) })) };
}

interface Run {
  readonly sim: Simulation;
  /** What left a node, by node. */
  readonly sent: { readonly node: number; readonly bytes: Uint8Array }[];
  /** Changes a frame that is about to arrive; false to leave it. */
  spoil: ((bytes: Uint8Array) => void) | null;
}

function run(
  options: Partial<EncryptionOptions> = {},
  family: 4 | 6 = 4,
  which = (_: string): boolean => true,
): Run {
  const made: Run = {
    sent: [],
    spoil: null,
    sim: new Simulation(spec(which), {
      cluster: cluster({ family }),
      profile: profileOf('docker'),
      seed: 5,
      encryption: { cipher: NODE_CIPHER, ...options },
      capture: {
        frame: (node: number, inbound: boolean, frame: Frame) => {
          if (!inbound) made.sent.push({ node, bytes: frame.toBytes() });
          else if (made.spoil !== null) made.spoil(frame.bytes.subarray(frame.start, frame.end));
        },
      },
    }),
  };
  return made;
}

const ping = (sim: Simulation, size = 56): number =>
  sim.pingNow('webserver.1', 'appserver.1', { count: 2, size, interval: SECOND }).replies.length;

/** IP protocol of a captured frame. */
function protocolOf(bytes: Uint8Array): number {
  const view = viewOf(bytes);
  const type = ethernet.etherType(view, 0);
  return type === 0x0800 ? ipv4.protocol(view, 14) : type === 0x86dd ? view.getUint8(20) : -1;
}

/** How often nodes dropped for a reason. */
function drops(sim: Simulation, reason: DropReason): number {
  return [...sim.world.nodes.values()].reduce((sum, { host }) => sum + host.counters.dropped(reason), 0);
}

function finish(sim: Simulation): void {
  sim.close();
  expect(sim.world.ground.pool.out).toBe(0);
  expect(sim.clock.pending).toBe(0);
}

describe.each([4, 6] as const)('an encrypted network over IPv%i', (family) => {
  test('carries pings up to its MTU in one piece, and not one plain VXLAN datagram', () => {
    const { sim, sent } = run({}, family);
    const mtu = family === 4 ? 1424 : 1404;
    expect(sim.world.containers.get('lecture_webserver.1')?.host.interfaces[0]?.mtu).toBe(mtu);
    expect(ping(sim)).toBe(2);
    expect(ping(sim, mtu - 28)).toBe(2);
    const protocols = new Set(sent.map(({ bytes }) => protocolOf(bytes)));
    expect(protocols).toContain(PROTO.esp);
    expect(protocols).not.toContain(PROTO.udp);
    expect(protocols).not.toContain(PROTO.fragment);
    const longest = Math.max(...sent.map(({ bytes }) => bytes.length));
    expect(longest).toBe(1514);
    finish(sim);
  });
});

describe('what crosses an encrypted network', () => {
  test('opens with the exported associations, and with no other key', () => {
    const { sim, sent } = run();
    ping(sim);
    const associations = sim.world.encryption?.associations ?? [];
    let opened = 0;
    for (const { bytes } of sent) {
      if (protocolOf(bytes) !== PROTO.esp) continue;
      const spi = viewOf(bytes).getUint32(34);
      const mine = associations.find((one) => one.spi === spi);
      if (mine === undefined) throw new Error(`SPI ${spi} is nobody's`);
      const nonce = new Uint8Array(NONCE_LEN);
      nonce.set(mine.salt);
      const wrong = NODE_CIPHER.aesGcm(
        Uint8Array.from(mine.key, (byte, i) => (i === 3 ? byte ^ 1 : byte)),
        8,
      );
      expect(open(bytes.slice(), 34, bytes.length, wrong, nonce, 8)).toBe(NOT_OPENED.forged);
      const copy = bytes.slice();
      const end = open(copy, 34, copy.length, NODE_CIPHER.aesGcm(mine.key, 8), nonce, 8);
      expect(end).toBeGreaterThan(0);
      expect(viewOf(copy).getUint16(34 + 16 + 2)).toBe(4789);
      opened++;
    }
    expect(opened).toBeGreaterThan(3);
    finish(sim);
  });

  test('is the same for the same seed, and never has an IV twice under a salt', () => {
    const [one, two] = [run(), run()];
    for (const each of [one, two]) ping(each.sim);
    expect(one.sent).toEqual(two.sent);
    const nonces = one.sent
      .filter(({ bytes }) => protocolOf(bytes) === PROTO.esp)
      .map(
        ({ bytes }) =>
          Buffer.from(bytes.subarray(34, 38)).toString('hex') +
          Buffer.from(bytes.subarray(42, 50)).toString('hex'),
      );
    expect(new Set(nonces).size).toBe(nonces.length);
    for (const { sim } of [one, two]) finish(sim);
  });

  test('goes beside plain networks, which stay plain', () => {
    const { sim, sent } = run({}, 4, (key) => key === 'mydbnw');
    ping(sim);
    const result = sim.pingNow('appserver.1', 'mysql.1', { count: 1, size: 56, interval: SECOND });
    expect(result.replies.length).toBe(1);
    const protocols = new Set(sent.map(({ bytes }) => protocolOf(bytes)));
    expect([protocols.has(PROTO.esp), protocols.has(PROTO.udp)]).toEqual([true, true]);
    finish(sim);
  });

  test('is nothing at all without a cipher, as on a kernel without ESP', () => {
    const { sim, sent } = run({ cipher: null });
    expect(ping(sim)).toBe(0);
    expect(sent.filter(({ bytes }) => protocolOf(bytes) >= 0)).toEqual([]);
    expect(drops(sim, DROP.noAssociation)).toBeGreaterThan(0);
    finish(sim);
  });
});

describe('keys', () => {
  test('turn every twelve hours; the middle one is sealed with; traffic goes on', () => {
    const { sim, sent } = run();
    const spis: Set<number>[] = [];
    for (let turn = 0; turn < 5; turn++) {
      sent.length = 0;
      expect(ping(sim)).toBe(2);
      spis.push(
        new Set(
          sent
            .filter(({ bytes }) => protocolOf(bytes) === PROTO.esp)
            .map(({ bytes }) => viewOf(bytes).getUint32(34)),
        ),
      );
      sim.clock.runUntil((turn + 1) * 12 * HOUR + SECOND);
    }
    for (const [i, set] of spis.entries()) {
      expect(set.size).toBe(2);
      for (const later of spis.slice(i + 1)) for (const spi of set) expect(later).not.toContain(spi);
    }
    finish(sim);
  });
});

describe('a receiver refuses', () => {
  const esp = (bytes: Uint8Array): boolean => protocolOf(bytes) === PROTO.esp;

  test('a flipped bit, wherever it is', () => {
    for (const back of [1, 9, 40, 60]) {
      const made = run();
      made.spoil = (bytes) => {
        if (esp(bytes)) bytes[bytes.length - back] = (bytes[bytes.length - back] as number) ^ 1;
      };
      expect(ping(made.sim)).toBe(0);
      expect(drops(made.sim, DROP.forged)).toBeGreaterThan(0);
      made.sim.close();
    }
  });

  test("an SPI that is nobody's", () => {
    const made = run();
    made.spoil = (bytes) => {
      if (esp(bytes)) bytes[34] = (bytes[34] as number) ^ 0x80;
    };
    expect(ping(made.sim)).toBe(0);
    expect(drops(made.sim, DROP.noAssociation)).toBeGreaterThan(0);
    made.sim.close();
  });

  test('a packet that came before', () => {
    const { sim, sent } = run();
    ping(sim);
    const again = sent.find(({ bytes }) => esp(bytes));
    if (again === undefined) throw new Error('nothing was sealed');
    const { pool } = sim.world.ground;
    const to = [...sim.world.nodes.values()].find((node) => node.ip === viewOf(again.bytes).getUint32(30));
    to?.host.receive(pool.from(again.bytes), 0);
    expect(drops(sim, DROP.replayed)).toBe(1);
    finish(sim);
  });

  test('plain VXLAN of the encrypted VNI, unless a defence is missing', () => {
    for (const weakness of [null, 'CVE-2023-28840', 'CVE-2023-28841', 'CVE-2023-28842'] as const) {
      const plain = run({}, 4, () => false);
      ping(plain.sim);
      const stolen = plain.sent.find(({ bytes }) => protocolOf(bytes) === PROTO.udp);
      plain.sim.close();
      const { sim } = run({ weakness });
      const to = [...sim.world.nodes.values()].find(
        (node) => node.ip === viewOf(stolen?.bytes as Uint8Array).getUint32(30),
      );
      to?.host.receive(sim.world.ground.pool.from(stolen?.bytes as Uint8Array), 0);
      const refused = drops(sim, DROP.notSecured);
      // Both nodes have the network, so the third weakness is not there.
      expect([weakness, refused]).toEqual([
        weakness,
        weakness === null || weakness === 'CVE-2023-28842' ? 1 : 0,
      ]);
      sim.close();
    }
  });
});

test('a missing marking rule sends in the clear, and nobody notices (CVE-2023-28841)', () => {
  const { sim, sent } = run({ weakness: 'CVE-2023-28841' });
  expect(ping(sim)).toBe(2);
  const protocols = new Set(sent.map(({ bytes }) => protocolOf(bytes)));
  expect([protocols.has(PROTO.esp), protocols.has(PROTO.udp)]).toEqual([false, true]);
  finish(sim);
});

test('a sequence number that is used up ends an association, until the keys turn', () => {
  const { sim } = run();
  expect(ping(sim)).toBe(2);
  for (const node of sim.world.nodes.values()) {
    for (const state of sim.world.encryption?.at(node.name)?.outbound ?? []) state.sequence = 0xffff_fffe;
  }
  expect(ping(sim)).toBe(1);
  expect(drops(sim, DROP.sequenceUsedUp)).toBe(1);
  sim.clock.runUntil(12 * HOUR + SECOND);
  expect(ping(sim)).toBe(2);
  finish(sim);
});

test('there is so much room for a datagram of an encrypted network, and more for others', () => {
  const { sim } = run({}, 4, (key) => key === 'mydbnw');
  const [one, two] = [...sim.world.nodes.values()];
  const vni = (name: string): number => sim.world.plan.networks.find(({ key }) => key === name)?.vni ?? -1;
  const room = (name: string): number => one?.underlay.room(two?.peer ?? -1, vni(name)) ?? 0;
  // UDP payload: 8 of VXLAN, 14 of Ethernet, the inner packet.
  expect([room('mydbnw') - 22, room('mywebnw') - 22]).toEqual([1424, 1450]);
  finish(sim);
});

const quiet = { connected() {}, readable() {}, writable() {}, ended() {}, closed() {} };

test('TCP fills the packets of an encrypted network, and every byte arrives', () => {
  const { sim, sent } = run();
  const [server, client] = [sim.world.party('appserver.1').host, sim.world.party('webserver.1').host];
  const heard: Uint8Array[] = [];
  const taken = new Uint8Array(65_536);
  const listener = server.tcp.listen(80, {
    acceptable: () => {
      const socket = listener.accept({
        ...quiet,
        readable: () => {
          for (let n = 1; n > 0; ) {
            n = socket?.read(taken) ?? 0;
            heard.push(taken.slice(0, n));
          }
        },
        ended: () => socket?.end(),
      });
    },
  });
  const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * 7919) >> 3);
  let at = 0;
  const more = (): void => {
    at += socket.write(bytes, at);
    if (at === bytes.length) socket.end();
  };
  const to = sim.world.addressFor(sim.world.party('webserver.1'), 'appserver.1');
  const socket = client.tcp.connect(to, 80, { ...quiet, connected: more, writable: more });
  sim.clock.runUntil(10 * SECOND);
  expect(Buffer.concat(heard).equals(bytes)).toBe(true);
  expect(socket.info().retransmits).toBe(0);
  expect(socket.info().mss).toBe(1424 - 40 - 12);
  expect(Math.max(...sent.map((one) => one.bytes.length))).toBe(1514);
  expect(sent.some((one) => protocolOf(one.bytes) === PROTO.udp)).toBe(false);
  listener.close();
  sim.clock.runUntil(200 * SECOND);
  finish(sim);
});
