import { expect, test } from 'vitest';
import * as engine from '../../src/engine/index.ts';
import * as vxlab from '../../src/index.ts';
import { lecture } from './stack.ts';

test('the face without I/O has the codecs, the captures, the inspector, the engine and the lab', () => {
  expect(vxlab.wire.vxlan.HEADER_LEN).toBe(8);
  expect(Object.keys(vxlab.pcap)).toContain('PcapngWriter');
  expect(Object.keys(vxlab.inspect)).toContain('dissect');
  for (const name of Object.keys(engine)) expect(vxlab).toHaveProperty(name);
});

test('a capture in memory needs no file', () => {
  const chunks: Uint8Array[] = [];
  const capture = new vxlab.PcapngCapture((bytes) => chunks.push(bytes), 'a test');
  const lab = new vxlab.Lab(lecture(), { capture });
  expect(lab.ping('appserver', 'mysql.1').replies).toHaveLength(1);
  lab.close();
  capture.flush();
  const { packets, interfaces, sections } = vxlab.pcap.readAll(new Uint8Array(Buffer.concat(chunks)));
  expect(packets).toHaveLength(capture.packets);
  expect(interfaces.map(({ name }) => name)).toEqual(capture.interfaces);
  expect(sections[0]?.application).toBe('a test');
  expect(packets[0]?.time).toBe(BigInt(vxlab.EPOCH_SECONDS) * 1_000_000_000n);
});
