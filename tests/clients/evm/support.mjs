// A devnet to test against, and contracts compiled once per process.
//
// WEFT_BIN names the binary. With WEFT_ETH_URL (and WEFT_WS_URL) set, a chain that is already running is used
// instead; any chain with the mnemonic of Foundry and Hardhat will do, so that the scripts themselves can be
// checked against another node.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, existsSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { once } from 'node:events';

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const READY_MS = 60_000;

export const MNEMONIC = 'test test test test test test test test test test test junk';

/** Starts a devnet, or attaches to the one that the environment names. */
export async function startDevnet(extra = []) {
  if (process.env.WEFT_ETH_URL) {
    const url = process.env.WEFT_ETH_URL;
    return { url, ws: process.env.WEFT_WS_URL ?? url.replace('http', 'ws'), stop: async () => {} };
  }
  const binary = process.env.WEFT_BIN;
  if (!binary) throw new Error('set WEFT_BIN to the weft binary (tests/run does)');
  const dir = mkdtempSync(join(tmpdir(), 'weft-clients-'));
  const listen = ['--eth', '--sol', '--cosmos', '--celestia-listen'].flatMap((name) => [name, '127.0.0.1:0']);
  const args = ['devnet', '--dir', dir, ...listen, ...extra];
  const child = spawn(binary, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));
  const ready = join(dir, 'node.json');
  const deadline = Date.now() + READY_MS;
  while (!existsSync(ready)) {
    if (child.exitCode !== null) throw new Error(`devnet ended with ${child.exitCode}:\n${output}`);
    if (Date.now() > deadline) throw new Error(`devnet was not ready after ${READY_MS} ms:\n${output}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const node = JSON.parse(readFileSync(ready, 'utf8'));
  const accounts = JSON.parse(readFileSync(join(dir, 'accounts.json'), 'utf8'));
  const stop = async () => {
    if (child.exitCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGINT');
      const [code] = await ended;
      if (code !== 0) throw new Error(`devnet stopped with ${code}:\n${output}`);
    }
    rmSync(dir, { recursive: true, force: true });
  };
  return { url: node.urls.eth, ws: node.urls.eth.replace('http', 'ws'), node, accounts, dir, stop };
}

let compiled;

/** Compiles contracts/Samples.sol with solc-js against the unmodified OpenZeppelin sources. */
export function contracts() {
  if (compiled) return compiled;
  const solc = require('solc');
  const root = join(here, '..');
  const read = (path) => {
    const file = path.startsWith('@') ? join(root, 'node_modules', path) : join(root, 'contracts', path);
    return existsSync(file) ? { contents: readFileSync(file, 'utf8') } : { error: `no such source: ${path}` };
  };
  const input = {
    language: 'Solidity',
    sources: { 'Samples.sol': { content: read('Samples.sol').contents } },
    settings: {
      evmVersion: 'cancun',
      optimizer: { enabled: true, runs: 200 },
      outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object'] } },
    },
  };
  const output = JSON.parse(solc.compile(JSON.stringify(input), { import: read }));
  const errors = (output.errors ?? []).filter((error) => error.severity === 'error');
  if (errors.length) throw new Error(errors.map((error) => error.formattedMessage).join('\n'));
  compiled = {};
  for (const [name, contract] of Object.entries(output.contracts['Samples.sol'])) {
    compiled[name] = { abi: contract.abi, bytecode: `0x${contract.evm.bytecode.object}` };
  }
  for (const name of ['UniswapV2Factory', 'UniswapV2Pair']) {
    const artefact = require(`@uniswap/v2-core/build/${name}.json`);
    const code = artefact.bytecode ?? artefact.evm.bytecode.object;
    compiled[name] = { abi: artefact.abi, bytecode: code.startsWith('0x') ? code : `0x${code}` };
  }
  return compiled;
}

/** One JSON-RPC call without a client library between; returns the whole answer. */
export async function rpc(url, method, params = []) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ jsonrpc: '2.0', id: 1, method, params }),
  });
  return response.json();
}

/** Waits until `check` gives something truthy, or fails with `what`. */
export async function eventually(what, check, ms = 30_000) {
  const deadline = Date.now() + ms;
  for (;;) {
    const value = await check();
    if (value) return value;
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
