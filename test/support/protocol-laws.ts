// What holds for every protocol's reader, whatever is said: the pieces in which it comes change nothing; a conversation that
// breaks off tells a beginning of what the whole one tells; no bytes make it throw or hold on to more than it may; what it
// tells stands where it says.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Protocol } from '../../src/core/eavesdrop/reader.ts';
import type { Setting, Turn } from './overheard.ts';
import { bytesOf, overhear } from './overheard.ts';
import { tries } from './properties.ts';

const SIZES = fc.array(fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 700 })), {
  minLength: 1,
  maxLength: 12,
});

/** Registers the tests for one protocol with samples of its conversations. */
export function keepsTheLaws(
  protocol: Protocol,
  samples: Readonly<Record<string, readonly Turn[]>>,
  setting: Setting = {},
): void {
  const names = Object.keys(samples);
  it.each(names)('reads the same of %s in any pieces', (name) => {
    const turns = samples[name] as readonly Turn[];
    const whole = overhear(protocol, turns, setting);
    expect(whole.readings.length).toBeGreaterThan(0);
    fc.assert(
      fc.property(SIZES, (pieces) => {
        const heard = overhear(protocol, turns, { ...setting, pieces });
        expect(heard.readings).toEqual(whole.readings);
        expect(heard.handedOver).toBe(whole.handedOver);
      }),
      tries(40),
    );
  });

  it.each(names)('tells of %s that breaks off a beginning, and never throws', (name) => {
    const turns = samples[name] as readonly Turn[];
    const whole = overhear(protocol, turns, setting).readings.map((reading) => JSON.stringify(reading));
    const total = turns.reduce((sum, [, what]) => sum + sizeOf(what), 0);
    const step = Math.max(1, Math.floor(total / 150));
    for (let end = 0; end < total; end += step) {
      const told = overhear(protocol, firstBytes(turns, end), setting).readings;
      // What a passage holds when it breaks off is told as far as it goes.
      const certain = told.slice(0, -3).map((reading) => JSON.stringify(reading));
      for (const reading of certain) expect(whole).toContain(reading);
    }
  });

  it.each(names)('survives %s with damaged, lost and doubled bytes', (name) => {
    const turns = samples[name] as readonly Turn[];
    fc.assert(
      fc.property(
        SIZES,
        fc.array(fc.tuple(fc.nat(), fc.nat(4), fc.nat(255)), { maxLength: 12 }),
        (pieces, harm) => {
          const heard = overhear(protocol, damaged(turns, harm), { ...setting, pieces });
          for (const reading of heard.readings) {
            expect(reading.length).toBeGreaterThan(0);
            expect(reading.text.length).toBeLessThan(20_000);
          }
        },
      ),
      tries(60),
    );
  });

  it('does not claim noise', () => {
    let state = 99;
    const next = (): number => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    };
    for (let i = 0; i < 3000; i++) {
      const noise = Uint8Array.from({ length: 64 }, next);
      const side = i % 2 === 0 ? 'C' : 'S';
      const heard = overhear(protocol, [[side, noise]], { ...setting, serverPort: 1 });
      if (heard.claim === 'mine') throw new Error(`claims ${Buffer.from(noise).toString('hex')}`);
    }
  });

  it('takes any bytes from both sides without a word of complaint', () => {
    const turn = fc.tuple(fc.constantFrom('C' as const, 'S' as const), fc.uint8Array({ maxLength: 600 }));
    fc.assert(
      fc.property(fc.array(turn, { maxLength: 8 }), (turns) => {
        overhear(protocol, turns, setting);
      }),
      tries(60),
    );
  });
}

function sizeOf(what: string | Uint8Array | number): number {
  return typeof what === 'number' ? 0 : what.length;
}

/** The turns up to byte `end` of all that is said. */
export function firstBytes(turns: readonly Turn[], end: number): Turn[] {
  const first: Turn[] = [];
  let left = end;
  for (const [who, what] of turns) {
    if (left <= 0) break;
    first.push([who, typeof what === 'number' ? what : bytesOf(what).slice(0, left)]);
    left -= sizeOf(what);
  }
  return first;
}

/** Bytes changed, dropped, lost or said twice at places anywhere in the turns. */
function damaged(turns: readonly Turn[], harm: readonly (readonly [number, number, number])[]): Turn[] {
  const out: Turn[] = turns.map(([who, what]) => [
    who,
    typeof what === 'number' ? what : bytesOf(what).slice(),
  ]);
  for (const [where, how, value] of harm) {
    const i = where % out.length;
    const [who, what] = out[i] as Turn;
    if (typeof what === 'number' || typeof what === 'string' || what.length === 0) continue;
    const at = Math.floor(where / out.length) % what.length;
    if (how === 0) what[at] = value;
    else if (how === 1) out[i] = [who, Buffer.concat([what.subarray(0, at), what.subarray(at + value)])];
    else if (how === 2) out.splice(i, 1, [who, what.slice(0, at)], [who, value + 1], [who, what.slice(at)]);
    else if (how === 3) out[i] = [who, Buffer.concat([what, what.subarray(at)])];
    else out.splice(i, 1);
    if (out.length === 0) break;
  }
  return out;
}
