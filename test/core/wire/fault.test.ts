import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Kind, Layer } from '../../../src/core/wire/fault.ts';
import {
  fault,
  faultKind,
  faultLayer,
  faultNeeded,
  KIND,
  LAYER,
  LAYER_NAMES,
  NO_FAULT,
  describe as tell,
} from '../../../src/core/wire/fault.ts';

const layers = fc.constantFrom(...Object.values(LAYER));
const kinds = fc.constantFrom(...Object.values(KIND));

describe('faults', () => {
  test('layer, kind and quantity come out as they went in, and no fault is ever NO_FAULT', () => {
    fc.assert(
      fc.property(layers, kinds, fc.nat(0x7fffff), (layer, kind, needed) => {
        const f = fault(layer, kind, needed);
        expect(f).not.toBe(NO_FAULT);
        expect(f).toBeGreaterThan(0);
        expect(f | 0).toBe(f);
        expect([faultLayer(f), faultKind(f), faultNeeded(f)]).toEqual([layer, kind, needed]);
      }),
    );
  });

  test('a quantity beyond 23 bits is cut and leaves layer and kind alone', () => {
    const f = fault(LAYER.ipv6, KIND.overrun, 0xffffffff);
    expect([faultLayer(f), faultKind(f), faultNeeded(f)]).toEqual([LAYER.ipv6, KIND.overrun, 0x7fffff]);
  });

  test('every layer has a number of its own and a name', () => {
    const numbers = Object.values(LAYER);
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers.toSorted((a, b) => a - b)).toEqual(LAYER_NAMES.map((_, i) => i));
    expect(LAYER_NAMES[LAYER.gpe]).toBe('VXLAN-GPE');
    expect(LAYER_NAMES[LAYER.nsh]).toBe('NSH');
  });

  test.each([
    [
      KIND.short,
      20,
      'IPv4: the header needs 20 bytes, but only 19 bytes are left (bounded by the captured length); IPv4 starts at byte 14.',
    ],
    [
      KIND.overrun,
      120,
      'IPv4: the length field says 120, but only 19 bytes are left (bounded by the captured length); IPv4 starts at byte 14.',
    ],
    [KIND.underrun, 8, 'IPv4: the length field says 8, less than the header itself; IPv4 starts at byte 14.'],
    [KIND.version, 5, 'IPv4: version 5 is not one this protocol has; IPv4 starts at byte 14.'],
    [KIND.value, 7, 'IPv4: a field holds 7, which is not allowed there; IPv4 starts at byte 14.'],
    [KIND.endless, 9, 'IPv4: its parts do not come to an end within 19 bytes; IPv4 starts at byte 14.'],
  ] as const)('kind %i is told in one sentence', (kind: Kind, needed: number, text: string) => {
    expect(tell(fault(LAYER.ipv4, kind, needed), 14, 19, 'captured length')).toEqual({
      layer: 'IPv4',
      kind: Object.entries(KIND).find(([, value]) => value === kind)?.[0],
      offset: 14,
      needed,
      had: 19,
      bound: 'captured length',
      text,
    });
  });

  test('one byte is told in the singular', () => {
    expect(tell(fault(LAYER.udp, KIND.short, 8), 34, 1, 'IPv4 total length').text).toContain(
      'only 1 byte is left (bounded by the IPv4 total length)',
    );
  });

  test('a layer that nobody has is told as such', () => {
    expect(tell(fault(31 as Layer, KIND.short, 1), 0, 0, 'captured length').layer).toBe('unknown layer');
  });
});
