// CometBFT's RPC as its clients use it: blocks, searches, queries of the state, sending, and subscriptions.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Comet38Client, connectComet } from '@cosmjs/tendermint-rpc';
import { TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx';
import { Codes, coins, denom, eventually, fee, payment, rpc, signers, startCosmos } from './support.mjs';

let devnet, client, comet, codes, alice, bob, carol;

before(async () => {
  devnet = await startCosmos();
  comet = await connectComet(devnet.cosmos);
  const connected = await signers(devnet.cosmos, 3);
  client = connected.client;
  [alice, bob, carol] = connected.addresses;
  codes = new Codes(client, alice);
});
after(async () => {
  client?.disconnect();
  comet?.disconnect();
  await devnet?.stop();
});

const upper = (bytes) => Buffer.from(bytes).toString('hex').toUpperCase();
const call = async (method, params = {}) => {
  const { result, error } = await rpc(devnet.cosmos, method, params);
  assert.equal(error, undefined, `${method}: ${JSON.stringify(error)}`);
  return result;
};
async function signed(messages) {
  return TxRaw.encode(await client.sign(alice, messages, fee(100_000), '')).finish();
}

test('a client finds out what it talks to', async () => {
  assert.ok(comet instanceof Comet38Client);
  await comet.health();
  const { nodeInfo, syncInfo, validatorInfo } = await comet.status();
  assert.equal(nodeInfo.network, await client.getChainId());
  assert.ok(syncInfo.latestBlockHeight >= 1 && !syncInfo.catchingUp);
  const { validators } = await comet.validatorsAll();
  assert.deepEqual(validators.map(({ address }) => address), [validatorInfo.address]);
  const { lastBlockHeight } = await comet.abciInfo();
  assert.ok(lastBlockHeight >= syncInfo.latestBlockHeight);
  assert.equal((await call('genesis')).genesis.chain_id, nodeInfo.network);
  assert.equal((await call('num_unconfirmed_txs')).n_txs, '0');
  const unknown = await rpc(devnet.cosmos, 'nothing');
  assert.equal(unknown.error.code, -32601);
});

test('a block, its results and its header agree', async () => {
  const { height, transactionHash } = await client.sendTokens(alice, bob, coins(1), 1.5);
  const { block, blockId } = await comet.block(height);
  assert.deepEqual([block.header.height, block.txs.length], [height, 1]);
  const { results } = await comet.blockResults(height);
  assert.deepEqual(results.map(({ code }) => code), [0]);
  const { blockMetas, lastHeight } = await comet.blockchain(height, height);
  assert.ok(lastHeight >= height);
  assert.deepEqual([blockMetas.length, upper(blockMetas[0].blockId.hash), blockMetas[0].numTxs], [1, upper(blockId.hash), 1]);
  const { header } = await call('header', { height: `${height}` });
  assert.equal(header.app_hash, upper(block.header.appHash));
  const hash = Buffer.from(blockId.hash).toString('base64');
  assert.equal((await call('block_by_hash', { hash })).block.header.height, `${height}`);
  assert.equal((await call('header_by_hash', { hash })).header.height, `${height}`);
  assert.equal((await call('commit', { height: `${height}` })).signed_header.header.height, `${height}`);
  // The state after the block is what the next one's header names.
  await eventually('a block upon it', async () => (await client.getHeight()) > height);
  const next = await comet.block(height + 1);
  assert.equal(upper(next.block.lastCommit.blockId.hash), upper(blockId.hash));
  assert.equal(Buffer.from((await call('block_results', { height: `${height}` })).app_hash, 'base64').toString('hex').toUpperCase(), upper(next.block.header.appHash));
  const tx = await comet.tx({ hash: Buffer.from(transactionHash, 'hex') });
  assert.deepEqual([tx.height, tx.index, tx.result.code], [height, 0, 0]);
  const future = await rpc(devnet.cosmos, 'block', { height: '99999999' });
  assert.match(future.error.data, /^height 99999999 must be less than or equal to the current blockchain height \d+$/);
  const missing = await rpc(devnet.cosmos, 'tx', { hash: Buffer.alloc(32, 7).toString('base64') });
  assert.match(missing.error.data, /^tx \((07)+\) not found$/);
});

test('transactions are found by what they emitted', async () => {
  const token = await codes.token();
  const sent = [];
  for (const amount of ['1', '2', '3']) {
    const msg = { transfer: { recipient: bob, amount } };
    sent.push(await client.execute(alice, token, msg, fee(300_000)));
  }
  const hashes = sent.map(({ transactionHash }) => transactionHash);
  const found = async (query) => (await client.searchTx(query)).map(({ hash }) => hash);
  const own = `wasm._contract_address='${token}'`;
  assert.deepEqual(await found(`${own} AND wasm.action='transfer'`), hashes);
  assert.deepEqual(await found(`${own} AND wasm.amount='2'`), [hashes[1]]);
  assert.deepEqual(await found(`${own} AND wasm.amount > 1 AND wasm.action EXISTS`), hashes.slice(1));
  assert.deepEqual(await found(`${own} AND wasm.action CONTAINS 'fer' AND tx.height<=${sent[1].height}`), hashes.slice(0, 2));
  assert.deepEqual(await found(`tx.hash='${hashes[2]}'`), [hashes[2]]);
  assert.deepEqual(await found(`tx.height=${sent[0].height}`), [hashes[0]]);
  assert.deepEqual(await found([{ key: 'message.sender', value: alice }, { key: 'wasm._contract_address', value: token }]), hashes);
  assert.deepEqual(await found("wasm.action='nothing of the kind'"), []);
  const page = async (number, order_by) => {
    const query = `${own} AND wasm.action='transfer'`;
    const { txs, total_count } = await call('tx_search', { query, page: `${number}`, per_page: '2', order_by, prove: false });
    return [txs.map(({ hash }) => hash), total_count];
  };
  assert.deepEqual(await page(1, 'asc'), [hashes.slice(0, 2), '3']);
  assert.deepEqual(await page(2, 'asc'), [hashes.slice(2), '3']);
  assert.deepEqual(await page(1, 'desc'), [[hashes[2], hashes[1]], '3']);
  for (const [params, words] of [
    [{ query: `${own} AND`, prove: false }, /failed to parse query/],
    [{ query: own, page: '9', prove: false }, /page should be within \[1, 1\] range, given 9/],
    [{ query: own, order_by: 'sideways', prove: false }, /expected order_by to be either `asc` or `desc` or empty/],
    [{ query: own, prove: true }, /proofs of transactions are not supported/],
  ]) {
    assert.match((await rpc(devnet.cosmos, 'tx_search', params)).error.data, words);
  }
  // Failed transactions are found by their height, and say that they failed.
  const failed = await client.signAndBroadcast(alice, [payment(alice, bob, 10n ** 30n)], fee(200_000));
  const [one] = await client.searchTx(`tx.height=${failed.height}`);
  assert.deepEqual([one.hash, one.code], [failed.transactionHash, 5]);
});

test('blocks are found by their height', async () => {
  const { blocks, totalCount } = await comet.blockSearch({ query: 'block.height > 0 AND block.height <= 2', per_page: 10 });
  assert.equal(totalCount, 2);
  assert.deepEqual(blocks.map(({ block }) => block.header.height).sort(), [1, 2]);
  const none = await comet.blockSearch({ query: 'block.height > 99999999' });
  assert.equal(none.totalCount, 0);
});

test('queries of the state: old heights are honoured, proofs are refused', async () => {
  const params = { path: '/cosmos.bank.v1beta1.Query/TotalSupply', data: '' };
  await eventually('two blocks', async () => (await client.getHeight()) >= 2);
  const query = async (more) => (await call('abci_query', { ...params, ...more })).response;
  const { code, height } = await query({});
  assert.deepEqual([code, Number(height) > 1], [0, true]);
  const old = await query({ height: '1', prove: false });
  assert.deepEqual([old.code, old.height], [0, '1']);
  const { code: refused, codespace, log } = await query({ prove: true });
  assert.deepEqual([refused, codespace], [18, 'sdk']);
  assert.match(log, /proofs are not supported/);
  assert.equal((await query({ height: '99999999' })).code, 26);
  assert.equal((await query({ path: '/cosmos.gov.v1.Query/Proposals' })).code, 6);
  // What an account had before a payment is still what it had then.
  const before = await client.getBalance(carol, denom);
  const sent = await client.sendTokens(alice, carol, coins(11), 1.5);
  const data = Buffer.concat([Buffer.from([10, carol.length]), Buffer.from(carol), Buffer.from([18, denom.length]), Buffer.from(denom)]);
  const balance = async (at) => {
    const response = await query({ path: '/cosmos.bank.v1beta1.Query/Balance', data: data.toString('hex'), height: `${at}` });
    return Buffer.from(response.value, 'base64').toString('latin1').match(/\d+$/)[0];
  };
  assert.equal(await balance(sent.height - 1), before.amount);
  assert.equal(BigInt(await balance(sent.height)), BigInt(before.amount) + 11n);
});

test('sending: sync, async and commit', async () => {
  const commit = await comet.broadcastTxCommit({ tx: await signed([payment(alice, bob, 1)]) });
  assert.deepEqual([commit.checkTx.code, commit.txResult.code], [0, 0]);
  assert.ok(commit.height > 0);
  const bytes = await signed([payment(alice, bob, 2)]);
  const { hash } = await comet.broadcastTxAsync({ tx: bytes });
  await eventually('it in a block', () => client.getTx(upper(hash)));
  const again = await call('broadcast_tx_sync', { tx: Buffer.from(bytes).toString('base64') });
  assert.equal(again.code, 32);
  const refused = await comet.broadcastTxCommit({ tx: bytes });
  assert.equal(refused.checkTx.code, 32);
  const twice = Buffer.from(await signed([payment(alice, bob, 3)])).toString('base64');
  const answers = await Promise.all([1, 2].map(() => rpc(devnet.cosmos, 'broadcast_tx_sync', { tx: twice })));
  const taken = answers.filter(({ result }) => result?.code === 0);
  assert.equal(taken.length, 1, JSON.stringify(answers));
  await eventually('it in a block', () => client.getTx(taken[0].result.hash));
});

test('GETs are answered as by CometBFT', async () => {
  const get = async (path) => (await fetch(devnet.cosmos + path)).json();
  assert.equal((await get('/status')).result.node_info.network, await client.getChainId());
  assert.equal((await get('/block?height=1')).result.block.header.height, '1');
  const sent = await client.sendTokens(alice, bob, coins(1), 1.5);
  assert.equal((await get(`/tx?hash=0x${sent.transactionHash}`)).result.height, `${sent.height}`);
  const query = encodeURIComponent(`"tx.height=${sent.height}"`);
  assert.equal((await get(`/tx_search?query=${query}&per_page=5`)).result.total_count, '1');
  const path = encodeURIComponent('"/cosmos.bank.v1beta1.Query/Params"');
  assert.equal((await get(`/abci_query?path=${path}`)).result.response.code, 0);
  const tx = Buffer.from(await signed([payment(alice, bob, 1)])).toString('hex');
  const { hash, code } = (await get(`/broadcast_tx_sync?tx=0x${tx}`)).result;
  assert.equal(code, 0);
  await eventually('it in a block', () => client.getTx(hash));
  assert.equal((await fetch(`${devnet.cosmos}/nothing`)).status, 404);
  assert.match(await (await fetch(devnet.cosmos)).text(), /\/tx_search\?query=_/);
});

test('subscriptions tell of blocks and transactions', async () => {
  const socket = await Comet38Client.connect(devnet.cosmos.replace('http', 'ws'));
  try {
    const told = { blocks: [], headers: [], hashes: [], all: 0 };
    const subscribed = [
      socket.subscribeNewBlock().subscribe({ next: (block) => told.blocks.push(block) }),
      socket.subscribeNewBlockHeader().subscribe({ next: (header) => told.headers.push(header.height) }),
      socket.subscribeTx(`transfer.recipient='${carol}'`).subscribe({ next: (tx) => told.hashes.push(upper(tx.hash)) }),
      socket.subscribeTx().subscribe({ next: () => (told.all += 1) }),
    ];
    // A call over the same websocket is answered when those before it were read.
    await socket.status();
    await client.sendTokens(alice, bob, coins(5), fee(100_000));
    const sent = await client.sendTokens(alice, carol, coins(5), fee(100_000));
    await eventually('both and their blocks', () => told.all >= 2 && told.headers.includes(sent.height));
    await eventually('the block', () => told.blocks.some(({ header }) => header.height === sent.height));
    assert.deepEqual(told.hashes, [sent.transactionHash]);
    const heights = told.blocks.map(({ header }) => header.height);
    assert.deepEqual(heights, heights.map((_, index) => heights[0] + index), 'none is left out, none comes twice');
    for (const one of subscribed) one.unsubscribe();
  } finally {
    socket.disconnect();
    // CosmJS 0.38 connects again after that, to any chain, and would keep this process alive.
    clearTimeout(socket.client.socket.reconnectTimeout);
  }
});
