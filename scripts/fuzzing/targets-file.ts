// Targets about whole files: the readers, however the bytes come, and everything that counts behind them.

import { Doctor } from '../../src/core/doctor/doctor.ts';
import { linkTypeName } from '../../src/core/pcap/linktype.ts';
import { packetComments } from '../../src/core/pcap/pcapng-options.ts';
import { AnyReader } from '../../src/core/pcap/reader.ts';
import type { PacketSink } from '../../src/core/pcap/record.ts';
import { Sight } from '../../src/core/reassembly/sight.ts';
import { fileFacts, inspectDocument } from '../../src/core/survey/document.ts';
import { overviewOf } from '../../src/core/survey/overview.ts';
import { Survey } from '../../src/core/survey/survey.ts';
import { Chance } from './chance.ts';
import type { FileInput, Input } from './input.ts';
import type { Target } from './target.ts';
import { must, reads } from './target.ts';
import type { Trail } from './trail.ts';
import { MARK } from './trail.ts';

/** What a reader said of a file: a line a packet, then interfaces, sections and how it ended. */
interface Told {
  readonly text: string;
  readonly reader: AnyReader;
}

function told(bytes: Uint8Array, pieces: readonly number[]): Told {
  let text = '';
  let packets = 0;
  const reader: AnyReader = new AnyReader((view, start, end, meta) => {
    packets++;
    must(
      0 <= start && start <= end && end <= view.byteLength,
      'a packet lies on its view',
      `${start} ${end}`,
    );
    must(meta.number === packets && meta.offset < bytes.length, 'packets are counted', meta.number);
    must(
      meta.optionsStart <= meta.optionsEnd && meta.optionsEnd <= view.byteLength,
      'options lie on the view',
    );
    must(reader.interfaces[meta.interfaceId] !== undefined, 'a packet has an interface', meta.interfaceId);
    must(
      Number.isInteger(meta.seconds) && Math.abs(meta.seconds) < 1e20 && meta.nanos >= 0,
      'a packet has a time',
      `${meta.seconds} ${meta.nanos}`,
    );
    let hash = end - start;
    for (let at = start; at < end; at++) hash = Math.imul(hash ^ view.getUint8(at), 0x0100_0193);
    const {
      number,
      offset,
      seconds,
      nanos,
      timed,
      originalLength,
      linkType,
      interfaceId,
      direction,
      fcsLength,
    } = meta;
    const comments = meta.optionsEnd > meta.optionsStart ? packetComments(view, meta).join('|') : '';
    text += `${[number, offset, seconds, nanos, timed, originalLength, linkType, interfaceId, direction, fcsLength, hash]} ${comments}\n`;
  });
  let at = 0;
  for (const size of pieces) {
    // The chunk is the reader's only while it is pushed.
    const chunk = bytes.slice(at, at + size);
    reader.push(chunk);
    chunk.fill(0x5a);
    at += size;
  }
  reader.push(bytes.slice(at));
  reader.end();
  const { format, interfaces, sections, cutShort } = reader;
  must(reader.packets === packets && reader.done, 'the reader counted its packets', packets);
  must(
    cutShort === null || (cutShort.reason !== '' && cutShort.offset <= bytes.length),
    'the end has a reason and a place',
  );
  reads(cutShort?.reason ?? '', 'the reason', bytes);
  text += JSON.stringify({ format, interfaces, sections, cutShort }, (_, value: unknown) =>
    typeof value === 'bigint' ? String(value) : value,
  );
  return { text, reader };
}

const reader: Target = {
  name: 'reader',
  takes: 'file',
  run(input: Input, trail: Trail): void {
    const { bytes } = input as FileInput;
    const whole = told(bytes, []);
    const chance = new Chance(bytes.length);
    const pieces: number[] = [];
    for (let at = 0; at < bytes.length && pieces.length < 400; at += pieces[pieces.length - 1] as number) {
      pieces.push(chance.oneIn(8) ? 0 : 1 + chance.below(chance.pick([1, 3, 20, 200, 2000])));
    }
    must(told(bytes, pieces).text === whole.text, 'chunks change nothing');
    const { format, interfaces, sections, cutShort, packets } = whole.reader;
    trail.words(MARK.file, `${format} ${cutShort?.reason}`);
    const sizes = [interfaces.length, sections.length, packets].map((n) => Math.min(n, 6));
    trail.words(
      MARK.file,
      `${sizes.map((n) => 'abcdefg'[n]).join('')} ${interfaces.map((one) => one.linkType % 26).join()}`,
    );
    for (const one of interfaces) {
      const { resolution, offsetSeconds, snapLength } = one;
      trail.note(
        MARK.file,
        (resolution.base << 16) ^
          (resolution.exponent << 8) ^
          (offsetSeconds === 0n ? 0 : 1) ^
          (snapLength === 0 ? 2 : 0),
      );
    }
  },
};

/** The overview of a file by either way, and a doctor beside it, as `inspect` does it. */
const file: Target = {
  name: 'file',
  takes: 'file',
  run(input: Input, trail: Trail): void {
    const { bytes } = input as FileInput;
    const [short, long] = [new Survey(), new Survey({ plain: false })];
    const doctor = new Doctor();
    const sight = new Sight();
    const sink: PacketSink = (view, start, end, meta) => {
      sight.read(view, start, end, meta);
      doctor.observe(sight, meta);
      short.packet(view, start, end, meta);
      long.packet(view, start, end, meta);
    };
    const from = new AnyReader(sink);
    from.push(bytes);
    from.end();
    const findings = doctor.findings();
    const [a, b] = [short, long].map((survey) => {
      const facts = fileFacts('x', from, survey, from.cutShort, linkTypeName);
      return JSON.stringify(inspectDocument(facts, survey, overviewOf(survey), findings));
    }) as [string, string];
    must(a === b, 'the short way counts as the long way does');
    reads(a, 'the overview', bytes);
    trail.words(MARK.finding, findings.map(({ code }) => code).join());
  },
};

export const FILE_TARGETS: readonly Target[] = [reader, file];
