// The eavesdropper around the protocols: whose a conversation is, what is measured, what is kept, and within which bounds.

import { describe, expect, test } from 'vitest';
import { Eavesdropper } from '../../../src/core/eavesdrop/eavesdropper.ts';
import type { Protocol, Reader, Talk } from '../../../src/core/eavesdrop/reader.ts';
import type { Reading } from '../../../src/core/eavesdrop/reading.ts';
import { formatIp } from '../../../src/core/wire/address.ts';
import type { Parcel } from '../streams/wire.ts';
import { frameOf, Tap, wrapped } from '../streams/wire.ts';
import { lines, noise, only, overhear, overhearCapture, played } from './overhear.ts';

const PLAIN: Omit<Reading, 'text' | 'place'> = {
  protocol: 'X',
  kind: 'content',
  what: 'line',
  secret: '',
  length: 1,
  fromClient: true,
};

/** Reads lines of the client; the line `over` hands over, `no` is not its own. */
function lineProtocol(part: Partial<Protocol> = {}, log: string[] = []): Protocol {
  const reader = (talk: Talk): Reader => ({
    said: () => {
      for (let end = talk.client.find(10); end >= 0; end = talk.client.find(10)) {
        const text = talk.client.latin1(0, end);
        talk.tell({ ...PLAIN, text, place: talk.client.place(0) });
        talk.client.take(end + 1);
        if (text === 'no') return false;
        if (text !== 'over') continue;
        talk.handOver();
        return true;
      }
      return true;
    },
    lost: (side, bytes) => {
      log.push(`lost ${side} ${bytes} after ${talk.client.latin1(0, talk.client.length)}`);
      return true;
    },
    ended: () => log.push('ended'),
  });
  return { name: 'X', ports: [9], claim: () => 'mine', reader, ...part };
}

describe('whose a conversation is', () => {
  const isX = (talk: Talk): 'mine' | 'not mine' => (talk.client.byte(0) === 0x58 ? 'mine' : 'not mine');

  test('a reader hears lines as they come, the gap between them, and the end', () => {
    const log: string[] = [];
    const parcels = played(9, [
      ['>', 'one\ntwo\nthr'],
      ['>', 'lost'],
      ['>', 'four\n'],
    ]).filter((_, i) => i !== 4);
    const one = only(overhear(parcels, { protocols: [lineProtocol({}, log)] }));
    expect(lines(one.readings)).toEqual([
      '> content line: one',
      '> content line: two',
      '> content line: four',
    ]);
    expect(log).toEqual(['lost 0 4 after thr', 'ended']);
    expect(one).toMatchObject({ protocol: 'X', missing: 4, bytes: 16 });
  });

  test('refused, it goes to the next; handed over, to all again', () => {
    const a = lineProtocol({ name: 'A', claim: isX });
    const b = lineProtocol({
      name: 'B',
      claim: (talk) => (talk.client.byte(0) === 0x59 ? 'mine' : 'not mine'),
    });
    const turns = [
      ['>', 'X1\n'],
      ['>', 'no\n'],
      ['>', 'Y2\n'],
      ['>', 'over\n'],
      ['>', 'X3\n'],
    ] as const;
    const one = only(overhear(played(80, turns), { protocols: [a, b] }));
    expect(one.protocol).toBe('A, B');
    expect(one.readings.map(({ text }) => text)).toEqual(['X1', 'no', 'Y2', 'over', 'X3']);
  });

  test('one that is not sure has it when the port speaks for it, and only where it understands something', () => {
    const unsure = lineProtocol({ claim: () => 'perhaps' });
    const turns = [['>', 'a line\n']] as const;
    const on = (port: number, text: string): ReturnType<typeof only> =>
      only(overhear(played(port, [['>', text]]), { protocols: [unsure] }));
    expect(on(9, turns[0][1])).toMatchObject({ protocol: 'X', opaque: null });
    expect(on(10, turns[0][1])).toMatchObject({ protocol: '', opaque: { bytes: 7 } });
    expect(on(9, 'no end of line')).toMatchObject({ protocol: '', opaque: { bytes: 14, printable: 1 } });
  });

  test('two that are sure: the port decides', () => {
    const [a, b] = [lineProtocol({ name: 'A', ports: [1] }), lineProtocol({ name: 'B', ports: [2] })];
    const name = (port: number): string =>
      only(overhear(played(port, [['>', 'x\n']]), { protocols: [a, b] })).protocol;
    expect([name(1), name(2), name(3)]).toEqual(['A', 'B', 'A']);
  });

  test('handing over without end comes to an end', () => {
    const heard = overhear(played(9, [['>', 'over\n'.repeat(100)]]), { protocols: [lineProtocol()] });
    expect(heard.report.limits).toEqual([{ limit: 'changes of protocol in a conversation', times: 1 }]);
  });

  test('a reader that never takes anything is passed by', () => {
    const idle: Reader = { said: () => true, lost: () => true, ended: () => {} };
    const heard = overhear(played(9, [['>', 'x'.repeat(200_000)]]), {
      protocols: [lineProtocol({ reader: () => idle })],
    });
    expect(heard.report.limits).toEqual([{ limit: 'bytes held for a reader', times: 3 }]);
    expect(only(heard).bytes).toBe(200_000);
  });
});

