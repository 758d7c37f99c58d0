import { readFileSync } from 'node:fs';
import { test } from 'vitest';
import { loadCompose } from '../../src/engine/manifest/load.ts';
import { Recorded, judge, tcpdumpSays } from '../support/judges.ts';
test('six', () => {
  const text = readFileSync('/tmp/judges/six.yml','utf8');
  const l = loadCompose(text, {stack:'lecture'});
  console.log(JSON.stringify(l.diagnostics), JSON.stringify(l.spec?.networks.map(n=>n.subnets)));
  for (const p of ['docker','head-end','flood-and-learn']) {
  try {
  const r = new Recorded(text, p);
  for (const t of r.simulation.world.networks.values()) console.log(JSON.stringify([...t.sandboxes.keys()]), JSON.stringify(t.plan.subnet), JSON.stringify(t.db.rows()));
  console.log(p, r.ping('webserver.1','webserver.2'), r.ping('webserver.1','appserver.1'), r.ping('webserver.1','appserver.1',{size:4000,dontFragment:false}));
  r.save('/tmp/judges/six.pcapng'); const v=judge('/tmp/judges/six.pcapng', r.bytes());
  console.log(v.packets, v.differences.slice(0,5), v.complaints.slice(0,5), v.stacks);
  } catch (e) { console.log(p, e); }}
});
