// What listens to one conversation: holds what each side has said, finds the protocol's reader, passes on what comes, and
// measures what nobody understands.
//
//   choosing --claim--> reading --false--> choosing (without it) --nobody--> opaque
//                          |---handOver--> choosing (all)
//
// Bytes are copied into a speech only while somebody wants them; opaque ones are measured where they lie.

import type { InnerPacket } from '../streams/inner-packet.ts';
import type { Side, Within } from '../streams/listener.ts';
import type { Purse } from '../streams/purse.ts';
import type { StreamOwner } from '../streams/streams.ts';
import type { Ip } from '../wire/address.ts';
import { Choice } from './choice.ts';
import { Dossier } from './dossier.ts';
import { Gist } from './gist.ts';
import type { Hosts } from './hosts.ts';
import { Meter } from './opacity.ts';
import type { Protocol, Reader, Talk } from './reader.ts';
import type { Reading } from './reading.ts';
import type { Conversation } from './report.ts';
import type { Shelf } from './shelf.ts';
import { Kept } from './shelf.ts';
import { SpeechRing } from './speech.ts';

/** How often a conversation may change its protocol. */
const CHANGES_MAX = 16;
/** Datagrams that nobody wants, before it is clear that nobody will. */
const DATAGRAMS_MAX = 8;
/** A side whose reader skips so much is not listened to any more. */
const FOREVER = 2 ** 40;

/** What all conversations share. */
export interface Room {
  readonly protocols: readonly Protocol[];
  readonly purse: Purse;
  readonly shelf: Shelf;
  readonly hosts: Hosts;
  /** The conversation is over. */
  readonly over: (ear: Ear) => void;
}

export class Ear implements StreamOwner, Talk {
  readonly client: SpeechRing;
  readonly server: SpeechRing;
  readonly clientPort: number;
  readonly serverPort: number;
  readonly transport: 'TCP' | 'UDP';
  readonly textMax: number;
  readonly kept: Kept;
  readonly #room: Room;
  readonly #dossier: Dossier;
  #choice: Choice | null;
  #protocol: Protocol | null = null;
  #reader: Reader | null = null;
  #meter: Meter | null = null;
  /** What a reader takes in that has only the port to speak for it, until it understands something. */
  #doubt: Meter | null = null;
  #gist: Gist | null = null;
  #isHandedOver = false;
  #changes = 0;
  #asked = 0;
  #isOver = false;

  constructor(room: Room, number: number, packet: InnerPacket, clientIsSource: boolean) {
    this.#room = room;
    this.#dossier = new Dossier(room.hosts, number, packet, clientIsSource);
    this.transport = packet.isTcp ? 'TCP' : 'UDP';
    this.clientPort = this.#dossier.client.port;
    this.serverPort = this.#dossier.server.port;
    this.client = new SpeechRing(room.purse);
    this.server = new SpeechRing(room.purse);
    this.textMax = room.shelf.limits.text;
    this.kept = new Kept(room.shelf);
    this.#choice = new Choice(room.protocols, this, null);
  }

  /** Something was read. */
  get isTold(): boolean {
    return this.kept.readings.length > 0;
  }

  packet(packet: InnerPacket, side: Side, again: boolean): void {
    this.#dossier.packet(packet, side, again);
  }

  tunnelled(packet: InnerPacket, side: Side): void {
    this.#dossier.tunnelled(packet, side);
  }

