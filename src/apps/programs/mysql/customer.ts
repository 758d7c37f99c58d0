// The one table of the laboratory's MySQL server: `customer`, as the lecture's application has it (id, first and last name,
// e-mail address). Rows are kept by id; the names in it are made up and always the same.

import { SqlFault } from './fault.ts';
import type { Value } from './tokens.ts';

export const TABLE_NAME = 'customer';

/** Column types on the wire (MySQL protocol, enum_field_types). */
export const TYPE = { long: 3, longlong: 8, varString: 253 } as const;

export interface ColumnType {
  readonly type: (typeof TYPE)[keyof typeof TYPE];
  /** Characters, or digits of a number. */
  readonly length: number;
  /** Column flags: NOT_NULL 1, PRI_KEY 2, AUTO_INCREMENT 512. */
  readonly flags: number;
  /** As SHOW COLUMNS says it. */
  readonly words: string;
}

const NAME_LENGTH = 45;
const TEXT: ColumnType = {
  type: TYPE.varString,
  length: NAME_LENGTH,
  flags: 0,
  words: `varchar(${NAME_LENGTH})`,
};

export const COLUMNS: Readonly<Record<string, ColumnType>> = {
  id: { type: TYPE.long, length: 11, flags: 1 | 2 | 512, words: 'int(11)' },
  first_name: TEXT,
  last_name: TEXT,
  email: TEXT,
};

export const COLUMN_NAMES: readonly string[] = Object.keys(COLUMNS);

const FIRST = [
  'Ada',
  'Bela',
  'Carla',
  'David',
  'Emma',
  'Faruk',
  'Greta',
  'Hugo',
  'Iris',
  'Jonas',
  'Kim',
  'Lena',
];
const LAST = [
  'Abel',
  'Brandt',
  'Castro',
  'Dahl',
  'Engel',
  'Farkas',
  'Gruber',
  'Hansen',
  'Ito',
  'Jansen',
  'Koch',
];

export type Row = Readonly<Record<string, Value>>;

const INT_MAX = 0x7fffffff;

export class CustomerTable {
  readonly #rows: Map<number, Row> = new Map();
  #next = 1;

  /** @param count customers that are there at the beginning, with ids from 1 on */
  constructor(count: number) {
    for (let i = 0; i < count; i++) {
      const first = FIRST[i % FIRST.length] as string;
      const last = LAST[i % LAST.length] as string;
      const email = `${first}.${last}.${i + 1}@example.com`.toLowerCase();
      this.insert({ first_name: first, last_name: last, email });
    }
  }

  get size(): number {
    return this.#rows.size;
  }

  get(id: number): Row | undefined {
    return this.#rows.get(id);
  }

  all(): readonly Row[] {
    return [...this.#rows.values()];
  }

  /** @returns the row's id, the next one where none or 0 is given; @throws SqlFault 1062, 1366, 1406 */
  insert(values: Readonly<Record<string, Value>>): number {
    const row = checked(values);
    const id = (row['id'] as number | null) ?? 0;
    const key = id === 0 ? this.#next : id;
    if (this.#rows.has(key)) throw duplicate(key);
    this.#rows.set(key, { first_name: null, last_name: null, email: null, ...row, id: key });
    this.#next = Math.max(this.#next, key + 1);
    return key;
  }

  /** @returns whether the row differs now; @throws SqlFault 1048, 1062, 1366, 1406 */
  update(id: number, values: Readonly<Record<string, Value>>): boolean {
    const before = this.#rows.get(id) as Row;
    const row = { ...before, ...checked(values) };
    const key = row['id'];
    if (typeof key !== 'number') throw new SqlFault(1048, "Column 'id' cannot be null");
    if (key !== id && this.#rows.has(key)) throw duplicate(key);
    if (COLUMN_NAMES.every((name) => row[name] === before[name])) return false;
    if (key !== id) this.#rows.delete(id);
    this.#rows.set(key, row);
    this.#next = Math.max(this.#next, key + 1);
    return true;
  }

  delete(id: number): boolean {
    return this.#rows.delete(id);
  }
}

function duplicate(id: number): SqlFault {
  return new SqlFault(1062, `Duplicate entry '${id}' for key 'PRIMARY'`);
}

/** Values as their columns hold them. */
function checked(values: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => {
      if (value === null) return [name, null];
      if (name === 'id') return [name, checkedId(value)];
      const text = String(value);
      if ([...text].length > NAME_LENGTH)
        throw new SqlFault(1406, `Data too long for column '${name}' at row 1`);
      return [name, text];
    }),
  );
}

function checkedId(value: number | string): number {
  const id = typeof value === 'string' && value.trim() === '' ? Number.NaN : Number(value);
  if (Number.isInteger(id) && id >= 0 && id <= INT_MAX) return id;
  throw new SqlFault(1366, `Incorrect integer value: '${value}' for column 'id' at row 1`);
}
