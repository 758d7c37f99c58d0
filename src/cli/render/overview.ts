// The overview of a capture for people: what the file is, then VNIs, tunnels, endpoints, flows and findings as tables.

import type { DocumentFinding, FileFacts } from '../../core/survey/document.ts';
import { portsOf } from '../../core/survey/document.ts';
import type { FlowCount, FlowEnd, Listed, Overview } from '../../core/survey/overview.ts';
import type { Survey } from '../../core/survey/survey.ts';
import { formatIp, formatMac } from '../../core/wire/address.ts';
import { count } from '../units.ts';
import type { Colors } from './paint.ts';
import { table } from './table.ts';

/** Addresses of one endpoint that a row shows. */
const IPS_SHOWN = 4;

export function renderOverview(
  file: FileFacts,
  survey: Survey,
  overview: Overview,
  findings: readonly DocumentFinding[] | null,
  rows: number,
  paint: Colors,
): string {
  const parts = [headOf(file, survey)];
  if (overview.vnis.length > 0) {
    parts.push(vniTable(overview, paint), tunnelTable(overview, rows, paint));
    parts.push(endpointTable(overview, rows, paint), flowTable(overview.flows, rows, paint));
  }
  if (findings !== null && findings.length > 0) parts.push(findingLines(findings, paint));
  return parts.filter((part) => part !== '').join('\n');
}

function headOf(file: FileFacts, survey: Survey): string {
  const lines = [
    `${file.name}: ${file.format}, ${file.linkTypes.join(', ') || 'no interface'}, ${count(file.packets, 'packet')}, ${bytesText(file.bytes)}${spanText(file)}`,
  ];
  const where = portsOf(survey);
  const on = where.length === 0 ? '' : ` on UDP ${where.join(', ')}`;
  const bad = survey.malformed === 0 ? '' : `, ${survey.malformed} malformed`;
  lines.push(
    survey.vxlanPackets === 0 && survey.malformed === 0
      ? 'VXLAN: none'
      : `VXLAN: ${count(survey.vxlanPackets, 'packet')}, ${bytesText(survey.vxlanBytes)}${on}${bad}`,
  );
  return `${lines.join('\n')}\n`;
}

function spanText({ firstTime, lastTime }: FileFacts): string {
  if (firstTime === null || lastTime === null) return '';
  const seconds = Number(lastTime) - Number(firstTime);
  const began = new Date(Math.floor(Number(firstTime) * 1000));
  const date = Number.isNaN(began.getTime())
    ? firstTime
    : began.toISOString().replace('T', ' ').replace('Z', ' UTC');
  return `, ${seconds.toFixed(3)} s from ${date}`;
}

function vniTable({ vnis }: Overview, paint: Colors): string {
  return titled(
    'VNIs',
    paint,
    table(
      [
        { head: 'VNI', align: 'right' },
        { head: 'PACKETS', align: 'right' },
        { head: 'BYTES', align: 'right' },
        { head: 'ENDPOINTS', align: 'right' },
        { head: 'VTEPS' },
      ],
      vnis.map((one) => [
        String(one.vni),
        String(one.packets),
        String(one.bytes),
        String(one.endpoints.total),
        some(one.vteps.map(formatIp)),
      ]),
    ),
  );
}

function tunnelTable({ tunnels }: Overview, rows: number, paint: Colors): string {
  const body = tunnels
    .slice(0, rows)
    .map((one) => [
      String(one.vni),
      formatIp(one.src),
      formatIp(one.dst),
      String(one.packets),
      String(one.bytes),
    ]);
  const columns = [
    { head: 'VNI', align: 'right' },
    { head: 'FROM' },
    { head: 'TO' },
    { head: 'PACKETS', align: 'right' },
    { head: 'BYTES', align: 'right' },
  ] as const;
  return titled('Tunnels', paint, table(columns, body), tunnels.length - body.length);
}

function endpointTable({ vnis }: Overview, rows: number, paint: Colors): string {
  const all = vnis.flatMap(({ vni, endpoints }) => endpoints.first.map((one) => ({ vni, one })));
  const total = vnis.reduce((sum, { endpoints }) => sum + endpoints.total, 0);
  if (total === 0) return '';
  const body = all
    .slice(0, rows)
    .map(({ vni, one }) => [
      String(vni),
      formatMac(one.mac),
      formatIp(one.vtep),
      String(one.packets),
      some(one.ips.map(formatIp)),
    ]);
  const columns = [
    { head: 'VNI', align: 'right' },
    { head: 'MAC' },
    { head: 'VTEP' },
    { head: 'SENT', align: 'right' },
    { head: 'ADDRESSES' },
  ] as const;
  return titled('Endpoints', paint, table(columns, body), total - body.length);
}

function flowTable({ total, first }: Listed<FlowCount>, rows: number, paint: Colors): string {
  if (total === 0) return '';
  const body = first
    .slice(0, rows)
    .map((one) => [
      String(one.vni),
      one.protocol,
      endText(one.a),
      endText(one.b),
      String(one.packetsAB),
      String(one.bytesAB),
      String(one.packetsBA),
      String(one.bytesBA),
    ]);
  const columns = [
    { head: 'VNI', align: 'right' },
    { head: 'PROTOCOL' },
    { head: 'A' },
    { head: 'B' },
    { head: 'A TO B', align: 'right' },
    { head: 'BYTES', align: 'right' },
    { head: 'B TO A', align: 'right' },
    { head: 'BYTES', align: 'right' },
  ] as const;
  return titled('Flows', paint, table(columns, body), total - body.length);
}

function findingLines(findings: readonly DocumentFinding[], paint: Colors): string {
  const colour = { error: paint.red, warning: paint.yellow, note: paint.cyan };
  const lines = findings.map(({ severity, code, title, packets, count: times }) => {
    const shown = packets.slice(0, 5).join(', ');
    const more = times > 5 ? ', ...' : '';
    const where = packets.length === 0 ? '' : ` (packet ${shown}${more})`;
    return `${colour[severity](severity.padEnd(7))}  ${code}  ${title}${where}\n`;
  });
  return titled('Findings', paint, lines.join(''));
}

function titled(title: string, paint: Colors, body: string, more = 0): string {
  const rest = more > 0 ? `... and ${more} more; --rows N shows more, --json all\n` : '';
  return `${paint.bold(title)}\n${body}${rest}`;
}

function endText({ ip, port }: FlowEnd): string {
  const address = formatIp(ip);
  if (port === null) return address;
  return typeof ip === 'number' ? `${address}:${port}` : `[${address}]:${port}`;
}

function some(texts: readonly string[]): string {
  const shown = texts.slice(0, IPS_SHOWN).join(' ');
  return texts.length > IPS_SHOWN ? `${shown} and ${texts.length - IPS_SHOWN} more` : shown;
}

/** `1.2 MB`: bytes for people, in powers of ten as capinfos has them. */
export function bytesText(bytes: number): string {
  if (bytes < 1000) return count(bytes, 'byte');
  const power = Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return `${(bytes / 1000 ** power).toFixed(1)} ${['', 'kB', 'MB', 'GB', 'TB'][power]}`;
}
