// The fields of ICMP, ICMPv6 with neighbour and listener discovery, and IGMP.

import { checksumVerdict } from '../dissect/checksums.ts';
import { L } from '../dissect/layer.ts';
import { readIp6 } from '../wire/address.ts';
import { NO_FAULT } from '../wire/fault.ts';
import * as icmp from '../wire/icmp.ts';
import * as icmpv6 from '../wire/icmpv6.ts';
import * as igmp from '../wire/igmp.ts';
import * as mld from '../wire/mld.ts';
import * as nd from '../wire/nd.ts';
import type { Emit, FieldSpec, LayerSpec, Place } from './field.ts';
import { bytesText, field, moving } from './field.ts';
import { icmpHasId } from './info-control.ts';
import { CHECKSUM_STATUS, GROUP_RECORDS, ICMP_TYPES, ICMPV6_TYPES, IGMP_TYPES, ND_OPTIONS } from './names.ts';

function status(p: Place, emit: Emit, spec: FieldSpec): void {
  const verdict = checksumVerdict(p.view, p.d, p.row);
  if (verdict >= 0) emit(spec, verdict, p.start + 2, p.start + 4);
}

const ICMP_STATUS = moving('icmp.checksum.status', 'Checksum Status', 'uint', { names: CHECKSUM_STATUS });
const ICMP_ID = moving('icmp.ident', 'Identifier', 'uint');
const ICMP_SEQ = moving('icmp.seq', 'Sequence Number', 'uint');
const ICMP_MTU = moving('icmp.mtu', 'MTU of next hop', 'uint');
const ICMP_GATEWAY = moving('icmp.redir_gw', 'Gateway Address', 'ipv4');
const ICMP_POINTER = moving('icmp.pointer', 'Pointer', 'uint');

export const ICMP: LayerSpec = {
  kind: L.icmp,
  name: 'Internet Control Message Protocol',
  fields: [
    field('icmp.type', 'Type', 'uint', 0, 1, { names: ICMP_TYPES }),
    field('icmp.code', 'Code', 'uint', 1, 1),
    field('icmp.checksum', 'Checksum', 'hex', 2, 2),
  ],
  moreFields: [ICMP_STATUS, ICMP_ID, ICMP_SEQ, ICMP_MTU, ICMP_GATEWAY, ICMP_POINTER],
  title: () => '',
  more: (p, emit) => {
    const { view, start } = p;
    status(p, emit, ICMP_STATUS);
    if (p.head - start < icmp.HEADER_LEN) return;
    const type = icmp.type(view, start);
    if (icmpHasId(type)) {
      emit(ICMP_ID, icmp.id(view, start), start + 4, start + 6);
      emit(ICMP_SEQ, icmp.seq(view, start), start + 6, start + 8);
    } else if (type === icmp.TYPE.unreachable && icmp.code(view, start) === icmp.CODE.fragNeeded) {
      emit(ICMP_MTU, icmp.nextHopMtu(view, start), start + 6, start + 8);
    } else if (type === icmp.TYPE.redirect) {
      emit(ICMP_GATEWAY, icmp.rest(view, start), start + 4, start + 8);
    } else if (type === icmp.TYPE.parameterProblem) {
      emit(ICMP_POINTER, icmp.pointer(view, start), start + 4, start + 5);
    }
  },
};

