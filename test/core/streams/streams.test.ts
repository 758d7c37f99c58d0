// Conversations told apart, put together from several capture points, and kept within bounds.

import { describe, expect, test } from 'vitest';
import type { InnerPacket } from '../../../src/core/streams/inner-packet.ts';
import { InnerPacket as Packet } from '../../../src/core/streams/inner-packet.ts';
import type { StreamOwner, StreamsOptions } from '../../../src/core/streams/streams.ts';
import { Streams } from '../../../src/core/streams/streams.ts';
import type { Parcel } from './wire.ts';
import { ACK, Dialogue, frameOf, RST, SYN, Tap, wrapped } from './wire.ts';

/** A conversation as text: `>` what the client said, `<` the server, `?` what is missing. */
class Record implements StreamOwner {
  readonly sides: [string, string] = ['', ''];
  readonly client: string;
  vni: number;
  packets = 0;
  again = 0;
  closed = '';
  isGone = false;

  constructor(packet: InnerPacket, clientIsSource: boolean) {
    this.client = `${clientIsSource ? packet.srcPort : packet.dstPort}>${clientIsSource ? packet.dstPort : packet.srcPort}`;
    this.vni = packet.vni;
  }

  packet(_packet: InnerPacket, _side: 0 | 1, again: boolean): void {
    if (again) this.again++;
    else this.packets++;
  }
  datagram(side: 0 | 1, { bytes, from, to, cut }: InnerPacket): void {
    this.sides[side] += `[${Buffer.from(bytes.subarray(from, to)).toString('latin1')}]${'?'.repeat(cut)}`;
  }
  tunnelled(packet: InnerPacket): void {
    this.vni = packet.vni;
  }
  wants(): boolean {
    return true;
  }
  hear(side: 0 | 1, bytes: Uint8Array, from: number, to: number): void {
    this.sides[side] += Buffer.from(bytes.subarray(from, to)).toString('latin1');
  }
  pass(): void {}
  miss(side: 0 | 1, n: number): void {
    this.sides[side] += '?'.repeat(n);
  }
  close(side: 0 | 1): void {
    this.closed += side;
  }
  gone(): void {
    this.isGone = true;
  }
}

class Room {
  readonly records: Record[] = [];
  readonly streams: Streams;
  readonly tap: Tap;

  constructor(options: StreamsOptions = {}) {
    const packet = new Packet();
    this.streams = new Streams((first, clientIsSource) => {
      const record = new Record(first, clientIsSource);
      this.records.push(record);
      return record;
    }, options);
    this.tap = new Tap((sight, meta) => {
      if (packet.read(sight, meta)) this.streams.take(packet);
    });
  }

  send(...parcels: readonly Parcel[]): this {
    this.tap.send(...parcels);
    return this;
  }

  /** `client>server port: client's words | server's words` */
  get told(): string[] {
    this.streams.end();
    return this.records.map(
      ({ client, sides, vni }) => `${vni < 0 ? '-' : vni} ${client}: ${sides.join(' | ')}`,
    );
  }
}

function talk(vni: number | null, client = 40_000, start = 0): Dialogue {
  const one = new Dialogue(80, { vni }, client);
  one.client = (one.client + start) >>> 0;
  one.server = (one.server + start) >>> 0;
  return one;
}

