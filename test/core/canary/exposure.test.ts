import { describe, expect, test } from 'vitest';
import type { Exposed } from '../../../src/core/canary/exposure.ts';
import { Exposure } from '../../../src/core/canary/exposure.ts';
import { AnyReader } from '../../../src/core/pcap/index.ts';
import { Sight } from '../../../src/core/reassembly/sight.ts';
import { viewOf } from '../../support/bytes.ts';
import { captureBytes } from '../../support/captures.ts';
import { ethernet, ip4, meta, payload, see } from '../reassembly/cut.ts';

function exposed(name: string): Exposed {
  const exposure = new Exposure(0.5);
  const sight = new Sight();
  const reader = new AnyReader((view, start, end, meta) => {
    sight.read(view, start, end, meta);
    exposure.observe(sight, meta);
  });
  reader.push(captureBytes(name));
  reader.end();
  return exposure.read();
}

describe("what Docker's own packets show", () => {
  test('of a plain network everything', () => {
    const seen = exposed('docker-swarm/traffic-worker1-eth0.pcap');
    expect(seen.inEsp).toBe(0);
    expect(seen.spis).toEqual([]);
    expect(seen.vnis).toContain('4097');
    expect(seen.vteps.length).toBeGreaterThanOrEqual(2);
    expect(seen.addresses.some((ip) => ip.startsWith('10.0.1.'))).toBe(true);
    expect(seen.macs.every((mac) => /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/.test(mac))).toBe(true);
    expect(seen.ports.some((port) => port.startsWith('TCP '))).toBe(true);
  });

  test('of a datagram in ESP two addresses, an SPI, a length and a moment', () => {
    const sealed = (spi: number, ip: object, length: number): Uint8Array => {
      const esp = payload(length);
      viewOf(esp).setUint32(0, spi);
      return ethernet(0x800, ip4(esp, { protocol: 50, ...ip }));
    };
    const frames = [
      sealed(0x1234, {}, 100),
      sealed(0x1234, {}, 100),
      sealed(0x5678, { src: 0xc0000202, dst: 0xc0000201 }, 60),
    ];
    const exposure = new Exposure(0.5);
    const sight = new Sight();
    for (const [i, frame] of frames.entries()) {
      see(sight, frame, i + 1, i === 2 ? 10 : 0);
      exposure.observe(sight, meta(i + 1, i === 2 ? 10 : 0, frame.length));
    }
    expect(exposure.read()).toEqual({
      packets: 3,
      inEsp: 3,
      vteps: ['192.0.2.1', '192.0.2.2'],
      pairs: ['192.0.2.1 > 192.0.2.2', '192.0.2.2 > 192.0.2.1'],
      flows: ['192.0.2.1 > 192.0.2.2 ESP 0x00001234', '192.0.2.2 > 192.0.2.1 ESP 0x00005678'],
      spis: ['0x00001234', '0x00005678'],
      vnis: [],
      macs: [],
      addresses: [],
      ports: [],
      sizes: ['94', '134'],
      bursts: 2,
    });
  });
});
