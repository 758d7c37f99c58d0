// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts hold Compose's variables, not JavaScript's.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { formatCidr } from '../../../src/engine/ipam/cidr.ts';
import type { Loaded } from '../../../src/engine/manifest/load.ts';
import { loadCompose } from '../../../src/engine/manifest/load.ts';
import type { NetworkSpec, ServiceSpec, StackSpec } from '../../../src/engine/model/spec.ts';

function load(text: string, variables: Record<string, string> = {}): Loaded {
  return loadCompose(text, { stack: 's', variables });
}

function specOf(text: string, variables: Record<string, string> = {}): StackSpec {
  const { spec, diagnostics } = load(text, variables);
  if (spec === null) throw new Error(diagnostics.map((one) => `${one.rule} ${one.message}`).join('\n'));
  return spec;
}

function rulesOf(text: string, variables: Record<string, string> = {}): readonly string[] {
  return load(text, variables).diagnostics.map((one) => one.rule);
}

function service(body: string, rest = ''): ServiceSpec {
  return specOf(`services:\n  web:\n    image: nginx\n${body}${rest}`).services[0] as ServiceSpec;
}

function network(body: string): NetworkSpec {
  const text = `services:\n  web:\n    image: nginx\n    networks: [front]\nnetworks:\n  front:\n${body}`;
  return specOf(text).networks[0] as NetworkSpec;
}

function fixture(name: string): StackSpec {
  const text = readFileSync(`fixtures/manifests/${name}`, 'utf8');
  const { spec, diagnostics } = loadCompose(text, { stack: 'mystack1' });
  expect(diagnostics).toEqual([]);
  return spec as StackSpec;
}

describe("the lecture's stack", () => {
  const spec = fixture('lecture.yml');

  test('has the three networks with their subnets, in the order of the file', () => {
    expect(spec.networks.map((one) => [one.key, one.name, one.driver, one.subnets.map(formatCidr)])).toEqual([
      ['mywebnw', 'mystack1_mywebnw', 'overlay', ['10.0.1.0/24']],
      ['myappnw', 'mystack1_myappnw', 'overlay', ['10.0.2.0/24']],
      ['mydbnw', 'mystack1_mydbnw', 'overlay', ['10.0.3.0/24']],
    ]);
  });

  test('has the three services, their attachments sorted by the name of the network', () => {
    expect(
      spec.services.map((one) => [one.name, one.image, one.replicas, one.networks.map((at) => at.network)]),
    ).toEqual([
      ['mystack1_webserver', 'myapache:10', 2, ['mywebnw']],
      ['mystack1_appserver', 'mytomcat:10', 2, ['myappnw', 'mydbnw', 'mywebnw']],
      ['mystack1_mysql', 'mylocalsql:10', 1, ['mydbnw']],
    ]);
  });

  test('publishes 8085 and hands the environment on', () => {
    expect(spec.services[0]?.ports).toEqual([
      { published: 8085, target: 80, protocol: 'tcp', mode: 'ingress' },
    ]);
    expect(spec.services[0]?.environment).toEqual({ mytomcat: 'mystack1_appserver' });
    expect(spec.services[1]?.environment).toEqual({
      JDBC_CONNECTION_STRING: 'jdbc:mysql://mystack1_mysql:3306/web_customer_tracker?useSSL=false',
    });
  });

  test('as deployed on a real swarm: names, commands, dnsrr, restart delay', () => {
    const real = fixture('lecture-dnsrr.yml');
    expect(real.version).toBe('3.7');
    expect(real.networks.map((one) => [one.name, one.attachable])).toEqual([
      ['mywebnw', true],
      ['myappnw', true],
      ['mydbnw', true],
    ]);
    const mysql = real.services[2] as ServiceSpec;
    expect(mysql.hostname).toBe('mysql-{{.Task.Slot}}');
    expect(mysql.command).toEqual(['nc', '-ll', '-p', '3306', '-e', '/bin/fakesql']);
    expect(mysql.environment).toEqual({ MYSQL_ROOT_PASSWORD: 'T0pSecret!', MYSQL_DATABASE: 'shop' });
    expect(mysql.endpointMode).toBe('dnsrr');
    expect(mysql.restart).toEqual({ condition: 'any', delay: 2e9, maxAttempts: null, window: 0 });
  });
});

