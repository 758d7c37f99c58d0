// What a container runs, as plain data: the keys under `x-vxlab` of a service, or what its image's name suggests.

import type { Place } from './place.ts';

/** Why a container runs something: the file says so, or the image's name is known. */
export type WorkloadOrigin = 'x-vxlab' | 'image';

interface Common {
  readonly origin: WorkloadOrigin;
  readonly at: Place;
}

/** Answers every request. With `upstream` it asks there first and passes the answer on. */
export interface HttpServerSpec extends Common {
  readonly kind: 'http-server';
  readonly port: number;
  readonly status: number;
  /** Text of the answer; null for a page that names the container. */
  readonly body: string | null;
  /** Bytes of the answer when `body` is null; null for the page. */
  readonly bodySize: number | null;
  /** `http://host:port` that requests are passed to; null for none. */
  readonly upstream: string | null;
}

export interface HttpClientSpec extends Common {
  readonly kind: 'http-client';
  /** `http://name:port/path`; `[A-B]` in the path stands for the numbers from A to B, one a request, again and again. */
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Bytes of a request's body; 0 for none. */
  readonly bodySize: number;
  /** Requests a second of virtual time. */
  readonly rate: number;
  /** Requests in all; null for no end. */
  readonly count: number | null;
  /** Keep connections open for further requests. */
  readonly keepAlive: boolean;
}

export interface MysqlServerSpec extends Common {
  readonly kind: 'mysql-server';
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Customers in the table. */
  readonly rows: number;
}

/** HTTP in, MySQL out: one customer query a request. */
export interface AppServerSpec extends Common {
  readonly kind: 'app-server';
  readonly port: number;
  /** `mysql://user:password@host:port/database`; null where no server is known, and then it answers 503. */
  readonly database: string | null;
}

export interface PingSpec extends Common {
  readonly kind: 'ping';
  readonly to: string;
  /** Nanoseconds between requests. */
  readonly interval: number;
  /** Bytes of payload. */
  readonly size: number;
  readonly count: number | null;
}

/** Datagrams to `to`, or with `to` null a socket that counts and sends back what comes. */
export interface UdpSpec extends Common {
  readonly kind: 'udp';
  readonly to: string | null;
  readonly port: number;
  readonly size: number;
  /** Datagrams a second. */
  readonly rate: number;
  readonly count: number | null;
}

/** As iperf3: `to` null is the server. */
export interface TcpBulkSpec extends Common {
  readonly kind: 'tcp-bulk';
  readonly to: string | null;
  readonly port: number;
  /** Ends after so many bytes or so many nanoseconds, whichever is first; null for no bound. */
  readonly bytes: number | null;
  readonly duration: number | null;
  readonly parallel: number;
}

/** Asks for a name again and again. */
export interface DnsSpec extends Common {
  readonly kind: 'dns';
  readonly name: string;
  readonly rate: number;
  readonly count: number | null;
}

/** A program of the user's: a JavaScript file that is given the container's `net` and `http`. */
export interface RunSpec extends Common {
  readonly kind: 'run';
  /** As the file says it, relative to the manifest. */
  readonly file: string;
  readonly args: readonly string[];
}

export type WorkloadSpec =
  | HttpServerSpec
  | HttpClientSpec
  | MysqlServerSpec
  | AppServerSpec
  | PingSpec
  | UdpSpec
  | TcpBulkSpec
  | DnsSpec
  | RunSpec;

export type WorkloadKind = WorkloadSpec['kind'];

/** In the order in which documents list them. */
export const WORKLOAD_KINDS: readonly WorkloadKind[] = [
  'http-server',
  'http-client',
  'mysql-server',
  'app-server',
  'ping',
  'udp',
  'tcp-bulk',
  'dns',
  'run',
];

/** Where each kind listens unless told otherwise; kinds that only ask have none. */
export const DEFAULT_PORTS: Readonly<Partial<Record<WorkloadKind, number>>> = {
  'http-server': 80,
  'mysql-server': 3306,
  'app-server': 8080, // Tomcat's connector
  udp: 7, // echo, RFC 862
  'tcp-bulk': 5201, // iperf3
};

/** The table that a MySQL server of the lab has when nothing else is said. */
export const DEFAULT_DATABASE = {
  user: 'app',
  password: 'app',
  database: 'web_customer_tracker',
  rows: 100,
} as const;
