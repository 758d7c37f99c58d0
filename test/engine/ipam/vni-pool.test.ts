import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VNI_MAX } from '../../../src/core/wire/numbers.ts';
import { parseVniList, VNI_FIRST, VniPool } from '../../../src/engine/ipam/vni-pool.ts';

const failing = (code: string): unknown => expect.objectContaining({ name: 'VxlabError', code });

describe('VNI pool', () => {
  test('serial from 4096; a removed one is not given again at once', () => {
    const pool = new VniPool();
    expect(['ingress', 'a', 'b', 'c'].map((name) => pool.take(name))).toEqual([4096, 4097, 4098, 4099]);
    for (const vni of [4097, 4098, 4099]) pool.release(vni);
    expect(pool.take('d')).toBe(4100);
    expect(pool.count).toBe(2);
    expect([pool.owner(4096), pool.owner(4097), pool.owner(4100)]).toEqual(['ingress', undefined, 'd']);
  });

  test('numbers asked for are stepped over, and any of 24 bits can be asked for', () => {
    const pool = new VniPool();
    expect([100, VNI_MAX, 0, 4097].map((vni) => pool.takeExact(vni, 'mine'))).toEqual([
      100,
      VNI_MAX,
      0,
      4097,
    ]);
    expect([pool.take('x'), pool.take('y')]).toEqual([4096, 4098]);
  });

  test.each([-1, VNI_MAX + 1, 1.5, Number.NaN])('%s is no VNI', (vni) => {
    expect(() => new VniPool().takeExact(vni, 'x')).toThrow(failing('BAD_VNI'));
    expect(() => new VniPool().takeExact(vni, 'x')).toThrow(`"${vni}"`);
  });

  test('a VNI in use is refused and its holder named; releasing a free one too', () => {
    const pool = new VniPool();
    pool.takeExact(4100, 'web');
    expect(() => pool.takeExact(4100, 'db')).toThrow(failing('VNI_TAKEN'));
    expect(() => pool.takeExact(4100, 'db')).toThrow('VNI 4100 is in use by web; db cannot have it');
    expect(pool.release(4100)).toBe('web');
    expect(() => pool.release(4100)).toThrow(failing('NOT_LEASED'));
    expect(() => pool.release(-1)).toThrow(failing('NOT_LEASED'));
  });

  test('the last VNI is 2^24 - 1; then none, then the one that came back', () => {
    const pool = new VniPool(VNI_MAX - 3);
    expect([1, 2, 3, 4].map(() => pool.take('x'))).toEqual([0xfffffc, 0xfffffd, 0xfffffe, 0xffffff]);
    expect(() => pool.take('z')).toThrow(failing('POOL_EXHAUSTED'));
    expect(() => pool.take('z')).toThrow('no VNI is left for z: all 4 from 16777212 to 16777215');
    pool.release(0xfffffd);
    expect(pool.take('z')).toBe(0xfffffd);
    expect(() => pool.take('z')).toThrow(failing('POOL_EXHAUSTED'));
  });

  test("a range of one's own ends where it was told to, or is refused", () => {
    const pool = new VniPool(1, 2);
    expect([pool.take('a'), pool.take('b')]).toEqual([1, 2]);
    expect(() => pool.take('c')).toThrow(failing('POOL_EXHAUSTED'));
    expect(pool.takeExact(3, 'c')).toBe(3);
    for (const [first, last] of [
      [5, 4],
      [-1, 4],
      [0, VNI_MAX + 1],
    ] as const) {
      expect(() => new VniPool(first, last)).toThrow(failing('BAD_VNI'));
    }
  });

  test('a hundred thousand in a row without a gap', () => {
    const pool = new VniPool();
    for (let i = 0; i < 100_000; i++) {
      const vni = pool.take('x');
      if (vni !== VNI_FIRST + i) expect.fail(`${vni} came at place ${i}`);
    }
    expect(pool.count).toBe(100_000);
  });

  test('a list gives one VNI a subnet: those to spare are ignored, too few are refused', () => {
    const pool = new VniPool();
    expect(pool.takeList([4106, 4107, 4108], 2, 'two')).toEqual([4106, 4107]);
    expect(pool.owner(4108)).toBeUndefined();
    expect(() => pool.takeList([5000], 2, 'short')).toThrow(failing('BAD_VNI'));
    expect(() => pool.takeList([5000], 2, 'short')).toThrow('short has 2 subnets');
  });

  test('a list is taken whole or not at all', () => {
    const pool = new VniPool();
    pool.takeExact(4107, 'web');
    expect(() => pool.takeList([4106, 4107], 2, 'x')).toThrow(failing('VNI_TAKEN'));
    expect(() => pool.takeList([4106, VNI_MAX + 1], 2, 'x')).toThrow(failing('BAD_VNI'));
    expect(() => pool.takeList([4106, 4106], 2, 'x')).toThrow('VNI 4106 stands twice');
    expect(pool.count).toBe(1);
  });

  test('against a set: no number is given twice while it is held', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(20)), { maxLength: 60 }), (steps) => {
        const pool = new VniPool();
        const held = new Set<number>();
        for (const step of steps) {
          if (step === null) {
            const vni = pool.take('x');
            expect(held.has(vni)).toBe(false);
            held.add(vni);
          } else if (held.delete(VNI_FIRST + step)) {
            pool.release(VNI_FIRST + step);
          } else {
            pool.takeExact(VNI_FIRST + step, 'exact');
            held.add(VNI_FIRST + step);
          }
        }
        expect(pool.count).toBe(held.size);
      }),
    );
  });
});

describe('vxlanid_list', () => {
  test('numbers between commas', () => {
    expect(parseVniList('100')).toEqual([100]);
    expect(parseVniList('1,2,3')).toEqual([1, 2, 3]);
    expect(parseVniList('0,16777215')).toEqual([0, 16777215]);
  });

  test.each([
    ['1,2,3,', '', [1, 2, 3]],
    ['abc', 'abc', []],
    ['1,abc,3', 'abc', [1]],
    ['1, 2', ' 2', [1]],
    ['16777216', '16777216', []],
    ['7,-1', '-1', [7]],
    ['', '', []],
  ])('"%s" is refused naming "%s", and the numbers before it are kept', (text, bad, before) => {
    const into: number[] = [];
    expect(() => parseVniList(text, into)).toThrow(failing('BAD_VNI'));
    expect(into).toEqual(before);
    expect(() => parseVniList(text)).toThrow(`"${bad}" is not a VNI`);
  });
});
