import { describe, expect, test } from 'vitest';
import { craft, FRAME_MAX, LAYER_KINDS, layer } from '../../../src/core/craft/craft.ts';
import type { Layer, LayerKind } from '../../../src/core/craft/layer.ts';
import { VxlabError } from '../../../src/core/wire/numbers.ts';
import { toHex } from '../../support/bytes.ts';

function stack(...told: readonly (readonly [string, string?])[]): Layer[] {
  return told.map(([name, fields = '']) => {
    const kind = LAYER_KINDS.find((one) => one.name === name) as LayerKind;
    return layer(kind, fields);
  });
}

const NONE = new Uint8Array(0);
const build = (...told: readonly (readonly [string, string?])[]): string =>
  toHex(craft(stack(...told), NONE));

function refusal(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    expect(error).toBeInstanceOf(VxlabError);
    expect((error as VxlabError).code).toBe('BAD_CRAFT');
    return (error as VxlabError).message;
  }
  throw new Error('nothing was refused');
}

describe('a crafted frame', () => {
  test('announces each next layer, and none where bytes come next', () => {
    expect(build(['ether'], ['arp']).slice(24, 28)).toBe('0806');
    expect(build(['ether'], ['dot1ad', 'vlan=5'], ['dot1q', 'vlan=6,prio=7'], ['ipv6']).slice(24, 44)).toBe(
      '88a80005' + '8100e006' + '86dd',
    );
    expect(build(['ip'], ['tcp']).slice(18, 20)).toBe('06');
    expect(build(['ipv6']).slice(12, 14)).toBe('3b');
    expect(build(['ip'], ['udp'], ['vxlan']).slice(44, 48)).toBe('12b5');
    expect(build(['ip'], ['udp'], ['gpe'], ['ipv6']).slice(44, 48)).toBe('12b6');
    expect(build(['gpe', 'vni=600'], ['ip']).slice(0, 16)).toBe('0c000001' + '00025800');
  });

  test('carries VXLAN with its I flag, VNI and group policy as RFC 7348 and the draft draw them', () => {
    expect(build(['vxlan', 'vni=4097'])).toBe('0800000000100100');
    expect(build(['vxlan', 'vni=0xffffff,gbp=0x1234'])).toBe('88001234ffffff00');
    expect(build(['vxlan', 'vni=1,flags=0,reserved1=7,reserved2=9'])).toBe('0000000700000109');
  });

  test('an ARP takes its addresses from the frame around it, an answer also its target', () => {
    const frame = build(['ether', 'src=02:00:00:00:00:0a,dst=02:00:00:00:00:0b'], ['arp', 'op=is-at']);
    expect(frame.slice(44, 56)).toBe('02000000000a');
    expect(frame.slice(64, 76)).toBe('02000000000b');
    expect(build(['ether', 'dst=02:00:00:00:00:0b'], ['arp']).slice(64, 76)).toBe('000000000000');
  });

  test('has letters for flags', () => {
    expect(build(['tcp', 'flags=SA']).slice(24, 28)).toBe('5012');
    expect(build(['ip', 'flags=DF']).slice(12, 16)).toBe('4000');
    expect(build(['ip', 'flags=MF+evil,frag=185']).slice(12, 16)).toBe('a0b9');
  });

  test('a checksum that is given stays, one over nothing known is left 0', () => {
    expect(build(['ip'], ['udp', 'chksum=0']).slice(-4)).toBe('0000');
    expect(build(['udp']).slice(-4)).toBe('0000');
  });
});

describe('what is no frame', () => {
  test('is refused with the field, what it may be, and what there is', () => {
    const ip = LAYER_KINDS.find(({ name }) => name === 'ip') as LayerKind;
    expect(refusal(() => layer(ip, 'ttl=256'))).toBe('--ip ttl=256: ttl is 0 to 255');
    expect(refusal(() => layer(ip, 'ttl=-1'))).toBe('--ip ttl=-1: ttl is 0 to 255');
    expect(refusal(() => layer(ip, 'ttl='))).toBe('--ip ttl=: ttl is 0 to 255');
    expect(refusal(() => layer(ip, 'dst'))).toBe('--ip dst: dst is an IPv4 address');
    expect(refusal(() => layer(ip, 'dst=::1'))).toBe('--ip dst=::1: dst is an IPv4 address');
    expect(refusal(() => layer(ip, 'flags=XY'))).toBe(
      '--ip flags=XY: flags is MF, DF, evil joined by +, or 0 to 7',
    );
    expect(refusal(() => layer(ip, 'hlim=3'))).toMatch(/^--ip has no field "hlim"; it has src, dst, ttl/);
    expect(refusal(() => layer(ip, 'constructor=3'))).toMatch(/has no field/);
    expect(refusal(() => layer(ip, 'ttl=3,ttl=4'))).toBe('--ip has ttl twice');
  });

  test('a layer that another has no number for needs one', () => {
    expect(refusal(() => build(['ip'], ['ether']))).toMatch(
      /^--ether cannot follow --ip, unless --ip proto=NUMBER/,
    );
    expect(build(['ip', 'proto=97'], ['ether']).slice(18, 20)).toBe('61');
    expect(refusal(() => build(['udp'], ['ip']))).toMatch(/--udp dport=NUMBER/);
  });

  test('has no layer, or is too long', () => {
    expect(refusal(() => craft([], NONE))).toBe('a frame has at least one layer');
    expect(refusal(() => craft(stack(['ip']), new Uint8Array(FRAME_MAX)))).toMatch(/65557 is the most$/);
  });
});
