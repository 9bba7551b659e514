// What the scripts for CosmJS share. With WEFT_COSMOS_URL a chain that is already running is used, whose wallets come from
// the mnemonic, so that the scripts themselves can be checked against a wasmd.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DirectSecp256k1HdWallet } from '@cosmjs/proto-signing';
import { SigningCosmWasmClient } from '@cosmjs/cosmwasm-stargate';
import { GasPrice, calculateFee } from '@cosmjs/stargate';
import { stringToPath } from '@cosmjs/crypto';
import { toUtf8 } from '@cosmjs/encoding';
import { MNEMONIC, eventually, rpc, startDevnet } from '../evm/support.mjs';

export { eventually, rpc };

const mnemonic = process.env.WEFT_COSMOS_MNEMONIC ?? MNEMONIC;
const prefix = process.env.WEFT_COSMOS_PREFIX ?? 'weft';
export const denom = process.env.WEFT_COSMOS_DENOM ?? 'awei';
export const gasPrice = GasPrice.fromString(process.env.WEFT_COSMOS_GAS_PRICE ?? `2000000000${denom}`);

/** The fee of so much gas. */
export const fee = (gas) => calculateFee(gas, gasPrice);
export const coins = (amount) => [{ denom, amount: `${amount}` }];

/** A devnet, with the address of its CometBFT RPC as `cosmos`. */
export async function startCosmos() {
  if (process.env.WEFT_COSMOS_URL) return { cosmos: process.env.WEFT_COSMOS_URL, stop: async () => {} };
  const devnet = await startDevnet();
  return { ...devnet, cosmos: devnet.node.urls.cosmos };
}

/** The first `count` accounts of the mnemonic on Cosmos' path, with a client that signs for all of them at that price. */
export async function signers(url, count, price = gasPrice) {
  const hdPaths = Array.from({ length: count }, (_, index) => stringToPath(`m/44'/118'/0'/0/${index}`));
  const wallet = await DirectSecp256k1HdWallet.fromMnemonic(mnemonic, { prefix, hdPaths });
  const accounts = await wallet.getAccounts();
  const client = await SigningCosmWasmClient.connectWithSigner(url, wallet, { gasPrice: price, broadcastPollIntervalMs: 100 });
  return { client, addresses: accounts.map((account) => account.address) };
}

/** A compiled contract of the fixtures. */
export function contract(name) {
  const root = process.env.WEFT_FIXTURES;
  if (!root) throw new Error('set WEFT_FIXTURES to the folder of fixtures');
  return readFileSync(join(root, 'cosmwasm', `${name}.wasm`));
}

/** Uploads contracts of the fixtures, each once. */
export class Codes {
  #ids = {};

  constructor(client, owner) {
    Object.assign(this, { client, owner });
  }

  async id(name) {
    this.#ids[name] ??= (await this.client.upload(this.owner, contract(name), 1.5)).codeId;
    return this.#ids[name];
  }

  /** A CW20 token of which `owner` has 1000, and which it may mint. */
  async token(options = {}) {
    const msg = {
      name: 'Token', symbol: 'TOK', decimals: 6,
      initial_balances: [{ address: this.owner, amount: '1000' }],
      mint: { minter: this.owner },
    };
    return this.make('cw20_base', msg, options);
  }

  /** A contract of a code of the fixtures; its address. */
  async make(name, msg, options = {}) {
    const made = await this.client.instantiate(this.owner, await this.id(name), msg, name, 1.5, options);
    return made.contractAddress;
  }
}

/** A message that executes a contract, for transactions of several messages. */
export function execution(sender, contract, msg, funds = []) {
  return {
    typeUrl: '/cosmwasm.wasm.v1.MsgExecuteContract',
    value: { sender, contract, msg: toUtf8(JSON.stringify(msg)), funds },
  };
}

/** A message that pays. */
export const payment = (fromAddress, toAddress, amount) => ({
  typeUrl: '/cosmos.bank.v1beta1.MsgSend',
  value: { fromAddress, toAddress, amount: coins(amount) },
});

/** The attributes of the first event of that kind, as an object. */
export function attributes(events, kind) {
  const event = events.find(({ type }) => type === kind);
  return event && Object.fromEntries(event.attributes.map(({ key, value }) => [key, value]));
}
