// Lists in pages, searches, simulation, REST and the other methods: what both answer about the same past.
import { toBase64, toUtf8 } from '@cosmjs/encoding';
import * as m from './messages.mjs';
import * as q from './queries.mjs';

/** Pages that a list may have. */
const PAGES = 200;

/** All pages of a list, `limit` at a time: the keys of pages may hold heights, so that each chain is asked with its own. */
async function pages(both, label, limit, ask) {
  let keys = { weft: new Uint8Array(), wasmd: new Uint8Array() };
  for (let number = 1; number < PAGES; number += 1) {
    const answers = await both.queryEach(`${label}, page ${number} of ${limit}`, (name) =>
      ask(q.page({ limit, key: keys[name] })),
    );
    const next = (answer) => Buffer.from(answer?.pagination?.nextKey ?? '', 'base64');
    keys = { weft: next(answers.weft), wasmd: next(answers.wasmd) };
    if (keys.weft.length === 0 || keys.wasmd.length === 0) return;
  }
  throw new Error(`${label} has no end`);
}

export async function listing(both, { id, hookId, token, life, contract }) {
  const [alice, bob] = both.addresses;
  await pages(both, 'codes', 7, (page) => q.codes(page));
  await pages(both, 'contracts of a code', 5, (page) => q.byCode(hookId, page));
  await pages(both, 'contracts of a creator', 9, (page) => q.byCreator(alice, page));
  await pages(both, 'history', 2, (page) => q.history(life, page));
  await pages(both, 'state of a token', 4, (page) => q.state(token, page));
  await pages(both, 'state of the echo contract', 3, (page) => q.state(contract, page));
  for (const [label, page] of Object.entries({
    'backwards': q.page({ limit: 3, reverse: true }),
    'by offset': q.page({ limit: 2, offset: 1 }),
    'with a total': q.page({ limit: 2, countTotal: true }),
    'without a limit': q.page({}),
    'with too great a limit': q.page({ limit: 5_000 }),
    'from a key that is none': q.page({ key: Buffer.from('zz') }),
  })) {
    await both.query(`codes ${label}`, q.codes(page));
    await both.query(`contracts of a code ${label}`, q.byCode(id, page));
    await both.query(`state ${label}`, q.state(token, page));
    await both.query(`balances ${label}`, q.balances(alice, page));
  }
  const single = {
    'code of zero': q.codeInfo(0),
    'code that is not': q.codeInfo(999),
    'code with its bytes': q.code(id),
    'bytes that are not': q.code(999),
    'contracts of no code': q.byCode(999),
    'contracts of code zero': q.byCode(0),
    'contracts of no creator': q.byCreator('nobody'),
    'contracts of another creator': q.byCreator(bob),
    'pinned': q.pinned(),
    'parameters': q.params(),
    'no contract': q.contract(bob),
    'no address': q.contract('nobody'),
    'the empty address': q.contract(''),
    'history of none': q.history(bob),
    'state of none': q.state(bob),
    'raw of none': q.raw(bob, 'x'),
    'raw of an empty key': q.raw(token, ''),
    'smart of none': q.smart(bob, {}),
    'smart of no JSON': q.smart(token, '{'),
    'smart of no address': q.smart('nobody', {}),
    'built address': q.build('aa'.repeat(32), alice, 'ab'),
    'built address with a message': q.build('aa'.repeat(32), alice, 'ab', '{}'),
    'built with a bad hash': q.build('zz', alice, 'ab'),
    'built without salt': q.build('aa'.repeat(32), alice, ''),
    'built for nobody': q.build('aa'.repeat(32), 'nobody', 'ab'),
    'a balance': q.balance(alice, 'awei'),
    'a balance of another coin': q.balance(alice, 'other'),
    'a balance of a bad coin': q.balance(alice, '!'),
    'a balance of nobody': q.balance('nobody', 'awei'),
    'a balance of the empty address': q.balance('', 'awei'),
    'spendable': q.spendableBalances(alice),
    'supply of another coin': q.supplyOf('other'),
    'metadata': q.metadata('other'),
    'coins that can be sent': q.sendEnabled(['awei']),
    'an unknown path': q.unknown('/not.Known/Query'),
    'an unknown method': q.unknown('/cosmos.bank.v1beta1.Query/Nothing'),
    'no path': q.unknown(''),
    'a broken request': q.unknown('/cosmos.bank.v1beta1.Query/Balance', '\u0001\u0002'),
    'the version': q.unknown('/app/other'),
  };
  for (const [label, query] of Object.entries(single)) await both.query(label, query);
}

