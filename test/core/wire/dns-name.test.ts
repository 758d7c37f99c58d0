import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NameTable } from '../../../src/core/wire/dns-name.ts';
import { labelsOf, NAME_MAX, readName, writeName } from '../../../src/core/wire/dns-name.ts';
import { faultKind, faultNeeded, KIND } from '../../../src/core/wire/fault.ts';
import { VxlabError } from '../../../src/core/wire/numbers.ts';
import { hex, toHex, viewOf } from '../../support/bytes.ts';

function read(text: string, at = 0): ReturnType<typeof readName> {
  const bytes = hex(text);
  return readName(viewOf(bytes), at, 0, bytes.length);
}

function kind(result: ReturnType<typeof readName>): number {
  return typeof result === 'number' ? faultKind(result) : 0;
}

function written(name: string, table: NameTable | null = null): string {
  const bytes = new Uint8Array(300);
  return toHex(bytes.slice(0, writeName(viewOf(bytes), 0, name, table)));
}

function code(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof VxlabError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

// RFC 1035 s.4.1.4: F.ISI.ARPA at 20, FOO.F.ISI.ARPA at 40, ARPA at 64, the root at 92.
const EXAMPLE = `${'00'.repeat(20)} 0146 03495349 0441525041 00 ${'00'.repeat(8)} 03464f4f c014 ${'00'.repeat(18)}
  c01a ${'00'.repeat(26)} 00`;

describe('DNS names, RFC 1035 s.4.1.4', () => {
  test("the RFC's own example is read", () => {
    expect(read(EXAMPLE, 20)).toEqual({ name: 'F.ISI.ARPA', next: 32 });
    expect(read(EXAMPLE, 40)).toEqual({ name: 'FOO.F.ISI.ARPA', next: 46 });
    expect(read(EXAMPLE, 64)).toEqual({ name: 'ARPA', next: 66 });
    expect(read(EXAMPLE, 92)).toEqual({ name: '.', next: 93 });
  });

  test("the RFC's own example is written", () => {
    const bytes = new Uint8Array(93);
    const view = viewOf(bytes);
    const table: NameTable = { start: 0, offsets: new Map() };
    expect(writeName(view, 20, 'F.ISI.ARPA', table)).toBe(32);
    expect(writeName(view, 40, 'FOO.F.ISI.ARPA.', table)).toBe(46);
    expect(writeName(view, 64, 'ARPA', table)).toBe(66);
    expect(writeName(view, 92, '.', table)).toBe(93);
    expect(toHex(bytes)).toBe(toHex(hex(EXAMPLE)));
  });

  test('pointers count from the start of the message', () => {
    const bytes = hex(`ffffff ${EXAMPLE}`);
    expect(readName(viewOf(bytes), 43, 3, bytes.length)).toEqual({ name: 'FOO.F.ISI.ARPA', next: 49 });
  });

  test('a pointer to itself, forwards, or in a circle is a fault, not a loop', () => {
    expect(kind(read('c000'))).toBe(KIND.endless);
    expect(kind(read('c002 00'))).toBe(KIND.endless);
    expect(kind(read('0161 c000'))).toBe(KIND.endless);
    expect(kind(read('c002 c000', 2))).toBe(KIND.endless);
    expect(kind(read('0161 c004 0162 c000', 4))).toBe(KIND.endless);
  });

  test('as many pointers are followed as a name can have labels, and no more', () => {
    const hops = Array.from({ length: 1000 }, (_, i) => (0xc000 | (i === 0 ? 0 : 2 * i + 2)).toString(16));
    const chain = `0161 0000 ${hops.join('')}`;
    expect(read(chain, 4 + 2 * 126)).toEqual({ name: 'a', next: 4 + 2 * 127 });
    expect(kind(read(chain, 4 + 2 * 127))).toBe(KIND.endless);
  });

  test('the label types that RFC 6891 s.5 retired are faults', () => {
    for (const byte of ['40', '7f', '80', 'bf']) {
      const f = read(`${byte} 00`);
      expect([kind(f), faultNeeded(f as number)]).toEqual([KIND.value, Number.parseInt(byte, 16)]);
    }
  });

  test('every truncation is an overrun', () => {
    const bytes = hex('0377777707 6578616d706c65 03636f6d 00');
    for (let end = 0; end < bytes.length; end++) {
      expect(kind(readName(viewOf(bytes), 0, 0, end))).toBe(KIND.overrun);
    }
    expect(kind(read('00 c0', 1))).toBe(KIND.overrun);
  });

  test('a name has 255 bytes at most, on the wire and when written', () => {
    const label = `3f${'61'.repeat(63)}`;
    const longest = `${label.repeat(3)} 3d${'61'.repeat(61)} 00`;
    expect(hex(longest).length).toBe(NAME_MAX);
    expect(read(longest)).toMatchObject({ next: 255 });
    expect(kind(read(`${label.repeat(3)} 3e${'61'.repeat(62)} 00`))).toBe(KIND.endless);
    const l = 'a'.repeat(63);
    expect(written(`${l}.${l}.${l}.${'a'.repeat(61)}`)).toBe(toHex(hex(longest)));
    expect(code(() => written(`${l}.${l}.${l}.${'a'.repeat(62)}`))).toBe('BAD_NAME');
  });

  test('odd bytes stand in the text as RFC 4343 s.2.1 writes them', () => {
    const odd = '06 2e5c 00 20 ff 41 00';
    expect(read(odd)).toEqual({ name: '\\.\\\\\\000\\032\\255A', next: 8 });
    expect(written('\\.\\\\\\000\\032\\255A')).toBe(toHex(hex(odd)));
    expect(written('\\046\\A')).toBe('022e4100');
  });

  test('a bad name is refused', () => {
    for (const bad of ['a..b', '.a', 'a.b..', 'a'.repeat(64), 'é.example', '\\256', 'a\\']) {
      expect(code(() => labelsOf(bad))).toBe('BAD_NAME');
    }
    expect(labelsOf('a.')).toEqual([[97]]);
    expect(labelsOf('')).toEqual([]);
  });

  test('case is kept: a suffix in another case is no repetition (RFC 4343 s.4)', () => {
    const view = viewOf(new Uint8Array(40));
    const table: NameTable = { start: 0, offsets: new Map() };
    const next = writeName(view, 0, 'a.Example', table);
    const end = writeName(view, next, 'b.example', table);
    expect(readName(view, next, 0, end)).toEqual({ name: 'b.example', next: end });
    expect(end - next).toBe(11);
  });

  test('no pointer is made to where fourteen bits do not reach', () => {
    const view = viewOf(new Uint8Array(0x4100));
    const table: NameTable = { start: 0, offsets: new Map() };
    const next = writeName(view, 0x3ffe, 'a.bc', table);
    expect([...table.offsets.values()]).toEqual([0x3ffe]);
    expect(writeName(view, next, 'bc', table)).toBe(next + 4);
  });

  test('a name that does not fit is refused', () => {
    for (let room = 0; room < 6; room++) {
      expect(code(() => writeName(viewOf(new Uint8Array(room)), 0, 'ab.c', null))).toBe('NO_ROOM');
    }
    const table: NameTable = { start: 0, offsets: new Map() };
    const view = viewOf(new Uint8Array(4));
    const next = writeName(view, 0, 'a', table);
    expect(code(() => writeName(view, next, 'a', table))).toBe('NO_ROOM');
  });

  test('any labels survive text and wire, with and without compression', () => {
    const label = fc.uint8Array({ minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(label, { maxLength: 8 }), fc.boolean(), (labels, compress) => {
        const wire = new Uint8Array(labels.reduce((n, l) => n + 1 + l.length, 1));
        let o = 0;
        for (const l of labels) {
          wire[o] = l.length;
          wire.set(l, o + 1);
          o += 1 + l.length;
        }
        const first = readName(viewOf(wire), 0, 0, wire.length);
        if (typeof first === 'number') throw new Error('a good name was refused');
        const view = viewOf(new Uint8Array(600));
        const table = compress ? { start: 0, offsets: new Map() } : null;
        const next = writeName(view, 0, first.name, table);
        expect(new Uint8Array(view.buffer, 0, next)).toEqual(wire);
        const end = writeName(view, next, first.name, table);
        expect(readName(view, next, 0, end)).toEqual({ name: first.name, next: end });
        if (compress && labels.length > 0) expect(end - next).toBe(2);
      }),
    );
  });

  test('random bytes never throw', () => {
    const byte = fc.oneof(fc.nat(3), fc.constant(0xc0), fc.nat(255));
    fc.assert(
      fc.property(fc.array(byte, { maxLength: 60 }), fc.nat(60), (list, at) => {
        const bytes = Uint8Array.from(list);
        const result = readName(viewOf(bytes), Math.min(at, bytes.length), 0, bytes.length);
        if (typeof result !== 'number') expect(result.next).toBeLessThanOrEqual(bytes.length);
        else expect(faultKind(result)).toBeGreaterThan(0);
      }),
      { numRuns: 1000 },
    );
  });
});
