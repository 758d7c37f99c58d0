// One of the three runs: the stack comes up on virtual time, a canary goes from container to container, and all frames are kept,
// on the underlay and inside.

import type { Certificate } from '../../apps/canary/certificate.ts';
import type { Answering, Errand, Said } from '../../apps/canary/exchange.ts';
import { canaryHttpClient, canaryHttpServer } from '../../apps/canary/http.ts';
import type { Account } from '../../apps/canary/mysql.ts';
import { canaryMysqlClient, canaryMysqlServer } from '../../apps/canary/mysql.ts';
import type { Program } from '../../apps/program.ts';
import type { SecurityAssociation } from '../../core/esp/association.ts';
import { formatIp } from '../../core/wire/address.ts';
import { VxlabError } from '../../core/wire/numbers.ts';
import type { Weakness } from '../../engine/host/esp/weakness.ts';
import type { StackSpec } from '../../engine/model/spec.ts';
import { DEFAULT_DATABASE } from '../../engine/model/workload.ts';
import type { ClusterOptions } from '../../engine/orchestrate/cluster.ts';
import type { Container } from '../../engine/orchestrate/container.ts';
import { MILLISECOND, SECOND } from '../../engine/time/clock.ts';
import type { LoggedFrame } from '../../lab/capture.ts';
import { FrameLog } from '../../lab/capture.ts';
import { NODE_CIPHER } from '../../live/node-cipher.ts';
import type { Io } from '../io.ts';
import { LivingLab } from '../living-lab.ts';
import type { Leg } from './legs.ts';
import { legOf } from './legs.ts';

export const TUNNELS = ['vxlan', 'vxlan+esp', 'vxlan+tls'] as const;
export type Tunnel = (typeof TUNNELS)[number];

export interface RunOptions {
  readonly canary: string;
  readonly seed: string;
  readonly cluster: ClusterOptions;
  /** For the run with TLS inside. */
  readonly certificate: (names: readonly string[]) => Certificate;
  /** A defence that ESP's run is to do without. */
  readonly weakness?: Weakness | null;
}

/** What is left of a run. */
export interface Recording {
  readonly tunnel: Tunnel;
  /** Left each node's underlay interface; numbered from 1 in this order. */
  readonly underlay: readonly LoggedFrame[];
  /** Everything that was seen, inside and outside, in order. */
  readonly all: readonly LoggedFrame[];
  readonly legs: readonly Leg[];
  readonly said: readonly Said[];
  /** Keys of the run with ESP. */
  readonly associations: readonly SecurityAssociation[];
}

/** Virtual time between requests; half of it without a packet parts one from the next. */
export const INTERVAL: number = 200 * MILLISECOND;
/** Virtual time for all that a client says. */
const PATIENCE = 60 * SECOND;
const PORTS = { HTTP: 80, HTTPS: 443, MySQL: 3306 } as const;

/** @throws VxlabError NOT_PROVABLE; as `Lab` */
export async function record(
  io: Io,
  spec: StackSpec,
  tunnel: Tunnel,
  options: RunOptions,
): Promise<Recording> {
  const log = new FrameLog('all');
  const living = new LivingLab(io, encrypting(spec, tunnel === 'vxlan+esp'), {
    manifest: null,
    cluster: options.cluster,
    seed: options.seed,
    workloads: false,
    log,
    encryption: { cipher: NODE_CIPHER, weakness: options.weakness ?? null },
  });
  try {
    const { plan } = living.lab.sim.world;
    const legs = (['HTTP', 'MySQL'] as const).map((carrier) => legOf(plan, carrier, formatIp));
    const secure =
      tunnel === 'vxlan+tls' ? options.certificate([...new Set(legs.map(({ server }) => server))]) : null;
    await living.start();
    const said: Said[] = [];
    for (const leg of legs)
      await follow(living, leg, options.canary, secure, accountOf(spec, leg), (one) => said.push(one));
    await living.farewell();
    const all = log.frames.slice();
    return {
      tunnel,
      underlay: all.filter(({ tap, inbound }) => !inbound && isUnderlay(tap)),
      all,
      legs,
      said,
      associations: living.lab.sim.world.encryption?.associations ?? [],
    };
  } finally {
    await living.close();
  }
}

/** The stack with all of its networks encrypted, or none. */
export function encrypting(spec: StackSpec, encrypted: boolean): StackSpec {
  return { ...spec, networks: spec.networks.map((network) => ({ ...network, encrypted })) };
}

/** `<node>/eth0`; inside, a tap names its sandbox too. */
export function isUnderlay(tap: string): boolean {
  return tap.split('/').length === 2;
}

/** Runs the server in all tasks that may answer, and then the client. */
async function follow(
  living: LivingLab,
  leg: Leg,
  canary: string,
  secure: Certificate | null,
  account: Account,
  tell: (said: Said) => void,
): Promise<void> {
  const answering: Answering = { task: '', node: '' };
  const isHttp = leg.carrier === 'HTTP';
  const port = !isHttp ? PORTS.MySQL : secure === null ? PORTS.HTTP : PORTS.HTTPS;
  const run = (task: string, program: Program): Promise<number> =>
    living.runtime.run(containerOf(living, task), 'canary', program, {
      err: (text) => problems.push(text.trim()),
    }).ended;
  const problems: string[] = [];
  for (const { task } of leg.servers) {
    const server = isHttp
      ? canaryHttpServer(port, secure, answering)
      : canaryMysqlServer(port, account, secure, answering);
    void run(task, server);
  }
  await living.pace.rest();
  const errand: Errand = {
    canary,
    server: leg.server,
    port,
    tasks: leg.servers.length,
    secure,
    interval: INTERVAL / MILLISECOND,
  };
  const client = isHttp
    ? canaryHttpClient(errand, answering, tell)
    : canaryMysqlClient(errand, account, answering, tell);
  const code = await living.until(run(leg.client.task, client), () => PATIENCE);
  if (code !== 0) {
    const why = problems.join('; ') || `exit code ${code}`;
    throw new VxlabError('NOT_PROVABLE', `${leg.client.task} could not ask ${leg.server}: ${why}`);
  }
}

function containerOf({ lab }: LivingLab, task: string): Container {
  return lab.sim.world.containers.get(task) as Container;
}

/** What the stack's own MySQL server takes, or the usual. */
function accountOf(spec: StackSpec, { server }: Leg): Account {
  const service = spec.services.find(({ key }) => key === server);
  const workload = service?.workloads.find((one) => one.kind === 'mysql-server');
  if (workload?.kind === 'mysql-server') {
    const { user, password, database } = workload;
    return { user, password, database };
  }
  const { user, password, database } = DEFAULT_DATABASE;
  return { user, password, database };
}
