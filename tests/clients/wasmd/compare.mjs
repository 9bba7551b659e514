// Where two answers differ: leaf by leaf, each held against the list of known differences.
import { appendFileSync } from 'node:fs';
import { DIFFERENCES } from './differences.mjs';

/** How many unlisted differences a failure shows. */
const SHOWN = 15;
/** How much of each value it shows. */
const WIDTH = 600;

const isObject = (value) => value !== null && typeof value === 'object';

/** An element of a list is named by its place and, where both sides agree, by its type or key. */
function step(index, one, other) {
  const name = one?.type ?? one?.key;
  const same = name !== undefined && name === (other?.type ?? other?.key);
  return same ? `[${index}:${name}]` : `[${index}]`;
}

/** Every leaf that differs as `{ path, weft, wasmd }`. Lists of different lengths are one leaf. */
export function leaves(weft, wasmd, path = '') {
  if (Object.is(weft, wasmd)) return [];
  const lists = Array.isArray(weft) && Array.isArray(wasmd);
  if (lists && weft.length === wasmd.length) {
    return weft.flatMap((item, index) => leaves(item, wasmd[index], path + step(index, item, wasmd[index])));
  }
  if (isObject(weft) && isObject(wasmd) && !Array.isArray(weft) && !Array.isArray(wasmd)) {
    const keys = new Set([...Object.keys(weft), ...Object.keys(wasmd)]);
    return [...keys].flatMap((key) => leaves(weft[key], wasmd[key], path ? `${path}.${key}` : key));
  }
  return [{ path, weft, wasmd }];
}

const short = (value) => {
  const text = JSON.stringify(value) ?? 'nothing';
  return text.length > WIDTH ? `${text.slice(0, WIDTH)}... (${text.length})` : text;
};

/** Counts what was compared, which listed differences occurred, and keeps the others. */
export class Ledger {
  compared = 0;
  occurred = new Map(DIFFERENCES.map(({ name }) => [name, 0]));
  unlisted = [];

  /** Compares two answers to `intent`. */
  take(intent, weft, wasmd) {
    this.compared += 1;
    for (const leaf of leaves(weft, wasmd)) {
      const known = DIFFERENCES.find((difference) => difference.is({ ...leaf, intent, answers: { weft, wasmd } }));
      if (known) this.occurred.set(known.name, this.occurred.get(known.name) + 1);
      else this.unlisted.push({ ...leaf, intent });
    }
  }

  /** Fails where something differed that is not listed, and forgets it. */
  settle() {
    const all = this.unlisted.splice(0);
    if (all.length === 0) return;
    // All of them, one JSON a line, where somebody wants to sort them.
    const file = process.env.WEFT_DIFFERENCES;
    if (file)
      for (const { intent, ...leaf } of all)
        appendFileSync(file, `${JSON.stringify({ intent: intent.label, ...leaf })}\n`);
    const lines = all
      .slice(0, SHOWN)
      .map(
        ({ path, weft, wasmd, intent }) =>
          `${intent.label}\n  at ${path}\n  weft:  ${short(weft)}\n  wasmd: ${short(wasmd)}`,
      );
    throw new Error(`${all.length} differences that no list has:\n${lines.join('\n')}`);
  }

  /** The listed differences that never occurred. */
  absent() {
    return [...this.occurred].filter(([, count]) => count === 0).map(([name]) => name);
  }
}
