// What depends on the other services of a stack: who the database is, whom a web server asks, and what runs in a service
// whose file says nothing but whose image is known (docs/workloads.md).
//
// The lecture wires its tiers by the environment (`mytomcat=mystack1_appserver`, a JDBC URL), so that is asked first; a
// service of the right kind on a common network is the answer where it says nothing.

import type { Diagnostics } from '../model/diagnostic.ts';
import type { ServiceSpec } from '../model/spec.ts';
import type {
  AppServerSpec,
  HttpClientSpec,
  HttpServerSpec,
  MysqlServerSpec,
  WorkloadSpec,
} from '../model/workload.ts';
import { DEFAULT_DATABASE, DEFAULT_PORTS } from '../model/workload.ts';
import type { Tier } from './workload-images.ts';
import { tierOf } from './workload-images.ts';
import type { Party } from './workload-reach.ts';
import { checkReach, neighbours, serviceOf } from './workload-reach.ts';
import type { DatabaseUrl } from './workload-url.ts';
import { isFault, readDatabaseUrl, writeDatabaseUrl } from './workload-url.ts';
import type { WorkloadDraft } from './workloads.ts';

/** The services with their workloads. */
export function settleWorkloads(parties: readonly Party[], found: Diagnostics): readonly ServiceSpec[] {
  checkReach(parties, found);
  const settling = new Settling(parties, found);
  return parties.map((party) => settling.service(party));
}

interface Database {
  readonly party: Party;
  readonly server: MysqlServerSpec;
}

class Settling {
  readonly #parties: readonly Party[];
  readonly #found: Diagnostics;
  readonly #services: readonly ServiceSpec[];
  readonly #databases: Database[] = [];

  constructor(parties: readonly Party[], found: Diagnostics) {
    this.#parties = parties;
    this.#found = found;
    this.#services = parties.map(({ spec }) => spec);
    for (const party of parties) {
      for (const draft of draftsOf(party)) {
        if (draft.spec.kind === 'mysql-server') {
          this.#databases.push({ party, server: this.#mysqlServer(party, draft.spec, draft.given) });
        }
      }
    }
  }

