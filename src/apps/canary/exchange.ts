// What `vxlab prove` lets containers say: who asks whom, with which canary, inside TLS or not, and what came of it. Programs
// write it down here as they go; it is no part of what they send.

import type { Certificate } from './certificate.ts';

export type Carrier = 'HTTP' | 'MySQL';

/** One request that has the canary in it. */
export interface Said {
  readonly carrier: Carrier;
  /** In what of it: `header and JSON body`. */
  readonly where: string;
  /** Virtual time when it was asked; nanoseconds. */
  readonly time: number;
  /** The task that answered, and its node. */
  readonly task: string;
  readonly node: string;
  /** It went from one node to another. */
  readonly crossed: boolean;
  /** HTTP's status, MySQL's error or `ok`. */
  readonly answer: string;
}

export interface Errand {
  readonly canary: string;
  /** The name by which the server is asked. */
  readonly server: string;
  readonly port: number;
  /** Tasks that may answer: one more request each is made until one on another node has. */
  readonly tasks: number;
  /** null for none. */
  readonly secure: Certificate | null;
  /** Milliseconds of virtual time between requests. */
  readonly interval: number;
}

/** Who answered last, written by the server. */
export interface Answering {
  task: string;
  node: string;
}
