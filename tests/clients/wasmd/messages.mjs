// The messages of the modules wasm and bank, packed for a transaction, and messages that contracts send.
import { Any } from 'cosmjs-types/google/protobuf/any';
import * as bank from 'cosmjs-types/cosmos/bank/v1beta1/tx';
import * as wasm from 'cosmjs-types/cosmwasm/wasm/v1/tx';
import { DENOM } from './chain.mjs';

export const coins = (amount, denom = DENOM) => (amount ? [{ denom, amount: `${amount}` }] : []);
export const bytes = (msg) => (typeof msg === 'string' ? Buffer.from(msg) : Buffer.from(JSON.stringify(msg)));
export const base64 = (msg) => bytes(msg).toString('base64');
export const any = (typeUrl, value) => Any.fromPartial({ typeUrl, value });

const packed = (typeUrl, type, value) => any(typeUrl, type.encode(type.fromPartial(value)).finish());
const ofWasm = (name, value) => packed(`/cosmwasm.wasm.v1.${name}`, wasm[name], value);

export const storeCode = (sender, code, instantiatePermission) =>
  ofWasm('MsgStoreCode', { sender, wasmByteCode: code, instantiatePermission });
export const instantiate = (sender, codeId, msg, { admin = '', label = 'label', funds = [] } = {}) =>
  ofWasm('MsgInstantiateContract', { sender, admin, codeId: BigInt(codeId), label, msg: bytes(msg), funds });
export const instantiate2 = (
  sender,
  codeId,
  msg,
  salt,
  { admin = '', label = 'label', funds = [], fixMsg = false } = {},
) =>
  ofWasm('MsgInstantiateContract2', {
    sender,
    admin,
    codeId: BigInt(codeId),
    label,
    msg: bytes(msg),
    funds,
    salt: bytes(salt),
    fixMsg,
  });
export const execute = (sender, contract, msg, funds = []) =>
  ofWasm('MsgExecuteContract', { sender, contract, msg: bytes(msg), funds });
export const migrate = (sender, contract, codeId, msg) =>
  ofWasm('MsgMigrateContract', { sender, contract, codeId: BigInt(codeId), msg: bytes(msg) });
export const updateAdmin = (sender, contract, newAdmin) => ofWasm('MsgUpdateAdmin', { sender, contract, newAdmin });
export const clearAdmin = (sender, contract) => ofWasm('MsgClearAdmin', { sender, contract });
export const updateLabel = (sender, contract, newLabel) =>
  ofWasm('MsgUpdateContractLabel', { sender, contract, newLabel });
export const updateConfig = (sender, codeId, newInstantiatePermission) =>
  ofWasm('MsgUpdateInstantiateConfig', { sender, codeId: BigInt(codeId), newInstantiatePermission });
export const ofAuthority = (name, value) => ofWasm(name, value);
export const send = (fromAddress, toAddress, amount) =>
  packed('/cosmos.bank.v1beta1.MsgSend', bank.MsgSend, { fromAddress, toAddress, amount });
export const multiSend = (inputs, outputs) =>
  packed('/cosmos.bank.v1beta1.MsgMultiSend', bank.MsgMultiSend, { inputs, outputs });

/** What a contract answers, and the messages it sends. */
export const ok = (fields = {}) => ({ ok: { messages: [], attributes: [], events: [], data: null, ...fields } });
export const sub = (msg, reply_on = 'never', { id = 1, payload = '', gas_limit = null } = {}) => ({
  id,
  msg,
  payload: base64(payload),
  gas_limit,
  reply_on,
});
export const pay = (to_address, amount) => ({ bank: { send: { to_address, amount } } });
export const burn = (amount) => ({ bank: { burn: { amount } } });
export const call = (contract_addr, msg, funds = []) => ({
  wasm: { execute: { contract_addr, msg: base64(msg), funds } },
});
export const make = (code_id, msg, { admin = null, label = 'made', funds = [] } = {}) => ({
  wasm: { instantiate: { admin, code_id, msg: base64(msg), funds, label } },
});
export const make2 = (code_id, msg, salt, { admin = null, label = 'made', funds = [] } = {}) => ({
  wasm: { instantiate2: { admin, code_id, msg: base64(msg), funds, label, salt: base64(salt) } },
});
export const change = (contract_addr, new_code_id, msg) => ({
  wasm: { migrate: { contract_addr, new_code_id, msg: base64(msg) } },
});
export const proto = (packedAny) => ({
  any: { type_url: packedAny.typeUrl, value: Buffer.from(packedAny.value).toString('base64') },
});
