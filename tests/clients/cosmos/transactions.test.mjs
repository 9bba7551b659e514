// Transactions as CosmJS signs them: several messages at once, and all the ways in which one is refused or fails.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx';
import { GasPrice } from '@cosmjs/stargate';
import { WebSocket } from 'ws';
import { Codes, attributes, coins, denom, eventually, execution, fee, payment, rpc, signers, startCosmos } from './support.mjs';

let devnet, client, codes, alice, bob, carol;

before(async () => {
  devnet = await startCosmos();
  const connected = await signers(devnet.cosmos, 3);
  client = connected.client;
  [alice, bob, carol] = connected.addresses;
  codes = new Codes(client, alice);
});
after(async () => {
  client?.disconnect();
  await devnet?.stop();
});

const held = async (address) => BigInt((await client.getBalance(address, denom)).amount);
/** Signs with these account data in place of the right ones, where given; the bytes. */
async function signed(signer, messages, cost = fee(200_000), data) {
  const { accountNumber, sequence } = await client.getSequence(signer);
  const chainId = await client.getChainId();
  const raw = await client.sign(signer, messages, cost, '', { accountNumber, sequence, chainId, ...data });
  return TxRaw.encode(raw).finish();
}
const refused = (bytes, code, words) =>
  assert.rejects(client.broadcastTxSync(bytes), (error) => {
    assert.deepEqual([error.codespace, error.code], ['sdk', code], error.message);
    assert.match(error.log, words);
    return true;
  });

test('bank: a payment with a memo, and a fee that is what was signed', async () => {
  const [before, other] = [await held(alice), await held(bob)];
  const cost = fee(100_000);
  const sent = await client.sendTokens(alice, bob, coins(12_345), cost, 'for the tea');
  assert.equal(sent.code, 0);
  assert.equal(await held(bob) - other, 12_345n);
  assert.equal(before - await held(alice), 12_345n + BigInt(cost.amount[0].amount));
  // The first transfer is the fee's.
  const [paid, transfer] = sent.events.filter(({ type }) => type === 'transfer').map((event) => attributes([event], 'transfer'));
  assert.deepEqual([paid.sender, paid.amount], [alice, `${cost.amount[0].amount}${denom}`]);
  assert.deepEqual(transfer, { recipient: bob, sender: alice, amount: `12345${denom}`, msg_index: '0' });
  const { tx, gasWanted } = await client.getTx(sent.transactionHash);
  assert.match(Buffer.from(tx).toString('latin1'), /for the tea/);
  assert.equal(gasWanted, 100_000n);
});

test('bank: one to many', async () => {
  const before = [await held(bob), await held(carol)];
  const message = {
    typeUrl: '/cosmos.bank.v1beta1.MsgMultiSend',
    value: {
      inputs: [{ address: alice, coins: coins(30) }],
      outputs: [{ address: bob, coins: coins(10) }, { address: carol, coins: coins(20) }],
    },
  };
  const sent = await client.signAndBroadcast(alice, [message], 1.5);
  assert.equal(sent.code, 0, sent.rawLog);
  assert.deepEqual([await held(bob), await held(carol)], [before[0] + 10n, before[1] + 20n]);
});

test('several messages: all of them, or none', async () => {
  const token = await codes.token();
  const balance = async (address) => (await client.queryContractSmart(token, { balance: { address } })).balance;
  const transfer = (amount) => execution(alice, token, { transfer: { recipient: bob, amount } });
  const before = await held(carol);
  const all = await client.signAndBroadcast(alice, [transfer('1'), payment(alice, carol, 5), transfer('2')], 1.5);
  assert.equal(all.code, 0, all.rawLog);
  const places = all.events.filter(({ type }) => type === 'wasm').map(({ attributes: list }) => list.at(-1).value);
  assert.deepEqual(places, ['0', '2'], 'the events say whose they are');
  assert.equal(all.msgResponses.length, 3);
  assert.deepEqual([await balance(bob), await held(carol) - before], ['3', 5n]);

  const { sequence } = await client.getSequence(alice);
  const none = await client.signAndBroadcast(alice, [transfer('1'), payment(alice, carol, 5), transfer('5000')], fee(500_000));
  assert.equal(none.code, 5);
  assert.match(none.rawLog, /^failed to execute message; message index: 2: .*: execute wasm contract failed$/);
  assert.deepEqual([await balance(bob), await held(carol) - before], ['3', 5n]);
  assert.equal((await client.getSequence(alice)).sequence, sequence + 1, 'it counts all the same');
  // CosmJS puts several executions into one.
  const both = await client.executeMultiple(alice, [
    { contractAddress: token, msg: { burn: { amount: '7' } } },
    { contractAddress: token, msg: { mint: { recipient: carol, amount: '9' } } },
  ], 1.5);
  assert.equal(both.events.filter(({ type }) => type === 'wasm').length, 2);
  assert.deepEqual([await balance(alice), await balance(carol)], ['990', '9']);
});

