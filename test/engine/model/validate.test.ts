import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseCidr } from '../../../src/engine/ipam/cidr.ts';
import type { Diagnostic, RuleId, Where } from '../../../src/engine/model/diagnostic.ts';
import {
  compareDiagnostics,
  countSeverities,
  Diagnostics,
  hasErrors,
} from '../../../src/engine/model/diagnostic.ts';
import { RULES } from '../../../src/engine/model/rules.ts';
import type { PlannedNetwork, PublishedPort } from '../../../src/engine/model/validate.ts';
import { checkAddressPlan, checkPublished } from '../../../src/engine/model/validate.ts';

function where(line: number): Where {
  return { at: { line, column: 1 }, end: null, path: `p${line}` };
}

function network(
  key: string,
  line: number,
  more: Partial<PlannedNetwork> & { readonly blocks?: string[] } = {},
): PlannedNetwork {
  const { blocks = [], ...rest } = more;
  const subnets = blocks.map((text, index) => ({ cidr: parseCidr(text), where: where(line + index) }));
  return { key, where: where(line), subnets, vnis: [], tasks: 0, vips: 0, nodes: 3, ...rest };
}

function plan(...networks: readonly PlannedNetwork[]): readonly Diagnostic[] {
  const found = new Diagnostics();
  checkAddressPlan(networks, found);
  return found.sorted();
}

function rules(found: readonly Diagnostic[]): readonly RuleId[] {
  return found.map((one) => one.rule);
}

describe('the address plan', () => {
  test('blocks beside one another do not overlap', () => {
    expect(
      plan(network('a', 1, { blocks: ['10.1.0.0/24'] }), network('b', 2, { blocks: ['10.1.1.0/24'] })),
    ).toEqual([]);
  });

  test('an overlap names both networks, the place of the first and the shared addresses', () => {
    const [found] = plan(
      network('a', 1, { blocks: ['10.1.0.0/16'] }),
      network('b', 2, { blocks: ['10.1.1.0/30'] }),
    );
    expect(found).toMatchObject({ rule: 'OV1304', at: { line: 2 }, hint: 'both hold 10.1.1.0 to 10.1.1.3' });
    expect(found?.message).toBe(
      'subnet 10.1.1.0/30 of network "b" overlaps 10.1.0.0/16, that of network "a" (1:1)',
    );
    const [one] = plan(network('a', 1, { blocks: ['10.1.0.0/16', '10.1.1.7/32'] }));
    expect(one?.hint).toBe('both hold 10.1.1.7');
  });

  test('a block over many tells of three at most', () => {
    const small = [1, 2, 3, 4, 5].map((n) => network(`n${n}`, n, { blocks: [`10.1.${n}.0/24`] }));
    expect(rules(plan(...small, network('all', 9, { blocks: ['10.1.0.0/16'] })))).toEqual([
      'OV1304',
      'OV1304',
      'OV1304',
    ]);
  });

  test.each([
    ['10.0.0.128/25', 'OV1305'],
    ['10.0.0.0/8', 'OV1305'],
    ['172.18.255.0/24', 'OV1306'],
    ['127.0.1.0/24', 'OV1312'],
    ['224.1.0.0/16', 'OV1312'],
    ['fd00::/64', 'OV1308'],
  ])('%s is %s', (block, rule) => {
    expect(rules(plan(network('a', 1, { blocks: [block] })))).toEqual([rule]);
  });

  test('IPv6 blocks overlap too', () => {
    const both = plan(network('a', 1, { blocks: ['fd00::/64'] }), network('b', 2, { blocks: ['fd00::/80'] }));
    expect(rules(both)).toEqual(['OV1308', 'OV1304', 'OV1308']);
    expect(both[1]?.hint).toBe('both hold fd00:: to fd00::ffff:ffff:ffff');
  });

  test('room is counted with VIPs, a balancer a node that may run a task, and the gateway', () => {
    const needs = (tasks: number, vips: number, nodes: number): readonly RuleId[] =>
      rules(plan(network('a', 1, { blocks: ['10.1.0.0/28'], tasks, vips, nodes })));
    expect(needs(9, 1, 3)).toEqual([]);
    expect(needs(10, 1, 3)).toEqual(['OV1307']);
    expect(needs(6, 1, 9)).toEqual([]);
    expect(needs(7, 1, 9)).toEqual(['OV1307']);
    const [found] = plan(network('a', 1, { blocks: ['10.1.0.0/28'], tasks: 200, vips: 1 }));
    expect(found?.hint).toBe('a /24 is large enough');
    expect(plan(network('a', 1, { tasks: 2 ** 40 }))[0]?.hint).toBeNull();
  });

  test('what the hint calls large enough is large enough, and half of it is not', () => {
    fc.assert(
      fc.property(fc.integer({ min: 254, max: 100_000 }), (tasks) => {
        const [found] = plan(network('a', 1, { tasks }));
        const prefix = Number(/\/(\d+)/.exec(found?.hint ?? '')?.[1]);
        const fits = (length: number): boolean =>
          plan(network('a', 1, { blocks: [`10.128.0.0/${length}`], tasks })).length === 0;
        expect(fits(prefix)).toBe(true);
        expect(fits(prefix + 1)).toBe(false);
      }),
    );
  });

  test('a VNI belongs to one subnet of the whole stack; below 4096 is worth a note', () => {
    const vni = (line: number, ...list: readonly number[]): Partial<PlannedNetwork> => ({
      vnis: list.map((one) => ({ vni: one, where: where(line) })),
    });
    expect(plan(network('a', 1, vni(1, 4096, 16777215)), network('b', 2, vni(2, 4097)))).toEqual([]);
    const twice = plan(network('a', 1, vni(1, 5000, 5000)), network('b', 2, vni(2, 5000, 4095)));
    expect(twice.map((one) => [one.rule, one.at.line])).toEqual([
      ['OV1310', 1],
      ['OV1310', 2],
      ['OV1311', 2],
    ]);
    expect(twice[0]?.message).toContain('in this list');
    expect(twice[1]?.message).toContain('in network "a" (1:1)');
  });
});

