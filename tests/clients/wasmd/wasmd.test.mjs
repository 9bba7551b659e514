// A real wasmd beside devnet: the same intents to both, and what they answer is equal but for what differences.mjs lists.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Both } from './both.mjs';
import { lifecycle, permissions, refusals } from './codes.mjs';
import { listing, rest, searches, simulations } from './lists.mjs';
import { admission, payments } from './money.mjs';
import { partings } from './partings.mjs';
import { intents } from './random.mjs';
import { cw20, cw3, cw721 } from './tokens.mjs';
import { questions, replies } from './replies.mjs';

let both;
const known = {};

before(async () => {
  both = await Both.start();
});
after(async () => {
  await both?.stop();
});

/** A part of the comparison, whose contracts the following ones use. */
function part(name, run) {
  test(name, async () => {
    Object.assign(known, await run(both, known));
    both.ledger.settle();
  });
}

part('CW20', cw20);
part('CW721', cw721);
part('CW3 over CW4', cw3);
part('submessages and replies', replies);
part('what contracts ask', questions);
part('uploads', refusals);
part('who may use a code', permissions);
part('the life of a contract', lifecycle);
part('payments', payments);
part('what is refused before it runs', admission);
part('random intents', intents);
part('lists', listing);
part('searches', searches);
part('simulation', simulations);
part('REST', rest);
part('where the chains part', partings);

test('every difference that is listed occurs', () => {
  console.log(`${both.ledger.compared} answers compared`);
  assert.deepEqual(both.ledger.absent(), []);
});