test('what does not fit the account or the chain is refused before any block', async () => {
  const messages = [payment(alice, bob, 1)];
  const { sequence } = await client.getSequence(alice);
  const mismatch = (got) => new RegExp(`^account sequence mismatch, expected ${sequence}, got ${got}: incorrect account sequence$`);
  await refused(await signed(alice, messages, undefined, { sequence: sequence + 3 }), 32, mismatch(sequence + 3));
  await refused(await signed(alice, messages, undefined, { sequence: sequence - 1 }), 32, mismatch(sequence - 1));
  await refused(await signed(alice, messages, undefined, { chainId: 'other-1' }), 4, /signature verification failed/);
  await refused(await signed(alice, messages, { amount: coins(1), gas: '200000' }), 13, /^insufficient fees; got: 1awei required: \d+awei: insufficient fee$/);
  await refused(await signed(alice, messages, fee(100)), 11, /out of gas/);
  const late = await client.sign(alice, messages, fee(100_000), '', undefined, 1n);
  await refused(TxRaw.encode(late).finish(), 30, /^block height: \d+, timeout height: 1: tx timeout height$/);
  await refused(await signed(alice, messages, { amount: coins(10n ** 30n), gas: '200000' }), 5, /is smaller than .*: insufficient funds$/);
  const signature = await signed(alice, messages);
  const raw = TxRaw.decode(signature);
  raw.signatures[0][7] ^= 1;
  await refused(TxRaw.encode(raw).finish(), 4, /signature verification failed|unauthorized/);
  await refused(Buffer.from('no transaction'), 2, /tx parse error/);
  await refused(new Uint8Array(), 18, /^must contain at least one message: invalid request$/);
  assert.equal((await client.getSequence(alice)).sequence, sequence);
});

test('the price of gas is asked for, and what pays less does not wait', async () => {
  const { response } = (await rpc(devnet.cosmos, 'abci_query', { path: '/cosmos.base.node.v1beta1.Service/Config' })).result;
  const [, whole, unit] = /(\d+)\.0{18}([a-z]+)/.exec(Buffer.from(response.value, 'base64').toString('latin1'));
  assert.equal(unit, denom);
  const cost = (price) => ({ amount: coins(price * 100_000n), gas: '100000' });
  // The price may fall until the next block, by an eighth at most.
  await refused(await signed(alice, [payment(alice, bob, 1)], cost(BigInt(whole) / 2n)), 13, /insufficient fee/);
  const sent = await client.broadcastTx(await signed(alice, [payment(alice, bob, 1)], cost(BigInt(whole))));
  assert.equal(sent.code, 0);
});

test('CosmJS finds the price by itself', async () => {
  const floor = GasPrice.fromString(`1${denom}`);
  const asking = await signers(devnet.cosmos, 1, { denom, minGasPrice: floor, multiplier: 1.25 });
  try {
    const sent = await asking.client.sendTokens(alice, bob, coins(1), 'auto');
    assert.equal(sent.code, 0, sent.rawLog);
  } finally {
    asking.client.disconnect();
  }
});

