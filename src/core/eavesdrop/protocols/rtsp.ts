// RTSP (RFC 2326, RFC 7826), which cameras speak: addresses of streams and log-ins by Basic and Digest.

import type { Claim, Protocol, Reader, Talk } from '../reader.ts';
import type { Headed } from './grammar/headed.ts';
import { HeadedReader } from './grammar/headed.ts';
import { firstLine, isPlain } from './grammar/lines.ts';

const METHODS =
  'DESCRIBE|OPTIONS|SETUP|PLAY|PAUSE|TEARDOWN|GET_PARAMETER|SET_PARAMETER|ANNOUNCE|RECORD|REDIRECT';
const START = new RegExp(
  `^(?:(?:${METHODS}) (?:rtspu?s?:[^ ]{1,1024}|\\*) RTSP/[12]\\.0|RTSP/[12]\\.0 \\d{3}(?: .*)?)$`,
);

const KIND: Headed = { name: 'RTSP', start: START, people: new Set(['user-agent', 'server']) };

export const rtsp: Protocol = {
  name: 'RTSP',
  ports: [554, 8554],
  claim({ client, server }: Talk): Claim {
    const lines = [firstLine(client), firstLine(server)];
    if (lines.some((line) => !isPlain(line))) return 'not mine';
    if (lines.some((line) => line.endsWith('\n') && START.test(line.trimEnd()))) return 'mine';
    const isOpen = lines.every(
      (line) =>
        line === '' ||
        (!line.endsWith('\n') && /^(?:[A-Z_]{1,13}(?: (?:(?:r|rt|rts|rtsp|\*).*)?)?|RTSP\/.*)$/.test(line)),
    );
    return isOpen ? 'perhaps' : 'not mine';
  },
  reader: (talk: Talk): Reader => new HeadedReader(KIND, talk),
};
