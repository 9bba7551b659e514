// cast of Foundry, unmodified, as a person at a terminal uses it.
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { contracts, eventually, startDevnet } from './support.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const CAST = join(root, 'node_modules/@foundry-rs/cast-linux-amd64/bin/cast');
const KEY = '0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80';
const ALICE = '0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266';
const BOB = '0x70997970C51812dc3A010C7d01b50e0d17dc79C8';
const run = promisify(execFile);

let devnet, token;

before(async () => {
  devnet = await startDevnet();
});

after(() => devnet?.stop());

async function cast(command, ...args) {
  const { stdout } = await run(CAST, [command, '--rpc-url', devnet.url, ...args], { timeout: 60_000 });
  return stdout.trim();
}

async function fails(...args) {
  try {
    await cast(...args);
  } catch (error) {
    return error.stderr;
  }
  throw new Error(`cast ${args.join(' ')} should have failed`);
}

async function send(...args) {
  return JSON.parse(await cast('send', '--json', '--private-key', KEY, ...args));
}

test('the chain, a balance and a transfer', async () => {
  assert.equal(await cast('chain-id'), '31337');
  assert.ok(BigInt(await cast('balance', ALICE)) > 10n ** 21n);
  assert.match(await cast('client'), /\S/);
  const receipt = await send(BOB, '--value', '1ether');
  assert.equal(receipt.status, '0x1');
  assert.equal(BigInt(receipt.gasUsed), 21000n);
  assert.equal(await cast('receipt', receipt.transactionHash, 'status'), 'true');
  assert.equal(await cast('tx', receipt.transactionHash, 'value'), String(10n ** 18n));
  assert.match(await cast('block', 'latest'), /baseFeePerGas/);
  assert.ok(BigInt(await cast('gas-price')) > 0n);
  assert.ok(Number(await cast('nonce', ALICE)) > 0);
});

test('an ERC-20 is created, called, and read by logs', async () => {
  const { abi, bytecode } = contracts().Token;
  const args = (await run(CAST, ['abi-encode', 'constructor(string,string,uint256)', 'Sample', 'SMP', '1000'])).stdout.trim();
  const created = await send('--create', bytecode + args.slice(2));
  token = created.contractAddress;
  assert.ok(abi.length && token);
  assert.equal(await cast('call', token, 'symbol()(string)'), '"SMP"');
  assert.equal(await cast('estimate', token, 'transfer(address,uint256)', BOB, '1', '--from', ALICE).then(Number) > 21000, true);
  await send(token, 'transfer(address,uint256)', BOB, '5');
  assert.equal(await cast('call', token, 'balanceOf(address)(uint256)', BOB), '5');
  const logs = await cast('logs', '--from-block', '0', '--address', token, 'Transfer(address indexed,address indexed,uint256)');
  assert.equal(logs.match(/transactionHash/g).length, 2);
  assert.match(await cast('storage', token, '2'), /^0x0*3e8$/);
  assert.ok((await cast('code', token)).length > 1000);
});

test('a revert says why', async () => {
  const created = await send('--create', contracts().Faults.bytecode);
  const stderr = await fails('call', created.contractAddress, 'reason()');
  assert.match(stderr, /execution reverted: for this reason/);
  assert.match(await fails('send', '--private-key', KEY, created.contractAddress, 'custom()'), /Refused|0x|reverted/);
});

test('logs are followed by subscription', async () => {
  const child = spawn(CAST, ['logs', '--subscribe', '--rpc-url', devnet.ws, '--address', token], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  child.stderr.on('data', (data) => (output += data));
  try {
    // cast says nothing once it has subscribed, so transfers go on until one is seen.
    await eventually('a log', async () => {
      await send(token, 'transfer(address,uint256)', BOB, '1');
      return /0xddf252ad/.test(output);
    });
  } finally {
    if (child.exitCode === null) {
      child.kill('SIGINT');
      await once(child, 'exit');
    }
  }
});

test('a transaction is traced and replayed', async () => {
  const receipt = await send(token, 'transfer(address,uint256)', BOB, '1');
  const trace = JSON.parse(await cast('rpc', 'debug_traceTransaction', receipt.transactionHash, '{"tracer":"callTracer"}'));
  assert.equal(trace.to.toLowerCase(), token.toLowerCase());
  const run = await cast('run', '--quick', receipt.transactionHash);
  assert.match(run, /Gas used|Traces/i);
  assert.match(await cast('access-list', token, 'balanceOf(address)', BOB), /access list|storage|gas/i);
});