test('what fails in a block pays, and says why', async () => {
  const token = await codes.token();
  const transfer = execution(alice, token, { transfer: { recipient: bob, amount: '1' } });
  const before = await held(alice);
  const gas = Math.floor(await client.simulate(alice, [transfer], '') * 0.9);
  const short = await client.signAndBroadcast(alice, [transfer], fee(gas));
  assert.deepEqual([short.code, short.gasUsed >= BigInt(gas)], [11, true]);
  assert.match(short.rawLog, new RegExp(`^out of gas in location: .*; gasWanted: ${gas}, gasUsed: \\d+: out of gas$`));
  assert.equal(before - await held(alice), BigInt(fee(gas).amount[0].amount));
  const nobody = await client.signAndBroadcast(alice, [execution(alice, bob, { transfer: {} })], fee(200_000));
  assert.equal(nobody.code, 22);
  assert.match(nobody.rawLog, new RegExp(`^failed to execute message; message index: 0: address ${bob}: no such contract$`));
  const poor = await client.signAndBroadcast(alice, [payment(alice, bob, 10n ** 30n)], fee(200_000));
  assert.equal(poor.code, 5);
  assert.match(poor.rawLog, /insufficient funds$/);
  const { result } = await rpc(devnet.cosmos, 'tx', { hash: Buffer.from(poor.transactionHash, 'hex').toString('base64') });
  assert.equal(result.tx_result.codespace, 'sdk');
  const absent = {
    typeUrl: '/cosmos.staking.v1beta1.MsgDelegate',
    value: { delegatorAddress: alice, validatorAddress: alice, amount: coins(1)[0] },
  };
  await refused(await signed(alice, [absent]), 2, /MsgDelegate/);
});

test('an account that came by money alone can sign, and one without can not', async () => {
  const fresh = await signers(devnet.cosmos, 40);
  try {
    const poor = fresh.addresses[39];
    assert.equal(await fresh.client.getAccount(poor), null);
    await assert.rejects(fresh.client.sendTokens(poor, alice, coins(1), fee(100_000)), /does not exist on chain/);
    await client.sendTokens(alice, poor, coins(10n ** 15n), 1.5);
    const { sequence, pubkey } = await fresh.client.getAccount(poor);
    assert.deepEqual([sequence, pubkey], [0, null]);
    const sent = await fresh.client.sendTokens(poor, alice, coins(1), fee(100_000));
    assert.equal(sent.code, 0);
    const known = await fresh.client.getAccount(poor);
    assert.deepEqual([known.sequence, known.pubkey.type], [1, 'tendermint/PubKeySecp256k1']);
  } finally {
    fresh.client.disconnect();
  }
});

test('a batch of one account keeps its order', async () => {
  const { sequence } = await client.getSequence(bob);
  const calls = [];
  for (let index = 0; index < 20; index += 1) {
    const bytes = await signed(bob, [payment(bob, carol, index + 1)], fee(100_000), { sequence: sequence + index });
    const tx = Buffer.from(bytes).toString('base64');
    calls.push({ jsonrpc: '2.0', id: index, method: 'broadcast_tx_sync', params: { tx } });
  }
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(devnet.cosmos, { method: 'POST', headers, body: JSON.stringify(calls) });
  const answers = await response.json();
  assert.deepEqual(answers.map(({ id }) => id), calls.map(({ id }) => id));
  assert.deepEqual(answers.map(({ result }) => result.code), calls.map(() => 0));
  await eventually('all of them', async () => (await client.getSequence(bob)).sequence === sequence + 20);
  // And so does one that comes message by message over a websocket.
  const messages = [];
  for (let index = 20; index < 40; index += 1) {
    const bytes = await signed(bob, [payment(bob, carol, 1)], fee(100_000), { sequence: sequence + index });
    messages.push({ ...calls[0], id: index, params: { tx: Buffer.from(bytes).toString('base64') } });
  }
  const codes = [];
  const socket = new WebSocket(`${devnet.cosmos.replace('http', 'ws')}/websocket`);
  try {
    await new Promise((resolve, reject) => Object.assign(socket, { onopen: resolve, onerror: reject }));
    socket.onmessage = ({ data }) => codes.push(JSON.parse(data).result.code);
    for (const message of messages) socket.send(JSON.stringify(message));
    await eventually('20 answers', () => codes.length === 20);
  } finally {
    socket.close(1000);
  }
  assert.deepEqual(codes, messages.map(() => 0));
  // CosmJS begins anew where the end was not answered.
  const [code] = await once(socket, 'close');
  assert.equal(code, 1000);
});
