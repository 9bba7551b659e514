// The contracts of the fixtures on both chains: CW20, CW721, CW3 over CW4, valid and not, with their hooks and queries.
import { attribute } from './both.mjs';
import { echo, fixture } from './contracts.mjs';
import * as m from './messages.mjs';
import * as q from './queries.mjs';

/** What an upload of the largest contract needs on either chain. */
export const UPLOAD_GAS = 150_000_000;

/** Uploads a code; its id. */
export async function upload(both, label, code) {
  const sent = await both.tx(0, `upload ${label}`, m.storeCode(both.addresses[0], code), { gas: UPLOAD_GAS });
  return Number(attribute(sent, 'store_code', 'code_id'));
}

/** Makes a contract as account 0; its address. */
export async function make(both, label, codeId, msg, more) {
  const sent = await both.tx(0, `make ${label}`, m.instantiate(both.addresses[0], codeId, msg, { label, ...more }));
  return attribute(sent, 'instantiate', '_contract_address');
}

/** Runs one after the other `[account, label, message, funds]` on a contract. */
async function run(both, contract, steps) {
  for (const [who, label, msg, funds] of steps) {
    await both.tx(who, label, m.execute(both.addresses[who], contract, msg, funds ?? []));
  }
}

async function ask(both, contract, queries) {
  for (const msg of queries) await both.query(JSON.stringify(msg), q.smart(contract, msg));
}

const far = { at_height: 1_000_000_000 };

export async function cw20(both) {
  const [alice, bob, carol] = both.addresses;
  const id = await upload(both, 'cw20', fixture('cw20_base'));
  const init = {
    name: 'Token',
    symbol: 'TOK',
    decimals: 6,
    initial_balances: [
      { address: alice, amount: '1000' },
      { address: bob, amount: '5' },
    ],
    mint: { minter: alice, cap: '2000' },
    marketing: {
      project: 'Weft',
      description: 'a token',
      marketing: alice,
      logo: { url: 'https://weft.invalid/logo' },
    },
  };
  const token = await make(both, 'cw20', id, init, { admin: alice });
  await make(both, 'cw20 with a bad symbol', id, { ...init, symbol: '!' });
  await make(both, 'cw20 twice to one account', id, {
    ...init,
    initial_balances: [init.initial_balances[0], init.initial_balances[0]],
  });
  await make(both, 'cw20 over its cap', id, { ...init, mint: { minter: alice, cap: '3' } });
  await make(both, 'cw20 with a bad minter', id, { ...init, mint: { minter: 'nobody' } });
  await make(both, 'cw20 with a field missing', id, { name: 'Token' });
  const hookId = await upload(both, 'echo', echo);
  const hook = await make(both, 'hook', hookId, m.ok());
  await both.tx(
    0,
    'the hook answers',
    m.execute(alice, hook, [0, m.ok({ attributes: [{ key: 'got', value: 'it' }], data: 'AQ==' })]),
  );
  const back = m.ok({ messages: [m.sub(m.call(token, { transfer: { recipient: carol, amount: '3' } }), 'success')] });
  await run(both, token, [
    [0, 'transfer', { transfer: { recipient: bob, amount: '100' } }],
    [0, 'transfer to oneself', { transfer: { recipient: alice, amount: '1' } }],
    [0, 'transfer of nothing', { transfer: { recipient: bob, amount: '0' } }],
    [0, 'transfer with money', { transfer: { recipient: bob, amount: '1' } }, m.coins(7)],
    [2, 'transfer of too much', { transfer: { recipient: bob, amount: '1' } }],
    [0, 'transfer to no address', { transfer: { recipient: 'weft1nobody', amount: '1' } }],
    [
      0,
      'transfer to another chain',
      { transfer: { recipient: 'cosmos1fl48vsnmsdzcv85q5d2q4z5ajdha8yu34mf0eh', amount: '1' } },
    ],
    [0, 'transfer of a number', { transfer: { recipient: bob, amount: 1 } }],
    [0, 'an unknown message', { transferr: {} }],
    [0, 'a field too many', { transfer: { recipient: bob, amount: '1', memo: 'x' } }],
    [0, 'a message of a list', []],
    [0, 'a message of null', null],
    [0, 'increase an allowance', { increase_allowance: { spender: bob, amount: '50', expires: far } }],
    [0, 'increase it again', { increase_allowance: { spender: bob, amount: '5' } }],
    [
      0,
      'an allowance that is over',
      { increase_allowance: { spender: carol, amount: '50', expires: { at_height: 1 } } },
    ],
    [0, 'an allowance to oneself', { increase_allowance: { spender: alice, amount: '50' } }],
    [1, 'transfer from', { transfer_from: { owner: alice, recipient: carol, amount: '40' } }],
    [1, 'transfer from over the allowance', { transfer_from: { owner: alice, recipient: carol, amount: '40' } }],
    [2, 'transfer from without an allowance', { transfer_from: { owner: alice, recipient: carol, amount: '1' } }],
    [1, 'burn from', { burn_from: { owner: alice, amount: '2' } }],
    [0, 'decrease an allowance', { decrease_allowance: { spender: bob, amount: '1' } }],
    [0, 'decrease it below nothing', { decrease_allowance: { spender: bob, amount: '1000' } }],
    [0, 'burn', { burn: { amount: '10' } }],
    [2, 'burn too much', { burn: { amount: '1000' } }],
    [0, 'mint', { mint: { recipient: carol, amount: '10' } }],
    [0, 'mint over the cap', { mint: { recipient: carol, amount: '10000' } }],
    [1, 'mint by another', { mint: { recipient: carol, amount: '10' } }],
    [0, 'send to a contract', { send: { contract: hook, amount: '9', msg: m.base64({ hello: 1 }) } }],
    [0, 'send to no contract', { send: { contract: bob, amount: '9', msg: m.base64({}) } }],
    [0, 'send what is not base64', { send: { contract: hook, amount: '9', msg: '%' } }],
    [1, 'another sets the marketing', { update_marketing: { project: 'x' } }],
    [0, 'set the marketing', { update_marketing: { project: 'x', description: null, marketing: bob } }],
    [1, 'set a logo', { upload_logo: { embedded: { png: m.base64('no picture') } } }],
    [0, 'set the minter', { update_minter: { new_minter: bob } }],
    [0, 'set the minter again', { update_minter: { new_minter: alice } }],
  ]);
  await both.tx(0, 'the hook sends tokens on', m.execute(alice, hook, [0, back]));
  await run(both, token, [
    [0, 'send to a contract that sends on', { send: { contract: hook, amount: '9', msg: m.base64({}) } }],
  ]);
  await both.tx(0, 'the hook refuses', m.execute(alice, hook, [0, { error: 'not this one' }]));
  await run(both, token, [
    [0, 'send to a contract that refuses', { send: { contract: hook, amount: '9', msg: m.base64({}) } }],
  ]);
  await ask(both, token, [
    { token_info: {} },
    { minter: {} },
    { marketing_info: {} },
    { download_logo: {} },
    ...both.addresses.slice(0, 4).map((address) => ({ balance: { address } })),
    { balance: { address: hook } },
    { balance: { address: 'nobody' } },
    { balance: {} },
    { nothing: {} },
    { allowance: { owner: alice, spender: bob } },
    { all_allowances: { owner: alice, limit: 1 } },
    { all_spender_allowances: { spender: bob } },
    { all_accounts: { limit: 2 } },
    { all_accounts: { start_after: alice, limit: 9 } },
  ]);
  return { id, token, hookId, hook };
}

