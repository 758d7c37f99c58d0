// `iperf`, `iperf3`: goodput between two containers, by iperf3's protocol, from either end.

import type { ToolContext } from '../tool.ts';
import { stopWith } from '../tool.ts';
import { readIperf } from './arguments.ts';
import { client } from './client.ts';
import { server } from './server.ts';

export async function iperf(context: ToolContext): Promise<number> {
  const request = readIperf(context.argv);
  if ('exit' in request) return stopWith(context, request);
  return request.to === null ? server(context, request) : client(context, request);
}
