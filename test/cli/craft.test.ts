import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hasTool, runTool } from '../support/peers.ts';
import { cli, documentOf } from './harness.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'vxlab-craft-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const TUNNEL = '--ether --ip dst=192.0.2.12 --udp --vxlan vni=4097 --ether --arp'.split(' ');

describe('vxlab craft', () => {
  test('takes layers in the order of the command line, the same kind twice', async () => {
    const ran = await cli(['craft', ...TUNNEL, '--json']);
    expect(ran.code).toBe(0);
    const document = documentOf<{ layers: string[]; length: number; hex: string }>('craft', ran);
    expect(document.layers).toEqual(['ether', 'ip', 'udp', 'vxlan', 'ether', 'arp']);
    expect(document.length).toBe(92);
    expect((await cli(['craft', ...TUNNEL, '--raw'])).out).toBe(`${document.hex}\n`);
  });

  test('shows the line, the tree and the marked bytes of what it made', async () => {
    const { out } = await cli(['craft', ...TUNNEL, '-V']);
    expect(out).toContain('ARP');
    expect(out).toMatch(/VXLAN Network Identifier.*4097/);
    expect(out).toMatch(/^0000 {2}ff ff ff ff ff ff 02 00/m);
  });

  test('writes captures that begin at time 0, the same bytes each time', async () => {
    const [one, two] = [join(folder, 'one.pcap'), join(folder, 'two.pcap')];
    for (const path of [one, two]) {
      const ran = await cli(['craft', ...TUNNEL, '--count', '3', '-o', path]);
      expect(ran).toEqual({ code: 0, out: '', err: '3 packets of 92 bytes written\n' });
    }
    expect(readFileSync(one)).toEqual(readFileSync(two));
    const packets = (await cli(['inspect', '--packets', '--json', one])).out.trim().split('\n');
    expect(packets.map((line) => JSON.parse(line).time)).toEqual([
      '0.000000000',
      '0.000001000',
      '0.000002000',
    ]);
  });

  test.skipIf(!hasTool('tshark'))('tshark finds nothing wrong with any layer', async () => {
    const path = join(folder, 'all.pcap');
    const layers =
      '--ether --dot1ad vlan=3 --dot1q vlan=4 --ipv6 --udp --vxlan vni=9 --ether --ip --tcp flags=PA --payload hello';
    expect((await cli(['craft', ...layers.split(' '), '-o', path])).code).toBe(0);
    const fields = ['vxlan.vni', 'tcp.len', 'udp.checksum.status', 'tcp.checksum.status'];
    const checks = ['-o', 'udp.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE'];
    const args = ['-r', path, ...checks, '-T', 'fields', ...fields.flatMap((field) => ['-e', field])];
    expect(runTool('tshark', args)).toBe('9\t5\t1\t1\n');
  });

  test.each([
    [['craft'], 'say at least one layer'],
    [['craft', '--ip', 'ttl=300'], '--ip ttl=300: ttl is 0 to 255'],
    [['craft', '--ip', '--ether'], '--ether cannot follow --ip'],
    [['craft', '--udp', '-o', 'x.pcap'], 'a packet begins with --ether, --ip or --ipv6'],
    [['craft', '--ip', '--count', '2'], '--count needs a capture'],
    [['craft', '--ip', '--payload-hex', '0'], 'pairs of hex digits'],
  ])('answers 2 to %j and says why', async (argv, words) => {
    const ran = await cli(argv, { cwd: folder });
    expect([ran.code, ran.out]).toEqual([2, '']);
    expect(ran.err).toContain(words);
  });
});
