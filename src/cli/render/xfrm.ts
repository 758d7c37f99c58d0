// Security associations in the words of `ip -s xfrm state`. A line that starts with `#` says on which node.

import type { XfrmRow } from '../../lab/tables-xfrm.ts';

/** What Docker names its states and policies by (libnetwork drivers/overlay/encryption.go). */
const REQID = 0xd0c4e3;

export function renderXfrm(rows: readonly XfrmRow[]): string {
  if (rows.length === 0)
    return 'no network is encrypted (driver_opts: encrypted), or none has tasks on two nodes\n';
  let node = '';
  let text = '';
  for (const row of rows) {
    if (row.node !== node) {
      text += `${text === '' ? '' : '\n'}# ${row.node}\n`;
      node = row.node;
    }
    text += state(row);
  }
  return text;
}

function state(row: XfrmRow): string {
  const sent = row.direction === 'out';
  const number = `0x${row.sequence.toString(16)}`;
  const refused = sent ? '' : `\tstats: replay ${row.replayed} failed ${row.forged}\n`;
  return (
    `src ${row.src} dst ${row.dst}\n` +
    `\tproto esp spi ${row.spi} reqid ${REQID} mode transport\n` +
    `\treplay-window ${row.replayWindow}\n` +
    `\taead rfc4106(gcm(aes)) ${row.key} ${row.icv}\n` +
    `\tanti-replay context: seq ${sent ? '0x0' : number}, oseq ${sent ? number : '0x0'}\n` +
    `\tlifetime current: ${row.bytes}(bytes), ${row.packets}(packets)\n` +
    refused
  );
}
