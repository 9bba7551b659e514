// ethers v6, unmodified, as a web application or a deploy script uses it.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import {
  Contract, ContractFactory, HDNodeWallet, Interface, JsonRpcProvider, Mnemonic, Wallet,
  WebSocketProvider, parseEther, isCallException,
} from 'ethers';
import { MNEMONIC, contracts, eventually, rpc, startDevnet } from './support.mjs';

let devnet, provider, alice, bob, token;

before(async () => {
  devnet = await startDevnet();
  provider = new JsonRpcProvider(devnet.url, undefined, { pollingInterval: 100, cacheTimeout: -1 });
  const root = HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), "m/44'/60'/0'/0");
  alice = root.deriveChild(0).connect(provider);
  bob = root.deriveChild(1).connect(provider);
});

after(async () => {
  provider?.destroy();
  await devnet?.stop();
});

async function deploy(name, signer, ...args) {
  const { abi, bytecode } = contracts()[name];
  const contract = await new ContractFactory(abi, bytecode, signer).deploy(...args);
  await contract.waitForDeployment();
  return contract;
}

/** The contract's own name of the error; ethers decodes it for calls and leaves the data for estimates. */
function revertName(contract, error) {
  return error.revert?.name ?? contract.interface.parseError(error.data)?.name;
}

test('the devnet says who it is and its accounts are funded', async () => {
  assert.equal((await provider.getNetwork()).chainId, 31337n);
  const address = await alice.getAddress();
  assert.equal(address, '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266');
  assert.ok((await provider.getBalance(address)) >= parseEther('9000'));
  const block = await provider.getBlock('latest', true);
  assert.ok(block.baseFeePerGas > 0n);
  assert.equal((await rpc(devnet.url, 'web3_clientVersion')).result.length > 0, true);
});

test('a transfer of each type lands and pays exactly its fee', async () => {
  const to = Wallet.createRandom().address;
  for (const type of [0, 1, 2]) {
    const from = await bob.getAddress();
    const before = await provider.getBalance(from);
    const sent = await bob.sendTransaction({ to, value: 1000n, type });
    const receipt = await sent.wait();
    assert.equal(receipt.status, 1);
    assert.equal(receipt.type, type);
    assert.equal(receipt.gasUsed, 21000n);
    const after = await provider.getBalance(from);
    assert.equal(before - after, 1000n + receipt.fee);
    const fetched = await provider.getTransaction(sent.hash);
    assert.equal(fetched.blockNumber, receipt.blockNumber);
    assert.equal(fetched.from, from);
  }
  assert.equal(await provider.getBalance(to), 3000n);
});

test('an ERC-20 deploys, transfers, and refuses with its own error', async () => {
  token = await deploy('Token', alice, 'Sample', 'SMP', parseEther('1000000'));
  const to = await bob.getAddress();
  const receipt = await (await token.transfer(to, 5n)).wait();
  assert.equal(receipt.logs.length, 1);
  const event = token.interface.parseLog(receipt.logs[0]);
  assert.equal(event.name, 'Transfer');
  assert.equal(event.args.value, 5n);
  assert.equal(await token.balanceOf(to), 5n);
  assert.equal(await token.symbol(), 'SMP');
  await assert.rejects(token.connect(bob).transfer(await alice.getAddress(), 6n), (error) => {
    assert.ok(isCallException(error));
    assert.equal(revertName(token, error), 'ERC20InsufficientBalance');
    return true;
  });
});

test('reverts carry their reason, their custom error and their panic', async () => {
  const faults = await deploy('Faults', alice);
  await assert.rejects(faults.reason(), (error) => error.reason === 'for this reason');
  await assert.rejects(faults.custom(), (error) => error.revert.name === 'Refused' && error.revert.args[0] === 7n);
  await assert.rejects(faults.panics(0), (error) => error.revert.name === 'Panic' && Number(error.revert.args[0]) === 0x12);
  const raw = await rpc(devnet.url, 'eth_call', [
    { to: await faults.getAddress(), data: faults.interface.encodeFunctionData('reason') }, 'latest',
  ]);
  assert.equal(raw.error.code, 3);
  assert.match(raw.error.message, /^execution reverted: for this reason$/);
  assert.ok(raw.error.data.startsWith('0x08c379a0'));
  // One that is in a block all the same: it pays, and its receipt says that it failed.
  const sent = await alice.sendTransaction({
    to: await faults.getAddress(), data: faults.interface.encodeFunctionData('reason'), gasLimit: 100_000,
  });
  const receipt = await eventually('a receipt', () => provider.getTransactionReceipt(sent.hash));
  assert.equal(receipt.status, 0);
  assert.equal(receipt.logs.length, 0);
  const [chain, number, timestamp, parent] = await faults.environment();
  assert.equal(chain, 31337n);
  const block = await provider.getBlock(Number(number));
  if (block) assert.equal(BigInt(block.timestamp), timestamp);
  assert.match(parent, /^0x[0-9a-f]{64}$/);
  assert.equal((await provider.getBlock(Number(number) - 1)).hash, parent);
});