export async function searches(both, { token, hook }) {
  const [alice, bob] = both.addresses;
  const order = { order_by: 'asc', per_page: '5', page: '1' };
  const texts = [
    `wasm._contract_address='${token}'`,
    `wasm._contract_address='${token}' AND wasm.action='transfer'`,
    `wasm.action='mint' AND wasm.to='${bob}'`,
    `message.sender='${bob}'`,
    "message.action='/cosmwasm.wasm.v1.MsgStoreCode'",
    `transfer.recipient='${hook}'`,
    `execute._contract_address='${hook}'`,
    "store_code.code_id='1'",
    "instantiate.code_id='2'",
    'instantiate.code_id=2',
    'instantiate.code_id>2',
    "wasm-told.z='1'",
    'wasm-told.a EXISTS',
    "wasm.action CONTAINS 'from'",
    'tx.height={height of 3}',
    'tx.height>={height of 3} AND tx.height<={height of 6}',
    'tx.height<{height of 2}',
    `tx.acc_seq='${alice}/3'`,
    `wasm.action='nothing'`,
    "message.module='wasm' AND tx.height<{height of 9}",
    'tx.height<0',
    '',
    'nonsense',
    'wasm.action=',
    "wasm.action='a' OR wasm.action='b'",
    "a.b='c",
    'wasm.action',
  ];
  for (const text of texts) await both.search(text, order);
  const text = `wasm._contract_address='${token}'`;
  for (const more of [
    { order_by: 'desc' },
    { page: '2', per_page: '3' },
    { page: '99' },
    { page: '0' },
    { per_page: '0' },
    { per_page: '1000' },
    { per_page: '-1' },
    { order_by: 'sideways' },
    { order_by: '' },
    { page: 'x' },
    {},
  ]) {
    await both.search(text, more);
  }
  const found = (result) => ({ count: result.total_count, blocks: result.blocks.length });
  await both.call(
    'block_search',
    (heights) => ({ query: `block.height=${heights[4]}`, page: '1', per_page: '5', order_by: 'asc' }),
    found,
    'one height',
  );
  await both.call(
    'block_search',
    (heights) => ({ query: `block.height>=${heights[2]} AND block.height<=${heights[2]}` }),
    found,
    'a range',
  );
  await both.call('block_search', { query: 'nonsense' }, found);
  await both.call('tx', { hash: Buffer.alloc(32).toString('base64') });
  await both.call('tx', { hash: 'xx' });
  await both.call('tx', {});
  await both.call('no_such_method', {});
  await both.call('health', {});
  await both.call('block', { height: '999999999' });
  await both.call('block', { height: '-1' });
  await both.call('block', { height: 'x' });
  await both.call('block_results', { height: '999999999' });
  await both.call(
    'block_results',
    (heights) => ({ height: heights[5] }),
    (result) => result.txs_results,
    'of a transaction',
  );
  await both.call(
    'block',
    (heights) => ({ height: heights[5] }),
    ({ block }) => block.data.txs.length,
    'of a transaction',
  );
  const supply = { path: '/cosmos.bank.v1beta1.Query/TotalSupply', data: '' };
  const code = ({ response }) => ({ code: response.code, codespace: response.codespace, log: response.log });
  for (const more of [{ height: '1' }, { height: '99999999' }, { height: '-1' }, { prove: true }]) {
    await both.call('abci_query', { ...supply, ...more }, code);
  }
  await both.call('abci_query', { path: '/cosmos.bank.v1beta1.Query/TotalSupply', data: 'zz' });
}

export async function simulations(both, { token, hookId, hook }) {
  const [alice, bob] = both.addresses;
  const cases = {
    'a payment': m.send(alice, bob, m.coins(1)),
    'a payment of too much': m.send(alice, bob, m.coins('9'.repeat(30))),
    'a transfer': m.execute(alice, token, { transfer: { recipient: bob, amount: '1' } }),
    'a transfer of too much': m.execute(alice, token, { transfer: { recipient: bob, amount: '99999' } }),
    'a new contract': m.instantiate(alice, hookId, m.ok()),
    'a call that traps': m.execute(alice, hook, ['panic']),
    'no JSON': m.execute(alice, hook, '{'),
    'a message of another': m.send(bob, alice, m.coins(1)),
    'an unknown message': m.any('/not.Known', new Uint8Array()),
    'no message': [],
  };
  for (const [label, messages] of Object.entries(cases)) await both.simulate(0, label, messages);
}

