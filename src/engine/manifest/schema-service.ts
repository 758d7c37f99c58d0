// What a service of Compose v3 may hold, as docker/cli 28 reads it (cli/compose/schema, versions 3.0 to 3.13;
// cli/compose/types for the ignored, deprecated and forbidden keys). Numbers behind a key: the minor version that has it.

import { DEPLOY } from './schema-deploy.ts';
import type { KeyRule, RecordShape, Shape } from './shape.ts';
import {
  BOOLEAN,
  DURATION,
  dict,
  either,
  INTEGER,
  key,
  list,
  NUMBER,
  OPTIONS,
  PAIRS,
  record,
  STRING,
  STRING_OR_LIST,
  STRINGS,
  scalar,
  TEXT_OR_NUMBER,
  WORDS,
} from './shape.ts';

const UNUSED = '"docker stack deploy" prints a warning and goes on without it';

function ignored(shape: Shape, since = 0, why: string = UNUSED): KeyRule {
  return key(shape, since, { ignored: why });
}

const BUILD = record(
  'build',
  {
    context: key(STRING),
    dockerfile: key(STRING),
    args: key(PAIRS),
    labels: key(PAIRS, 3),
    cache_from: key(STRINGS, 2),
    network: key(STRING, 4),
    target: key(STRING, 4),
    shm_size: key(scalar(['integer', 'string']), 5),
    extra_hosts: key(PAIRS, 9),
  },
  { open: true },
);

/** A config or a secret inside a service: its name, or where and how to put it. */
function mounted(since: number): Shape {
  const keys = {
    source: key(STRING, since),
    target: key(STRING, since),
    uid: key(STRING, since),
    gid: key(STRING, since),
    mode: key(NUMBER, since),
  };
  return list(either(STRING, record('this reference', keys, { open: true })));
}

const ATTACHMENT = record(
  'an attachment',
  {
    aliases: key(STRINGS),
    ipv4_address: key(STRING),
    ipv6_address: key(STRING),
    driver_opts: key(OPTIONS, 13),
  },
  {
    nullable: true,
    foreign: {
      priority: 'compose-spec',
      gw_priority: 'compose-spec',
      link_local_ips: 'version 2 and compose-spec',
      mac_address: 'compose-spec',
      interface_name: 'compose-spec',
    },
  },
);

export const PORT: RecordShape = record(
  'a port',
  {
    mode: key(STRING, 2),
    target: key(INTEGER, 2),
    published: key(INTEGER, 2),
    protocol: key(STRING, 2),
  },
  { foreign: { host_ip: 'compose-spec', name: 'compose-spec', app_protocol: 'compose-spec' } },
);

const HEALTHCHECK = record('healthcheck', {
  disable: key(BOOLEAN),
  interval: key(DURATION),
  retries: key(NUMBER),
  test: key(WORDS),
  timeout: key(DURATION),
  start_period: key(DURATION, 4),
  start_interval: key(DURATION, 12),
});

const VOLUME_MOUNT = record(
  'a mount',
  {
    type: key(STRING, 2),
    source: key(STRING, 2),
    target: key(STRING, 2),
    read_only: key(BOOLEAN, 2),
    consistency: key(STRING, 2),
    bind: key(record('bind', { propagation: key(STRING, 2) }, { open: true }), 2),
    volume: key(record('volume', { nocopy: key(BOOLEAN, 2) }, { open: true }), 2),
    tmpfs: key(record('tmpfs', { size: key(scalar(['integer'], { cast: false }), 6) }, { open: true }), 6),
  },
  { required: ['type'] },
);

const LIMIT = either(
  INTEGER,
  record('a limit', { hard: key(INTEGER), soft: key(INTEGER) }, { required: ['soft', 'hard'] }),
);

