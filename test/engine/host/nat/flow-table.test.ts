import fc from 'fast-check';
import '../../../support/properties.ts';
import { describe, expect, test } from 'vitest';
import type { Ip6 } from '../../../../src/core/wire/address.ts';
import { parseIp } from '../../../../src/core/wire/parse-ip.ts';
import type { Ends, Flow } from '../../../../src/engine/host/nat/flow.ts';
import { turned } from '../../../../src/engine/host/nat/flow.ts';
import type { Busy } from '../../../../src/engine/host/nat/flow-table.ts';
import { FlowTable } from '../../../../src/engine/host/nat/flow-table.ts';
import { Sighting } from '../../../../src/engine/host/nat/sighting.ts';
import { CONNTRACK, TCP_STATE } from '../../../../src/engine/host/nat/tcp-track.ts';
import { SECOND } from '../../../../src/engine/time/clock.ts';
import { viewOf } from '../../../support/bytes.ts';

const LIFE = 30 * SECOND;

/** What a packet between these ends looks like to the table. */
function seen(proto: number, { src, srcPort, dst, dstPort }: Ends): Sighting {
  const sighting = new Sighting();
  const bytes = new Uint8Array(32);
  const view = viewOf(bytes);
  const put = (at: number, ip: number | Ip6): void => {
    if (typeof ip === 'number') view.setUint32(at, ip);
    else for (const [i, word] of [ip.a, ip.b, ip.c, ip.d].entries()) view.setUint32(at + 4 * i, word);
  };
  put(0, src);
  put(16, dst);
  return Object.assign(sighting, {
    view,
    six: typeof src !== 'number',
    proto,
    srcAt: 0,
    dstAt: 16,
    srcPort,
    dstPort,
  });
}

class Table {
  readonly clock = { now: 0 };
  readonly table: FlowTable;

  constructor(max?: number, busy?: Busy) {
    this.table = new FlowTable(this.clock, busy, max);
  }

  open(came: Ends, leaves: Ends, proto = 17, lodger = true): Flow | null {
    const flow = this.table.open(proto, came, leaves, CONNTRACK, null, lodger);
    if (flow !== null) flow.until = this.clock.now + LIFE;
    return flow;
  }
}

const ends = (src: string, srcPort: number, dst: string, dstPort: number): Ends => ({
  src: parseIp(src),
  srcPort,
  dst: parseIp(dst),
  dstPort,
});

describe('ports', () => {
  const to = (src: string, srcPort = 40000): [Ends, Ends] => [
    ends(src, srcPort, '192.0.2.99', 53),
    ends('192.0.2.12', srcPort, '192.0.2.99', 53),
  ];

  test('are kept towards another destination, exchanged towards the same', () => {
    const table = new Table();
    expect(table.open(...to('172.18.0.3'))?.out.toSrcPort).toBe(40000);
    expect(table.open(...to('172.18.0.4'))?.out.toSrcPort).toBe(32768);
    expect(table.open(...to('172.18.0.5'))?.out.toSrcPort).toBe(32769);
    const elsewhere = table.open(
      ends('172.18.0.4', 40000, '192.0.2.98', 53),
      ends('192.0.2.12', 40000, '192.0.2.98', 53),
    );
    expect(elsewhere?.out.toSrcPort).toBe(40000);
    expect(table.open(...to('172.18.0.6'), 6)?.out.toSrcPort).toBe(40000);
  });

  test('that the host uses itself are left to it, unless the packet is its own', () => {
    const table = new Table(16, (proto, { srcPort }) => proto === 17 && srcPort === 40000);
    expect(table.open(...to('172.18.0.3'))?.out.toSrcPort).toBe(32768);
    expect(table.open(...to('172.18.0.3', 40001))?.out.toSrcPort).toBe(40001);
    expect(table.open(...to('192.0.2.12'), 17, false)?.out.toSrcPort).toBe(40000);
  });

  test('of a flow that is over are free', () => {
    const table = new Table();
    table.open(...to('172.18.0.3'));
    table.clock.now = LIFE + 1;
    expect(table.open(...to('172.18.0.4'))?.out.toSrcPort).toBe(40000);
    expect(table.table.size).toBe(1);
  });

  test('run out', () => {
    const table = new Table(40_000);
    let opened = 0;
    while (opened < 30_000 && table.open(...to('172.18.0.3')) !== null) opened++;
    // ip_local_port_range, 40000 in it.
    expect(opened).toBe(60_999 - 32_768 + 1);
    const tried = new Table(40_000, () => true);
    expect(tried.open(...to('172.18.0.3'))).toBeNull();
  });
});

