// The last part: what one chain takes and the other refuses, after which the two are no longer in step.
import { refusedHere } from './contracts.mjs';
import * as m from './messages.mjs';
import * as q from './queries.mjs';
import { question } from './replies.mjs';
import { UPLOAD_GAS } from './tokens.mjs';

export async function partings(both, known) {
  const [alice, bob] = both.addresses;
  await both.tx(0, 'send to upper case', m.send(alice, bob.toUpperCase(), m.coins(1)));
  for (const [label, code] of Object.entries(refusedHere())) {
    await both.tx(0, `upload ${label}`, m.storeCode(alice, code), { gas: UPLOAD_GAS });
  }
  const pay = m.send(alice, bob, m.coins(1));
  await both.tx(0, 'gas for the signature alone', pay, { gas: 40_000 });
  await both.tx(0, 'a transaction with a fee of zero', pay, { fee: [{ denom: 'awei', amount: '0' }] });
  await both.tx(0, 'a transaction without a fee', pay, { fee: [] });
  await both.tx(0, 'a transaction with a fee too small', pay, { fee: m.coins(5) });
  await panics(both, known);
}

/** What makes wasmd panic or forget an error. */
async function panics(both, { contract, other }) {
  const [alice] = both.addresses;
  const forms = {
    'an answer of neither': { neither: 1 },
    'an answer of null': { ok: null },
    'an empty error': { error: '' },
  };
  for (const [label, answer] of Object.entries(forms)) {
    await both.tx(0, label, m.execute(alice, other, answer));
    await both.tx(
      0,
      `${label} to a contract`,
      m.execute(alice, contract, m.ok({ messages: [m.sub(m.call(other, answer), 'error')] })),
    );
    await both.query(`${label} to a query`, q.smart(other, answer));
  }
  await question(both, contract, 'a balance of no coin', { bank: { balance: { address: alice, denom: '!' } } });
  await question(both, contract, 'an answer of neither', {
    wasm: { smart: { contract_addr: other, msg: m.base64({ neither: 1 }) } },
  });
}