export const SERVICE: RecordShape = record(
  'a service',
  {
    build: ignored(either(STRING, BUILD), 0, 'a swarm runs images that are built and pushed beforehand'),
    cap_add: key(STRINGS),
    cap_drop: key(STRINGS),
    cgroup_parent: ignored(STRING),
    cgroupns_mode: ignored(STRING, 9),
    command: key(WORDS),
    configs: key(mounted(3), 3),
    container_name: key(STRING, 0, { deprecated: 'a service has several containers; the swarm names them' }),
    credential_spec: key(
      record('credential_spec', { config: key(STRING, 8), file: key(STRING, 3), registry: key(STRING, 3) }),
      3,
    ),
    depends_on: key(STRINGS),
    deploy: key(DEPLOY),
    devices: ignored(STRINGS),
    dns: key(STRING_OR_LIST),
    dns_search: key(STRING_OR_LIST),
    domainname: ignored(STRING),
    entrypoint: key(WORDS),
    env_file: key(STRING_OR_LIST),
    environment: key(PAIRS),
    expose: key(list(TEXT_OR_NUMBER, true), 0, {
      deprecated: 'services on one network reach each other on every port',
    }),
    external_links: ignored(STRINGS),
    extra_hosts: key(PAIRS),
    healthcheck: key(HEALTHCHECK),
    hostname: key(STRING),
    image: key(STRING),
    init: key(scalar(['boolean'], { cast: false }), 7),
    ipc: ignored(STRING),
    isolation: key(STRING, 5),
    labels: key(PAIRS),
    links: ignored(STRINGS, 0, 'services on one network find each other by name'),
    logging: key(
      record('logging', { driver: key(STRING), options: key(dict(scalar(['string', 'number', 'null']))) }),
    ),
    mac_address: ignored(STRING),
    network_mode: ignored(STRING, 0, 'name the networks under "networks" instead'),
    networks: key(either(STRINGS, dict(ATTACHMENT, true))),
    oom_score_adj: key(INTEGER, 13),
    pid: ignored(scalar(['string', 'null'])),
    ports: key(list(either(TEXT_OR_NUMBER, PORT), true)),
    privileged: ignored(BOOLEAN),
    read_only: key(BOOLEAN),
    restart: key(STRING),
    secrets: key(mounted(1), 1),
    security_opt: ignored(STRINGS),
    shm_size: ignored(scalar(['number', 'string'])),
    stdin_open: key(BOOLEAN),
    stop_grace_period: key(DURATION),
    stop_signal: key(STRING),
    sysctls: key(PAIRS),
    tmpfs: key(STRING_OR_LIST),
    tty: key(BOOLEAN),
    ulimits: key(dict(LIMIT)),
    user: key(STRING),
    userns_mode: ignored(STRING),
    volumes: key(list(either(STRING, VOLUME_MOUNT))),
    working_dir: key(STRING),
  },
  {
    extensions: 7,
    forbidden: {
      extends: 'write the service out in full, or use a YAML anchor and "<<"',
      volume_driver: 'define a volume with a driver under the top-level "volumes"',
      volumes_from: 'define a volume under the top-level "volumes" and mount it in both services',
      cpu_quota: 'use deploy.resources.limits.cpus',
      cpu_shares: 'use deploy.resources.reservations.cpus',
      cpuset: 'use deploy.resources',
      mem_limit: 'use deploy.resources.limits.memory',
      memswap_limit: 'use deploy.resources.limits.memory',
    },
    foreign: {
      annotations: 'compose-spec',
      attach: 'compose-spec',
      blkio_config: 'compose-spec',
      cpu_count: 'compose-spec',
      cpu_percent: 'compose-spec',
      cpu_period: 'compose-spec',
      cpus: 'version 2 and compose-spec (here: deploy.resources.limits.cpus)',
      develop: 'compose-spec',
      device_cgroup_rules: 'version 2 and compose-spec',
      dns_opt: 'version 2 and compose-spec',
      gpus: 'compose-spec',
      group_add: 'version 2 and compose-spec',
      label_file: 'compose-spec',
      mem_reservation: 'version 2 and compose-spec (here: deploy.resources.reservations.memory)',
      mem_swappiness: 'version 2 and compose-spec',
      models: 'compose-spec',
      oom_kill_disable: 'version 2 and compose-spec',
      pids_limit: 'version 2 and compose-spec (here: deploy.resources.limits.pids)',
      platform: 'version 2 and compose-spec',
      post_start: 'compose-spec',
      pre_stop: 'compose-spec',
      profiles: 'compose-spec',
      provider: 'compose-spec',
      pull_policy: 'compose-spec',
      runtime: 'version 2 and compose-spec',
      scale: 'version 2 and compose-spec (here: deploy.replicas)',
      storage_opt: 'version 2 and compose-spec',
      uts: 'compose-spec',
    },
  },
);