export async function cw721(both, { hook }) {
  const [alice, bob, carol] = both.addresses;
  const id = await upload(both, 'cw721', fixture('cw721_base'));
  const nft = await make(both, 'cw721', id, { name: 'Pictures', symbol: 'PIC', minter: alice });
  const mint = (token_id, owner = alice) => ({
    mint: { token_id, owner, token_uri: `ipfs://${token_id}`, extension: null },
  });
  await both.tx(
    0,
    'the hook takes pictures',
    m.execute(alice, hook, [0, m.ok({ events: [{ type: 'taken', attributes: [{ key: 'a', value: 'b' }] }] })]),
  );
  await run(both, nft, [
    [0, 'mint', mint('1')],
    [0, 'mint more', mint('2')],
    [0, 'mint for another', mint('3', bob)],
    [0, 'mint again', mint('1')],
    [1, 'mint by another', mint('4')],
    [0, 'transfer', { transfer_nft: { recipient: bob, token_id: '1' } }],
    [0, 'transfer what is gone', { transfer_nft: { recipient: bob, token_id: '1' } }],
    [0, 'transfer what is not', { transfer_nft: { recipient: bob, token_id: '9' } }],
    [1, 'approve', { approve: { spender: carol, token_id: '1', expires: { never: {} } } }],
    [2, 'transfer by the approved', { transfer_nft: { recipient: carol, token_id: '1' } }],
    [1, 'approve for all', { approve_all: { operator: carol, expires: far } }],
    [2, 'transfer by the operator', { transfer_nft: { recipient: alice, token_id: '3' } }],
    [1, 'revoke for all', { revoke_all: { operator: carol } }],
    [0, 'approve what is revoked', { approve: { spender: bob, token_id: '2' } }],
    [0, 'revoke', { revoke: { spender: bob, token_id: '2' } }],
    [1, 'transfer by the revoked', { transfer_nft: { recipient: bob, token_id: '2' } }],
    [0, 'send to a contract', { send_nft: { contract: hook, token_id: '2', msg: m.base64({ a: 1 }) } }],
    [0, 'send to no contract', { send_nft: { contract: bob, token_id: '3', msg: m.base64({ a: 1 }) } }],
    [0, 'burn', { burn: { token_id: '3' } }],
    [0, 'a message of another contract', { increase_allowance: { spender: bob, amount: '1' } }],
  ]);
  await ask(both, nft, [
    { owner_of: { token_id: '1' } },
    { owner_of: { token_id: '9' } },
    { nft_info: { token_id: '2' } },
    { all_nft_info: { token_id: '2' } },
    { num_tokens: {} },
    { contract_info: {} },
    { tokens: { owner: hook } },
    { all_tokens: { limit: 1 } },
    { all_tokens: { start_after: '1', limit: 5 } },
    { minter: {} },
    { all_operators: { owner: bob } },
    { approvals: { token_id: '1' } },
    { ownership: {} },
  ]);
  return { nft };
}

