// The overview as the JSON document that others build on (docs/schema/inspect.schema.json): addresses as text.

import type { CaptureReader, CutShort } from '../pcap/record.ts';
import { formatIp, formatMac } from '../wire/address.ts';
import type { FlowEnd, Overview } from './overview.ts';
import type { Survey } from './survey.ts';

export interface InspectDocument {
  readonly schema: 'vxlab.inspect/1';
  readonly file: FileFacts;
  readonly vxlan: {
    readonly packets: number;
    readonly bytes: number;
    /** Packets on a VXLAN port that no conforming receiver would accept. */
    readonly malformed: number;
    readonly ports: readonly number[];
  };
  readonly vnis: readonly {
    readonly vni: number;
    readonly packets: number;
    readonly bytes: number;
    readonly vteps: readonly string[];
    readonly endpoints: readonly {
      readonly mac: string;
      readonly ips: readonly string[];
      readonly vtep: string;
      readonly packets: number;
    }[];
  }[];
  readonly tunnels: readonly {
    readonly vni: number;
    readonly src: string;
    readonly dst: string;
    readonly packets: number;
    readonly bytes: number;
  }[];
  readonly flows: readonly {
    readonly vni: number;
    readonly protocol: string;
    readonly a: DocumentEnd;
    readonly b: DocumentEnd;
    readonly packetsAB: number;
    readonly bytesAB: number;
    readonly packetsBA: number;
    readonly bytesBA: number;
  }[];
  /** Whether findings were looked for. */
  readonly examined: boolean;
  readonly findings: readonly DocumentFinding[];
}

export interface FileFacts {
  readonly name: string;
  readonly format: 'pcap' | 'pcapng';
  /** Names of link types, in the order of their numbers. */
  readonly linkTypes: readonly string[];
  readonly packets: number;
  /** On the wire. */
  readonly bytes: number;
  /** `seconds.nnnnnnnnn` since 1970; null without a packet that has a time. */
  readonly firstTime: string | null;
  readonly lastTime: string | null;
  readonly cutShort: CutShort | null;
}

export interface DocumentEnd {
  readonly ip: string;
  readonly port: number | null;
}

export interface DocumentFinding {
  readonly code: string;
  readonly severity: 'error' | 'warning' | 'note';
  readonly count: number;
  readonly packets: readonly number[];
  readonly title: string;
  readonly explain: string;
}

/** A time as `seconds.nnnnnnnnn`; a fraction of a second or more, which damaged files have, is carried. */
export function timeText(seconds: number, nanos: number): string {
  const carry = Math.floor(nanos / 1e9);
  return `${seconds + carry}.${String(nanos - carry * 1e9).padStart(9, '0')}`;
}

/** What is known of a file that a survey has been over. */
export function fileFacts(
  name: string,
  reader: CaptureReader,
  survey: Survey,
  cutShort: CutShort | null,
  linkTypeName: (linkType: number) => string,
): FileFacts {
  const timed = Number.isFinite(survey.firstSeconds);
  return {
    name,
    format: reader.format ?? 'pcap',
    linkTypes: linkTypesOf(reader, survey).map(linkTypeName),
    packets: survey.packets,
    bytes: survey.bytes,
    firstTime: timed ? timeText(survey.firstSeconds, survey.firstNanos) : null,
    lastTime: timed ? timeText(survey.lastSeconds, survey.lastNanos) : null,
    cutShort,
  };
}

/** Link types of the packets, or, where there is none, of the interfaces. */
function linkTypesOf(reader: CaptureReader, survey: Survey): number[] {
  const types = survey.linkTypes.size > 0 ? survey.linkTypes : reader.interfaces.map((one) => one.linkType);
  return [...new Set(types)].sort((x, y) => x - y);
}

/** @param findings null when none were looked for */
export function inspectDocument(
  file: FileFacts,
  survey: Survey,
  { vnis, tunnels, flows }: Overview,
  findings: readonly DocumentFinding[] | null,
): InspectDocument {
  const end = ({ ip, port }: FlowEnd): DocumentEnd => ({ ip: formatIp(ip), port });
  return {
    schema: 'vxlab.inspect/1',
    file,
    vxlan: {
      packets: survey.vxlanPackets,
      bytes: survey.vxlanBytes,
      malformed: survey.malformed,
      ports: portsOf(survey),
    },
    vnis: vnis.map((one) => ({
      ...one,
      vteps: one.vteps.map(formatIp),
      endpoints: one.endpoints.first.map((endpoint) => ({
        mac: formatMac(endpoint.mac),
        ips: endpoint.ips.map(formatIp),
        vtep: formatIp(endpoint.vtep),
        packets: endpoint.packets,
      })),
    })),
    tunnels: tunnels.map((one) => ({ ...one, src: formatIp(one.src), dst: formatIp(one.dst) })),
    flows: flows.first.map((one) => ({ ...one, a: end(one.a), b: end(one.b) })),
    examined: findings !== null,
    findings: (findings ?? []).map(({ code, severity, count, packets, title, explain }) => ({
      code,
      severity,
      count,
      packets,
      title,
      explain,
    })),
  };
}

/** The UDP ports that carried VXLAN, ascending. */
export function portsOf(survey: Survey): number[] {
  const list: number[] = [];
  survey.ports.forEach((seen, port) => {
    if (seen !== 0) list.push(port);
  });
  return list;
}
