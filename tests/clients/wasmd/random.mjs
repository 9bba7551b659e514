// Random intents, from a seed that is printed: WEFT_SEED=N runs them again.
import { randomInt } from 'node:crypto';
import { attribute } from './both.mjs';
import * as m from './messages.mjs';
import * as q from './queries.mjs';
import { make } from './tokens.mjs';
import { Random, World } from './world.mjs';

const INTENTS = 200;

export async function intents(both, known) {
  const seed = Number(process.env.WEFT_SEED ?? randomInt(2 ** 32 - 1));
  console.log(`random intents: WEFT_SEED=${seed}`);
  const world = new World(both, known, new Random(seed));
  for (let index = 0; index < 3; index += 1) {
    world.echoes.push(
      await make(both, `random ${index}`, known.hookId, m.ok(), { admin: world.users[index], funds: m.coins(50) }),
    );
  }
  for (let index = 0; index < INTENTS; index += 1) {
    const kind = world.random.below(100);
    const label = `${index} of seed ${seed}`;
    if (kind < 10) await both.query(label, world.query());
    else if (kind < 16) await both.search(...world.search());
    else await transact(both, world, label, kind);
  }
  for (const contract of world.echoes) await both.query(`state in the end of ${contract}`, q.state(contract));
  for (const address of [...both.addresses, ...world.echoes])
    await both.query(`balances in the end of ${address}`, q.balances(address));
  await both.query('tokens in the end', q.state(known.token));
}

async function transact(both, world, label, kind) {
  const who = world.user();
  const [what, messages, more] =
    kind < 22
      ? world.upload(who)
      : [
          '',
          Array.from({ length: kind < 85 ? 1 : world.random.below(3) + 2 }, () => world.message(who)),
          { gas: 50_000_000 },
        ];
  const sent = await both.tx(who, `${label}: ${what}`, messages, more);
  const code = attribute(sent, 'store_code', 'code_id');
  if (code !== undefined && what.endsWith('section')) world.codes.push(Number(code));
  for (const event of sent.deliver?.events ?? []) {
    const value = (key) => event.attributes.find((attribute) => attribute.key === key)?.value;
    const echoes = world.codes.includes(Number(value('code_id')));
    if (event.type === 'instantiate' && sent.deliver.code === 0 && echoes && world.echoes.length < 20)
      world.echoes.push(value('_contract_address'));
  }
}
