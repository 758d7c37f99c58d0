import { deflateRawSync, deflateSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CanaryEncoding } from '../../../src/core/canary/place.ts';
import { NODE_INFLATE } from '../../../src/live/node-inflate.ts';
import { tries } from '../../support/properties.ts';
import { ethernet, ip4, join, udp4 } from '../reassembly/cut.ts';
import { bytesOf, FRONT, fragments, frames, search, segments } from './packets.ts';

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~';
const CANARY = fc.string({ unit: fc.constantFrom(...LETTERS), minLength: 8, maxLength: 40 });
/** Bytes around, which are never letters: so nothing but the canary can be one. */
const AROUND = fc.uint8Array({ max: 0x1e, maxLength: 3000 });

const percent = (text: string, which: readonly boolean[], upper: boolean): string =>
  Array.from(text, (letter, i) => {
    if (which[i % which.length] !== true) return letter;
    const hex = letter.charCodeAt(0).toString(16).padStart(2, '0');
    return `%${upper ? hex.toUpperCase() : hex}`;
  }).join('');

/** Base64 of the canary behind and before other bytes, as somebody's credentials are. */
const base64 = (canary: string, before: number, behind: number): Buffer =>
  Buffer.from(`${'\x01'.repeat(before)}${canary}${'\x02'.repeat(behind)}`, 'latin1');

interface Hidden {
  readonly encoding: CanaryEncoding;
  readonly bytes: Uint8Array;
  /** Where in `bytes` the place that is told stands. */
  readonly from: number;
  readonly length: number;
}

function hidden(canary: string, how: number, a: number, b: number, bits: readonly boolean[]): Hidden {
  const whole = (encoding: CanaryEncoding, text: string): Hidden => {
    const bytes = bytesOf(text);
    return { encoding, bytes, from: 0, length: bytes.length };
  };
  const hex = Buffer.from(canary).toString('hex');
  switch (how) {
    case 0:
      return whole('plain', canary);
    case 1:
      return whole('hex', bits[0] === true ? hex : hex.toUpperCase());
    case 2:
      return whole('percent', percent(canary, [...bits, true], bits[0] === true));
    case 3:
    case 4: {
      const bytes = base64(canary, a, b);
      const text = bytes.toString(how === 3 ? 'base64' : 'base64url');
      const from = Math.ceil((a * 8) / 6);
      const to = Math.floor(((a + canary.length) * 8) / 6);
      return { encoding: 'base64', bytes: bytesOf(text), from, length: to - from };
    }
    case 5:
      return {
        encoding: 'utf-16',
        bytes: new Uint8Array(Buffer.from(canary, 'utf16le')),
        from: 0,
        length: canary.length * 2 - 1,
      };
    default: {
      const packing = how === 6 ? 'gzip' : 'deflate';
      const packed = (packing === 'gzip' ? gzipSync : deflateSync)(`so it is ${canary}, they say`);
      return {
        encoding: packing,
        bytes: new Uint8Array(packed),
        from: 0,
        length: Math.min(packed.length, 32),
      };
    }
  }
}

const CASE = fc.record({
  canary: CANARY,
  how: fc.nat(7),
  a: fc.nat(8),
  b: fc.nat(8),
  bits: fc.array(fc.boolean(), { minLength: 1, maxLength: 5 }),
  before: AROUND,
  behind: AROUND,
  cuts: fc.array(fc.nat(6200), { maxLength: 12 }),
});

