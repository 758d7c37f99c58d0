// The process of one node of a group, started by node-group.ts. Its manager's channel is all it hears: it ends with it, and Ctrl-C,
// which a terminal sends to every process, is for the manager to act on.

import { VxlabError } from '../../core/wire/numbers.ts';
import { inlineMore } from '../../live/inlining.ts';
import type { ManagerMessage, NodeMessage } from './messages.ts';
import { ALIVE_EVERY, stateOf } from './messages.ts';
import { Share } from './share.ts';

let share: Share | null = null;

function tell(message: NodeMessage): void {
  if (process.connected) process.send?.(message);
}

async function hear(message: ManagerMessage): Promise<void> {
  switch (message.kind) {
    case 'settings':
      share = new Share(message.settings, (container, text, stream) =>
        tell({ kind: 'said', container, text, stream }),
      );
      await share.open();
      setInterval(() => tell({ kind: 'alive' }), ALIVE_EVERY);
      return tell({ kind: 'ready' });
    case 'begin':
      return share?.begin(message.duration);
    case 'lost':
      return void share?.lose(message.node);
    case 'end': {
      if (share !== null) tell({ kind: 'account', account: stateOf(await share.end()) });
      process.disconnect();
      process.exit(0);
    }
  }
}

inlineMore();
process.on('SIGINT', () => {});
process.once('disconnect', () => process.exit(0));
process.on('message', (message: ManagerMessage) => {
  hear(message).catch((error: unknown) => {
    if (!(error instanceof VxlabError)) throw error;
    const failed: NodeMessage = { kind: 'failed', code: error.code, message: error.message };
    process.send?.(failed, () => process.exit(1));
  });
});