const V6_STATUS = moving('icmpv6.checksum.status', 'Checksum Status', 'uint', { names: CHECKSUM_STATUS });
const V6_ID = { ...moving('icmpv6.echo.identifier', 'Identifier', 'hex'), size: 2 };
const V6_SEQ = moving('icmpv6.echo.sequence_number', 'Sequence', 'uint');
const V6_MTU = moving('icmpv6.mtu', 'MTU', 'uint');
const V6_POINTER = moving('icmpv6.pointer', 'Pointer', 'uint');
const NS_TARGET = moving('icmpv6.nd.ns.target_address', 'Target Address', 'ipv6');
const NA_TARGET = moving('icmpv6.nd.na.target_address', 'Target Address', 'ipv6');
const RD_TARGET = moving('icmpv6.nd.rd.target_address', 'Target Address', 'ipv6');
const NA_ROUTER = moving('icmpv6.nd.na.flag.r', 'Router', 'bool');
const NA_SOLICITED = moving('icmpv6.nd.na.flag.s', 'Solicited', 'bool');
const NA_OVERRIDE = moving('icmpv6.nd.na.flag.o', 'Override', 'bool');
const RA_HOPS = moving('icmpv6.nd.ra.cur_hop_limit', 'Cur hop limit', 'uint');
const RA_MANAGED = moving('icmpv6.nd.ra.flag.m', 'Managed address configuration', 'bool');
const RA_OTHER = moving('icmpv6.nd.ra.flag.o', 'Other configuration', 'bool');
const RA_LIFETIME = moving('icmpv6.nd.ra.router_lifetime', 'Router lifetime (s)', 'uint');
const OPT_TYPE = moving('icmpv6.opt.type', 'Type', 'uint', { names: ND_OPTIONS });
const OPT_LENGTH = moving('icmpv6.opt.length', 'Length', 'uint');
const OPT_LINK = moving('icmpv6.opt.linkaddr', 'Link-layer address', 'bytes');
const OPT_MTU = moving('icmpv6.opt.mtu', 'MTU', 'uint');
const OPT_PREFIX = moving('icmpv6.opt.prefix', 'Prefix', 'ipv6');
const OPT_PREFIX_LENGTH = moving('icmpv6.opt.prefix.length', 'Prefix Length', 'uint');
const MLD_GROUP = moving('icmpv6.mld.multicast_address', 'Multicast Address', 'ipv6');
const MLD_RECORDS = moving('icmpv6.mldr.nb_mcast_records', 'Number of Multicast Address Records', 'uint');
const MLD_RECORD = moving('icmpv6.mldr.mar.record_type', 'Record Type', 'uint', { names: GROUP_RECORDS });
const MLD_RECORD_GROUP = moving('icmpv6.mldr.mar.multicast_address', 'Multicast Address', 'ipv6');

export const ICMPV6: LayerSpec = {
  kind: L.icmpv6,
  name: 'Internet Control Message Protocol v6',
  fields: [
    field('icmpv6.type', 'Type', 'uint', 0, 1, { names: ICMPV6_TYPES }),
    field('icmpv6.code', 'Code', 'uint', 1, 1),
    field('icmpv6.checksum', 'Checksum', 'hex', 2, 2),
  ],
  moreFields: [
    V6_STATUS,
    V6_ID,
    V6_SEQ,
    V6_MTU,
    V6_POINTER,
    NS_TARGET,
    NA_TARGET,
    RD_TARGET,
    NA_ROUTER,
    NA_SOLICITED,
    NA_OVERRIDE,
    RA_HOPS,
    RA_MANAGED,
    RA_OTHER,
    RA_LIFETIME,
    OPT_TYPE,
    OPT_LENGTH,
    OPT_LINK,
    OPT_MTU,
    OPT_PREFIX,
    OPT_PREFIX_LENGTH,
    MLD_GROUP,
    MLD_RECORDS,
    MLD_RECORD,
    MLD_RECORD_GROUP,
  ],
  title: () => '',
  more: (p, emit) => {
    const { view, start } = p;
    status(p, emit, V6_STATUS);
    if (p.head - start < icmpv6.HEADER_LEN) return;
    const type = icmpv6.type(view, start);
    if (type === icmpv6.TYPE.echo || type === icmpv6.TYPE.echoReply) {
      emit(V6_ID, icmpv6.id(view, start), start + 4, start + 6);
      emit(V6_SEQ, icmpv6.seq(view, start), start + 6, start + 8);
    } else if (type === icmpv6.TYPE.tooBig)
      emit(V6_MTU, icmpv6.nextHopMtu(view, start), start + 4, start + 8);
    else if (type === icmpv6.TYPE.parameterProblem) {
      emit(V6_POINTER, icmpv6.pointer(view, start), start + 4, start + 8);
    } else if (nd.headerLen(type) > 0) ndMore(p, type, emit);
    else mldMore(p, type, emit);
  },
};