describe('networks as docker stack deploy makes them', () => {
  test('a service without networks joins the implicit default', () => {
    const spec = specOf('services:\n  web:\n    image: nginx\n');
    expect(spec.version).toBeNull();
    expect(spec.networks).toMatchObject([{ key: 'default', name: 's_default', implicit: true, subnets: [] }]);
    expect(spec.services[0]?.networks).toEqual([{ network: 'default', aliases: ['web'] }]);
  });

  test('a file may configure the default network', () => {
    const spec = specOf('services:\n  web:\n    image: nginx\nnetworks:\n  default:\n    attachable: true\n');
    expect(spec.networks).toMatchObject([{ name: 's_default', implicit: false, attachable: true }]);
  });

  test('external networks keep their name and nothing else', () => {
    expect(network('    external: true\n')).toMatchObject({ name: 'front', external: true });
    expect(network('    external: true\n    name: shared\n')).toMatchObject({
      name: 'shared',
      external: true,
    });
    expect(network('    external:\n      name: old\n')).toMatchObject({ name: 'old', external: true });
    expect(network('    external: false\n')).toMatchObject({ name: 's_front', external: false });
  });

  test('driver options: encryption by presence, MTU, VNIs', () => {
    const made = network(
      [
        '    driver_opts:',
        '      encrypted: "false"',
        '      com.docker.network.driver.mtu: 9000',
        '      com.docker.network.driver.overlay.vxlanid_list: "5001, 5002"',
        '    labels: [a=b, c]',
        '    internal: true',
        '',
      ].join('\n'),
    );
    expect(made).toMatchObject({ encrypted: true, mtu: 9000, vnis: [5001, 5002], internal: true });
    expect(made.labels).toEqual({ a: 'b', c: '' });
    expect(made.driverOpts['com.docker.network.driver.mtu']).toBe('9000');
    expect(network('    driver: overlay\n').encrypted).toBe(false);
  });

  test('host bits are cleared', () => {
    expect(network('    ipam:\n      config: [{subnet: 10.9.1.5/24}]\n').subnets.map(formatCidr)).toEqual([
      '10.9.1.0/24',
    ]);
  });

  test('attachments are sorted by the target name, not by the key', () => {
    const spec = specOf(
      'services:\n  web:\n    image: x\n    networks:\n      a: {aliases: [www, web]}\n      b:\nnetworks:\n  a: {name: zz}\n  b:\n',
    );
    expect(spec.services[0]?.networks).toEqual([
      { network: 'b', aliases: ['web'] },
      { network: 'a', aliases: ['www', 'web'] },
    ]);
  });
});

describe('addresses and sizes', () => {
  test('one network may hold two subnets, but not twice the same', () => {
    const both = (a: string, b: string): readonly string[] =>
      rulesOf(
        `services:\n  w:\n    image: x\n    networks: [n]\nnetworks:\n  n:\n    ipam:\n      config:\n        - subnet: ${a}\n        - subnet: ${b}\n`,
      );
    expect(both('10.9.1.0/24', '10.9.2.0/24')).toEqual([]);
    expect(both('10.9.1.0/24', '10.9.1.0/24')).toEqual(['OV1304']);
  });

  test('networks that nobody uses may overlap: they are not created', () => {
    const text =
      'services:\n  w:\n    image: x\nnetworks:\n  a: {ipam: {config: [{subnet: 10.9.0.0/16}]}}\n  b: {ipam: {config: [{subnet: 10.9.1.0/24}]}}\n';
    expect(rulesOf(text)).toEqual(['OV1202', 'OV1202']);
  });

  test('a /29 has five addresses: one task, its VIP and a balancer fit, two tasks on three nodes do too, three do not', () => {
    const rules = (replicas: number): readonly string[] =>
      rulesOf(
        `services:\n  w:\n    image: x\n    networks: [n]\n    deploy: {replicas: ${replicas}}\nnetworks:\n  n: {ipam: {config: [{subnet: 10.9.1.0/29}]}}\n`,
      );
    expect(rules(2)).toEqual([]);
    expect(rules(3)).toEqual(['OV1307']);
  });

  test('without a subnet a /24 is assumed; global services count the nodes', () => {
    const text = (deploy: string): string => `services:\n  w:\n    image: x\n    deploy: {${deploy}}\n`;
    expect(rulesOf(text('replicas: 249'))).toEqual([]);
    expect(rulesOf(text('replicas: 250'))).toEqual(['OV1307']);
    expect(loadCompose(text('mode: global'), { stack: 's', nodes: 126 }).diagnostics).toEqual([]);
    expect(loadCompose(text('mode: global'), { stack: 's', nodes: 127 }).diagnostics).toMatchObject([
      { rule: 'OV1307' },
    ]);
  });
});

