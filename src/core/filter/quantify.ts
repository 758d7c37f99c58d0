// `any` and `all`: whether one value of a packet that passes is enough. All of none is false: a packet that lacks the field
// passes no test about it.

import type { Quantifier } from './ast.ts';
import type { Source } from './source.ts';
import type { Subject } from './subject.ts';
import type { Value } from './types.ts';

export type Test = (subject: Subject) => boolean;

export function quantified(
  source: Source,
  quantifier: Quantifier,
  test: (value: Value, subject: Subject) => boolean,
): Test {
  if (quantifier === 'any') return (subject) => source.each(subject, (value) => test(value, subject));
  return (subject) => {
    let some = false;
    const failed = source.each(subject, (value) => {
      some = true;
      return !test(value, subject);
    });
    return some && !failed;
  };
}
