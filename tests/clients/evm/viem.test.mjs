// viem, unmodified.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import {
  BaseError, ContractFunctionRevertedError, createPublicClient, createWalletClient, decodeEventLog, defineChain,
  http, parseEther, parseGwei, webSocket,
} from 'viem';
import { generatePrivateKey, mnemonicToAccount, privateKeyToAccount } from 'viem/accounts';
import { MNEMONIC, contracts, eventually, startDevnet } from './support.mjs';

let devnet, chain, client, alice, bob, token;

before(async () => {
  devnet = await startDevnet();
  chain = defineChain({
    id: 31337, name: 'Weft devnet', nativeCurrency: { name: 'Weft', symbol: 'WEFT', decimals: 18 },
    rpcUrls: { default: { http: [devnet.url], webSocket: [devnet.ws] } },
  });
  client = createPublicClient({ chain, transport: http(), pollingInterval: 100 });
  alice = createWalletClient({ chain, transport: http(), account: mnemonicToAccount(MNEMONIC) });
  bob = createWalletClient({ chain, transport: http(), account: mnemonicToAccount(MNEMONIC, { addressIndex: 1 }) });
});

after(() => devnet?.stop());

async function deploy(name, args = []) {
  const hash = await alice.deployContract({ ...contracts()[name], args });
  const receipt = await client.waitForTransactionReceipt({ hash });
  assert.equal(receipt.status, 'success');
  return { address: receipt.contractAddress, abi: contracts()[name].abi };
}

async function write(request) {
  const hash = await alice.writeContract(request);
  return client.waitForTransactionReceipt({ hash });
}

test('chain, balances and fees', async () => {
  assert.equal(await client.getChainId(), 31337);
  assert.ok((await client.getBalance({ address: alice.account.address })) > parseEther('9000'));
  const fees = await client.estimateFeesPerGas();
  assert.ok(fees.maxFeePerGas > 0n);
  const block = await client.getBlock({ includeTransactions: true });
  assert.ok(block.number >= 0n && block.hash.length === 66);
  for (const blockTag of ['latest', 'safe', 'finalized', 'earliest']) await client.getBlock({ blockTag });
});

test('an ERC-20 is deployed, read, written and simulated', async () => {
  token = await deploy('Token', ['Sample', 'SMP', parseEther('1000')]);
  const to = bob.account.address;
  const receipt = await write({ ...token, functionName: 'transfer', args: [to, 7n] });
  const event = decodeEventLog({ abi: token.abi, ...receipt.logs[0] });
  assert.deepEqual([event.eventName, event.args.value], ['Transfer', 7n]);
  assert.equal(await client.readContract({ ...token, functionName: 'balanceOf', args: [to] }), 7n);
  const code = await client.getCode({ address: token.address });
  assert.ok(code.length > 1000);
  await assert.rejects(
    client.simulateContract({ ...token, account: bob.account, functionName: 'transfer', args: [to, 8n * 10n ** 18n] }),
    (error) => {
      assert.ok(error instanceof BaseError);
      const revert = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
      assert.equal(revert.data.errorName, 'ERC20InsufficientBalance');
      return true;
    });
});

test('events are found by range and watched by websocket', async () => {
  const fromBlock = await client.getBlockNumber();
  const to = privateKeyToAccount(generatePrivateKey()).address;
  const socket = createPublicClient({ chain, transport: webSocket() });
  const seen = [];
  const unwatch = socket.watchContractEvent({
    ...token, eventName: 'Transfer', args: { to }, onLogs: (logs) => seen.push(...logs), onError: (error) => { throw error; },
  });
  const heads = [];
  const unwatchHeads = socket.watchBlocks({ onBlock: (block) => heads.push(block.number) });
  await socket.getBlockNumber();
  await write({ ...token, functionName: 'transfer', args: [to, 3n] });
  await eventually('the event', () => seen.length === 1);
  assert.equal(seen[0].args.value, 3n);
  await eventually('a head', () => heads.length > 0);
  unwatch();
  unwatchHeads();
  (await socket.transport.getRpcClient()).close();
  const logs = await client.getContractEvents({ ...token, eventName: 'Transfer', args: { to }, fromBlock });
  assert.deepEqual(logs.map((log) => log.args.value), [3n]);
});

test('reasons, custom errors and panics are decoded', async () => {
  const faults = await deploy('Faults');
  const name = async (functionName, args = []) => {
    try {
      await client.readContract({ ...faults, functionName, args });
    } catch (error) {
      const revert = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
      return revert.reason ?? revert.data.errorName;
    }
    return 'no error';
  };
  assert.equal(await name('reason'), 'for this reason');
  assert.equal(await name('custom'), 'Refused');
  assert.match(await name('panics', [0n]), /division|Panic|divi/i);
});

test('ERC-721 and overrides', async () => {
  const nft = await deploy('Nft');
  await write({ ...nft, functionName: 'mint', args: [alice.account.address, 5n] });
  assert.equal(await client.readContract({ ...nft, functionName: 'ownerOf', args: [5n] }), alice.account.address);
  const poor = privateKeyToAccount(generatePrivateKey()).address;
  const { data } = await client.call({
    account: poor, to: bob.account.address, value: parseEther('5'),
    stateOverride: [{ address: poor, balance: parseEther('10') }],
  });
  assert.equal(data, undefined);
});

test('an access list, a priority fee and a raw transaction', async () => {
  const to = privateKeyToAccount(generatePrivateKey()).address;
  const { accessList } = await client.createAccessList({ account: alice.account, to: token.address, data: '0x18160ddd' });
  assert.ok(Array.isArray(accessList));
  const request = await alice.prepareTransactionRequest({ to, value: 1n, maxPriorityFeePerGas: parseGwei('2'), maxFeePerGas: parseGwei('50') });
  const serializedTransaction = await alice.signTransaction(request);
  const hash = await client.sendRawTransaction({ serializedTransaction });
  const receipt = await client.waitForTransactionReceipt({ hash });
  assert.equal(receipt.effectiveGasPrice > parseGwei('2'), true);
  assert.equal((await client.getTransaction({ hash })).value, 1n);
});

test('an account delegates by EIP-7702', async () => {
  const faults = await deploy('Faults');
  const fresh = createWalletClient({ chain, transport: http(), account: mnemonicToAccount(MNEMONIC, { addressIndex: 6 }) });
  const authorization = await fresh.signAuthorization({ contractAddress: faults.address, executor: 'self' });
  const hash = await fresh.writeContract({
    abi: faults.abi, address: fresh.account.address, functionName: 'increment', authorizationList: [authorization],
  });
  assert.equal((await client.waitForTransactionReceipt({ hash })).status, 'success');
  assert.equal(await client.readContract({ abi: faults.abi, address: fresh.account.address, functionName: 'count' }), 1n);
});
