import { describe, expect, test } from 'vitest';
import { cli, documentOf, LECTURE } from '../cli/harness.ts';

interface Demo {
  readonly packet: {
    readonly number: number;
    readonly hex: string;
    readonly layers: { readonly protocol: string }[];
  };
  readonly requests: readonly {
    readonly requests: number;
    readonly failures: number;
    readonly service: string;
  }[];
  readonly connections: readonly {
    readonly from: string;
    readonly to: string;
    readonly retransmits: number;
  }[];
  readonly steps: readonly { readonly vni: number; readonly reads: string }[];
  readonly overheard: readonly { readonly text: string; readonly frame: number; readonly offset: number }[];
}

describe('vxlab demo', () => {
  test('fits one screen', async () => {
    const { code, out, err } = await cli(['demo']);
    expect([code, err]).toEqual([0, '']);
    const lines = out.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(51);
    for (const line of lines) expect(line.length).toBeLessThanOrEqual(110);
  });

  test('reads question and answer off the underlay where it says they are', async () => {
    const { packet, overheard } = documentOf<Demo>('demo', await cli(['demo', '--json']));
    const [question, answer] = overheard;
    expect(question?.frame).toBe(packet.number);
    const bytes = Buffer.from(packet.hex, 'hex');
    expect(bytes.subarray(question?.offset).toString('latin1')).toBe(question?.text);
    expect(question?.text).toMatch(/^SELECT .* FROM customer WHERE id = 1$/);
    expect(answer?.text).toContain('"id":1,');
    expect(packet.layers.map(({ protocol }) => protocol)).toEqual([
      'eth',
      'ip',
      'udp',
      'vxlan',
      'eth',
      'ip',
      'tcp',
      'data',
    ]);
  });

  test('follows one request through three tiers and two networks, and loses none', async () => {
    const { requests, connections, steps } = documentOf<Demo>('demo', await cli(['demo', '--json']));
    expect(steps[0]?.reads).toBe('GET /customers/1 HTTP/1.1');
    expect(steps.at(-1)?.reads).toBe('HTTP/1.1 200 OK');
    expect(new Set(steps.map(({ vni }) => vni)).size).toBe(2);
    expect(requests.map(({ service, requests: asked, failures }) => [service, asked, failures])).toEqual([
      ['webserver', 6, 0],
      ['appserver', 6, 0],
    ]);
    expect(connections.map(({ from, to, retransmits }) => [from, to, retransmits])).toEqual([
      ['webserver', 'appserver', 0],
      ['appserver', 'mysql', 0],
    ]);
  });

  test('tells the same story every time', async () => {
    expect((await cli(['demo'])).out).toBe((await cli(['demo'])).out);
  });

  test('ends with commands that work', async () => {
    const { out } = await cli(['demo']);
    const commands = out.split('\n').filter((line) => line.startsWith('  vxlab '));
    expect(commands.length).toBeGreaterThanOrEqual(3);
    for (const line of commands.filter((one) => !one.includes('--capture'))) {
      expect([line, (await cli(line.trim().split(' ').slice(1))).code]).toEqual([line, 0]);
    }
  });
});

describe('vxlab ping', () => {
  test('prints what iputils prints', async () => {
    const { code, out } = await cli(['ping', 'appserver', 'mysql.1', '-f', LECTURE, '-c', '2']);
    expect(code).toBe(0);
    expect(out).toMatch(
      new RegExp(
        [
          '^PING mysql\\.1 \\(10\\.0\\.3\\.6\\) 56\\(84\\) bytes of data\\.',
          '64 bytes from 10\\.0\\.3\\.6: icmp_seq=1 ttl=64 time=0\\.\\d{3} ms',
          '64 bytes from 10\\.0\\.3\\.6: icmp_seq=2 ttl=64 time=0\\.\\d{3} ms',
          '',
          '--- mysql\\.1 ping statistics ---',
          '2 packets transmitted, 2 received, 0% packet loss, time 1000ms',
          'rtt min/avg/max/mdev = 0\\.\\d{3}/0\\.\\d{3}/0\\.\\d{3}/0\\.\\d{3} ms\n$',
        ].join('\n'),
      ),
    );
  });

  test('answers 1 when nothing answers or nothing can', async () => {
    const silent = await cli(['ping', 'webserver.1', '10.0.1.99', '-f', LECTURE, '-c', '2', '--json']);
    expect(silent.code).toBe(1);
    expect(documentOf('ping', silent)).toMatchObject({ sent: 2, received: 0, rtt: null });
    const apart = await cli(['ping', 'webserver', 'mysql.1', '-f', LECTURE]);
    expect(apart.code).toBe(1);
    expect(apart.err).toContain('share no network');
  });

  test('the largest packet is the MTU’s, and one more needs fragments', async () => {
    const size = (n: number, hint: string): Promise<{ code: number; out: string }> =>
      cli(['ping', 'appserver', 'mysql.1', '-f', LECTURE, '-c', '1', '-s', String(n), '-M', hint]);
    expect((await size(1422, 'do')).code).toBe(0);
    const long = await size(1423, 'do');
    expect(long.code).toBe(1);
    expect(long.out).toContain('ping: local error: message too long, mtu=1450');
    expect((await size(1423, 'want')).code).toBe(0);
    expect((await size(8000, 'dont')).code).toBe(0);
  });

  test('prints the documented JSON, and says when an address is virtual', async () => {
    const ran = await cli(['ping', 'appserver', 'webserver', '-f', LECTURE, '--json']);
    expect(documentOf('ping', ran)).toMatchObject({ address: '10.0.1.2', sent: 3, received: 3, errors: [] });
    expect(ran.err).toContain('virtual address of service lecture_webserver');
  });

  test('keeps the interval and the hop limit it is given', async () => {
    const ran = await cli(['ping', 'appserver', 'mysql.1', '-f', LECTURE, '-i', '0.2', '-t', '9', '--json']);
    const { elapsed, replies } = documentOf<{ elapsed: number; replies: { ttl: number }[] }>('ping', ran);
    expect(elapsed).toBeGreaterThan(400e6);
    expect(elapsed).toBeLessThan(402e6);
    expect(replies.map(({ ttl }) => ttl)).toEqual([64, 64, 64]);
  });
});

