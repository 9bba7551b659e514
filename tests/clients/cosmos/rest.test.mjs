// REST: the paths that Keplr and web front ends fetch say the same as the RPC.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { instantiate2Address } from '@cosmjs/cosmwasm-stargate';
import { fromBase64, fromHex, toBase64, toHex, toUtf8 } from '@cosmjs/encoding';
import { TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx';
import { Codes, coins, denom, eventually, fee, payment, signers, startCosmos } from './support.mjs';

let devnet, client, codes, alice, bob;

before(async () => {
  devnet = await startCosmos();
  const connected = await signers(devnet.cosmos, 2);
  client = connected.client;
  [alice, bob] = connected.addresses;
  codes = new Codes(client, alice);
});
after(async () => {
  client?.disconnect();
  await devnet?.stop();
});

async function get(path, headers = {}) {
  const response = await fetch(devnet.cosmos + path, { headers });
  const body = await response.json();
  assert.equal(response.status, 200, `${path}: ${JSON.stringify(body)}`);
  return body;
}
const post = async (path, body) => (await fetch(devnet.cosmos + path, { method: 'POST', body: JSON.stringify(body) })).json();
const refused = async (path) => {
  const response = await fetch(devnet.cosmos + path);
  const { code, message } = await response.json();
  return [response.status, code, message];
};

test('accounts and money', async () => {
  await client.sendTokens(alice, bob, coins(1), 1.5);
  const { account } = await get(`/cosmos/auth/v1beta1/accounts/${alice}`);
  const { accountNumber, sequence, pubkey } = await client.getAccount(alice);
  assert.deepEqual(account, {
    '@type': '/cosmos.auth.v1beta1.BaseAccount',
    address: alice,
    pub_key: { '@type': '/cosmos.crypto.secp256k1.PubKey', key: pubkey.value },
    account_number: `${accountNumber}`,
    sequence: `${sequence}`,
  });
  const held = await client.getBalance(bob, denom);
  assert.deepEqual((await get(`/cosmos/bank/v1beta1/balances/${bob}/by_denom?denom=${denom}`)).balance, held);
  for (const kind of ['balances', 'spendable_balances']) {
    const { balances, pagination } = await get(`/cosmos/bank/v1beta1/${kind}/${bob}`);
    assert.deepEqual([balances, pagination], [[held], { next_key: null, total: '1' }]);
  }
  for (const path of [`denom_owners/${denom}?`, `denom_owners_by_query?denom=${denom}&`]) {
    const { denom_owners } = await get(`/cosmos/bank/v1beta1/${path}pagination.limit=1000`);
    assert.deepEqual(denom_owners.find(({ address }) => address === bob).balance, held, path);
  }
  assert.deepEqual((await get('/cosmos/bank/v1beta1/send_enabled')).send_enabled, []);
  const { supply } = await get('/cosmos/bank/v1beta1/supply');
  const { amount } = await get(`/cosmos/bank/v1beta1/supply/by_denom?denom=${denom}`);
  assert.deepEqual(supply, [amount]);
  const [status, code, message] = await refused(`/cosmos/auth/v1beta1/accounts/${alice.slice(0, -1)}q`);
  assert.deepEqual([status, code], [400, 3], message);
  // As it was two blocks ago.
  const sent = await client.sendTokens(alice, bob, coins(9), 1.5);
  const old = await get(`/cosmos/bank/v1beta1/balances/${bob}/by_denom?denom=${denom}`, { 'x-cosmos-block-height': `${sent.height - 1}` });
  assert.deepEqual(old.balance, held);
});

test('codes and contracts', async () => {
  const token = await codes.token({ admin: bob });
  const id = await codes.id('cw20_base');
  const { contract_info, address } = await get(`/cosmwasm/wasm/v1/contract/${token}`);
  assert.deepEqual([address, contract_info.code_id, contract_info.admin], [token, `${id}`, bob]);
  const smart = (query) => encodeURIComponent(toBase64(toUtf8(JSON.stringify(query))));
  const { data } = await get(`/cosmwasm/wasm/v1/contract/${token}/smart/${smart({ token_info: {} })}`);
  assert.equal(data.symbol, 'TOK');
  const raw = await get(`/cosmwasm/wasm/v1/contract/${token}/raw/${encodeURIComponent(toBase64(toUtf8('token_info')))}`);
  assert.equal(JSON.parse(Buffer.from(raw.data, 'base64')).symbol, 'TOK');
  const { models } = await get(`/cosmwasm/wasm/v1/contract/${token}/state?pagination.limit=100`);
  assert.ok(models.some(({ key }) => key === toHex(toUtf8('token_info')).toUpperCase()));
  const { entries } = await get(`/cosmwasm/wasm/v1/contract/${token}/history`);
  assert.equal(entries[0].operation, 'CONTRACT_CODE_HISTORY_OPERATION_TYPE_INIT');
  assert.equal(entries[0].msg.symbol, 'TOK');
  const { contracts } = await get(`/cosmwasm/wasm/v1/code/${id}/contracts`);
  assert.ok(contracts.includes(token));
  const { code_info, data: wasm } = await get(`/cosmwasm/wasm/v1/code/${id}`);
  const details = await client.getCodeDetails(id);
  assert.equal(code_info.data_hash.toLowerCase(), details.checksum);
  assert.deepEqual(fromBase64(wasm), details.data);
  const { code_infos } = await get('/cosmwasm/wasm/v1/code');
  assert.ok(code_infos.some(({ code_id }) => code_id === `${id}`));
  const missing = await refused(`/cosmwasm/wasm/v1/contract/${bob}`);
  assert.deepEqual(missing, [500, 2, `codespace wasm code 22: no such contract: address ${bob}`]);
  const failed = await refused(`/cosmwasm/wasm/v1/contract/${token}/smart/${smart({ nothing: {} })}`);
  assert.deepEqual(failed.slice(0, 2), [500, 2]);
  assert.match(failed[2], /unknown variant `nothing`.*: query wasm contract failed$/);
  const one = await get(`/cosmwasm/wasm/v1/code-info/${id}`);
  assert.deepEqual([one.checksum, one.instantiate_permission.permission], [code_info.data_hash, 'Everybody']);
  const made = await get(`/cosmwasm/wasm/v1/contracts/creator/${alice}`);
  assert.ok(made.contract_addresses.includes(token));
  const { params } = await get('/cosmwasm/wasm/v1/codes/params');
  assert.equal(params.instantiate_default_permission, 'Everybody');
  assert.deepEqual(JSON.parse((await get('/cosmwasm/wasm/v1/wasm-limits-config')).config), {});
  const salted = { code_hash: details.checksum, creator_address: alice, salt: '0102' };
  const built = await get(`/cosmwasm/wasm/v1/build_address?${new URLSearchParams(salted)}`);
  assert.equal(built.address, instantiate2Address(fromHex(details.checksum), alice, Uint8Array.of(1, 2), 'weft'));
  const nothing = await get(`/cosmwasm/wasm/v1/contract/${token}/raw/${encodeURIComponent(toBase64(toUtf8('nothing')))}`);
  assert.equal(nothing.data, null);
});

test('transactions: simulated, sent, looked up', async () => {
  const sign = async () => toBase64(TxRaw.encode(await client.sign(alice, [payment(alice, bob, 7)], fee(100_000), 'by REST')).finish());
  const tx_bytes = await sign();
  const { gas_info } = await post('/cosmos/tx/v1beta1/simulate', { tx_bytes });
  const { tx_response } = await post('/cosmos/tx/v1beta1/txs', { tx_bytes, mode: 'BROADCAST_MODE_SYNC' });
  assert.equal(tx_response.code, 0, tx_response.raw_log);
  const hash = tx_response.txhash;
  await eventually('it in a block', () => client.getTx(hash));
  const shown = await get(`/cosmos/tx/v1beta1/txs/${hash}`);
  assert.deepEqual([shown.tx_response.txhash, shown.tx_response.code, shown.tx.body.memo], [hash, 0, 'by REST']);
  assert.ok(Number(shown.tx_response.gas_used) <= Number(gas_info.gas_used));
  assert.deepEqual(shown.tx.body.messages, [
    { '@type': '/cosmos.bank.v1beta1.MsgSend', from_address: alice, to_address: bob, amount: coins(7) },
  ]);
  assert.equal(shown.tx.auth_info.fee.gas_limit, '100000');
  const query = encodeURIComponent(`transfer.recipient='${bob}'`);
  const { tx_responses, total } = await get(`/cosmos/tx/v1beta1/txs?query=${query}&order_by=ORDER_BY_DESC&limit=1`);
  assert.deepEqual([tx_responses.map(({ txhash }) => txhash), Number(total) >= 1], [[hash], true]);
  const again = await post('/cosmos/tx/v1beta1/txs', { tx_bytes, mode: 'BROADCAST_MODE_SYNC' });
  assert.deepEqual([again.tx_response.code, again.tx_response.codespace], [32, 'sdk']);
  assert.equal((await refused(`/cosmos/tx/v1beta1/txs/${'07'.repeat(32)}`))[0], 404);
});

test('the node, its blocks, and what the chain has not', async () => {
  const { default_node_info } = await get('/cosmos/base/tendermint/v1beta1/node_info');
  assert.equal(default_node_info.network, await client.getChainId());
  const { block } = await get('/cosmos/base/tendermint/v1beta1/blocks/latest');
  assert.ok(Number(block.header.height) >= 1);
  assert.equal((await get('/cosmos/base/tendermint/v1beta1/blocks/1')).block.header.height, '1');
  assert.deepEqual(await get('/cosmos/base/tendermint/v1beta1/syncing'), { syncing: false });
  const { minimum_gas_price } = await get('/cosmos/base/node/v1beta1/config');
  assert.match(minimum_gas_price, new RegExp(`^[1-9]\\d*\\.0{18}${denom}$`));
  // It may move from one to the other.
  for (const { price, prices: [first] = [price] } of [await get(`/feemarket/v1/gas_price/${denom}`), await get('/feemarket/v1/gas_prices')]) {
    assert.equal(first.denom, denom);
    assert.match(first.amount, /^[1-9]\d*\.0{18}$/);
  }
  for (const [path, list] of [
    ['/cosmos/staking/v1beta1/validators', 'validators'],
    [`/cosmos/staking/v1beta1/delegations/${alice}`, 'delegation_responses'],
    [`/cosmos/staking/v1beta1/delegators/${alice}/unbonding_delegations`, 'unbonding_responses'],
    [`/cosmos/distribution/v1beta1/delegators/${alice}/rewards`, 'rewards'],
    ['/cosmos/gov/v1/proposals', 'proposals'],
  ]) {
    assert.deepEqual((await get(path))[list], [], path);
  }
  assert.deepEqual(await refused('/cosmos/nothing'), [501, 12, 'Not Implemented']);
  assert.deepEqual((await refused('/cosmos/slashing/v1beta1/params')).slice(0, 2), [501, 12]);
  const page = await fetch(`${devnet.cosmos}/cosmos/bank/v1beta1/supply`, { headers: { origin: 'https://wallet.invalid' } });
  assert.equal(page.headers.get('access-control-allow-origin'), 'https://wallet.invalid');
});