describe('services', () => {
  test('defaults are those of the swarm', () => {
    expect(service('')).toMatchObject({
      mode: 'replicated',
      replicas: 1,
      endpointMode: 'vip',
      constraints: [],
      preferences: [],
      maxReplicasPerNode: 0,
      command: [],
      hostname: null,
      workloadOrigin: 'image',
      restart: { condition: 'any', delay: 5e9, maxAttempts: null, window: 0 },
    });
  });

  test('deploy: null is legal', () => {
    expect(service('    deploy:\n').replicas).toBe(1);
  });

  test('placement is read with fields in lower case and labels as written', () => {
    const made = service(
      [
        '    deploy:',
        '      mode: replicated-job',
        '      replicas: 4',
        '      endpoint_mode: DNSRR',
        '      placement:',
        '        constraints: [Node.Role==worker, "node.labels.Zone != a b", engine.labels.os == x]',
        '        preferences: [{spread: node.labels.zone}, {spread: node.labels.rack}]',
        '        max_replicas_per_node: 2',
        '',
      ].join('\n'),
    );
    expect(made.constraints.map(({ field, op, value }) => [field, op, value])).toEqual([
      ['node.role', '==', 'worker'],
      ['node.labels.Zone', '!=', 'a b'],
      ['engine.labels.os', '==', 'x'],
    ]);
    expect(made.constraints[0]?.at).toEqual({ line: 9, column: 23 });
    expect(made.preferences).toEqual(['node.labels.zone', 'node.labels.rack']);
    expect(made).toMatchObject({
      mode: 'replicated-job',
      replicas: 4,
      endpointMode: 'dnsrr',
      maxReplicasPerNode: 2,
    });
  });

  test.each([
    ['always', 'any', null],
    ['unless-stopped', 'any', null],
    ['on-failure', 'on-failure', null],
    ['on-failure:3', 'on-failure', 3],
    ['"no"', 'any', null],
  ])('restart: %s is read where no restart_policy stands', (restart, condition, maxAttempts) => {
    expect(service(`    restart: ${restart}\n`).restart).toMatchObject({
      condition,
      maxAttempts,
      delay: 5e9,
    });
  });

  test('restart_policy wins over restart', () => {
    const body =
      '    restart: always\n    deploy: {restart_policy: {condition: none, max_attempts: 3, window: 1m}}\n';
    expect(service(body).restart).toEqual({ condition: 'none', delay: 5e9, maxAttempts: 3, window: 60e9 });
    expect(rulesOf('services:\n  w:\n    image: x\n    restart: sometimes\n')).toEqual(['OV1508']);
  });

  test('the environment takes names without a value from outside', () => {
    const text = 'services:\n  w:\n    image: x\n    environment: [A=1, B, C, D=, E=x=y]\n';
    expect(specOf(text, { B: 'b', D: 'd' }).services[0]?.environment).toEqual({
      A: '1',
      B: 'b',
      D: 'd',
      E: 'x=y',
    });
    const map = 'services:\n  w:\n    image: x\n    environment: {A: 1.50, B:, C: "x", __proto__: 1}\n';
    const environment = specOf(map).services[0]?.environment ?? {};
    expect(Object.entries(environment)).toEqual([
      ['A', '1.5'],
      ['C', 'x'],
      ['__proto__', '1'],
    ]);
  });

  test('a command is a list of words or a line', () => {
    expect(service('    command: [a, "b c"]\n').command).toEqual(['a', 'b c']);
    expect(service(`    command: sh -c 'echo "$$HOME"'\n`).command).toEqual(['sh', '-c', 'echo "$HOME"']);
  });

  test('host mode ports may be published by two services, ingress ports may not', () => {
    const two = (mode: string): string =>
      `services:\n  a:\n    image: x\n    ports: [{target: 80, published: 80, mode: ${mode}}]\n  b:\n    image: x\n    ports: [{target: 80, published: 80, mode: host}]\n`;
    expect(rulesOf(two('host'))).toEqual([]);
    expect(rulesOf(two('ingress'))).toEqual(['OV1602']);
  });
});

