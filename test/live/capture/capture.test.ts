// Live capture on loopback: datagrams that the test sends to itself. Needs root and the optional package cap.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { LINKTYPE } from '../../../src/core/pcap/linktype.ts';
import type { LiveCaptureOptions } from '../../../src/live/capture/capture.ts';
import { LiveCapture } from '../../../src/live/capture/capture.ts';

interface Taken {
  readonly bytes: Buffer;
  readonly length: number;
  readonly milliseconds: number;
  readonly number: number;
}

function canCapture(): boolean {
  try {
    createRequire(import.meta.url)('cap');
  } catch {
    console.error('the package cap is not built here: the tests of live capture are skipped');
    return false;
  }
  if (process.getuid?.() === 0) return true;
  console.error('not root: the tests of live capture are skipped');
  return false;
}

describe.skipIf(!canCapture())('a live capture', () => {
  const socket = createSocket('udp4');
  let port = 0;

  beforeAll(async () => {
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    port = socket.address().port;
  });
  afterAll(() => {
    socket.close();
  });

  function open(options: LiveCaptureOptions = {}): Promise<LiveCapture> {
    return LiveCapture.open('lo', { filter: `udp dst port ${port}`, ...options });
  }

  async function send(...texts: string[]): Promise<void> {
    for (const text of texts) {
      await new Promise<void>((resolve, reject) => {
        socket.send(text, port, '127.0.0.1', (error) => (error ? reject(error) : resolve()));
      });
    }
  }

  /** Runs a capture and calls `each` with every packet taken. */
  async function run(live: LiveCapture, each: (taken: Taken) => void): Promise<void> {
    await live.run((view, start, end, meta) => {
      each({
        bytes: Buffer.from(view.buffer.slice(view.byteOffset + start, view.byteOffset + end)),
        length: meta.originalLength,
        milliseconds: meta.seconds * 1000 + meta.nanos / 1e6,
        number: meta.number,
      });
    });
  }

  test('hands over what passes, numbered, with times between before and after', async () => {
    const live = await open();
    const taken: Taken[] = [];
    const before = Date.now();
    await send('one', 'two', 'three');
    await run(live, (packet) => {
      taken.push(packet);
      if (taken.length === 3) live.stop();
    });
    const after = Date.now();
    expect(taken.map(({ bytes }) => bytes.subarray(42).toString())).toEqual(['one', 'two', 'three']);
    expect(taken.map(({ number }) => number)).toEqual([1, 2, 3]);
    expect(taken.map(({ length, bytes }) => length - bytes.length)).toEqual([0, 0, 0]);
    // The fine clock may be a few milliseconds beside Date.now().
    const times = [before - 10, ...taken.map(({ milliseconds }) => milliseconds), after + 10];
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect([live.device, live.linkType, live.packets]).toEqual(['lo', LINKTYPE.ethernet, 3]);
  });

  test('hands over nothing more once the sink has had enough', async () => {
    const live = await open();
    await send('one', 'two', 'three');
    let taken = 0;
    await run(live, () => {
      taken++;
      live.enough();
    });
    expect([taken, live.packets]).toEqual([1, 1]);
  });

  test('hands over what came before the stop', async () => {
    const live = await open();
    await send('one', 'two');
    live.stop();
    let taken = 0;
    await run(live, () => {
      taken++;
    });
    expect(taken).toBe(2);
  });

  test('tells the length on the wire of a packet that is cut', async () => {
    const live = await open();
    await send('x'.repeat(65_507));
    const taken: Taken[] = [];
    await run(live, (packet) => {
      taken.push(packet);
      live.enough();
    });
    expect(taken.map(({ bytes, length }) => [bytes.length, length])).toEqual([[65_535, 14 + 65_535]]);
  });

  test('what the sink throws ends it, and its process', async () => {
    const live = await open();
    await send('one');
    const failing = run(live, () => {
      throw new Error('enough of this');
    });
    await expect(failing).rejects.toThrow('enough of this');
  });

  test('takes the first filter that the interface can have', async () => {
    const plain = `udp dst port ${port}`;
    const live = await LiveCapture.open('any', { filter: [`vlan and ${plain}`, plain] });
    live.stop();
    await live.run(() => undefined);
    expect([live.filter, live.linkType]).toEqual([plain, LINKTYPE.linuxSll]);
  });

  test.each([
    ['nosuch0', '', 'NO_SUCH_INTERFACE', /^there is no interface nosuch0; there are .*\blo\b/],
    ['lo', 'udp prt 1', 'BAD_BPF', /^capture filter "udp prt 1": .*syntax error/],
    ['lo', 'port 99999999', 'BAD_BPF', /^capture filter "port 99999999": /],
  ])('does not open %s with "%s"', async (device, filter, code, message) => {
    const refused = LiveCapture.open(device, { filter });
    await expect(refused).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});
