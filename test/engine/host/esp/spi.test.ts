import { describe, expect, test } from 'vitest';
import { parseIp } from '../../../../src/core/wire/parse-ip.ts';
import { buildSpi } from '../../../../src/engine/host/esp/spi.ts';

/** Addresses and tags of moby's encryption_test.go; the values are Go's hash/fnv's. */
const KNOWN = [
  ['1.2.3.4', '5.6.7.8', 1234, 0x5de6_2c5b],
  ['10.0.0.1', '2001:db8::1', 5678, 0x8c1e_a943],
  ['2002::abcd:1', '172.15.14.13', 54_321, 0x4079_9b91],
  ['2002:db8::42', '2002:db8::69', 9999, 0x342a_609e],
  ['192.168.1.1', '192.168.1.2', 1, 0xdf51_ac4b],
  ['192.168.1.2', '192.168.1.1', 1, 0x2c2e_cdcf],
] as const;

describe("Docker's SPI", () => {
  test.each(KNOWN)('%s > %s under key %i', (src, dst, tag, spi) => {
    expect(buildSpi(parseIp(src), parseIp(dst), tag)).toBe(spi);
  });
});