describe('what nobody understands', () => {
  test('noise and text are told apart by measure', () => {
    const opacity = (bytes: string | Uint8Array): NonNullable<ReturnType<typeof only>['opaque']> => {
      const { opaque } = only(overhear(played(7777, [['>', bytes]])));
      if (opaque === null) throw new Error('nothing was measured');
      return opaque;
    };
    const random = opacity(noise(60_000));
    expect(random.bytes).toBe(60_000);
    expect(random.printable).toBeCloseTo(98 / 256, 1);
    expect(random.entropy).toBeGreaterThan(7.9);
    const text = opacity('all work and no play makes a dull day\n'.repeat(100));
    expect(text.printable).toBe(1);
    expect(text.entropy).toBeLessThan(4.5);
    expect(opacity(new Uint8Array(500))).toEqual({ bytes: 500, printable: 0, entropy: 0 });
  });

  test('of a long one a sample is measured and all is counted', () => {
    const one = only(overhear(played(7777, [['>', noise(300_000)]])));
    expect(one.bytes).toBe(300_000);
    expect(one.opaque?.bytes).toBe(65_536);
  });

  test('text is told, a piece a turn, and nothing in it is called a secret', () => {
    const one = only(
      overhear(
        played(7777, [
          ['>', 'hello server\n'],
          ['<', 'who is it?\n'],
          ['>', 'password: hunter2\n'],
          ['<', noise(100)],
          ['>', 'more\n'],
        ]),
        { protocols: [] },
      ),
    );
    expect(lines(one.readings).slice(0, 3)).toEqual([
      '> content text: hello server\n',
      '< content text: who is it?\n',
      '> content text: password: hunter2\n',
    ]);
    expect(one.readings).toHaveLength(3);
  });

  test('ESP: who, which association, how much, and that it is noise', () => {
    const tap = new Eavesdropper();
    const feed = new Tap((sight, meta) => tap.observe(sight, meta));
    const frame = wrapped(new Uint8Array(1000), 0, ['192.0.2.1', '192.0.2.2']);
    frame[23] = 50;
    frame.set([0, 0, 0x12, 0x34, 0, 0, 0, 1], 34);
    frame.set(noise(frame.length - 42), 42);
    for (let i = 0; i < 3; i++) feed.see(frame);
    tap.end();
    const { sealed, conversations } = tap.report();
    expect(conversations).toEqual([]);
    expect(sealed).toHaveLength(1);
    expect(sealed[0]).toMatchObject({ spi: 0x1234, packets: 3, bytes: 3 * frame.length });
    expect(formatIp(sealed[0]?.src ?? 0)).toBe('192.0.2.1');
    expect(sealed[0]?.opaque.entropy).toBeGreaterThan(7.5);
  });
});