describe('one connection', () => {
  test('both sides, from SYN to FIN', () => {
    const one = talk(42);
    const room = new Room().send(
      ...one.opened(),
      ...one.says('GET /\n', 2),
      ...one.answers('hello\n', 4),
      ...one.closed(),
    );
    expect(room.told).toEqual(['42 40000>80: GET /\n | hello\n']);
    expect(room.records[0]).toMatchObject({ closed: '01', packets: 11, again: 0, isGone: true });
  });

  test.each([
    ['a SYN says it', { srcPort: 80, dstPort: 40_000, flags: SYN }, '80>40000'],
    ['a SYN with ACK says it', { srcPort: 40_000, dstPort: 80, flags: SYN | ACK, ack: 1 }, '80>40000'],
    ['the port of a service', { srcPort: 9999, dstPort: 40_000 }, '40000>9999'],
    ['a port below 1024', { srcPort: 80, dstPort: 1024 }, '1024>80'],
    ['the lower port', { srcPort: 5000, dstPort: 40_000 }, '40000>5000'],
  ])('who is the client: %s', (_why, parcel, client) => {
    const room = new Room({ isServerPort: (port) => port === 9999 });
    room.send({ seq: 1, ...parcel, payload: 'x' });
    expect(room.records[0]?.client).toBe(client);
  });

  test('a capture that begins in the middle begins with what it has', () => {
    const one = talk(null);
    one.opened();
    one.says('not captured');
    const room = new Room().send(...one.says('and this is'), ...one.answers('yes'));
    expect(room.told).toEqual(['- 40000>80: and this is | yes']);
  });

  test('a lost segment is a gap once the other side has it', () => {
    const one = talk(7);
    const room = new Room().send(...one.opened(), ...one.says('one '));
    one.says('two ');
    room.send(...one.says('three '));
    for (let i = 0; i < 40; i++) room.send(...one.answers('.'));
    expect(room.records[0]?.sides[0]).toBe('one ????three ');
  });

  test('packets cut by a snapshot length leave gaps', () => {
    const one = talk(null);
    const room = new Room().send(...one.opened());
    for (const parcel of one.says('abcdefghij', 5)) room.tap.see(frameOf(parcel), 34 + 20 + 3);
    expect(room.told).toEqual(['- 40000>80: abc??fgh?? | ']);
  });

  test('a reset ends it, unless it is out of place', () => {
    const one = talk(null);
    const room = new Room().send(...one.opened(), ...one.says('a'));
    room.send({ srcPort: 80, dstPort: 40_000, src: '10.0.1.3', dst: '10.0.1.2', seq: 1, flags: RST });
    expect(room.records[0]?.closed).toBe('');
    room.send(...one.reset());
    expect(room.records[0]?.closed).toBe('10');
    room.send(...one.says('on its way'));
    expect(room.records).toHaveLength(1);
  });
});

describe('the same ports again', () => {
  test('a SYN with another number opens another conversation', () => {
    const [one, two] = [talk(1), talk(1, 40_000, 77_777)];
    const room = new Room().send(...one.opened(), ...one.says('a'), ...two.opened(), ...two.says('b'));
    expect(room.told).toEqual(['1 40000>80: a | ', '1 40000>80: b | ']);
  });

  test('a SYN that is sent again does not', () => {
    const one = talk(1);
    const open = one.opened();
    const room = new Room().send(...open, ...one.says('a'), ...open, ...one.says('b'));
    expect(room.told).toEqual(['1 40000>80: ab | ']);
  });

  test('without a SYN, numbers that cannot be the same connection show it', () => {
    const [one, two] = [talk(1), talk(1, 40_000, -(1 << 28))];
    const room = new Room().send(...one.says('one '), ...two.says('lost, lost, lost, heard', 6));
    expect(room.told).toEqual(['1 40000>80: one  | ', '1 40000>80: lost, heard | ']);
  });

  test('equal addresses in two networks stay apart', () => {
    const [one, two] = [talk(100), talk(200)];
    const room = new Room();
    for (let i = 0; i < 3; i++) room.send(one.opened()[i] as Parcel, two.opened()[i] as Parcel);
    const fresh = [talk(100), talk(200)];
    for (const each of fresh) each.opened();
    room.send(...(fresh[0] as Dialogue).says('tenant 100'), ...(fresh[1] as Dialogue).says('tenant 200'));
    expect(room.told).toEqual(
      expect.arrayContaining([
        expect.stringContaining('100 40000>80'),
        expect.stringContaining('200 40000>80'),
      ]),
    );
    expect(
      room.records.filter(({ vni }) => vni === 100).every(({ sides }) => !sides[0].includes('200')),
    ).toBe(true);
  });
});

