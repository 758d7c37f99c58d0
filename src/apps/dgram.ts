// The module `dgram` of a container: node:dgram in shape, with the container's addresses and ports.

import type { DgramOptions, Heard } from './dgram/socket.ts';
import { DgramSocket } from './dgram/socket.ts';
import { rename } from './net/net.ts';
import type { Site } from './site.ts';

export type { DgramOptions, DgramSocket, Heard, RemoteInfo } from './dgram/socket.ts';

export interface ContainerDgram {
  readonly Socket: new (options: DgramOptions | 'udp4' | 'udp6', heard?: Heard) => DgramSocket;
  createSocket(options: DgramOptions | 'udp4' | 'udp6', heard?: Heard): DgramSocket;
}

export function containerDgram(site: Site): ContainerDgram {
  class Socket extends DgramSocket {
    constructor(options: DgramOptions | 'udp4' | 'udp6', heard?: Heard) {
      super(site, options, heard);
    }
  }
  rename(Socket, 'Socket');
  return { Socket, createSocket: (options, heard) => new Socket(options, heard) };
}
