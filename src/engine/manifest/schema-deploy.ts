// What stands under a service's `deploy` in Compose v3 (docker/cli 28, cli/compose/schema, versions 3.0 to 3.13).

import type { RecordShape } from './shape.ts';
import { DURATION, INTEGER, key, list, NUMBER, PAIRS, record, STRING, scalar } from './shape.ts';

const ORDER = scalar(['string'], { values: ['start-first', 'stop-first'] });
const PLAIN_INTEGER = scalar(['integer'], { cast: false });
const PLAIN_NUMBER = scalar(['number'], { cast: false });
const SIZE = scalar(['string'], { format: 'size' });

/** `update_config` and `rollback_config`: the minor version that has it, and the one that gave it `order`. */
function updateConfig(name: string, since: number, order: number): RecordShape {
  return record(name, {
    parallelism: key(INTEGER, since),
    delay: key(DURATION, since),
    failure_action: key(STRING, since),
    monitor: key(DURATION, since),
    max_failure_ratio: key(NUMBER, since),
    order: key(ORDER, order),
  });
}

const GENERIC_RESOURCE = record('a generic resource', {
  discrete_resource_spec: key(
    record('discrete_resource_spec', { kind: key(STRING, 5), value: key(PLAIN_NUMBER, 5) }),
    5,
  ),
});

const RESOURCES = record('resources', {
  limits: key(record('limits', { cpus: key(STRING), memory: key(SIZE), pids: key(PLAIN_INTEGER, 9) })),
  reservations: key(
    record(
      'reservations',
      { cpus: key(STRING), memory: key(SIZE), generic_resources: key(list(GENERIC_RESOURCE), 5) },
      { foreign: { devices: 'compose-spec' } },
    ),
  ),
});

const PLACEMENT = record('placement', {
  constraints: key(list(STRING)),
  preferences: key(list(record('a preference', { spread: key(STRING, 3) })), 3),
  max_replicas_per_node: key(INTEGER, 8),
});

export const DEPLOY: RecordShape = record(
  'deploy',
  {
    mode: key(STRING),
    endpoint_mode: key(STRING, 2),
    replicas: key(INTEGER),
    labels: key(PAIRS),
    update_config: key(updateConfig('update_config', 0, 4)),
    rollback_config: key(updateConfig('rollback_config', 7, 7), 7),
    resources: key(RESOURCES),
    restart_policy: key(
      record('restart_policy', {
        condition: key(STRING),
        delay: key(DURATION),
        max_attempts: key(INTEGER),
        window: key(DURATION),
      }),
    ),
    placement: key(PLACEMENT),
  },
  { nullable: true },
);
