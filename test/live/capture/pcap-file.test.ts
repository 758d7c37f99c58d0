import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PcapngWriter } from '../../../src/core/pcap/pcapng-writer.ts';
import { AnyReader, readAll } from '../../../src/core/pcap/reader.ts';
import type { ReadOptions, ReadResult } from '../../../src/live/capture/pcap-file.ts';
import { CaptureFile, readCapture } from '../../../src/live/capture/pcap-file.ts';
import { viewOf } from '../../support/bytes.ts';
import { captureBytes, capturePath } from '../../support/captures.ts';
import { hasTool, runTool } from '../../support/peers.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vxlab-file-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Reads a file and keeps the packets' bytes. */
async function readFile(
  path: string,
  options: ReadOptions = {},
): Promise<ReadResult & { reader: AnyReader; packets: string[] }> {
  const packets: string[] = [];
  const reader = new AnyReader((view, start, end) => {
    packets.push(new Uint8Array(view.buffer, view.byteOffset + start, end - start).join());
  });
  const result = await readCapture(path, reader, options);
  return { ...result, reader, packets };
}

const bytesOf = (name: string): string[] => readAll(captureBytes(name)).packets.map((p) => p.bytes.join());

function temporary(name: string, bytes: Uint8Array): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

describe('reading', () => {
  test.each([
    ['formats/usec-le.pcap', false],
    ['formats/usec-le.pcap.gz', true],
    ['formats/dumpcap.pcapng', false],
    ['formats/dumpcap.pcapng.gz', true],
    ['public/pcap-parser/wireshark_samples-test.pcapng', false],
  ])('%s gives its packets (gzip: %s)', async (name, gzip) => {
    for (const chunkBytes of [1000, 1 << 20]) {
      const { packets, cutShort, ...rest } = await readFile(capturePath(name), { chunkBytes });
      expect(packets).toEqual(bytesOf(name));
      expect(rest.gzip).toBe(gzip);
      expect(cutShort).toBeNull();
    }
  });

  test('one byte at a time, gzip is still told', async () => {
    const { packets, gzip, cutShort } = await readFile(capturePath('formats/usec-le.pcap.gz'), {
      chunkBytes: 1,
    });
    expect(packets).toEqual(bytesOf('formats/usec-le.pcap'));
    expect({ gzip, cutShort }).toEqual({ gzip: true, cutShort: null });
  });

  test('a gzip file of two members is one capture', async () => {
    const bytes = captureBytes('formats/usec-le.pcap');
    const path = temporary(
      'members.gz',
      Buffer.concat([gzipSync(bytes.subarray(0, 777)), gzipSync(bytes.subarray(777))]),
    );
    const { packets, cutShort } = await readFile(path);
    expect(packets).toHaveLength(20);
    expect(cutShort).toBeNull();
  });

  test('every truncation of a gzip file gives a beginning of the packets and says that it was cut', async () => {
    const whole = bytesOf('formats/usec-le.pcap');
    const zipped = readFileSync(capturePath('formats/usec-le.pcap.gz'));
    const counts: number[] = [];
    for (let length = 2; length < zipped.length; length += 13) {
      const { packets, cutShort, gzip } = await readFile(temporary('cut.gz', zipped.subarray(0, length)));
      expect(gzip).toBe(true);
      expect(packets).toEqual(whole.slice(0, packets.length));
      expect(cutShort?.reason).toBe('the gzip data ends early: the file was cut');
      counts.push(packets.length);
    }
    expect(counts.at(-1)).toBe(20);
    expect(counts.toSorted((a, b) => a - b)).toEqual(counts);
  });

  test('the offset of a cut gzip file is where the packet begins that is not whole, decompressed', async () => {
    const bytes = captureBytes('public/pcap-parser/wireshark_samples-test.pcapng');
    const zipped = gzipSync(bytes);
    const path = temporary('half.gz', zipped.subarray(0, zipped.length >> 1));
    const { packets, cutShort } = await readFile(path);
    const all = readAll(bytes).packets;
    expect(packets.length).toBeGreaterThan(1000);
    expect(packets).toEqual(all.slice(0, packets.length).map((p) => p.bytes.join()));
    expect(cutShort?.offset).toBe(all[packets.length]?.offset);
  });

  test('damaged gzip data is said to be damaged', async () => {
    const zipped = readFileSync(capturePath('formats/usec-le.pcap.gz'));
    const bent = new Uint8Array(zipped);
    bent[zipped.length - 6] = (bent[zipped.length - 6] as number) ^ 1;
    const { cutShort } = await readFile(temporary('bent.gz', bent));
    expect(cutShort?.reason).toMatch(/^the gzip data is damaged: /);
    const { cutShort: head } = await readFile(temporary('head.gz', new Uint8Array([0x1f, 0x8b, 0xff, 0, 0])));
    expect(head?.reason).toMatch(/^the gzip data is damaged: /);
  });

  test.each([
    ['formats/usec-le.pcap.xz', 'xz -d'],
    ['formats/usec-le.pcap.zst', 'zstd -d'],
    ['formats/snoop.snoop', 'editcap'],
    ['formats/empty.pcap', 'empty'],
  ])('%s is refused with what helps', async (name, word) => {
    const { reader, cutShort, packets } = await readFile(capturePath(name));
    expect(reader.format).toBeNull();
    expect(packets).toEqual([]);
    expect(cutShort?.reason).toContain(word);
  });

  test('a file of one byte is no capture', async () => {
    const { cutShort } = await readFile(temporary('one', new Uint8Array([0x1f])));
    expect(cutShort).toEqual({
      offset: 0,
      reason: 'this is no capture: it begins neither as pcap nor as pcapng',
    });
  });

  test('a missing file and a directory are refused in words', async () => {
    const missing = join(folder, 'none.pcap');
    await expect(readFile(missing)).rejects.toMatchObject({
      code: 'CAPTURE_UNREADABLE',
      message: `cannot read ${missing}: there is no such file or directory`,
    });
    await expect(readFile(folder)).rejects.toMatchObject({
      code: 'CAPTURE_UNREADABLE',
      message: `cannot read ${folder}: it is a directory`,
    });
  });

  test('stop and an aborted signal end the reading without a fault, gzip or not', async () => {
    for (const name of ['formats/usec-le.pcap', 'formats/usec-le.pcap.gz']) {
      const reader: AnyReader = new AnyReader((_view, _start, _end, meta) => {
        if (meta.number === 2) reader.stop();
      });
      const { cutShort } = await readCapture(capturePath(name), reader, { chunkBytes: 64 });
      expect(reader.packets).toBe(2);
      expect(cutShort).toBeNull();
      const aborted = await readFile(capturePath(name), { signal: AbortSignal.abort() });
      expect(aborted.packets).toEqual([]);
      expect(aborted.cutShort).toBeNull();
    }
  });

  test('what a sink throws comes out, gzip or not', async () => {
    for (const name of ['formats/usec-le.pcap', 'formats/usec-le.pcap.gz']) {
      const reader = new AnyReader(() => {
        throw new Error('the sink is broken');
      });
      await expect(readCapture(capturePath(name), reader)).rejects.toThrow('the sink is broken');
    }
  });

  test('progress counts the bytes of the file', async () => {
    const seen: number[] = [];
    await readFile(capturePath('formats/usec-le.pcap'), { chunkBytes: 1000, progress: (n) => seen.push(n) });
    expect(seen).toEqual([1000, 2000, 2943]);
  });

  test.skipIf(!hasTool('mkfifo'))('a FIFO is read while it is still being written', async () => {
    const path = join(folder, 'fifo');
    runTool('mkfifo', [path]);
    const bytes = captureBytes('formats/dumpcap.pcapng');
    const file = new CaptureFile(path);
    let early = 0;
    const reader = new AnyReader(() => {
      early++;
    });
    const reading = readCapture(path, reader);
    file.write(bytes.subarray(0, 2000));
    await expect.poll(() => early).toBeGreaterThan(5);
    expect(reader.packets).toBeLessThan(20);
    file.write(bytes.subarray(2000));
    await file.close();
    await reading;
    expect(reader.packets).toBe(20);
  });

  test.each(['formats/usec-le.pcap', 'formats/usec-le.pcap.gz'])('standard input: %s', async (name) => {
    const here = fileURLToPath(new URL('../../..', import.meta.url));
    const script = `
      import { AnyReader } from './src/core/pcap/reader.ts';
      import { readCapture, CaptureFile } from './src/live/capture/pcap-file.ts';
      const reader = new AnyReader(() => {});
      readCapture('-', reader).then(async ({ gzip, cutShort }) => {
        const out = new CaptureFile('-');
        out.write(Buffer.from(JSON.stringify({ gzip, cutShort, packets: reader.packets })));
        await out.close();
      });`;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      cwd: here,
    });
    child.stdin.end(readFileSync(capturePath(name)));
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    await new Promise((resolve) => child.on('close', resolve));
    expect(JSON.parse(said)).toEqual({ gzip: name.endsWith('.gz'), cutShort: null, packets: 20 });
  });
});