describe('what is kept', () => {
  const many = (n: number, kind: Reading['kind'], same = false): Protocol =>
    lineProtocol({
      reader: (talk) => ({
        said: () => {
          if (talk.client.length === 0) return true;
          talk.client.take(talk.client.length);
          for (let i = 0; i < n; i++)
            talk.tell({
              ...PLAIN,
              kind,
              text: same ? 'x' : `${i}`,
              place: { packet: 1, offset: 0, within: 'packet' },
            });
          return true;
        },
        lost: () => true,
        ended: () => {},
      }),
    });

  test('a secret that comes again is told once, what was said each time', () => {
    const count = (kind: Reading['kind']): number =>
      only(overhear(played(9, [['>', 'x']]), { protocols: [many(5, kind, true)] })).readings.length;
    expect([count('secret'), count('name'), count('content')]).toEqual([1, 1, 5]);
  });

  test('readings of a conversation have a bound, and it says so', () => {
    const heard = overhear(played(9, [['>', 'x']]), {
      protocols: [many(50, 'content')],
      limits: { readings: 10 },
    });
    expect(only(heard)).toMatchObject({ more: 40 });
    expect(only(heard).readings).toHaveLength(10);
    expect(heard.report.limits).toEqual([{ limit: 'readings of a conversation', times: 40 }]);
  });

  test('chatter does not crowd out secrets', () => {
    const both: Protocol = {
      ...many(50, 'content'),
      reader: (talk) => {
        const first = many(50, 'content').reader(talk);
        const place = { packet: 1, offset: 0, within: 'packet' } as const;
        return {
          ...first,
          said: (side) => {
            first.said(side);
            talk.tell({ ...PLAIN, kind: 'secret', text: '', secret: 's', place });
            return true;
          },
        };
      },
    };
    const one = only(overhear(played(9, [['>', 'x']]), { protocols: [both], limits: { readings: 10 } }));
    expect(one.readings.filter(({ kind }) => kind === 'secret')).toHaveLength(1);
  });

  test('long texts are cut, and what a terminal would obey is written out', () => {
    const odd = lineProtocol({
      reader: (talk) => ({
        said: () => {
          talk.client.take(talk.client.length);
          talk.tell({
            ...PLAIN,
            text: `\x1b[2J\u0007${'y'.repeat(10_000)}`,
            place: { packet: 1, offset: 0, within: 'packet' },
          });
          return true;
        },
        lost: () => true,
        ended: () => {},
      }),
    });
    const [reading] = only(overhear(played(9, [['>', 'x']]), { protocols: [odd] })).readings;
    expect(reading?.text).toHaveLength(4096);
    expect(reading?.text.startsWith('\\x1b[2J\\x07yyy')).toBe(true);
  });

  test('conversations with readings have room of their own', () => {
    const parcels: Parcel[] = [];
    for (let port = 1000; port < 1040; port++)
      parcels.push({ srcPort: port, dstPort: 9, seq: 1, payload: port % 2 === 0 ? 'a\n' : '', vni: 1 });
    const heard = overhear(parcels, { protocols: [lineProtocol()], limits: { conversations: 15 } });
    const { conversations, more, limits } = heard.report;
    expect(conversations.filter(({ readings }) => readings.length > 0)).toHaveLength(15);
    expect(conversations).toHaveLength(30);
    expect(more).toBe(10);
    expect(limits).toEqual([
      { limit: 'conversations with readings', times: 5 },
      { limit: 'conversations without readings', times: 5 },
    ]);
    expect(conversations.map(({ number }) => number)).toEqual(
      conversations.map(({ number }) => number).toSorted((x, y) => x - y),
    );
  });

  test('hosts and their names have bounds', () => {
    const parcels: Parcel[] = Array.from({ length: 20 }, (_, i) => ({
      src: `10.0.2.${i + 1}`,
      srcPort: 1,
      dstPort: 2,
      payload: 'x',
      vni: 1,
    }));
    const { hosts, limits } = overhear(parcels, { limits: { hosts: 5 } }).report;
    expect(hosts).toHaveLength(5);
    expect(limits[0]?.limit).toBe('hosts');
  });

  test.each([{ readings: 0 }, { text: -1 }, { hosts: 1.5 }])('%j is no limit', (limits) => {
    expect(() => new Eavesdropper({ limits })).toThrow(expect.objectContaining({ code: 'BAD_LIMIT' }));
  });
});

describe('inside and outside', () => {
  test('what is in no tunnel can be left out', () => {
    const inside = played(80, [['>', 'GET / HTTP/1.1\r\n\r\n']]);
    const outside = played(81, [['>', 'GET / HTTP/1.1\r\n\r\n']], 1448, null);
    const vnis = (without: boolean): (number | null)[] =>
      overhear([...inside, ...outside], { outside: !without }).report.conversations.map(({ vni }) => vni);
    expect(vnis(false)).toEqual([42, null]);
    expect(vnis(true)).toEqual([42]);
  });

  test('a tunnel in a tunnel: the innermost network counts', () => {
    const ear = new Eavesdropper();
    const tap = new Tap((sight, meta) => ear.observe(sight, meta));
    for (const parcel of played(80, [['>', 'GET /deep HTTP/1.1\r\n\r\n']], 1448, 7))
      tap.see(wrapped(frameOf(parcel), 8, ['198.51.100.1', '198.51.100.2']));
    ear.end();
    const { conversations, hosts } = ear.report();
    expect(conversations.map(({ vni, readings }) => [vni, readings.length])).toEqual([[7, 1]]);
    expect(hosts.map(({ vni, vtep }) => [vni, formatIp(vtep ?? 0)])).toEqual([
      [7, '192.0.2.11'],
      [7, '192.0.2.12'],
    ]);
  });

  test('a datagram in fragments is read where it is whole, and says that it was put together', () => {
    const heard = overhearCapture('public/zeek/l3/ipv6-fragmented-dns.pcap');
    const places = heard.report.conversations.flatMap(({ readings }) =>
      readings.map(({ place }) => place.within),
    );
    expect(places).toContain('datagram');
  });

  test('a report before the end tells what is known so far', () => {
    const ear = new Eavesdropper();
    const tap = new Tap((sight, meta) => ear.observe(sight, meta));
    tap.send(...played(80, [['>', 'GET / HTTP/1.1\r\n\r\n']]).slice(0, 4));
    expect(lines(ear.report().conversations[0]?.readings ?? [])).toEqual(['> content request: GET /']);
    expect(ear.report().packets).toBe(4);
    ear.end();
    expect(ear.held).toBe(0);
  });
});
