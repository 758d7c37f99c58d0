// What containers run: x-vxlab in all its forms, what is wrong with it, what an image's name stands for, and who asks whom.

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadCompose, loadManifest } from '../../../src/engine/manifest/load.ts';
import { WORKLOADS } from '../../../src/engine/manifest/schema-workload.ts';
import type { Shape } from '../../../src/engine/manifest/shape.ts';
import { imageName, tierOf } from '../../../src/engine/manifest/workload-images.ts';
import type { ServiceSpec } from '../../../src/engine/model/spec.ts';
import type { WorkloadSpec } from '../../../src/engine/model/workload.ts';
import { WORKLOAD_KINDS } from '../../../src/engine/model/workload.ts';
import { manifest } from '../../support/manifests.ts';

function servicesOf(text: string, stack = 's', variables = {}): readonly ServiceSpec[] {
  const { spec, diagnostics } = loadManifest(text, { stack, variables });
  expect(diagnostics).toEqual([]);
  return spec?.services ?? [];
}

/** The workloads of a service `w` with this under its key, beside a web server `web` that runs nothing. */
function workloads(extension: string, variables = {}): readonly WorkloadSpec[] {
  const text = `services:\n  w:\n    image: x\n    x-vxlab: ${extension}\n  web:\n    image: x\n`;
  return servicesOf(text, 's', variables)[0]?.workloads ?? [];
}

function diagnosticsOf(extension: string): readonly string[] {
  const text = `services:\n  w:\n    image: x\n    x-vxlab: ${extension}\n  web:\n    image: x\n`;
  return loadCompose(text, { stack: 's' }).diagnostics.map(
    ({ rule, at, message, hint }) =>
      `${rule} ${at.line}:${at.column} ${message}${hint === null ? '' : ` | ${hint}`}`,
  );
}

describe('forms', () => {
  test('a name is a workload with its defaults', () => {
    expect(workloads('http-server')).toEqual([
      {
        kind: 'http-server',
        origin: 'x-vxlab',
        at: { line: 4, column: 14 },
        port: 80,
        status: 200,
        body: null,
        bodySize: null,
        upstream: null,
      },
    ]);
    expect(workloads('mysql-server')).toMatchObject([
      { port: 3306, user: 'app', password: 'app', database: 'web_customer_tracker', rows: 100 },
    ]);
    expect(workloads('udp')).toMatchObject([{ to: null, port: 7, size: 64 }]);
    expect(workloads('tcp-bulk')).toMatchObject([
      { to: null, port: 5201, bytes: null, duration: null, parallel: 1 },
    ]);
  });

  test('a mapping, several in one, a list of all of these', () => {
    const kinds = (extension: string): unknown => workloads(extension).map(({ kind }) => kind);
    expect(kinds('{ http-server: }')).toEqual(['http-server']);
    expect(kinds('{ http-server: 81, ping: web }')).toEqual(['http-server', 'ping']);
    expect(kinds('[ udp, { ping: web }, { ping: web, dns: a.b } ]')).toEqual(['udp', 'ping', 'ping', 'dns']);
  });

  test.each(['none', '{}', '[]', ''])('%j switches off what the image stands for', (extension) => {
    const [service] = servicesOf(`services:\n  w:\n    image: mysql\n    x-vxlab: ${extension}\n`);
    expect(service).toMatchObject({ workloads: [], workloadOrigin: 'x-vxlab' });
  });

  test('the short form of each kind is its first setting', () => {
    expect(workloads('{ http-server: 8080 }')).toMatchObject([{ port: 8080 }]);
    expect(workloads('{ http-client: "http://web:81/x" }')).toMatchObject([
      { url: 'http://web:81/x', rate: 1 },
    ]);
    expect(workloads('{ mysql-server: 3307 }')).toMatchObject([{ port: 3307 }]);
    expect(workloads('{ app-server: "jdbc:mysql://web/d?user=u&password=p%26" }')).toMatchObject([
      { port: 8080, database: 'mysql://u:p%26@web:3306/d' },
    ]);
    expect(workloads('{ ping: web }')).toMatchObject([{ to: 'web', interval: 1e9, size: 56, count: null }]);
    expect(workloads('{ udp: web }')).toMatchObject([{ to: 'web', port: 7 }]);
    expect(workloads('{ tcp-bulk: web }')).toMatchObject([{ to: 'web', duration: 10e9, bytes: null }]);
    expect(workloads('{ dns: tasks.web }')).toMatchObject([{ name: 'tasks.web', rate: 1 }]);
    expect(workloads('{ run: ./x.mjs }')).toMatchObject([{ file: './x.mjs', args: [] }]);
  });

  test('durations, sizes, rates and variables are as Compose writes them', () => {
    expect(workloads('{ tcp-bulk: { to: web, bytes: 1.5k, duration: 1m30s } }')).toMatchObject([
      { bytes: 1536, duration: 90e9 },
    ]);
    expect(
      workloads('{ ping: { to: $WHO, interval: $GAP, size: 1000 } }', { WHO: 'web', GAP: '500ms' }),
    ).toMatchObject([{ to: 'web', interval: 0.5e9, size: 1000 }]);
    expect(workloads('{ dns: { name: x, rate: $R, count: $C } }', { R: '0.5', C: '7' })).toMatchObject([
      { rate: 0.5, count: 7 },
    ]);
  });

  test('an http-client is made of its parts', () => {
    const [made] = workloads(
      '{ http-client: { to: web, port: 8080, path: "/a/[1-9]?q=%20", body-size: 1k, headers: { X-A: 1, Host: shop }, keep-alive: false } }',
    );
    expect(made).toMatchObject({
      url: 'http://web:8080/a/[1-9]?q=%20',
      method: 'POST',
      bodySize: 1024,
      headers: { 'X-A': '1', Host: 'shop' },
      keepAlive: false,
    });
    expect(workloads('{ http-client: { url: "http://web", path: /p, method: PUT } }')).toMatchObject([
      { url: 'http://web/p', method: 'PUT' },
    ]);
    expect(workloads('{ http-client: { to: "fd00::1" } }')).toMatchObject([{ url: 'http://[fd00::1]/' }]);
  });

  test('run keeps its words', () => {
    expect(workloads('{ run: { file: a.js, args: [x, 1, true, "y z"] } }')).toMatchObject([
      { args: ['x', '1', 'true', 'y z'] },
    ]);
  });
});

