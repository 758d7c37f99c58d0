import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { detect } from '../../../src/core/pcap/detect.ts';
import { readAll } from '../../../src/core/pcap/reader.ts';
import { hex } from '../../support/bytes.ts';
import { capturePath } from '../../support/captures.ts';

const first = (name: string): Uint8Array => new Uint8Array(readFileSync(capturePath(name))).subarray(0, 8);

describe('what a file is', () => {
  test.each([
    ['formats/usec-le.pcap', 'pcap'],
    ['formats/usec-be.pcap', 'pcap'],
    ['formats/nsec-le.pcap', 'pcap'],
    ['public/pcapplusplus/nanosecs_big_endian.pcap', 'pcap'],
    ['formats/modified-kuznetsov.pcap', 'pcap'],
    ['formats/dumpcap.pcapng', 'pcapng'],
    ['formats/big-endian.pcapng', 'pcapng'],
    ['formats/usec-le.pcap.gz', 'gzip'],
    ['formats/usec-le.pcap.xz', 'xz'],
    ['formats/usec-le.pcap.zst', 'zstd'],
    ['formats/snoop.snoop', 'snoop'],
    ['public/pcapplusplus/solaris.snoop', 'snoop'],
    ['formats/empty.pcap', 'empty'],
    ['public/pcap-parser/err-eof.bin', 'other'],
    ['public/pcapplusplus/Vxlan1.dat', 'other'],
  ])('%s is %s', (name, kind) => {
    expect(detect(first(name)).kind).toBe(kind);
  });

  test('the modified magic is known in both orders', () => {
    expect(detect(hex('a1b2cd34')).kind).toBe('pcap');
    expect(detect(hex('34cdb2a1')).kind).toBe('pcap');
  });

  test('a refusal says what helps', () => {
    expect(detect(first('formats/usec-le.pcap.xz')).refusal).toContain('xz -d');
    expect(detect(first('formats/usec-le.pcap.zst')).refusal).toContain('zstd -d');
    expect(detect(first('formats/snoop.snoop')).refusal).toContain('editcap');
    expect(detect(hex('425a6839 31415926')).refusal).toContain('bunzip2');
    expect(detect(hex('04224d18 64404000')).refusal).toContain('lz4 -d');
    expect(detect(first('formats/usec-le.pcap')).refusal).toBe('');
    expect(detect(first('formats/dumpcap.pcapng')).refusal).toBe('');
  });

  test('readAll hands the refusal on', () => {
    for (const [name, word] of [
      ['formats/snoop.snoop', 'editcap'],
      ['formats/usec-le.pcap.gz', 'gunzip'],
      ['formats/empty.pcap', 'empty'],
      ['public/pcap-parser/err-eof.bin', 'no capture'],
    ] as const) {
      const capture = readAll(new Uint8Array(readFileSync(capturePath(name))));
      expect(capture.format).toBeNull();
      expect(capture.cutShort?.offset).toBe(0);
      expect(capture.cutShort?.reason).toContain(word);
    }
  });

  test('too few bytes to tell are no capture', () => {
    for (let length = 1; length < 4; length++) {
      expect(detect(first('formats/usec-le.pcap').subarray(0, length)).kind).toBe('other');
      expect(readAll(first('formats/usec-le.pcap').subarray(0, length)).format).toBeNull();
    }
  });
});
