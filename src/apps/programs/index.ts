// From what a service says it runs to the program that does it: one maker a kind.

import { resolve } from 'node:path';
import { programOf } from '../modules/run.ts';
import type { ProgramTable } from '../runtime.ts';
import { appServer } from './app-server.ts';
import { dns } from './dns.ts';
import { httpClient } from './http-client.ts';
import { httpServer } from './http-server.ts';
import { mysqlServer } from './mysql-server.ts';
import { ping } from './ping.ts';
import { tcpBulk } from './tcp-bulk.ts';
import { udp } from './udp.ts';

/** @param folder where the manifest lies: files that `run` names are found from there */
export function programTable(folder: string): Required<ProgramTable> {
  return {
    'http-server': httpServer,
    'http-client': httpClient,
    'mysql-server': (spec) => mysqlServer(spec),
    'app-server': appServer,
    ping,
    udp,
    'tcp-bulk': tcpBulk,
    dns,
    run: ({ file }) => programOf(resolve(folder, file)),
  };
}
