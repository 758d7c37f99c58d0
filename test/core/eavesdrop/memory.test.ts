// What is held does not grow with what is heard: counted, not timed.

import { describe, expect, test } from 'vitest';
import { Eavesdropper } from '../../../src/core/eavesdrop/eavesdropper.ts';
import { viewOf } from '../../support/bytes.ts';
import { ACK, Dialogue, frameOf, PSH, Tap } from '../streams/wire.ts';
import { noise } from './overhear.ts';

describe('200 MB in constant memory', () => {
  /** Sends the same frame with its sequence number moved on, so that nothing but the eavesdropper keeps anything. */
  function flood(one: Dialogue, frames: number, payload: Uint8Array, ear: Eavesdropper, tap: Tap): number {
    const { client, server } = one;
    const frame = frameOf({
      srcPort: one.serverPort,
      dstPort: one.clientPort,
      src: '10.0.1.3',
      dst: '10.0.1.2',
      seq: server,
      ack: client,
      flags: ACK | PSH,
      payload,
      vni: 42,
    });
    const view = viewOf(frame);
    const at = 50 + 34 + 4;
    let most = 0;
    for (let i = 0; i < frames; i++) {
      view.setUint32(at, (server + i * payload.length) >>> 0);
      view.setUint16(50 + 14 + 4, i & 0xffff);
      tap.see(frame);
      if (ear.held > most) most = ear.held;
    }
    return most;
  }

  test.each([
    [
      'HTTP, one body',
      8080,
      `HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: ${2 ** 40}\r\n\r\n`,
      140_000,
    ],
    ['HTTP, chunks', 8080, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n', 140_000],
    ['HTTP until the end', 8080, 'HTTP/1.0 200 OK\r\n\r\n', 140_000],
    ['TLS', 443, '\x17\x03\x03\x40\x00', 4096],
    ['noise', 7777, '', 4096],
  ])('%s', (_what, port, head, most) => {
    const ear = new Eavesdropper();
    const tap = new Tap((sight, meta) => ear.observe(sight, meta), false);
    const one = new Dialogue(port, { vni: 42 });
    tap.send(...one.opened());
    if (port === 8080) tap.send(...one.says('GET / HTTP/1.1\r\n\r\n'));
    if (head !== '') tap.send(...one.answers(head));
    const frames = Math.ceil(200e6 / 60_000);
    const held = flood(one, frames, noise(60_000), ear, tap);
    expect(held).toBeLessThanOrEqual(most);
    ear.end();
    expect(ear.held).toBe(0);
    const [told] = ear.report().conversations;
    expect(told).toMatchObject({ missing: 0 });
    expect(told?.bytes).toBeGreaterThan(200e6);
    expect(ear.report().limits).toEqual([]);
  });

  test('many conversations with holes: no more is held than told', () => {
    const most = 1 << 20;
    const ear = new Eavesdropper({ limits: { bytes: most, streams: 500 } });
    const tap = new Tap((sight, meta) => ear.observe(sight, meta), false);
    const payload = noise(1400);
    for (let round = 0; round < 40; round++) {
      for (let port = 1000; port < 1300; port++)
        tap.send({ srcPort: port, dstPort: 9999, seq: 1 + round * 2800, payload, vni: port });
      expect(ear.held).toBeLessThanOrEqual(most);
    }
    ear.end();
    expect(ear.held).toBe(0);
    expect(ear.report().limits.map(({ limit }) => limit)).toContain('bytes held of all conversations');
  });
});