describe('a canary in a TCP connection inside the tunnel', () => {
  test('is found at any place, in any form, wherever the segments end: packet, offset and bytes of its first byte', () => {
    fc.assert(
      fc.property(CASE, ({ canary, how, a, b, bits, before, behind, cuts }) => {
        const form = hidden(canary, how, a, b, bits);
        const said = join(before, form.bytes, behind);
        const list = segments(said, cuts);
        const found = search(canary, frames(list));
        const at = before.length + form.from;
        const index = list.findLastIndex(({ seq }) => seq - 1000 <= at);
        const offset = FRONT + at - ((list[index]?.seq ?? 0) - 1000);
        const same = (encoding: CanaryEncoding): boolean =>
          encoding === form.encoding || (form.encoding === 'base64' && encoding === 'base64url');
        const place = found.places.find((one) => same(one.encoding));
        expect(place).toMatchObject({ packet: index + 2, offset, within: 'packet' });
        expect(place?.bytes).toEqual(form.bytes.slice(form.from, form.from + form.length));
        expect(found.places.filter(({ encoding }) => !same(encoding))).toEqual([]);
      }),
      tries(400),
    );
  });

  test('a near miss is none: one letter another, in any form', () => {
    fc.assert(
      fc.property(CASE, fc.nat(), ({ canary, how, a, b, bits, before, behind, cuts }, which) => {
        const at = which % canary.length;
        const other = canary[at] === 'x' ? 'y' : 'x';
        const near = canary.slice(0, at) + other + canary.slice(at + 1);
        // Of base64 the first and last letter are not all looked at: they share characters with what stands beside them.
        if ((how === 3 || how === 4) && (at === 0 || at === canary.length - 1)) return;
        const said = join(before, hidden(near, how, a, b, bits).bytes, behind);
        expect(search(canary, frames(segments(said, cuts))).places).toEqual([]);
      }),
      tries(300),
    );
  });

  test('random bytes have none, packed or not', () => {
    fc.assert(
      fc.property(
        CANARY,
        fc.uint8Array({ maxLength: 20_000 }),
        fc.array(fc.nat(20_000), { maxLength: 20 }),
        (canary, bytes, cuts) => {
          const found = search(canary, frames(segments(bytes, cuts)));
          expect(found.places).toEqual([]);
          expect(found.more).toBe(0);
        },
      ),
      tries(100),
    );
  });

  test('segments out of order and sent again: each packet that has it whole, and the border once', () => {
    const said = bytesOf('...canary-of-the-day...');
    const [a, b] = segments(said, [10]) as [
      { seq: number; bytes: Uint8Array },
      { seq: number; bytes: Uint8Array },
    ];
    const found = search('canary-of-the-day', frames([b, a, a, b]));
    expect(found.places).toMatchObject([{ packet: 3, offset: FRONT + 3, encoding: 'plain' }]);
  });

  test('a hole in between breaks it, and what stands on both sides is not joined', () => {
    const said = bytesOf('...canary-of-the-day...');
    const [a, , c] = segments(said, [8, 12]);
    const joined = { seq: (a?.seq ?? 0) + 9, bytes: bytesOf('y-of-the-day') };
    expect(
      search('canary-of-the-day', frames([a, c, joined].filter((one) => one !== undefined))).places,
    ).toEqual([]);
  });
});

describe('HTTP bodies', () => {
  const CANARY_TEXT = 'canary-0123456789';
  const head = (...lines: string[]): Uint8Array =>
    bytesOf(['POST / HTTP/1.1', ...lines, '', ''].join('\r\n'));
  const body = new Uint8Array(gzipSync(`{"note":"${CANARY_TEXT}"}`));
  const chunk = (bytes: Uint8Array): Uint8Array =>
    join(bytesOf(`${bytes.length.toString(16)}\r\n`), bytes, bytesOf('\r\n'));

  test('gzip in chunks is put together', () => {
    const said = join(
      head('Content-Encoding: gzip', 'Transfer-Encoding: chunked'),
      chunk(body.slice(0, 20)),
      chunk(body.slice(20)),
      bytesOf('0\r\n\r\nGET / HTTP/1.1\r\n\r\n'),
    );
    const at = head('Content-Encoding: gzip', 'Transfer-Encoding: chunked').length + '14\r\n'.length;
    expect(search(CANARY_TEXT, frames(segments(said, [60, 90]))).places).toMatchObject([
      { packet: 3, offset: FRONT + at - 60, encoding: 'gzip' },
    ]);
  });

  test('deflate without a zlib header is known by Content-Encoding', () => {
    const raw = new Uint8Array(deflateRawSync(`{"note":"${CANARY_TEXT}"}`));
    const said = join(head('content-encoding: deflate', `content-length: ${raw.length}`), raw);
    const places = search(CANARY_TEXT, frames(segments(said, []))).places;
    expect(places).toMatchObject([
      { packet: 2, offset: FRONT + said.length - raw.length, encoding: 'deflate' },
    ]);
  });

  test('base64 inside gzip says both', () => {
    const packed = new Uint8Array(gzipSync(Buffer.from(`user:${CANARY_TEXT}`).toString('base64')));
    expect(search(CANARY_TEXT, frames(segments(packed, []))).places.map(({ encoding }) => encoding)).toEqual([
      'gzip+base64',
    ]);
  });

  test('a form: blanks as +, other letters as %XX', () => {
    const canary = 'one & two & three';
    const said = bytesOf(`note=${new URLSearchParams({ n: canary }).toString()}`);
    expect(search(canary, frames(segments(said, [12]))).places).toMatchObject([
      { packet: 2, offset: FRONT + 7, encoding: 'percent' },
    ]);
  });

  test('without an inflater what is packed stays so', () => {
    expect(search(CANARY_TEXT, frames(segments(body, [])), {}).places).toEqual([]);
  });

  test('a bomb is opened no further than a megabyte', () => {
    const bomb = new Uint8Array(
      gzipSync(Buffer.concat([Buffer.alloc(50_000_000), Buffer.from(CANARY_TEXT)])),
    );
    let most = 0;
    const places = search(CANARY_TEXT, frames(segments(bomb, [1000, 2000, 3000])), {
      inflate: (bytes, max, packing) => {
        const made = NODE_INFLATE(bytes, max, packing);
        most = Math.max(most, made?.length ?? 0);
        return made;
      },
    }).places;
    expect(places).toEqual([]);
    expect(most).toBeGreaterThan(500_000);
    expect(most).toBeLessThanOrEqual(1024 * 1024);
  });

  test('signposts without end are looked at now and then only, and it says so', () => {
    const bytes = new Uint8Array(200_000);
    for (let i = 0; i < bytes.length; i += 2) bytes.set([0x78, 0x9c], i);
    let asked = 0;
    const cuts = Array.from({ length: 150 }, (_, i) => i * 1400);
    const found = search(CANARY_TEXT, frames(segments(bytes, cuts)), {
      inflate: () => {
        asked++;
        return null;
      },
    });
    expect(asked).toBeLessThan(bytes.length / 64 + 64);
    expect(found.passedOver).toBeGreaterThan(1000);
  });
});

