// The whole Compose v3 document (docker/cli 28, cli/compose/schema/data, versions 3.0 to 3.13): top level, networks,
// volumes, secrets, configs. Services are in schema-service.ts and schema-deploy.ts.

import { SERVICE } from './schema-service.ts';
import type { RecordShape, Shape } from './shape.ts';
import { BOOLEAN, dict, either, key, list, OPTIONS, PAIRS, record, STRING } from './shape.ts';

/** The newest minor version of v3; what `3`, an empty version and no version mean. */
export const NEWEST_MINOR = 13;

const EXTERNAL = either(BOOLEAN, record('external', { name: key(STRING) }));

const IPAM_CONFIG = record(
  'an entry of ipam.config',
  { subnet: key(STRING) },
  {
    foreign: {
      gateway: 'version 2, compose-spec and "docker network create --gateway"',
      ip_range: 'version 2, compose-spec and "docker network create --ip-range"',
      aux_addresses: 'version 2, compose-spec and "docker network create --aux-address"',
    },
  },
);

const IPAM = record(
  'ipam',
  { driver: key(STRING), config: key(list(IPAM_CONFIG)) },
  { foreign: { options: 'version 2 and compose-spec' } },
);

export const NETWORK: RecordShape = record(
  'a network',
  {
    name: key(STRING, 5),
    driver: key(STRING),
    driver_opts: key(OPTIONS),
    ipam: key(IPAM),
    external: key(EXTERNAL),
    internal: key(BOOLEAN),
    attachable: key(BOOLEAN, 2),
    labels: key(PAIRS),
  },
  {
    extensions: 7,
    nullable: true,
    foreign: {
      enable_ipv4: 'compose-spec and "docker network create"',
      enable_ipv6: 'version 2, compose-spec and "docker network create --ipv6"',
    },
  },
);

const VOLUME = record(
  'a volume',
  {
    name: key(STRING, 4),
    driver: key(STRING),
    driver_opts: key(OPTIONS),
    external: key(EXTERNAL),
    labels: key(PAIRS),
  },
  { extensions: 7, nullable: true },
);

function fileObject(
  name: string,
  since: number,
  more: Readonly<Record<string, ReturnType<typeof key>>>,
): RecordShape {
  const external = either(BOOLEAN, record('external', { name: key(STRING, since) }, { open: true }));
  return record(
    name,
    {
      name: key(STRING, 5),
      file: key(STRING, since),
      external: key(external, since),
      labels: key(PAIRS, since),
      template_driver: key(STRING, 8),
      ...more,
    },
    { extensions: 7, foreign: { environment: 'compose-spec', content: 'compose-spec' } },
  );
}

const SECRET = fileObject('a secret', 1, { driver: key(STRING, 8), driver_opts: key(OPTIONS, 8) });
const CONFIG = fileObject('a config', 3, {});

export const COMPOSE: RecordShape = record(
  'the top level',
  {
    version: key(STRING),
    services: key(dict(SERVICE, true)),
    networks: key(dict(NETWORK, true)),
    volumes: key(dict(VOLUME, true)),
    secrets: key(dict(SECRET, true), 1),
    configs: key(dict(CONFIG, true), 3),
  },
  { extensions: 4, foreign: { name: 'compose-spec', include: 'compose-spec', models: 'compose-spec' } },
);

function collect(shape: Shape, into: Set<string>): void {
  switch (shape.kind) {
    case 'record':
      for (const [name, rule] of Object.entries(shape.keys)) {
        into.add(name);
        collect(rule.shape, into);
      }
      break;
    case 'dict':
      collect(shape.value, into);
      break;
    case 'list':
      collect(shape.item, into);
      break;
    case 'either':
      for (const one of shape.shapes) collect(one, into);
      break;
  }
}

/** Every key that the dialect has anywhere. */
export const COMMON_KEYS: ReadonlySet<string> = (() => {
  const keys = new Set<string>();
  collect(COMPOSE, keys);
  return keys;
})();