describe('ports, short form', () => {
  const ports = (text: string): readonly (readonly unknown[])[] =>
    service(`    ports: ["${text}"]\n`).ports.map((one) => [one.published, one.target, one.protocol]);

  test.each([
    ['80', [[null, 80, 'tcp']]],
    ['8085:80', [[8085, 80, 'tcp']]],
    ['53:53/UDP', [[53, 53, 'udp']]],
    ['127.0.0.1::80', [[null, 80, 'tcp']]],
    ['[::1]:8080:80', [[8080, 80, 'tcp']]],
    [
      '3000-3001',
      [
        [null, 3000, 'tcp'],
        [null, 3001, 'tcp'],
      ],
    ],
    [
      '9090-9091:8080-8081/sctp',
      [
        [9090, 8080, 'sctp'],
        [9091, 8081, 'sctp'],
      ],
    ],
    [
      '8000-8001:80',
      [
        [8000, 80, 'tcp'],
        [8001, 80, 'tcp'],
      ],
    ],
  ])('%s', (text, expected) => {
    expect(ports(text)).toEqual(expected);
  });

  test.each([
    '',
    'a',
    '0',
    '65536',
    '80:',
    ':',
    '2-1',
    '1-2:1-3',
    '256.0.0.1:80:80',
    'x:1:1',
    '80/xyz',
    '-1',
  ])('%j is refused', (text) => {
    const { spec } = load(`services:\n  w:\n    image: x\n    ports: ["${text}"]\n`);
    expect(spec).toBeNull();
  });
});

describe('variables', () => {
  test('numbers and truth values may come out of variables', () => {
    const text =
      'services:\n  w:\n    image: "x:${TAG:-1}"\n    tty: ${YES}\n    deploy:\n      replicas: ${N}\n      labels: {n: "${N}"}\n';
    const made = specOf(text, { N: '3', YES: 'on' }).services[0];
    expect(made).toMatchObject({ image: 'x:1', replicas: 3 });
    expect(rulesOf(text, { N: 'three', YES: 'perhaps' })).toEqual(['OV1103', 'OV1103']);
  });

  test('text without a variable is not turned into a number', () => {
    expect(rulesOf('services:\n  w:\n    image: x\n    deploy: {replicas: "3"}\n')).toEqual(['OV1103']);
  });
});

describe('the dialect', () => {
  test.each(['3', '3.0', '3.13', ''])('version "%s" is read', (version) => {
    expect(specOf(`version: "${version}"\nservices:\n  w:\n    image: x\n`).services).toHaveLength(1);
  });

  test.each(['2', '2.4', '4', '3.14', '3.99', 'latest'])('version "%s" is not', (version) => {
    expect(rulesOf(`version: "${version}"\nservices:\n  w:\n    image: x\n`)).toEqual(['OV1105']);
  });

  test('x- keys need 3.4 at the top and 3.7 below', () => {
    const text = (minor: number): string =>
      `version: "3.${minor}"\nx-a: 1\nservices:\n  w:\n    image: x\n    x-b: 1\n`;
    expect(rulesOf(text(7))).toEqual([]);
    expect(rulesOf(text(6))).toEqual(['OV1104']);
    expect(rulesOf(text(3))).toEqual(['OV1104', 'OV1104']);
  });

  test('anchors and merge keys work; own keys win, the first of a list wins', () => {
    const spec = specOf(
      [
        'x-base: &base {image: base, hostname: h}',
        'x-more: &more {image: more, stop_signal: SIGINT}',
        'services:',
        '  a: *base',
        '  b: {<<: *base, image: own}',
        '  c:',
        '    <<: [*more, *base]',
        '',
      ].join('\n'),
    );
    expect(spec.services.map((one) => [one.key, one.image, one.hostname])).toEqual([
      ['a', 'base', 'h'],
      ['b', 'own', 'h'],
      ['c', 'more', 'h'],
    ]);
  });

  test('"<<" takes mappings only', () => {
    expect(rulesOf('services:\n  a: {<<: 3, image: x}\n')).toEqual(['OV1103']);
  });

  test('a misspelt key with a mapping below becomes driver_opts, not driver', () => {
    const { diagnostics } = load(
      'services:\n  w:\n    image: x\n    networks: [n]\nnetworks:\n  n:\n    drivers: {encrypted: ""}\n',
    );
    expect(diagnostics).toMatchObject([{ rule: 'OV1101', hint: 'did you mean "driver_opts"?' }]);
  });

  test('a file that holds every kind of section is read without a word', () => {
    const text = readFileSync('fixtures/manifests/every-key.yml', 'utf8');
    expect(load(text).diagnostics.filter((one) => one.severity === 'error')).toEqual([]);
  });
});