describe('writing', () => {
  test('back-pressure: more waits than the disk took, and drained waits for it', async () => {
    const path = join(folder, 'large.pcapng');
    const file = new CaptureFile(path);
    const writer = new PcapngWriter(file.write);
    writer.addInterface({ linkType: 1 });
    const packet = new Uint8Array(1000).fill(7);
    let waited = 0;
    for (let i = 0; i < 20_000; i++) {
      writer.writePacket(0, i, 0, viewOf(packet), 0, 1000, 1000);
      if (file.waiting < 4 << 20) continue;
      waited++;
      await file.drained();
      expect(file.waiting).toBeLessThan(4 << 20);
    }
    writer.flush();
    await file.close();
    expect(waited).toBeGreaterThan(0);
    expect(file.waiting).toBe(0);
    const reader = new AnyReader(() => {});
    const { cutShort } = await readCapture(path, reader);
    expect(reader.packets).toBe(20_000);
    expect(cutShort).toBeNull();
  });

  test('a path that cannot be written is told by drained or close, in words', async () => {
    const path = join(folder, 'no', 'such', 'folder.pcap');
    const words = `cannot write ${path}: there is no such file or directory`;
    const file = new CaptureFile(path);
    file.write(new Uint8Array(8));
    await expect(file.close()).rejects.toMatchObject({ code: 'CAPTURE_UNWRITABLE', message: words });
    file.write(new Uint8Array(8));
    await expect(file.drained()).rejects.toMatchObject({ code: 'CAPTURE_UNWRITABLE', message: words });
  });

  test.skipIf(!existsSync('/dev/full'))('a full disk wakes a producer that waits', async () => {
    const file = new CaptureFile('/dev/full');
    file.write(new Uint8Array(5 << 20));
    await expect(file.drained()).rejects.toMatchObject({
      code: 'CAPTURE_UNWRITABLE',
      message: 'cannot write /dev/full: no space is left on the device',
    });
    await expect(file.close()).rejects.toMatchObject({ code: 'CAPTURE_UNWRITABLE' });
  });
});