  service(party: Party): ServiceSpec {
    const { spec, declared } = party;
    const drafts = draftsOf(party);
    const origin = declared !== null ? 'x-vxlab' : drafts.length > 0 ? 'image' : null;
    const workloads = drafts.map((draft) => this.#settle(party, draft));
    if (declared === null && tierOf(spec.image) === 'web') workloads.push(...this.#visitors(party));
    return { ...spec, workloads, workloadOrigin: origin };
  }

  #settle(party: Party, draft: WorkloadDraft): WorkloadSpec {
    const { spec } = draft;
    switch (spec.kind) {
      case 'mysql-server':
        return this.#mysqlServer(party, spec, draft.given);
      case 'app-server':
        return this.#appServer(party, spec, draft);
      case 'http-server':
        if (spec.origin === 'x-vxlab') return spec;
        return { ...spec, upstream: this.#upstream(party)?.origin ?? null } satisfies HttpServerSpec;
      default:
        return spec;
    }
  }

  /** As the image's entry point reads its environment (hub.docker.com/_/mysql), then what applications ask for. */
  #mysqlServer({ spec }: Party, server: MysqlServerSpec, given: ReadonlySet<string>): MysqlServerSpec {
    const env = (name: string): string | undefined =>
      spec.environment[`MYSQL_${name}`] ?? spec.environment[`MARIADB_${name}`];
    const user = env('USER');
    const root =
      env('ALLOW_EMPTY_PASSWORD') === undefined ? env('ROOT_PASSWORD') : (env('ROOT_PASSWORD') ?? '');
    const asked = this.#askedOf(spec);
    const account =
      user !== undefined
        ? { user, password: env('PASSWORD') ?? '' }
        : root !== undefined
          ? { user: 'root', password: root }
          : {
              user: asked?.user ?? DEFAULT_DATABASE.user,
              password: asked?.password ?? DEFAULT_DATABASE.password,
            };
    return {
      ...server,
      user: given.has('user') ? server.user : account.user,
      password: given.has('password') ? server.password : account.password,
      database: given.has('database')
        ? server.database
        : (env('DATABASE') ?? asked?.database ?? server.database),
    };
  }

  /** The first URL by which an application of the stack asks this service. */
  #askedOf(database: ServiceSpec): DatabaseUrl | null {
    for (const party of this.#parties) {
      for (const draft of draftsOf(party)) {
        if (draft.spec.kind !== 'app-server') continue;
        const url = databaseUrl(draft.spec, party.spec);
        if (url !== null && serviceOf(url.host, this.#services)?.spec === database) return url;
      }
    }
    return null;
  }

  #appServer(party: Party, spec: AppServerSpec, { where }: WorkloadDraft): AppServerSpec {
    const { url, server } = this.#databaseOf(party, spec);
    if (url === null) {
      if (spec.origin === 'x-vxlab' && spec.database === null) {
        const hint =
          'no mysql-server is on its networks: write database: mysql://user:password@name:3306/database';
        this.#found.report('OV1113', where, 'app-server needs the key "database"', hint);
      }
      return { ...spec, database: null };
    }
    const account = server ?? DEFAULT_DATABASE;
    const user = url.user ?? account.user;
    const password = url.password ?? (url.user === null || url.user === account.user ? account.password : '');
    const database = url.database ?? account.database;
    return { ...spec, database: writeDatabaseUrl({ ...url, user, password, database }) };
  }

  /** What an application asks, by a name that resolves in this stack. */
  #databaseOf(
    { spec: service }: Party,
    spec: AppServerSpec,
  ): { readonly url: DatabaseUrl | null; readonly server: MysqlServerSpec | null } {
    const url = databaseUrl(spec, service);
    if (url !== null) {
      const meant = serviceOf(url.host, this.#services);
      const database = this.#databases.find(({ party }) => party.spec === meant?.spec);
      if (meant !== null || spec.origin === 'x-vxlab') {
        return { url: { ...url, host: meant?.host ?? url.host }, server: database?.server ?? null };
      }
    }
    if (spec.database !== null) return { url, server: null };
    const near = neighbours(service, this.#services);
    const database = this.#databases.find(({ party }) => near.includes(party.spec));
    if (database === undefined) return { url, server: null };
    const { party, server } = database;
    const host = party.spec.key;
    const found = { host, port: server.port, user: null, password: null, database: null };
    return { url: url === null ? found : { ...url, host, port: server.port }, server };
  }

  /** Whom a web server of a known image passes requests to. */
  #upstream({
    spec,
  }: Party): { readonly origin: string; readonly app: Party; readonly spec: AppServerSpec } | null {
    for (const value of Object.values(spec.environment)) {
      const match = /^(?:http:\/\/)?([A-Za-z0-9_][A-Za-z0-9_.-]*)(?::(\d{1,5}))?(?:\/|$)/.exec(value);
      const meant = match === null ? null : serviceOf(match[1] as string, this.#services);
      const app = this.#parties.find((party) => party.spec === meant?.spec && appOf(party) !== null);
      if (meant === null || app === undefined) continue;
      const server = appOf(app) as AppServerSpec;
      return { origin: `http://${meant.host}:${match?.[2] ?? server.port}`, app, spec: server };
    }
    const near = neighbours(spec, this.#services);
    const app = this.#parties.find((party) => near.includes(party.spec) && appOf(party) !== null);
    if (app === undefined) return null;
    const server = appOf(app) as AppServerSpec;
    return { origin: `http://${app.spec.key}:${server.port}`, app, spec: server };
  }

  /** The client beside a web server of a known image: one customer a second. */
  #visitors(party: Party): readonly HttpClientSpec[] {
    const upstream = this.#upstream(party);
    if (upstream === null) return [];
    const rows = this.#databaseOf(upstream.app, upstream.spec).server?.rows ?? DEFAULT_DATABASE.rows;
    return [
      {
        kind: 'http-client',
        origin: 'image',
        at: party.spec.at,
        url: `${upstream.origin}/customers/[1-${Math.max(1, rows)}]`,
        method: 'GET',
        headers: {},
        bodySize: 0,
        rate: 1,
        count: null,
        keepAlive: false,
      },
    ];
  }
}

/** What the file says, else what the image stands for. */
function draftsOf({ spec, declared }: Party): readonly WorkloadDraft[] {
  if (declared !== null) return declared;
  const tier = tierOf(spec.image);
  if (tier === null) return [];
  const where = { at: spec.at, end: null, path: `services.${spec.key}` };
  return [{ spec: imageSpec(tier, spec), where, target: null, given: new Set() }];
}

function imageSpec(tier: Tier, { at }: ServiceSpec): WorkloadSpec {
  const common = { origin: 'image', at } as const;
  const port = (kind: WorkloadSpec['kind']): number => DEFAULT_PORTS[kind] as number;
  switch (tier) {
    case 'web':
      return {
        kind: 'http-server',
        ...common,
        port: port('http-server'),
        status: 200,
        body: null,
        bodySize: null,
        upstream: null,
      };
    case 'app':
      return { kind: 'app-server', ...common, port: port('app-server'), database: null };
    case 'database':
      return { kind: 'mysql-server', ...common, port: port('mysql-server'), ...DEFAULT_DATABASE };
  }
}

function appOf(party: Party): AppServerSpec | null {
  for (const { spec } of draftsOf(party)) if (spec.kind === 'app-server') return spec;
  return null;
}

/** The URL under `database`, or the first in the environment. */
function databaseUrl(spec: AppServerSpec, service: ServiceSpec): DatabaseUrl | null {
  const texts = spec.database !== null ? [spec.database] : Object.values(service.environment);
  for (const text of texts) {
    const url = readDatabaseUrl(text);
    if (!isFault(url)) return url;
  }
  return null;
}