describe('what cannot be read as meant is reported once and left out', () => {
  const found = (body: string): readonly string[] =>
    load(`services:\n  w:\n    image: x\n    networks: [n]\n${body}`).diagnostics.map((one) =>
      `${one.at.line}:${one.at.column} ${one.rule} ${one.hint ?? ''}`.trim(),
    );

  test.each([
    ['networks:\n  n: 3\n', ['6:6 OV1103']],
    ['networks:\n  n: [{internal: true}, x]\n', ['6:6 OV1103 write its keys without "- "']],
    ['networks:\n  - n:\n      internal: true\n', ['6:3 OV1103 write its keys without "- "']],
    [
      'networks:\n',
      ['4:16 OV1201 define it under the top-level "networks"', '5:10 OV1103 put its keys below, indented'],
    ],
    ['networks:\n  n:\n    ipam:\n      config:\n', ['8:14 OV1103 put the items below, each behind "- "']],
    [
      'networks:\n  n:\n    ipam: {config: 10.1.0.0/24}\n',
      ['7:20 OV1103 write "- 10.1.0.0/24" on a line of its own below', '7:20 OV1103'],
    ],
    ['networks:\n  n:\n    ipam: {config: ["subnet:10.1.0.0/24"]}\n', ['7:21 OV1103']],
    [
      'networks:\n  n:\n    driver_opts: {a: b: c}\n',
      ['7:22 OV1001 close the bracket, or write everything inside it with commas'],
    ],
    [
      '    volumes: {a: b}\nnetworks:\n  n:\n',
      [
        '5:14 OV1103 put "- " before its first key and indent the others by two more',
        '5:14 OV1113',
        '5:15 OV1101 the keys here are type, source, target, read_only, consistency, bind, volume, tmpfs',
      ],
    ],
    ['    dns: {a: b}\nnetworks:\n  n:\n', ['5:10 OV1103']],
    [
      '    labels: true\nnetworks:\n  n:\n',
      ['5:13 OV1103 write it as an item of a list, behind "- "', '5:13 OV1103 quote it: "true"'],
    ],
    ['    cap_add: [a: b]\nnetworks:\n  n:\n', ['5:15 OV1103 quote it, so that it is one text: "a: b"']],
    ['    hostname: [a, [b]]\nnetworks:\n  n:\n', ['5:15 OV1103']],
    [
      '    ports: [{target: 80, published: -1, protocol: xyz}]\nnetworks:\n  n:\n',
      ['5:37 OV1601 published is a port from 1 to 65535', '5:51 OV1604 write tcp or udp or sctp'],
    ],
  ])('%j', (body, expected) => {
    expect(found(body)).toEqual(expected);
  });
});

describe('slips that break a list', () => {
  const ports = (
    list: string,
  ): { readonly rules: readonly string[]; readonly hints: readonly (string | null)[] } => {
    const { diagnostics } = load(`services:\n  w:\n    image: x\n    ports:\n${list}`);
    return { rules: diagnostics.map((one) => one.rule), hints: diagnostics.map((one) => one.hint) };
  };

  test('an item without its space among others that have it', () => {
    expect(ports('      - 80\n      # one\n      -443\n      - 22\n')).toEqual({
      rules: ['OV1007'],
      hints: ['write "- 443"'],
    });
  });

  test('an item with a typographic dash among others', () => {
    expect(ports('      - 80\n      \u2013443\n      \u2212 22\n').rules).toEqual(['OV1005', 'OV1005']);
  });

  test('words that go on in the next line are legal, even with a dash in front', () => {
    const spec = specOf(
      'services:\n  w:\n    image: x\n    command:\n      - java\n      - -jar a.jar\n        -Xmx512m\n',
    );
    expect(spec.services[0]?.command).toEqual(['java', '-jar a.jar -Xmx512m']);
  });

  test('tabs of one depth stay on one level', () => {
    const text = 'services:\n\tw:\n\t\timage: x\n\t\tports:\n\t\t\t- 80\n\n\t\thostname: h\n';
    const { diagnostics } = load(text);
    expect(new Set(diagnostics.map((one) => one.rule))).toEqual(new Set(['OV1002']));
    expect(diagnostics.map((one) => one.at.line)).toEqual([2, 3, 4, 5, 7]);
  });

  test('a no-break space behind a colon, alone in its mapping', () => {
    const { diagnostics } = load('services:\n  w:\n    image: x\n    deploy:\n      replicas:\u00a02\n');
    expect(diagnostics).toMatchObject([{ rule: 'OV1003', at: { line: 5, column: 7 } }]);
  });

  test('explicit tags decide what a scalar is', () => {
    const spec = specOf('services:\n  w:\n    image: !!str 3\n    deploy:\n      replicas: !!int "2"\n');
    expect(spec.services[0]).toMatchObject({ image: '3', replicas: 2 });
  });

  test('a key may be an alias of a word', () => {
    const spec = specOf('x-k: &k web\nservices:\n  *k : {image: x}\n');
    expect(spec.services[0]?.key).toBe('web');
  });
});