describe('what is wrong is told, with its place', () => {
  test.each([
    ['htp-server', ['OV1111 4:14', 'did you mean "http-server"?']],
    [
      '{ htp-server: 80 }',
      ['OV1101 4:16 unknown key "htp-server" in x-vxlab', 'did you mean "http-server"?'],
    ],
    [
      '{ http-server: { prot: 80 } }',
      ['OV1101 4:31 unknown key "prot" in http-server', 'did you mean "port"?'],
    ],
    ['{ http-server: "80" }', ['OV1103 4:29', 'write 80, without quotes']],
    ['{ http-server: { port: 0 } }', ['OV1601 4:37 "port" is 0; it must be 1 to 65535']],
    ['{ http-server: { status: 99 } }', ['OV1503 4:39 "status" is 99; it must be 200 to 599']],
    ['{ http-server: { body: x, body-size: 1 } }', ['OV1120', '"body" and "body-size" exclude each other']],
    ['{ http-server: { upstream: "http://web/x" } }', ['OV1801 4:41', 'write http://name:port']],
    ['http-client', ['OV1113 4:14 http-client needs the key "url" or "to"']],
    ['{ http-client: { url: "http://web/", to: web } }', ['OV1120 4:55']],
    ['{ http-client: { url: "http://web/a", path: /b } }', ['OV1120 4:58']],
    ['{ http-client: { url: "http://web:99999/" } }', ['OV1801 4:36', 'has 99999 as port']],
    ['{ http-client: { url: "http://" } }', ['OV1801 4:36', 'has no host']],
    ['{ http-client: { to: web, path: "a b" } }', ['OV1801 4:46', 'does not begin with a slash']],
    ['{ http-client: { to: web, path: "/a b" } }', ['OV1801 4:46', 'a character that URLs cannot have']],
    ['{ http-client: { to: web, method: GETT } }', ['OV1111 4:48', 'did you mean "GET"?']],
    ['{ http-client: { to: web, rate: 0 } }', ['OV1503 4:46 "rate" is 0; it must be more than 0']],
    ['{ http-client: { to: web, count: 1.5 } }', ['OV1103 4:47', 'a whole number']],
    ['{ http-client: { to: web, count: 0 } }', ['OV1503 4:47 "count" is 0; it must be 1 or more']],
    ['{ http-client: { to: web, body-size: 1x } }', ['OV1115 4:51']],
    ['{ ping: { to: web, interval: 10 } }', ['OV1103 4:43']],
    ['{ ping: { to: web, interval: soon } }', ['OV1114 4:43']],
    ['{ ping: { to: web, interval: -1s } }', ['OV1503 4:43 "interval" is -1s; it must be at least 1us']],
    ['{ ping: { to: web, size: 70000 } }', ['OV1503 4:39 "size" is 70000; it must be 0 to 65507']],
    ['ping', ['OV1113 4:14 ping needs the key "to"', 'as in ping: web']],
    ['dns', ['OV1113 4:14 dns needs the key "name"']],
    ['run', ['OV1113 4:14 run needs the key "file"']],
    ['app-server', ['OV1113 4:14 app-server needs the key "database"', 'no mysql-server is on its networks']],
    ['{ tcp-bulk: { to: web, parallel: 129 } }', ['OV1503 4:47 "parallel" is 129; it must be 1 to 128']],
    [
      '[ http-server, { app-server: { port: 80, database: "mysql://web/d" } } ]',
      ['OV1802 4:31', 'TCP port 80', '(4:16)'],
    ],
    ['{ ping: [web] }', ['OV1103 4:22', 'must be a mapping or text, not a list']],
    ['7', ['OV1103 4:14', '"x-vxlab" must be text, not the number 7']],
  ])('%s', (extension, [rule, ...words]) => {
    const found = diagnosticsOf(extension);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(rule);
    for (const word of words) expect(found[0]).toContain(word);
  });

  test('all of it at once', () => {
    const found = diagnosticsOf(
      '[ htp-server, { ping: { too: web } }, { http-client: { url: web, rate: -1 } } ]',
    );
    expect(found.map((line) => line.slice(0, 6))).toEqual(['OV1111', 'OV1101', 'OV1801', 'OV1503']);
  });

  test('names: slips, strangers, no network in common', () => {
    const text = (extension: string): string =>
      `services:\n  w:\n    image: x\n    networks: [a]\n    x-vxlab: ${extension}\n  db:\n    image: x\n    networks: {b: {aliases: [store]}}\nnetworks:\n  a:\n  b:\n`;
    const found = (extension: string): unknown =>
      loadCompose(text(extension), { stack: 's' }).diagnostics.map(({ rule, hint }) => [rule, hint]);
    for (const name of ['w', 's_w', 'tasks.w', 's_w.1', '10.0.0.1', 'localhost']) {
      expect(found(`{ ping: ${name} }`)).toEqual([]);
    }
    expect(found('{ dns: nowhere }')).toEqual([]);
    expect(found('{ ping: wx }')).toEqual([['OV1803', 'names from outside do not resolve in the lab']]);
    expect(found('{ ping: stor }')).toEqual([['OV1803', 'did you mean "store"?']]);
    for (const name of ['db', 's_db', 'store', 'tasks.db']) {
      expect(found(`{ ping: ${name} }`)).toEqual([['OV1804', 'let "w" join "b"']]);
    }
    expect(found('{ app-server: "mysql://db/x" }')).toEqual([['OV1804', 'let "w" join "b"']]);
  });

  test('the key needs a version that has extensions', () => {
    const text = 'version: "3.6"\nservices:\n  w:\n    image: x\n    x-vxlab: ping\n';
    expect(loadCompose(text, { stack: 's' }).diagnostics.map(({ rule }) => rule)).toEqual(['OV1104']);
  });
});

