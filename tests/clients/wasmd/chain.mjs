// One of the two chains: signs an intent for it, sends it, waits for it, and gives what the chain says in its own JSON.
//
// Nothing here knows which chain it is: requests are the same bytes but for chain id, account number and signature.
import { DirectSecp256k1HdWallet, makeAuthInfoBytes, makeSignDoc, encodePubkey } from '@cosmjs/proto-signing';
import { encodeSecp256k1Pubkey } from '@cosmjs/amino';
import { stringToPath } from '@cosmjs/crypto';
import { fromBase64, toBase64 } from '@cosmjs/encoding';
import { TxBody, TxRaw } from 'cosmjs-types/cosmos/tx/v1beta1/tx';
import { SimulateRequest, SimulateResponse } from 'cosmjs-types/cosmos/tx/v1beta1/service';
import { QueryAccountRequest, QueryAccountResponse } from 'cosmjs-types/cosmos/auth/v1beta1/query';
import { BaseAccount } from 'cosmjs-types/cosmos/auth/v1beta1/auth';
import { MNEMONIC, eventually, rpc } from '../evm/support.mjs';

const WALLETS = 10;
/** What a gas unit pays: over the base fee of a devnet, and the same on both chains, so that balances stay equal. */
const GAS_PRICE = 2_000_000_000n;
export const DENOM = 'awei';

/** The wallets of the mnemonic, whose addresses are the same on both chains. */
export async function wallets() {
  const hdPaths = Array.from({ length: WALLETS }, (_, index) => stringToPath(`m/44'/118'/0'/0/${index}`));
  const wallet = await DirectSecp256k1HdWallet.fromMnemonic(MNEMONIC, { prefix: 'weft', hdPaths });
  return { wallet, accounts: await wallet.getAccounts() };
}

export class Chain {
  /** `rest` is where the REST paths are. */
  static async connect(url, rest, { wallet, accounts }) {
    const chain = new Chain();
    Object.assign(chain, { url, rest, wallet, accounts, sequences: new Map(), numbers: new Map() });
    const { result } = await rpc(url, 'status', {});
    chain.id = result.node_info.network;
    for (const { address } of accounts) {
      const account = await chain.account(address);
      chain.numbers.set(address, account.accountNumber);
      chain.sequences.set(address, account.sequence);
    }
    return chain;
  }

  async account(address) {
    const data = QueryAccountRequest.encode({ address }).finish();
    const { value } = await this.abciQuery({ path: '/cosmos.auth.v1beta1.Query/Account', data });
    return BaseAccount.decode(QueryAccountResponse.decode(fromBase64(value)).account.value);
  }

  /** The bytes of a transaction; `signed` false leaves its signatures empty, as simulation takes it. */
  async encode(
    { signers, messages, gas = 20_000_000, fee, memo = '', timeoutHeight = 0n, sequence = 0n, foreign },
    signed,
  ) {
    const bodyBytes = TxBody.encode(TxBody.fromPartial({ messages, memo, timeoutHeight })).finish();
    const accounts = signers.map((index) => this.accounts[index]);
    const next = ({ address }) => this.sequences.get(address) + sequence;
    const infos = accounts.map((account) => ({
      pubkey: encodePubkey(encodeSecp256k1Pubkey(account.pubkey)),
      sequence: Number(next(account)),
    }));
    const amount = fee ?? [{ denom: DENOM, amount: String(BigInt(gas) * GAS_PRICE) }];
    const authInfoBytes = makeAuthInfoBytes(infos, amount, gas, undefined, undefined);
    const signatures = [];
    for (const { address } of accounts) {
      const doc = makeSignDoc(bodyBytes, authInfoBytes, foreign ?? this.id, Number(this.numbers.get(address)));
      signatures.push(
        signed ? fromBase64((await this.wallet.signDirect(address, doc)).signature.signature) : new Uint8Array(),
      );
    }
    return TxRaw.encode({ bodyBytes, authInfoBytes, signatures }).finish();
  }

  /** Sends a transaction; what the mempool said, and what the block holds of it where it was taken. */
  async send(intent) {
    const answer = await this.broadcast(await this.encode(intent, true));
    if (answer.error) return { error: answer.error };
    const { hash, ...check } = answer.result;
    if (check.code !== 0) return { check };
    for (const index of intent.signers) {
      const { address } = this.accounts[index];
      this.sequences.set(address, this.sequences.get(address) + 1n);
    }
    const found = await eventually(`${intent.label} in a block of ${this.id}`, async () => {
      const { result } = await rpc(this.url, 'tx', { hash: Buffer.from(hash, 'hex').toString('base64') });
      return result;
    });
    return { check, hash, height: found.height, deliver: found.tx_result };
  }

  async broadcast(bytes) {
    return rpc(this.url, 'broadcast_tx_sync', { tx: toBase64(bytes) });
  }

  async simulate(intent) {
    const data = SimulateRequest.encode({ txBytes: await this.encode(intent, false) }).finish();
    const { height, ...response } = await this.abciQuery({ path: '/cosmos.tx.v1beta1.Service/Simulate', data });
    if (response.code !== 0) return response;
    const { gasInfo, result } = SimulateResponse.toJSON(SimulateResponse.decode(fromBase64(response.value)));
    return { code: 0, gas_used: gasInfo.gasUsed, gas_wanted: gasInfo.gasWanted, ...result };
  }

  /** The answer as it is, in JSON. */
  async abciQuery({ path, data, height = '0', prove = false }) {
    const params = { path, data: Buffer.from(data).toString('hex'), height, prove };
    const answer = await rpc(this.url, 'abci_query', params);
    return answer.error ? { error: answer.error } : answer.result.response;
  }

  async get(path) {
    const response = await fetch(this.rest + path);
    const text = await response.text();
    let body = text;
    try {
      body = JSON.parse(text);
    } catch {
      // Not JSON: compared as text.
    }
    return { status: response.status, body };
  }
}
