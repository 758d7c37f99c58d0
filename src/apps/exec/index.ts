// The programs that `vxlab exec` finds in a container, by name.

import { curl } from './curl/curl.ts';
import { dig } from './dig/dig.ts';
import { nslookup } from './dig/nslookup.ts';
import { cat, hostname } from './files.ts';
import { getent } from './getent.ts';
import { ip } from './ip/ip.ts';
import { iperf } from './iperf/iperf.ts';
import { nc } from './nc/nc.ts';
import { ping } from './ping/ping.ts';
import { ss } from './ss.ts';
import type { Tool } from './tool.ts';

export const TOOLS: ReadonlyMap<string, Tool> = new Map<string, Tool>([
  ['cat', cat],
  ['curl', curl],
  ['dig', dig],
  ['getent', getent],
  ['hostname', hostname],
  ['ip', ip],
  ['iperf', iperf],
  ['iperf3', iperf],
  ['nc', nc],
  ['netcat', nc],
  ['nslookup', nslookup],
  ['ping', ping],
  ['ping6', (context) => ping({ ...context, argv: ['-6', ...context.argv] })],
  ['ss', ss],
]);
