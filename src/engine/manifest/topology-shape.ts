// What a topology file (format vxlab-topology/1, docs/topology.md) may hold.

import type { RecordShape } from './shape.ts';
import { dict, INTEGER, key, record, STRING, scalar } from './shape.ts';

/** Profiles whose networks are bridged, as a topology's are. */
const PROFILES = ['docker', 'flood-and-learn', 'head-end'];

const NODE = record('a node', { address: key(STRING) }, { required: ['address'] });

const NETWORK = record(
  'a network',
  {
    vni: key(INTEGER),
    subnet: key(STRING),
    gateway: key(STRING),
    mtu: key(INTEGER),
    port: key(INTEGER),
    flood: key(scalar(['string'], { values: ['none', 'head-end', 'multicast'] })),
    group: key(STRING),
  },
  { required: ['vni', 'subnet'] },
);

const ATTACHMENT = record(
  'a network of a container',
  { ip: key(STRING), mac: key(STRING) },
  { nullable: true },
);

const CONTAINER = record(
  'a container',
  { node: key(STRING), networks: key(dict(ATTACHMENT)) },
  { required: ['node', 'networks'], extensions: 0 },
);

export const TOPOLOGY: RecordShape = record(
  'a topology file',
  {
    schema: key(STRING),
    profile: key(scalar(['string'], { values: PROFILES })),
    underlay: key(record('the underlay', { mtu: key(INTEGER), prefix: key(INTEGER) }, { nullable: true })),
    nodes: key(dict(NODE, true)),
    networks: key(dict(NETWORK, true)),
    containers: key(dict(CONTAINER, true)),
  },
  { required: ['nodes', 'networks', 'containers'], extensions: 0 },
);