describe("what an image's name stands for", () => {
  test.each([
    ['myapache:10', 'web'],
    ['mytomcat:10', 'app'],
    ['mylocalsql:10', 'database'],
    ['httpd', 'web'],
    ['nginx:1.27-alpine', 'web'],
    ['docker.io/library/caddy@sha256:0123', 'web'],
    ['localhost:5000/team/php-apache2:1', 'web'],
    ['tomcat:10-jdk17', 'app'],
    ['Jetty', 'app'],
    ['mysql:8', 'database'],
    ['mysql/mysql-server:8.0', 'database'],
    ['bitnami/mariadb', 'database'],
    ['percona', 'database'],
    ['postgresql', null],
    ['bitnami/postgresql:16', null],
    ['mcr.example/mssql', null],
    ['mysqld-exporter', null],
    ['nginx-exporter', null],
    ['busybox', null],
    ['', null],
  ])('%s: %s', (image, tier) => {
    expect(tierOf(image)).toBe(tier);
  });

  test('the name is what is left of a reference', () => {
    expect(imageName('registry.example:5000/a/B-c_d:1.2@sha256:00')).toBe('b-c_d');
  });
});

describe("the lecture's stack without any key", () => {
  test.each([
    ['mystack1', 'mystack1_appserver', 'mystack1_mysql'],
    ['other', 'appserver', 'mysql'],
  ])('as stack %s the web tier asks %s, and that asks %s', (stack, app, mysql) => {
    const services = servicesOf(manifest('lecture.yml'), stack);
    expect(services.map(({ key, workloadOrigin }) => [key, workloadOrigin])).toEqual([
      ['webserver', 'image'],
      ['appserver', 'image'],
      ['mysql', 'image'],
    ]);
    const [web, application, database] = services.map(({ workloads }) => workloads);
    expect(web).toMatchObject([
      { kind: 'http-server', port: 80, upstream: `http://${app}:8080` },
      {
        kind: 'http-client',
        url: `http://${app}:8080/customers/[1-100]`,
        rate: 1,
        count: null,
        keepAlive: false,
      },
    ]);
    expect(application).toMatchObject([
      { kind: 'app-server', port: 8080, database: `mysql://app:app@${mysql}:3306/web_customer_tracker` },
    ]);
    expect(database).toMatchObject([
      {
        kind: 'mysql-server',
        port: 3306,
        user: 'app',
        password: 'app',
        database: 'web_customer_tracker',
        rows: 100,
      },
    ]);
  });
});

