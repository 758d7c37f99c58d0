import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { faultKind, faultNeeded, KIND, NO_FAULT } from '../../../src/core/wire/fault.ts';
import * as options from '../../../src/core/wire/tcp-options.ts';
import { hex, viewOf } from '../../support/bytes.ts';

// A container's SYN inside a Docker Swarm overlay (the lab's own capture), and an acknowledgment with a selective one
// in it: Zeek's testing traces, mysql/change-user-error.pcap, packet 19.
const SYN = hex('88780050fa5bdad600000000a002fd5c16350000 020405820402080a976e3917000000000103030a');
const SACK = hex('92460cea57f931f2417a5332b01002001bbf0000 0101080a18f405f518f405e70101050a417a5331417a5332');

/** A header with these option bytes, filled up with end markers. */
function header(text: string): DataView {
  const given = hex(text);
  const bytes = new Uint8Array(20 + 4 * Math.ceil(given.length / 4));
  bytes.set(given, 20);
  bytes[12] = (bytes.length / 4) << 4;
  return viewOf(bytes);
}

describe('TCP options, RFC 9293, RFC 7323 and RFC 2018', () => {
  test("Linux's SYN options are read one by one", () => {
    const view = viewOf(SYN);
    expect(options.check(view, 0)).toBe(NO_FAULT);
    expect(options.mss(view, 0)).toBe(1410);
    expect(options.windowScale(view, 0)).toBe(10);
    expect(options.sackPermitted(view, 0)).toBe(true);
    const out = { value: 0, echo: 1 };
    expect(options.timestamps(view, 0, out)).toBe(true);
    expect(out).toEqual({ value: 0x976e3917, echo: 0 });
    expect(options.sackAt(view, 0)).toBe(-1);
  });

  test("Linux's SYN options are read as a list", () => {
    expect(options.readOptions(viewOf(SYN), 0)).toEqual({
      options: [
        { at: 20, length: 4, kind: 'mss', mss: 1410 },
        { at: 24, length: 2, kind: 'sackPermitted' },
        { at: 26, length: 10, kind: 'timestamps', value: 0x976e3917, echo: 0 },
        { at: 36, length: 1, kind: 'nop' },
        { at: 37, length: 3, kind: 'windowScale', shift: 10 },
      ],
      fault: NO_FAULT,
    });
  });

  test('a known SACK is read and written again', () => {
    const view = viewOf(SACK);
    const o = options.sackAt(view, 0);
    expect([o, options.sackCount(view, o)]).toEqual([34, 1]);
    expect([options.sackLeft(view, o, 0), options.sackRight(view, o, 0)]).toEqual([0x417a5331, 0x417a5332]);
    expect(options.readOptions(view, 0).options.at(-1)).toEqual({
      at: 34,
      length: 10,
      kind: 'sack',
      blocks: [{ left: 0x417a5331, right: 0x417a5332 }],
    });
    const bytes = SACK.slice();
    bytes.fill(0xee, 20);
    const again = viewOf(bytes);
    let next = options.writeDataOptions(again, 20, 0x18f405f5, 0x18f405e7);
    expect(next).toBe(20 + options.DATA_OPTIONS_LEN);
    next = options.writeNop(again, options.writeNop(again, next));
    options.writeSackBlock(again, next, 0, 0x417a5331, 0x417a5332);
    expect(options.writeSack(again, next, 1)).toBe(bytes.length);
    expect(bytes).toEqual(SACK);
  });

  test('writeSynOptions makes the same bytes as Linux', () => {
    const bytes = SYN.slice();
    bytes.fill(0xee, 20);
    const next = options.writeSynOptions(viewOf(bytes), 20, 1410, 10, 0x976e3917, 0);
    expect(next).toBe(20 + options.SYN_OPTIONS_LEN);
    expect(bytes).toEqual(SYN);
  });

  test('a header without options has none, and timestamps leaves its numbers alone', () => {
    const view = header('');
    const out = { value: 7, echo: 8 };
    expect([options.mss(view, 0), options.windowScale(view, 0), options.sackPermitted(view, 0)]).toEqual([
      -1,
      -1,
      false,
    ]);
    expect(options.timestamps(view, 0, out)).toBe(false);
    expect(out).toEqual({ value: 7, echo: 8 });
    expect(options.readOptions(view, 0)).toEqual({ options: [], fault: NO_FAULT });
  });

  test('a length of 0 or 1 ends the walk with a fault', () => {
    for (const length of ['00', '01']) {
      const view = header(`01 08${length} 020405b4 0000`);
      expect(faultKind(options.check(view, 0))).toBe(KIND.endless);
      expect(options.mss(view, 0)).toBe(-1);
      const { options: list, fault } = options.readOptions(view, 0);
      expect(list).toEqual([{ at: 20, length: 1, kind: 'nop' }]);
      expect(fault).toBe(options.check(view, 0));
    }
  });

  test('a length past the data offset is an overrun, even when payload follows', () => {
    const bytes = new Uint8Array(40);
    bytes[12] = 6 << 4;
    bytes.set(hex('0101 0204 05b4'), 20);
    const f = options.check(viewOf(bytes), 0);
    expect([faultKind(f), faultNeeded(f)]).toEqual([KIND.overrun, 26]);
    expect(options.mss(viewOf(bytes), 0)).toBe(-1);
    expect(options.readOptions(viewOf(bytes), 0).options).toHaveLength(2);
  });

  test('a kind without room for its length is an overrun', () => {
    const f = options.check(header('01010102'), 0);
    expect([faultKind(f), faultNeeded(f)]).toEqual([KIND.overrun, 25]);
  });

  test('what follows the end marker is not looked at', () => {
    const view = header('00 020405b4 080000');
    expect(options.check(view, 0)).toBe(NO_FAULT);
    expect(options.mss(view, 0)).toBe(-1);
    expect(options.readOptions(view, 0).options).toEqual([{ at: 20, length: 1, kind: 'end' }]);
  });

  test('a known kind of the wrong length counts as unknown, and a right one after it is found', () => {
    const view = header('020305 020405b4 01');
    expect(options.mss(view, 0)).toBe(1460);
    expect(options.readOptions(view, 0).options[0]).toEqual({
      at: 20,
      length: 3,
      kind: 'unknown',
      number: 2,
    });
    expect(options.readOptions(header('22061122 3344'), 0).options[0]).toMatchObject({
      kind: 'unknown',
      number: options.OPTION.fastOpen,
    });
    expect(options.readOptions(header('05041122'), 0).options[0]).toMatchObject({
      kind: 'unknown',
      number: 5,
    });
  });

  test('options written one by one are read back, padded to whole words', () => {
    const view = viewOf(new Uint8Array(60).fill(0xee));
    let o = options.writeMss(view, 20, 1350);
    o = options.writeWindowScale(view, o, 7);
    o = options.writeSackPermitted(view, o);
    const length = options.pad(view, 0, o);
    expect(length).toBe(32);
    view.setUint8(12, (length / 4) << 4);
    expect([options.mss(view, 0), options.windowScale(view, 0), options.sackPermitted(view, 0)]).toEqual([
      1350,
      7,
      true,
    ]);
    expect(options.pad(view, 0, 32)).toBe(32);
  });

  test('random options never throw nor leave the header, and check and readOptions agree', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 40, maxLength: 40 }),
        fc.integer({ min: 5, max: 15 }),
        (list, words) => {
          const bytes = new Uint8Array(60);
          bytes.set(list, 20);
          bytes[12] = words << 4;
          const view = viewOf(bytes.slice(0, 4 * words));
          const read = options.readOptions(view, 0);
          expect(read.fault).toBe(options.check(view, 0));
          expect(read.options.every((o) => o.at + o.length <= 4 * words)).toBe(true);
          const first = read.options.find((o) => o.kind === 'mss');
          expect(options.mss(view, 0)).toBe(first?.kind === 'mss' ? first.mss : -1);
          expect(options.sackAt(view, 0)).toBeLessThan(4 * words);
        },
      ),
      { numRuns: 500 },
    );
  });

  test('random walks over likely kinds never throw', () => {
    const byte = fc.constantFrom(0, 1, 1, 2, 3, 4, 5, 8, 10, 18, 34);
    fc.assert(
      fc.property(fc.array(byte, { minLength: 40, maxLength: 40 }), (list) => {
        const bytes = new Uint8Array(60);
        bytes.set(list, 20);
        bytes[12] = 0xf0;
        const read = options.readOptions(viewOf(bytes), 0);
        const taken = read.options.reduce((n, o) => n + o.length, 20);
        expect(taken === 60 || read.fault !== NO_FAULT || read.options.at(-1)?.kind === 'end').toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