export async function cw3(both, { token }) {
  const [alice, bob, carol] = both.addresses;
  const groupId = await upload(both, 'cw4', fixture('cw4_group'));
  const members = [alice, bob, carol].map((addr) => ({ addr, weight: 1 }));
  const group = await make(both, 'cw4', groupId, { admin: alice, members });
  await run(both, group, [
    [0, 'change members', { update_members: { add: [{ addr: carol, weight: 4 }], remove: [bob] } }],
    [1, 'another changes members', { update_members: { add: [], remove: [] } }],
    [0, 'add a hook', { add_hook: { addr: token } }],
    [0, 'a hook that fails', { update_members: { add: [{ addr: bob, weight: 2 }], remove: [] } }],
    [0, 'remove the hook', { remove_hook: { addr: token } }],
    [0, 'give up the admin', { update_admin: { admin: null } }],
  ]);
  await ask(both, group, [
    { list_members: {} },
    { list_members: { start_after: alice, limit: 1 } },
    { total_weight: {} },
    { member: { addr: carol } },
    { member: { addr: carol, at_height: 1 } },
    { admin: {} },
    { hooks: {} },
  ]);

  const multisigId = await upload(both, 'cw3', fixture('cw3_fixed_multisig'));
  const threshold = { absolute_count: { weight: 2 } };
  const safe = await make(
    both,
    'cw3',
    multisigId,
    { voters: members, threshold, max_voting_period: { height: 1_000_000 } },
    { funds: m.coins(5_000) },
  );
  await make(both, 'cw3 out of reach', multisigId, {
    voters: members,
    threshold: { absolute_count: { weight: 9 } },
    max_voting_period: { height: 9 },
  });
  const propose = (title, ...msgs) => ({ propose: { title, description: 'x', msgs } });
  const vote = (proposal_id, vote = 'yes') => ({ vote: { proposal_id, vote } });
  await both.tx(0, 'tokens for the safe', m.execute(alice, token, { transfer: { recipient: safe, amount: '20' } }));
  await run(both, safe, [
    [0, 'propose a payment', propose('pay', m.pay(bob, m.coins(700)))],
    [0, 'vote twice', vote(1)],
    [4, 'vote by another', vote(1)],
    [0, 'execute too early', { execute: { proposal_id: 1 } }],
    [1, 'vote', vote(1)],
    [4, 'execute by another', { execute: { proposal_id: 1 } }],
    [0, 'execute again', { execute: { proposal_id: 1 } }],
    [2, 'vote too late', vote(1)],
    [
      0,
      'propose several',
      propose('several', m.call(token, { transfer: { recipient: bob, amount: '5' } }), m.pay(carol, m.coins(1))),
    ],
    [1, 'vote', vote(2)],
    [0, 'execute several', { execute: { proposal_id: 2 } }],
    [0, 'propose what fails', propose('too much', m.pay(bob, m.coins(1)), m.pay(bob, m.coins(1_000_000)))],
    [1, 'vote', vote(3)],
    [0, 'execute what fails', { execute: { proposal_id: 3 } }],
    [0, 'propose what is not', propose('what', { not: {} })],
    [
      0,
      'propose to make a contract',
      propose('make', m.make(groupId, { admin: safe, members }, { admin: safe, label: 'by a safe' })),
    ],
    [1, 'vote no', vote(4, 'no')],
    [2, 'vote', vote(4)],
    [0, 'execute to make a contract', { execute: { proposal_id: 4 } }],
    [0, 'propose to burn', propose('burn', m.burn(m.coins(3)))],
    [1, 'vote', vote(5)],
    [0, 'execute to burn', { execute: { proposal_id: 5 } }],
    [0, 'close', { close: { proposal_id: 5 } }],
    [4, 'propose by another', propose('mine')],
  ]);
  await ask(both, safe, [
    { threshold: {} },
    { list_proposals: {} },
    { reverse_proposals: { limit: 2 } },
    { proposal: { proposal_id: 1 } },
    { proposal: { proposal_id: 99 } },
    { vote: { proposal_id: 1, voter: alice } },
    { list_votes: { proposal_id: 4 } },
    { list_voters: {} },
  ]);
  return { groupId, group, safe };
}