describe('who asks whom', () => {
  function of(text: string, stack = 's'): Record<string, readonly WorkloadSpec[]> {
    return Object.fromEntries(servicesOf(text, stack).map(({ key, workloads }) => [key, workloads]));
  }

  test('without an environment the first of the kind on a common network', () => {
    const made = of(
      'services:\n' +
        '  web: {image: nginx, networks: [a]}\n' +
        '  far: {image: tomcat, networks: [b]}\n' +
        '  app: {image: tomcat, networks: [a, b]}\n' +
        '  db: {image: mariadb, networks: [b], environment: {MARIADB_ROOT_PASSWORD: "p/w", MARIADB_DATABASE: d}}\n' +
        'networks: {a: , b: }\n',
    );
    expect(made['web']?.[0]).toMatchObject({ upstream: 'http://app:8080' });
    expect(made['app']).toMatchObject([{ database: 'mysql://root:p%2Fw@db:3306/d' }]);
    expect(made['far']).toMatchObject([{ database: 'mysql://root:p%2Fw@db:3306/d' }]);
  });

  test('alone each tier runs what it can', () => {
    expect(of('services:\n  w: {image: httpd}\n')['w']).toMatchObject([
      { kind: 'http-server', upstream: null },
    ]);
    expect(of('services:\n  a: {image: tomcat}\n')['a']).toMatchObject([
      { kind: 'app-server', database: null },
    ]);
  });

  test('a URL with an account makes the account, unless the server’s environment does', () => {
    const text = (env: string): string =>
      `services:\n  app: {image: tomcat, environment: {U: "mysql://x_db/shop?user=u&password=p"}}\n  db: {image: mysql, environment: {${env}}}\n`;
    expect(of(text(''))).toMatchObject({
      app: [{ database: 'mysql://u:p@db:3306/shop' }],
      db: [{ user: 'u', password: 'p', database: 'shop' }],
    });
    expect(of(text('MYSQL_USER: a, MYSQL_PASSWORD: b, MYSQL_DATABASE: c'))).toMatchObject({
      app: [{ database: 'mysql://u:p@db:3306/shop' }],
      db: [{ user: 'a', password: 'b', database: 'c' }],
    });
    expect(of(text('MYSQL_ALLOW_EMPTY_PASSWORD: "yes"'))['db']).toMatchObject([
      { user: 'root', password: '' },
    ]);
  });

  test('a declared server is asked at its own port, with its own account and rows', () => {
    const made = of(
      'services:\n' +
        '  web: {image: nginx, environment: ["APP=http://s_app:9090/"]}\n' +
        '  app: {image: x, x-vxlab: {app-server: {port: 9000}}}\n' +
        '  db: {image: x, x-vxlab: {mysql-server: {port: 3310, user: u, password: p, database: d, rows: 7}}}\n',
    );
    expect(made['web']).toMatchObject([
      { upstream: 'http://s_app:9090' },
      { url: 'http://s_app:9090/customers/[1-7]' },
    ]);
    expect(made['app']).toMatchObject([{ database: 'mysql://u:p@db:3310/d' }]);
  });

  test('a database elsewhere is left as it is written where the file says so', () => {
    const text =
      'services:\n  app: {image: x, x-vxlab: {app-server: "mysql://u:p@192.0.2.7/d"}}\n  db: {image: mysql}\n';
    expect(of(text)['app']).toMatchObject([{ database: 'mysql://u:p@192.0.2.7:3306/d' }]);
  });
});