describe('elsewhere on the wire', () => {
  test('in a UDP datagram, a MAC address, anywhere: each byte of a packet is looked at', () => {
    const canary = 'canary-of-the-day';
    const frame = ethernet(0x800, ip4(udp4(1000, 53, bytesOf(`??${canary}??`))));
    expect(search(canary, [frame]).places).toMatchObject([
      { packet: 1, offset: 14 + 20 + 8 + 2, encoding: 'plain' },
    ]);
    const odd = join(bytesOf(canary), frame);
    expect(search(canary, [odd]).places[0]).toMatchObject({ packet: 1, offset: 0 });
  });

  test('gzip in a UDP datagram', () => {
    const packed = new Uint8Array(gzipSync('this is the canary-of-the-day'));
    const frame = ethernet(0x800, ip4(udp4(1000, 5000, join(bytesOf('head'), packed))));
    expect(search('canary-of-the-day', [frame]).places).toMatchObject([
      { packet: 1, offset: 14 + 20 + 8 + 4, encoding: 'gzip' },
    ]);
  });

  test('across IP fragments of the tunnel, and then across segments of what was put together', () => {
    fc.assert(
      fc.property(
        CANARY,
        fc.integer({ min: 300, max: 900 }),
        fc.array(fc.nat(150), { minLength: 1, maxLength: 6 }),
        fc.array(fc.nat(1200), { maxLength: 3 }),
        (canary, at, places, cuts) => {
          const said = join(new Uint8Array(at), bytesOf(canary), new Uint8Array(1200 - at));
          const list = frames(segments(said, cuts)).flatMap((frame, i) =>
            fragments(
              frame,
              places.map((place) => place * 8),
              i + 1,
            ),
          );
          const found = search(canary, list).places;
          expect(found.length).toBeGreaterThan(0);
          for (const { encoding, bytes } of found) {
            expect(encoding).toBe('plain');
            expect(Buffer.from(bytes).toString()).toBe(canary);
          }
        },
      ),
      tries(150),
    );
  });

  test('places beyond the bound are counted', () => {
    const canary = 'canary-of-the-day';
    const frame = ethernet(0x800, ip4(udp4(1000, 53, bytesOf(canary.repeat(5)))));
    const found = search(canary, [frame], { places: 3 });
    expect([found.places.length, found.more]).toEqual([3, 2]);
  });

  test.each(['', 'seven77', 'x'.repeat(129)])('%j is no canary', (text) => {
    expect(() => search(text, [])).toThrow(expect.objectContaining({ code: 'BAD_CANARY' }));
  });
});