function ndMore(p: Place, type: number, emit: Emit): void {
  const { view, start, head } = p;
  if (head - start < nd.headerLen(type)) return;
  const bit = (spec: FieldSpec, at: number, mask: number): void =>
    emit(spec, (view.getUint8(at) & mask) === 0 ? 0 : 1, at, at + 1);
  if (type === nd.TYPE.routerAdvertisement) {
    emit(RA_HOPS, view.getUint8(start + 4), start + 4, start + 5);
    bit(RA_MANAGED, start + 5, nd.RA_FLAG.managed);
    bit(RA_OTHER, start + 5, nd.RA_FLAG.other);
    emit(RA_LIFETIME, view.getUint16(start + 6), start + 6, start + 8);
  } else if (type === nd.TYPE.neighbourAdvertisement) {
    bit(NA_ROUTER, start + 4, nd.FLAG.router);
    bit(NA_SOLICITED, start + 4, nd.FLAG.solicited);
    bit(NA_OVERRIDE, start + 4, nd.FLAG.override);
    emit(NA_TARGET, nd.target(view, start), start + 8, start + 24);
  } else if (type !== nd.TYPE.routerSolicitation) {
    const spec = type === nd.TYPE.neighbourSolicitation ? NS_TARGET : RD_TARGET;
    emit(spec, nd.target(view, start), start + 8, start + 24);
  }
  for (const o of nd.read(view, start, head).options) {
    emit(OPT_TYPE, o.type, o.at, o.at + 1);
    emit(OPT_LENGTH, o.length / 8, o.at + 1, o.at + 2);
    if (o.type === nd.OPTION.sourceLink || o.type === nd.OPTION.targetLink) {
      emit(OPT_LINK, bytesText(view, o.at + 2, o.at + o.length), o.at + 2, o.at + o.length);
    }
    if (o.mtu !== undefined) emit(OPT_MTU, o.mtu, o.at + 4, o.at + 8);
    if (o.prefix !== undefined) {
      emit(OPT_PREFIX_LENGTH, o.prefix.bits, o.at + 2, o.at + 3);
      emit(OPT_PREFIX, o.prefix.address, o.at + 16, o.at + 32);
    }
  }
}

function mldMore(p: Place, type: number, emit: Emit): void {
  const { view, start, head } = p;
  if (mld.check(view, start, head) !== NO_FAULT) return;
  if (type !== mld.TYPE.reportV2) {
    emit(MLD_GROUP, mld.group(view, start), start + 8, start + 24);
    return;
  }
  const count = view.getUint16(start + 6);
  emit(MLD_RECORDS, count, start + 6, start + 8);
  let o = start + mld.V2_REPORT_LEN;
  for (let i = 0; i < count; i++) {
    emit(MLD_RECORD, view.getUint8(o), o, o + 1);
    emit(MLD_RECORD_GROUP, readIp6(view, o + 4), o + 4, o + 20);
    o += mld.RECORD_LEN + 16 * view.getUint16(o + 2) + 4 * view.getUint8(o + 1);
  }
}

const IGMP_STATUS = moving('igmp.checksum.status', 'Checksum Status', 'uint', { names: CHECKSUM_STATUS });
const IGMP_VERSION = moving('igmp.version', 'IGMP Version', 'uint');
const IGMP_GROUP = moving('igmp.maddr', 'Multicast Address', 'ipv4');
const IGMP_MAX = moving('igmp.max_resp', 'Max Resp Time', 'uint');
const IGMP_RECORDS = moving('igmp.num_grp_recs', 'Num Group Records', 'uint');
const IGMP_RECORD = moving('igmp.record_type', 'Record Type', 'uint', { names: GROUP_RECORDS });

export const IGMP: LayerSpec = {
  kind: L.igmp,
  name: 'Internet Group Management Protocol',
  fields: [
    field('igmp.type', 'Type', 'hex', 0, 1, { names: IGMP_TYPES }),
    field('igmp.checksum', 'Checksum', 'hex', 2, 2),
  ],
  moreFields: [IGMP_STATUS, IGMP_VERSION, IGMP_GROUP, IGMP_MAX, IGMP_RECORDS, IGMP_RECORD],
  title: () => '',
  more: (p, emit) => {
    const { view, start, head } = p;
    status(p, emit, IGMP_STATUS);
    if (igmp.check(view, start, head) !== NO_FAULT) return;
    const type = igmp.type(view, start);
    emit(IGMP_VERSION, igmp.version(view, start, head), start, start + 1);
    if (type !== igmp.TYPE.reportV3) {
      if (type === igmp.TYPE.query) emit(IGMP_MAX, view.getUint8(start + 1), start + 1, start + 2);
      emit(IGMP_GROUP, igmp.group(view, start), start + 4, start + 8);
      return;
    }
    const count = igmp.recordCount(view, start);
    emit(IGMP_RECORDS, count, start + 6, start + 8);
    let o = start + igmp.HEADER_LEN;
    for (let i = 0; i < count; i++) {
      emit(IGMP_RECORD, igmp.recordType(view, o), o, o + 1);
      emit(IGMP_GROUP, igmp.recordGroup(view, o), o + 4, o + 8);
      o += igmp.recordLen(view, o);
    }
  },
};