test('logs are read by filter and by range', async () => {
  const from = await provider.getBlockNumber();
  const to = Wallet.createRandom().address;
  for (const value of [1n, 2n, 3n]) await (await token.transfer(to, value)).wait();
  const found = await token.queryFilter(token.filters.Transfer(null, to), from);
  assert.deepEqual(found.map((log) => log.args.value), [1n, 2n, 3n]);
  const none = await provider.getLogs({ address: Wallet.createRandom().address, fromBlock: from });
  assert.equal(none.length, 0);
  const one = await provider.getLogs({ blockHash: found[1].blockHash, topics: [found[1].topics[0], null, found[1].topics[2]] });
  assert.equal(one.length, 1);
  // Filters that live in the node.
  const { result: id } = await rpc(devnet.url, 'eth_newFilter', [{ address: await token.getAddress() }]);
  await (await token.transfer(to, 4n)).wait();
  const changes = await eventually('a change', async () => {
    const { result } = await rpc(devnet.url, 'eth_getFilterChanges', [id]);
    return result.length ? result : null;
  });
  assert.equal(BigInt(changes[0].data), 4n);
  assert.equal((await rpc(devnet.url, 'eth_uninstallFilter', [id])).result, true);
  assert.ok((await rpc(devnet.url, 'eth_getFilterChanges', [id])).error);
});

test('logs and heads arrive by subscription', async () => {
  const socket = new WebSocketProvider(devnet.ws);
  try {
    const listening = new Contract(await token.getAddress(), token.interface, socket);
    const heads = [];
    await socket.on('block', (number) => heads.push(number));
    const to = Wallet.createRandom().address;
    const seen = new Promise((resolve) => listening.on('Transfer', (a, b, value) => b === to && resolve(value)));
    await socket.getBlockNumber();
    await (await token.transfer(to, 99n)).wait();
    assert.equal(await seen, 99n);
    await eventually('a head', () => heads.length > 0);
    await listening.removeAllListeners();
  } finally {
    await socket.destroy();
  }
});

test('an ERC-721 mints, moves and keeps its rules', async () => {
  const nft = await deploy('Nft', alice);
  await (await nft.mint(await alice.getAddress(), 1)).wait();
  await (await nft.transferFrom(await alice.getAddress(), await bob.getAddress(), 1)).wait();
  assert.equal(await nft.ownerOf(1), await bob.getAddress());
  await assert.rejects(nft.transferFrom(await bob.getAddress(), await alice.getAddress(), 1),
    (error) => revertName(nft, error) === 'ERC721InsufficientApproval');
  await assert.rejects(nft.ownerOf(2), (error) => revertName(nft, error) === 'ERC721NonexistentToken');
});

test('Uniswap v2 as published: factory, pair, liquidity, swap', async () => {
  const one = await deploy('Token', alice, 'One', 'ONE', parseEther('1000'));
  const two = await deploy('Token', alice, 'Two', 'TWO', parseEther('1000'));
  const owner = await alice.getAddress();
  const factory = await deploy('UniswapV2Factory', alice, owner);
  await (await factory.createPair(await one.getAddress(), await two.getAddress())).wait();
  const address = await factory.getPair(await one.getAddress(), await two.getAddress());
  const pair = new Contract(address, contracts().UniswapV2Pair.abi, alice);
  await (await one.transfer(address, parseEther('100'))).wait();
  await (await two.transfer(address, parseEther('100'))).wait();
  const minted = await (await pair.mint(owner)).wait();
  assert.ok(minted.logs.length >= 4);
  assert.equal(await pair.totalSupply(), parseEther('100'));
  const first = (await pair.token0()) === (await one.getAddress()) ? one : two;
  const second = first === one ? two : one;
  await (await first.transfer(address, parseEther('1'))).wait();
  const before = await second.balanceOf(owner);
  // The first swap of a second pays more, for the pair's averages: an estimate made before that second is too low.
  await (await pair.swap(0, parseEther('0.98'), owner, '0x', { gasLimit: 300_000n })).wait();
  assert.equal((await second.balanceOf(owner)) - before, parseEther('0.98'));
  await assert.rejects(pair.swap(0, parseEther('0.98'), owner, '0x'),
    (error) => error.reason === 'UniswapV2: INSUFFICIENT_INPUT_AMOUNT');
});

