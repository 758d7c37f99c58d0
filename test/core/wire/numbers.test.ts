import { describe, expect, test } from 'vitest';
import {
  ETHERTYPE,
  GENEVE_PORT,
  OVERHEAD_IPV4,
  OVERHEAD_IPV6,
  PROTO,
  VNI_MAX,
  VXLAN_GPE_PORT,
  VXLAN_PORT,
  VXLAN_PORT_LINUX,
  VxlabError,
} from '../../../src/core/wire/numbers.ts';

describe('numbers', () => {
  test('ports are those that IANA assigned, and the one that Linux took before', () => {
    expect([VXLAN_PORT, VXLAN_PORT_LINUX, VXLAN_GPE_PORT, GENEVE_PORT]).toEqual([4789, 8472, 4790, 6081]);
  });

  test('a VNI has 24 bits and an outer header 50 or 70 bytes (RFC 7348 s.5)', () => {
    expect(VNI_MAX).toBe(2 ** 24 - 1);
    expect(OVERHEAD_IPV4).toBe(14 + 20 + 8 + 8);
    expect(OVERHEAD_IPV6).toBe(14 + 40 + 8 + 8);
  });

  test('no two names share an EtherType or a protocol number, and every EtherType is one', () => {
    for (const table of [ETHERTYPE, PROTO]) {
      const values: number[] = Object.values(table);
      expect(new Set(values).size).toBe(values.length);
    }
    for (const type of Object.values(ETHERTYPE)) expect(type).toBeGreaterThanOrEqual(0x600);
    for (const proto of Object.values(PROTO)) expect(proto).toBeLessThan(256);
  });

  test('an error has a code and a sentence and is an Error', () => {
    const error = new VxlabError('BAD_VNI', 'no such VNI');
    expect(error).toBeInstanceOf(Error);
    expect([error.name, error.code, error.message]).toEqual(['VxlabError', 'BAD_VNI', 'no such VNI']);
  });
});
