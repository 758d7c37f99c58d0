// A journey as a numbered list: where, what happened and why, the entry it rested on, the command that shows it.

import type { FrameStory, Journey, JourneyStep } from '../../lab/journey.ts';
import { count, millis } from '../units.ts';
import type { Colors } from './paint.ts';

export function renderJourney(journey: Journey, all: boolean, paint: Colors): string {
  const outcome = journey.answered
    ? `answered after ${millis(journey.rtt ?? 0)} ms`
    : `no answer: the frame was ${journey.outcome}`;
  const head = paint.bold(
    `${journey.title} ${journey.from} > ${journey.to} (${journey.address}): ${outcome}\n`,
  );
  const stories = all ? journey.others.map((story) => otherStory(story, paint)) : [];
  const more =
    all || journey.others.length === 0
      ? ''
      : `\n${count(journey.others.length, 'more frame')} went with it (${titles(journey.others)}); --all tells them\n`;
  return [head + renderSteps(journey.steps, paint), ...stories].join('\n') + more;
}

function otherStory(story: FrameStory, paint: Colors): string {
  return (
    paint.bold(`${story.title} (frame ${story.frame}): ${story.outcome}\n`) + renderSteps(story.steps, paint)
  );
}

/** `2 ARP requests, 1 echo reply` in the order of their first appearance. */
function titles(stories: readonly FrameStory[]): string {
  const counts = new Map<string, number>();
  for (const { title } of stories) counts.set(title, (counts.get(title) ?? 0) + 1);
  return [...counts].map(([title, n]) => `${n} ${title}`).join(', ');
}

function renderSteps(steps: readonly JourneyStep[], paint: Colors): string {
  const width = String(steps.length).length;
  let place = '';
  let text = '';
  for (const [i, step] of steps.entries()) {
    const here = step.place === '' ? 'underlay' : step.place;
    if (here !== place) text += `${paint.cyan(here)}\n`;
    place = here;
    const number = String(i + 1).padStart(width + 2);
    const indent = ' '.repeat(width + 4);
    text += `${number}. ${paint.bold(step.element)}: ${step.text} ${paint.dim(`+${millis(step.time)} ms`)}\n`;
    if (step.entry !== null && step.entry !== '')
      text += `${indent}${step.table ?? 'entry'}: ${step.entry}\n`;
    if (step.command !== null) text += `${paint.dim(`${indent}$ ${step.command}`)}\n`;
  }
  return text;
}