export async function rest(both, { token, id, hookId }) {
  const [alice, bob] = both.addresses;
  const encoded = (msg) => encodeURIComponent(toBase64(toUtf8(typeof msg === 'string' ? msg : JSON.stringify(msg))));
  const paths = [
    `/cosmos/bank/v1beta1/balances/${alice}`,
    `/cosmos/bank/v1beta1/balances/${alice}/by_denom?denom=awei`,
    `/cosmos/bank/v1beta1/balances/${alice}/by_denom`,
    `/cosmos/bank/v1beta1/balances/nobody`,
    `/cosmos/bank/v1beta1/spendable_balances/${bob}`,
    `/cosmos/bank/v1beta1/spendable_balances/${bob}/by_denom?denom=awei`,
    `/cosmos/bank/v1beta1/spendable_balances/nobody/by_denom?denom=awei`,
    '/cosmos/bank/v1beta1/denom_owners/other',
    '/cosmos/bank/v1beta1/denom_owners_by_query?denom=other',
    '/cosmos/bank/v1beta1/denom_owners_by_query',
    '/cosmos/bank/v1beta1/send_enabled',
    '/cosmos/bank/v1beta1/send_enabled?denoms=awei',
    '/cosmos/bank/v1beta1/denoms_metadata/awei',
    '/cosmos/bank/v1beta1/denoms_metadata_by_query_string?denom=awei',
    '/cosmos/bank/v1beta1/supply/by_denom?denom=other',
    '/cosmos/bank/v1beta1/params',
    '/cosmos/bank/v1beta1/denoms_metadata',
    `/cosmwasm/wasm/v1/contract/${token}`,
    `/cosmwasm/wasm/v1/contract/${bob}`,
    '/cosmwasm/wasm/v1/contract/nobody',
    `/cosmwasm/wasm/v1/contract/${token}/smart/${encoded({ token_info: {} })}`,
    `/cosmwasm/wasm/v1/contract/${token}/smart/${encoded({ nothing: {} })}`,
    `/cosmwasm/wasm/v1/contract/${token}/smart/${encoded('{')}`,
    `/cosmwasm/wasm/v1/contract/${token}/smart/@`,
    `/cosmwasm/wasm/v1/contract/${token}/raw/${encoded('token_info')}`,
    `/cosmwasm/wasm/v1/contract/${token}/raw/${encoded('nothing')}`,
    `/cosmwasm/wasm/v1/contract/${token}/state?pagination.limit=2`,
    `/cosmwasm/wasm/v1/contract/${token}/history`,
    '/cosmwasm/wasm/v1/code?pagination.limit=2',
    '/cosmwasm/wasm/v1/code?pagination.limit=x',
    `/cosmwasm/wasm/v1/code/${id}`,
    '/cosmwasm/wasm/v1/code/999',
    '/cosmwasm/wasm/v1/code/0',
    '/cosmwasm/wasm/v1/code/0/contracts',
    '/cosmwasm/wasm/v1/code/x',
    `/cosmwasm/wasm/v1/code-info/${id}`,
    `/cosmwasm/wasm/v1/code/${hookId}/contracts?pagination.limit=3`,
    `/cosmwasm/wasm/v1/contracts/creator/${alice}?pagination.limit=2&pagination.reverse=true`,
    `/cosmwasm/wasm/v1/contracts/creator/nobody`,
    `/cosmwasm/wasm/v1/contract/${bob}/history`,
    `/cosmwasm/wasm/v1/contract/${bob}/state`,
    `/cosmwasm/wasm/v1/contract/${bob}/smart/${encoded({ token_info: {} })}`,
    '/cosmwasm/wasm/v1/wasm-limits-config',
    `/cosmwasm/wasm/v1/contract/build_address?code_hash=${'13'.repeat(32)}&creator_address=${alice}&salt=61`,
    `/cosmwasm/wasm/v1/build_address?code_hash=${'13'.repeat(32)}&creator_address=${alice}&salt=61`,
    `/cosmwasm/wasm/v1/build_address?code_hash=13&creator_address=${alice}&salt=61`,
    '/cosmwasm/wasm/v1/codes/params',
    '/cosmwasm/wasm/v1/codes/pinned',
    '/cosmos/nothing',
    '/cosmwasm/wasm/v1/nothing',
    `/cosmos/tx/v1beta1/txs/${'00'.repeat(32)}`,
    '/cosmos/tx/v1beta1/txs/x',
    '/cosmos/auth/v1beta1/params',
    '/cosmos/auth/v1beta1/accounts/nobody',
    '/cosmos/auth/v1beta1/account_info/nobody',
    '/cosmos/auth/v1beta1/bech32',
    `/cosmos/auth/v1beta1/bech32/${alice}`,
    '/cosmos/auth/v1beta1/bech32/nobody',
    '/cosmos/auth/v1beta1/module_accounts/nothing',
  ];
  for (const path of paths) await both.get(path);
}
