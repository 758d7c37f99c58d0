// SIP (RFC 3261) over UDP and TCP: who calls whom, answers to Digest's challenge (s.22), and short messages (RFC 3428).

import type { Claim, Protocol, Reader, Talk } from '../reader.ts';
import type { Headed } from './grammar/headed.ts';
import { HeadedReader } from './grammar/headed.ts';
import { firstLine, isPlain } from './grammar/lines.ts';

const METHODS =
  'REGISTER|INVITE|ACK|BYE|CANCEL|OPTIONS|PRACK|SUBSCRIBE|NOTIFY|PUBLISH|INFO|REFER|MESSAGE|UPDATE';
const START = new RegExp(`^(?:(?:${METHODS}) (?:sips?|tel):[^ ]{1,512} SIP/2\\.0|SIP/2\\.0 \\d{3}(?: .*)?)$`);

const KIND: Headed = {
  name: 'SIP',
  start: START,
  people: new Set(['from', 'to', 'f', 't', 'contact', 'm', 'p-asserted-identity', 'remote-party-id']),
};

export const sip: Protocol = {
  name: 'SIP',
  ports: [5060],
  transports: ['TCP', 'UDP'],
  claim({ client, server, transport }: Talk): Claim {
    const lines = [firstLine(client), firstLine(server)];
    if (lines.some((line) => !isPlain(line))) return 'not mine';
    if (lines.some((line) => line.endsWith('\n') && START.test(line.trimEnd()))) return 'mine';
    if (transport === 'UDP') return client.length + server.length === 0 ? 'perhaps' : 'not mine';
    const isOpen = lines.every(
      (line) =>
        line === '' ||
        (!line.endsWith('\n') && /^(?:[A-Z]{1,9}(?: (?:s|sip|sips|t|tel)?.*)?|SIP\/.*)$/.test(line)),
    );
    return isOpen ? 'perhaps' : 'not mine';
  },
  reader: (talk: Talk): Reader => new HeadedReader(KIND, talk),
};