  datagram(side: Side, packet: InnerPacket): void {
    const { bytes, from, to, cut, number, start, within } = packet;
    // A datagram stands for itself: an odd one says nothing of those behind it.
    if (!this.#isListening && !this.#isOver && this.#asked++ < DATAGRAMS_MAX)
      this.#choice = new Choice(this.#room.protocols, this, null);
    if (to > from) this.hear(side, bytes, from, to, number, from - start, within);
    this.#dossier.missing += cut;
    const speech = this.#speech(side);
    if (this.#choice !== null) this.#measure(speech);
    speech.clear();
  }

  wants(side: Side): boolean {
    if (this.#isOver) return false;
    if (this.#isListening) return this.#speech(side).toSkip < FOREVER;
    return this.#meter?.full !== true || this.#gist?.isOver === false;
  }

  hear(
    side: Side,
    bytes: Uint8Array,
    from: number,
    to: number,
    packet: number,
    offset: number,
    within: Within,
  ): void {
    this.#dossier.bytes += to - from;
    const speech = this.#speech(side);
    let at = from;
    while (at < to && this.#isListening) {
      const had = speech.length;
      const n = speech.hear(bytes, at, to, packet, offset + at - from, within);
      this.#doubt?.add(bytes, at, at + n);
      at += n;
      if (speech.length > had) this.#said(side);
      else if (n === 0) this.#stuck(speech);
    }
    if (at === to || this.#isOver) return;
    this.#gist?.hear(side, bytes, at, to, packet, offset + at - from, within);
    if (this.#meter?.full !== true) this.#meterOf().add(bytes, at, to);
  }

  pass(_side: Side, n: number): void {
    this.#dossier.bytes += n;
  }

  miss(side: Side, n: number): void {
    this.#dossier.missing += n;
    this.#gist?.end();
    const speech = this.#speech(side);
    const gap = speech.miss(n);
    if (gap === 0 || !this.#isListening) return;
    if (this.#choice !== null && speech.length > 0) this.#settle();
    if (this.#reader === null) this.#measure(speech);
    else {
      const isIts = this.#reader.lost(side, gap);
      // What is behind a gap does not go on with what is before it.
      speech.take(speech.length);
      this.#judge(isIts);
    }
  }

  close(side: Side): void {
    this.#speech(side).ended = true;
    if (this.#reader !== null) this.#judge(this.#reader.said(side));
    if (this.client.ended && this.server.ended) this.#finish();
  }

  gone(): void {
    this.#finish();
    this.#room.over(this);
  }

  tell(reading: Reading): void {
    if (this.#doubt !== null) {
      this.#doubt = null;
      this.#sign();
    }
    this.kept.add(reading);
  }

  named(ip: Ip | null, name: string): void {
    this.#room.hosts.named(this.#dossier.vni, ip ?? this.#dossier.server.ip, name);
  }

  handOver(): void {
    this.#isHandedOver = true;
  }

  /** What is known by now. */
  conversation(): Conversation {
    const { readings, more } = this.kept;
    const opaque = this.#meter?.read() ?? this.#doubt?.read() ?? null;
    return { ...this.#dossier.conversation(), readings: [...readings], more, opaque };
  }

  get #isListening(): boolean {
    return this.#reader !== null || this.#choice !== null;
  }

  #speech(side: Side): SpeechRing {
    return side === 0 ? this.client : this.server;
  }

  #said(side: Side): void {
    if (this.#reader !== null) this.#judge(this.#reader.said(side));
    else this.#ask();
  }

  #ask(): void {
    const chosen = this.#choice?.ask(this) ?? null;
    if (chosen === 'nobody') this.#giveUp();
    else if (chosen !== null) this.#give(chosen, this.#choice?.isSure === true);
  }

  #settle(): void {
    const chosen = this.#choice?.settle(this) ?? 'nobody';
    if (chosen !== 'nobody') this.#give(chosen, false);
  }

  #give(protocol: Protocol, isSure: boolean): void {
    this.#choice = null;
    this.#protocol = protocol;
    if (isSure) this.#sign();
    else {
      this.#doubt = new Meter();
      for (const speech of [this.client, this.server])
        this.#doubt.add(speech.bytes(0, speech.length), 0, speech.length);
    }
    const reader = protocol.reader(this);
    this.#reader = reader;
    for (const side of this.#order()) {
      if (this.#reader !== reader) return;
      if (this.#speech(side).length > 0) this.#judge(reader.said(side));
    }
  }

  /** Notes whose the conversation is. */
  #sign(): void {
    const { protocols } = this.#dossier;
    const name = this.#protocol?.name ?? '';
    if (name !== '' && !protocols.includes(name)) protocols.push(name);
  }

  /** The side whose bytes came first, and the other one. */
  #order(): readonly [Side, Side] {
    const { client, server } = this;
    if (client.length === 0 || server.length === 0) return [0, 1];
    return client.place(0).packet <= server.place(0).packet ? [0, 1] : [1, 0];
  }

  /** After a reader was told something: goes on with it, hands over, or looks for another. */
  #judge(isIts: boolean): void {
    const refused = this.#isHandedOver ? null : this.#protocol;
    if (isIts && !this.#isHandedOver) return;
    this.#isHandedOver = false;
    this.#reader = null;
    this.#protocol = null;
    if (this.#doubt !== null) this.#meter ??= this.#doubt;
    this.#doubt = null;
    if (++this.#changes > CHANGES_MAX) {
      this.#room.shelf.hits.note('changes of protocol in a conversation');
      this.#giveUp();
      return;
    }
    this.#choice = new Choice(this.#room.protocols, this, refused);
    if (this.client.length > 0 || this.server.length > 0) this.#ask();
  }

  /** A speech is full and its reader neither takes nor skips: what it waits for is longer than what is held. */
  #stuck(speech: SpeechRing): void {
    this.#room.shelf.hits.note('bytes held for a reader');
    if (this.#reader === null) this.#giveUp();
    else this.#measure(speech);
  }

  #giveUp(): void {
    this.#reader = null;
    this.#protocol = null;
    this.#choice = null;
    this.#gist ??= new Gist(this);
    for (const side of this.#order()) {
      const speech = this.#speech(side);
      if (speech.length > 0) {
        const { packet, offset, within } = speech.place(0);
        const bytes = speech.bytes(0, speech.length);
        this.#gist.hear(side, bytes, 0, bytes.length, packet, offset, within);
      }
      this.#measure(speech);
      speech.release();
    }
  }

  #measure(speech: SpeechRing): void {
    const { length } = speech;
    if (length === 0) return;
    const meter = this.#meterOf();
    if (!meter.full) meter.add(speech.bytes(0, length), 0, length);
    speech.take(length);
  }

  #meterOf(): Meter {
    this.#meter ??= new Meter();
    return this.#meter;
  }

  #finish(): void {
    if (this.#isOver) return;
    if (this.#choice !== null && (this.client.length > 0 || this.server.length > 0)) this.#settle();
    this.#reader?.ended();
    if (this.#reader === null) {
      if (this.#choice !== null) this.#giveUp();
      this.#gist?.end();
    }
    this.#isOver = true;
    this.#reader = null;
    this.#choice = null;
    this.#gist = null;
    this.client.release();
    this.server.release();
  }
}