describe('topology files', () => {
  const text = (extension: string): string =>
    `schema: vxlab-topology/1\nnodes: {n: {address: 192.0.2.1}}\nnetworks: {blue: {vni: 1, subnet: 10.0.0.0/24}}\ncontainers:\n  a: {node: n, networks: {blue: {}}, x-vxlab: ${extension}}\n  b: {node: n, networks: {blue: {}}}\n`;

  test('containers run workloads too, and names are judged', () => {
    expect(servicesOf(text('{ping: b}'))[0]).toMatchObject({
      workloads: [{ kind: 'ping', to: 'b' }],
      workloadOrigin: 'x-vxlab',
    });
    const { diagnostics } = loadManifest(text('[{ping: c}, pong]'), { stack: 's' });
    expect(diagnostics.map(({ rule }) => rule)).toEqual(['OV1803', 'OV1111']);
  });
});

describe('docs/workloads.md', () => {
  const page = readFileSync('docs/workloads.md', 'utf8');

  test('its examples are right', () => {
    const blocks = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1] as string);
    expect(blocks.length).toBeGreaterThanOrEqual(4);
    for (const block of blocks) {
      expect(servicesOf(block).flatMap(({ workloads: list }) => list).length).toBeGreaterThan(0);
    }
    expect(blocks).toContain(manifest('workloads.yml'));
    expect(blocks).toContain(manifest('workloads-run.yml'));
  });

  test('its example of all kinds has all but run', () => {
    const kinds = new Set(
      servicesOf(manifest('workloads.yml')).flatMap(({ workloads: list }) => list.map(({ kind }) => kind)),
    );
    expect([...WORKLOAD_KINDS].filter((kind) => !kinds.has(kind))).toEqual(['run']);
  });

  test('it has each kind with each of its keys, and no other', () => {
    const sections = page.split(/^### /m).slice(1);
    expect(sections.map((section) => section.split('\n')[0])).toEqual(WORKLOAD_KINDS);
    for (const section of sections) {
      const [kind = ''] = section.split('\n');
      const listed = [...section.split(/^## /m)[0]!.matchAll(/^\| (`.*?) \|/gm)].flatMap((row) =>
        [...(row[1] as string).matchAll(/`([\w-]+)`/g)].map((match) => match[1] as string),
      );
      expect(listed).toEqual(keysOf(kind));
    }
  });

  function keysOf(kind: string): readonly string[] {
    const kinds = (WORKLOADS as Extract<Shape, { kind: 'either' }>).shapes.find(
      (one) => one.kind === 'record',
    );
    const either = (kinds as Extract<Shape, { kind: 'record' }>).keys[kind]?.shape;
    const settings = (either as Extract<Shape, { kind: 'either' }>).shapes.find(
      (one) => one.kind === 'record',
    );
    return Object.keys((settings as Extract<Shape, { kind: 'record' }>).keys);
  }
});