describe('bounds', () => {
  const nth = (i: number): [Ends, Ends] => [
    ends('172.18.0.3', i, '192.0.2.99', 53),
    ends('192.0.2.12', i, '192.0.2.99', 53),
  ];

  test('a full table takes nothing more while all are alive, and all again when they are over', () => {
    const table = new Table(100);
    for (let i = 0; i < 100; i++) expect(table.open(...nth(i))).not.toBeNull();
    expect(table.open(...nth(100))).toBeNull();
    table.clock.now = LIFE + 1;
    expect(table.open(...nth(100))).not.toBeNull();
    expect(table.table.size).toBe(1);
  });

  test('a full table gives up a connection that is closing', () => {
    const table = new Table(100);
    const flows = Array.from({ length: 100 }, (_, i) => table.open(...nth(i), 6) as Flow);
    (flows[17] as Flow).state = TCP_STATE.timeWait;
    const found = [0, 1].map(() => table.open(...nth(200), 6));
    // Within a second at most 64 entries are looked at for each new one.
    expect(found.some((flow) => flow !== null)).toBe(true);
    expect(table.table.find(seen(6, nth(17)[0]))).toBeNull();
    expect(table.table.size).toBe(100);
  });

  test('entries that are over go as new ones come', () => {
    const table = new Table();
    for (let i = 0; i < 1000; i++) table.open(...nth(i));
    table.clock.now = LIFE + 1;
    for (let i = 0; i < 1000; i++) table.open(...nth(2000 + i));
    expect(table.table.size).toBe(1000);
  });
});

test('any history: a flow is found by both of its ways while it lives, and by nothing else', () => {
  const step = fc.record({
    op: fc.constantFrom('open', 'open', 'open', 'remove', 'wait'),
    src: fc.nat(5),
    srcPort: fc.nat(3),
    dst: fc.nat(2),
    dstPort: fc.nat(1),
    six: fc.boolean(),
    proto: fc.constantFrom(6, 17),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
      const table = new Table(40);
      let alive: Flow[] = [];
      for (const { op, src, srcPort, dst, dstPort, six, proto } of steps) {
        const ip = (n: number): number | Ip6 => (six ? { a: 0xfd000000, b: n, c: 0, d: 1 } : 0x0a000000 + n);
        if (op === 'wait') table.clock.now += LIFE / 3;
        alive = alive.filter((flow) => flow.until >= table.clock.now);
        if (op === 'remove' && alive.length > 0)
          table.table.remove(alive.splice(src % alive.length, 1)[0] as Flow);
        if (op !== 'open') continue;
        const came = { src: ip(src), srcPort, dst: ip(100 + dst), dstPort };
        if (table.table.find(seen(proto, came)) !== null) continue;
        const flow = table.open(came, { src: ip(50), srcPort, dst: ip(60 + dst), dstPort }, proto);
        if (flow !== null) alive.push(flow);
      }
      expect(table.table.live().length).toBe(alive.length);
      for (const flow of alive) {
        expect(table.table.find(seen(flow.proto, flow.out))).toBe(flow.out);
        expect(table.table.find(seen(flow.proto, flow.back))).toBe(flow.back);
        expect(turned(flow.back)).toMatchObject({ srcPort: flow.out.toSrcPort, dstPort: flow.out.toDstPort });
        expect(table.table.find(seen(flow.proto, { ...flow.out, srcPort: 999 }))).toBeNull();
      }
    }),
  );
});