describe('several capture points', () => {
  const script = (one: Dialogue): Parcel[] => [
    ...one.opened(),
    ...one.says('ask'),
    ...one.answers('answer', 3),
    ...one.closed(),
  ];

  test.each([
    ['inside first, as where it is sent', true],
    ['outside first, as where it arrives', false],
  ])('inside and on the underlay: %s', (_where, insideFirst) => {
    const room = new Room();
    for (const parcel of script(talk(null))) {
      const inner = frameOf(parcel);
      const outer = wrapped(inner, 9, ['192.0.2.1', '192.0.2.2']);
      for (const frame of insideFirst ? [inner, outer] : [outer, inner]) room.tap.see(frame);
    }
    expect(room.told).toEqual(['9 40000>80: ask | answer']);
    expect(room.records[0]?.again).toBe(room.records[0]?.packets);
  });

  test('on both VTEPs', () => {
    const room = new Room();
    for (const parcel of script(talk(5))) room.send(parcel, parcel);
    expect(room.told).toEqual(['5 40000>80: ask | answer']);
    expect(room.records[0]).toMatchObject({ packets: 9, again: 9 });
  });

  test('two networks with equal addresses, each inside and outside', () => {
    const room = new Room();
    const sequences = [talk(null, 40_000, 5_000_000), talk(null, 40_000, 900_000_000)].map(script);
    for (let i = 0; i < (sequences[0] as Parcel[]).length; i++) {
      for (const [n, parcels] of sequences.entries()) {
        const inner = frameOf(parcels[i] as Parcel);
        room.tap.see(inner);
        room.tap.see(wrapped(inner, 100 * (n + 1), ['192.0.2.1', '192.0.2.2']));
      }
    }
    expect(room.told).toHaveLength(2);
    expect(room.told).toEqual(['100 40000>80: ask | answer', '200 40000>80: ask | answer']);
  });

  test('datagrams, in either order', () => {
    const room = new Room();
    const ask: Parcel = { srcPort: 5000, dstPort: 53, payload: 'ask', id: 7 };
    const answer: Parcel = {
      src: '10.0.1.3',
      dst: '10.0.1.2',
      srcPort: 53,
      dstPort: 5000,
      payload: 'yes',
      id: 8,
    };
    room.send(ask, { ...ask, vni: 3 }, { ...answer, vni: 3 }, answer, { ...ask, payload: 'more', id: 9 });
    expect(room.told).toEqual(['3 5000>53: [ask][more] | [yes]']);
  });
});

describe('datagrams', () => {
  test('two that are alike are two when the sender numbered them', () => {
    const room = new Room();
    const ask: Parcel = { srcPort: 5000, dstPort: 53, payload: 'ask' };
    room.send({ ...ask, id: 1 }, { ...ask, id: 2 });
    expect(room.told).toEqual(['- 5000>53: [ask][ask] | ']);
  });

  test('one that was cut says how much is missing', () => {
    const room = new Room();
    room.tap.see(frameOf({ srcPort: 5000, dstPort: 9, payload: 'abcdef' }), 14 + 20 + 8 + 2);
    expect(room.told).toEqual(['- 5000>9: [ab]???? | ']);
  });
});

describe('bounds', () => {
  test('the conversation that was silent longest goes', () => {
    const room = new Room({ limits: { streams: 2 } });
    const [one, two, three] = [talk(1, 1001), talk(1, 1002), talk(1, 1003)];
    room.send(...one.says('a'), ...two.says('b'), ...one.says('c'), ...three.says('d'));
    expect(room.records.map(({ isGone }) => isGone)).toEqual([false, true, false]);
    expect(room.streams.size).toBe(2);
    expect(room.streams.counts.streams).toBe(1);
  });

  test('bytes held of all of them are bounded', () => {
    const room = new Room({ limits: { bytes: 20_000 } });
    for (let port = 2000; port < 2100; port++) {
      const one = talk(1, port);
      room.send(...one.opened());
      one.says('x');
      room.send(...one.says('y'.repeat(1000)));
      expect(room.streams.purse.held).toBeLessThanOrEqual(20_000);
    }
    expect(room.streams.counts.bytes).toBeGreaterThan(50);
    room.streams.end();
    expect(room.streams.purse.held).toBe(0);
  });

  test('a flood of conversations leaves the tables as small as told', () => {
    const room = new Room({ limits: { streams: 64 } });
    for (let i = 0; i < 20_000; i++) {
      room.send({
        src: `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`,
        srcPort: 1000 + (i % 60_000),
        dstPort: 80,
        seq: i,
        flags: SYN,
      });
      if (room.streams.size > 64) throw new Error(`${room.streams.size} streams`);
    }
    expect(room.streams.counts.streams).toBe(20_000 - 64);
  });

  test.each([{ streams: 0 }, { held: 0.5 }, { segments: 100_000 }, { bytes: Number.NaN }])(
    '%j is no limit',
    (limits) => {
      expect(() => new Room({ limits })).toThrow(expect.objectContaining({ code: 'BAD_LIMIT' }));
    },
  );
});