describe('vxlab trace', () => {
  test('numbers each step, with entry and command', async () => {
    const { code, out } = await cli(['trace', 'appserver', 'mysql.1', '-f', LECTURE]);
    expect(code).toBe(0);
    expect(out).toMatch(
      /^echo request lecture_appserver\.1 > mysql\.1 \(10\.0\.3\.6\): answered after 0\.\d{3} ms\n/,
    );
    expect(out).toMatch(/^ +1\. /m);
    expect(out).toMatch(/^ +\$ .*bridge fdb show dev vxlan0/m);
    expect(out).toContain('--all tells them');
  });

  test('prints the documented JSON; --all adds the other frames to the text', async () => {
    const argv = ['trace', 'appserver', 'mysql.1', '-f', LECTURE];
    const { others } = documentOf<{ others: unknown[] }>('trace', await cli([...argv, '--json']));
    expect(others.length).toBeGreaterThan(2);
    const { out } = await cli([...argv, '--all']);
    expect(out).toMatch(/^echo reply \(frame \d+\): delivered$/m);
  });

  test('answers 1 when no answer came', async () => {
    const ran = await cli(['trace', 'webserver.1', '10.0.3.6', '-f', LECTURE]);
    expect(ran.code).toBe(1);
    expect(ran.out).toContain('no answer');
  });
});

describe('vxlab show', () => {
  test.each(['fdb', 'links', 'peers', 'neigh', 'ipam', 'dns'])(
    '%s prints the documented JSON in every profile',
    async (table) => {
      for (const profile of ['docker', 'flood-and-learn', 'head-end', 'flannel', 'flannel-direct']) {
        const ran = await cli(['show', table, '-f', LECTURE, '--profile', profile, '--json']);
        const { rows } = documentOf<{ rows: unknown[] }>('show', ran);
        expect(rows.length, profile).toBeGreaterThan(0);
      }
    },
  );

  test('ipvs prints the documented JSON: every service on every node of its networks, nothing where there are none', async () => {
    const ran = await cli(['show', 'ipvs', '-f', LECTURE, '--node', 'manager1', '--json']);
    const { rows } = documentOf<{ rows: { service: string; mark: number; ports: string[] }[] }>('show', ran);
    expect(rows.slice(0, 2)).toMatchObject([
      { namespace: 'ingress_sbox', service: 'lecture_webserver', mark: 256, ports: ['8085/tcp'] },
      { namespace: 'ingress_sbox', service: 'lecture_webserver', mark: 256, ports: ['8085/tcp'] },
    ]);
    expect(rows.length).toBeGreaterThan(2);
    const none = await cli(['show', 'ipvs', '-f', LECTURE, '--profile', 'flannel', '--json']);
    expect(documentOf<{ rows: unknown[] }>('show', none).rows).toEqual([]);
  });

  test('fdb prints the lines of bridge fdb show', async () => {
    const { out } = await cli(['show', 'fdb', '-f', LECTURE, '--node', 'worker2']);
    expect(out).toContain('02:42:0a:00:03:06 dev vxlan0 dst 192.0.2.12 self permanent\n');
    expect(out).toContain('02:42:0a:00:03:06 dev vxlan0 master br0\n');
    const line = /^([0-9a-f:]{17} dev \S+( dst \S+ self| master \S+)( permanent)?|# worker2.*|)$/;
    for (const one of out.split('\n')) expect(one).toMatch(line);
  });

  test('links prints the vxlan line of ip -d link', async () => {
    const { out } = await cli(['show', 'links', '-f', LECTURE]);
    expect(out).toContain(
      'vxlan id 4099 srcport 0 0 dstport 4789 proxy l2miss l3miss ttl auto ageing 300 udpcsum noudp6zerocsumtx noudp6zerocsumrx\n',
    );
    const learning = await cli(['show', 'links', '-f', LECTURE, '--profile', 'flood-and-learn']);
    expect(learning.out).toMatch(
      /vxlan id 4096 group 239\.0\.16\.0 dev eth0 srcport 49152 65535 dstport 4789 ttl auto/,
    );
    const flannel = await cli(['show', 'links', '-f', LECTURE, '--profile', 'flannel']);
    expect(flannel.out).toMatch(/vxlan id 1 srcport 0 0 dstport 8472 nolearning ttl auto/);
  });

  test('neigh prints the lines of ip neigh', async () => {
    const { out } = await cli(['show', 'neigh', '-f', LECTURE]);
    expect(out).toContain('10.0.3.6 dev vxlan0 lladdr 02:42:0a:00:03:06 PERMANENT\n');
    expect(out).toMatch(/^10\.0\.3\.6 dev eth1 lladdr 02:42:0a:00:03:06 (REACHABLE|DELAY|STALE)$/m);
  });

  test('keeps columns straight in the tables', async () => {
    for (const name of ['peers', 'ipam', 'dns']) {
      const { out } = await cli(['show', name, '-f', LECTURE]);
      const [head = '', ...lines] = (out.split('\n\n')[0] as string).trimEnd().split('\n');
      const at = head.indexOf('VNI') >= 0 ? head.indexOf('VNI') + 3 : head.indexOf('TTL') + 3;
      for (const line of lines) expect(line.charAt(at)).toBe(' ');
    }
  });
});