test('state by height, overrides, fee history, access lists and traces', async () => {
  const to = Wallet.createRandom().address;
  const first = await (await alice.sendTransaction({ to, value: 1n })).wait();
  const second = await (await alice.sendTransaction({ to, value: 1n })).wait();
  assert.equal(await provider.getBalance(to, first.blockNumber - 1), 0n);
  assert.equal(await provider.getBalance(to, first.blockNumber), first.blockNumber === second.blockNumber ? 2n : 1n);
  const address = await token.getAddress();
  const data = token.interface.encodeFunctionData('transfer', [to, 1n]);
  const from = await alice.getAddress();
  const overridden = await rpc(devnet.url, 'eth_call', [
    { from: to, to: await bob.getAddress(), value: '0x64' }, 'latest', { [to]: { balance: '0x1000000000000000000' } },
  ]);
  assert.equal(overridden.result, '0x');
  const history = await provider.send('eth_feeHistory', ['0x2', 'latest', [25, 75]]);
  assert.equal(history.baseFeePerGas.length, 3);
  const list = await provider.send('eth_createAccessList', [{ from, to: address, data }, 'latest']);
  assert.equal(list.accessList[0].address.toLowerCase(), address.toLowerCase());
  const estimate = await provider.estimateGas({ from, to: address, data });
  const sent = await (await alice.sendTransaction({ to: address, data, gasLimit: estimate })).wait();
  assert.equal(sent.status, 1);
  const calls = await provider.send('debug_traceTransaction', [sent.hash, { tracer: 'callTracer', tracerConfig: { withLog: true } }]);
  assert.equal(calls.to.toLowerCase(), address.toLowerCase());
  assert.equal(BigInt(calls.gasUsed), sent.gasUsed);
  assert.equal(calls.logs.length, 1);
  const pre = await provider.send('debug_traceTransaction', [sent.hash, { tracer: 'prestateTracer' }]);
  assert.ok(pre[from.toLowerCase()].balance);
  const call = await provider.send('debug_traceCall', [{ from, to: address, data }, 'latest', { tracer: 'callTracer' }]);
  assert.equal(call.type, 'CALL');
  const steps = await provider.send('debug_traceTransaction', [sent.hash, {}]);
  assert.ok(steps.structLogs.length > 10);
});

test('faults of a sender are said in the words that clients match', async () => {
  const poor = Wallet.createRandom().connect(provider);
  await assert.rejects(poor.sendTransaction({ to: poor.address, value: 1n, gasLimit: 21000 }),
    (error) => error.code === 'INSUFFICIENT_FUNDS');
  const wallet = alice;
  await assert.rejects(wallet.sendTransaction({ to: poor.address, value: 1n, nonce: 0 }),
    (error) => error.code === 'NONCE_EXPIRED');
  const foreign = await wallet.signTransaction({
    to: poor.address, value: 1n, nonce: 0, gasLimit: 21000, chainId: 1, maxFeePerGas: 10n ** 10n, maxPriorityFeePerGas: 1n, type: 2,
  });
  assert.ok((await rpc(devnet.url, 'eth_sendRawTransaction', [foreign])).error);
  assert.equal((await rpc(devnet.url, 'eth_nope')).error.code, -32601);
  assert.equal((await rpc(devnet.url, 'eth_getBalance', ['0x12'])).error.code, -32602);
  assert.equal(await provider.getTransactionReceipt(`0x${'11'.repeat(32)}`), null);
});

test('an account delegates its code by EIP-7702', async () => {
  const faults = await deploy('Faults', alice);
  const fresh = HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(MNEMONIC), "m/44'/60'/0'/0/5").connect(provider);
  const nonce = await provider.getTransactionCount(fresh.address);
  const authorization = await fresh.authorize({ address: await faults.getAddress(), nonce: nonce + 1 });
  const sent = await fresh.sendTransaction({
    type: 4, to: fresh.address, nonce, authorizationList: [authorization],
    data: new Interface(['function increment()']).encodeFunctionData('increment'), gasLimit: 200_000,
  });
  assert.equal((await sent.wait()).status, 1);
  const self = new Contract(fresh.address, contracts().Faults.abi, provider);
  assert.equal(await self.count(), 1n);
});