describe('published ports', () => {
  function ports(
    ...list: readonly (readonly [string, number | null, 'tcp' | 'udp', 'ingress' | 'host'])[]
  ): readonly RuleId[] {
    const found = new Diagnostics();
    checkPublished(
      list.map(([service, published, protocol, mode], index): PublishedPort => {
        return { service, published, target: 80, protocol, mode, where: where(index + 1) };
      }),
      found,
    );
    return rules(found.sorted());
  }

  test('one port, two protocols, or none given: fine', () => {
    expect(ports(['a', 53, 'tcp', 'ingress'], ['b', 53, 'udp', 'ingress'])).toEqual([]);
    expect(ports(['a', null, 'tcp', 'ingress'], ['b', null, 'tcp', 'ingress'])).toEqual([]);
  });

  test('ingress clashes with ingress and with host, host with host only in one service', () => {
    expect(ports(['a', 80, 'tcp', 'ingress'], ['b', 80, 'tcp', 'ingress'])).toEqual(['OV1602']);
    expect(ports(['a', 80, 'tcp', 'ingress'], ['b', 80, 'tcp', 'host'])).toEqual(['OV1602']);
    expect(ports(['a', 80, 'tcp', 'host'], ['b', 80, 'tcp', 'host'])).toEqual([]);
    expect(ports(['a', 80, 'tcp', 'host'], ['a', 80, 'tcp', 'host'])).toEqual(['OV1602']);
  });
});

describe('diagnostics', () => {
  test("the severity is the rule's, the order is that of reading, and nothing is told twice", () => {
    const found = new Diagnostics();
    expect(found.failed).toBe(false);
    found.report('OV1302', where(3), 'c', 'hint');
    found.report('OV1302', where(3), 'c', 'other');
    found.report('OV1311', where(1), 'b');
    expect(found.failed).toBe(false);
    found.report('OV1303', where(3), 'a');
    expect(found.failed).toBe(true);
    expect(found.sorted().map((one) => [one.rule, one.severity, one.hint])).toEqual([
      ['OV1311', 'note', null],
      ['OV1303', 'error', null],
      ['OV1302', 'warning', 'hint'],
    ]);
    expect(countSeverities(found.sorted())).toEqual({ error: 1, warning: 1, note: 1 });
    expect(hasErrors(found.sorted())).toBe(true);
  });

  test('the order is total: any two different diagnostics differ in it, whichever comes first', () => {
    const place = fc.record({ line: fc.integer({ min: 1, max: 2 }), column: fc.integer({ min: 1, max: 2 }) });
    const one = fc
      .record({
        rule: fc.constantFrom(...(Object.keys(RULES).slice(0, 4) as RuleId[])),
        message: fc.constantFrom('a', 'b'),
        at: place,
        path: fc.constantFrom('x', 'y'),
      })
      .map((made): Diagnostic => ({ ...made, severity: RULES[made.rule].severity, hint: null, end: null }));
    fc.assert(
      fc.property(one, one, (a, b) => {
        expect(Math.sign(compareDiagnostics(a, b))).toBe(0 - Math.sign(compareDiagnostics(b, a)));
        expect(compareDiagnostics(a, b) === 0).toBe(
          JSON.stringify(a) === JSON.stringify({ ...b, rule: a.rule }) && a.rule === b.rule,
        );
      }),
    );
  });
});
