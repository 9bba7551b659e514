// Queries by ABCI, each with how its answer is read.
import * as bank from 'cosmjs-types/cosmos/bank/v1beta1/query';
import * as wasm from 'cosmjs-types/cosmwasm/wasm/v1/query';
import { bytes } from './messages.mjs';

const query = (service, module, name, request, response = name) => {
  const types = [module[`Query${request}Request`], module[`Query${response}Response`]];
  return (value) => ({
    path: `/${service}.Query/${name}`,
    data: types[0].encode(types[0].fromPartial(value)).finish(),
    read: (answer) => {
      const decoded = types[1].decode(answer);
      // What the client's types don't know is not lost from sight.
      return { value: types[1].toJSON(decoded), unread: answer.length - types[1].encode(decoded).finish().length };
    },
  });
};
/** The same with `pick` of its answer, as text. */
const asText = (query, pick) => {
  const text = (answer) => Buffer.from(pick(query.read(answer).value) ?? '', 'base64').toString();
  return { ...query, read: (answer) => ({ value: text(answer) }) };
};
const ofWasm = (name, request = name) => query('cosmwasm.wasm.v1', wasm, name, request, request);
const ofBank = (name) => query('cosmos.bank.v1beta1', bank, name, name);

/** Pages are by key, as the module wasm wants them. */
export const page = ({ limit = 0, key = new Uint8Array(), reverse = false, offset = 0, countTotal = false } = {}) => ({
  limit: BigInt(limit),
  key,
  reverse,
  offset: BigInt(offset),
  countTotal,
});

const smartState = ofWasm('SmartContractState');
const rawState = ofWasm('RawContractState');
const contractInfo = ofWasm('ContractInfo');
const contractHistory = ofWasm('ContractHistory');
const contractsByCode = ofWasm('ContractsByCode');
const contractsByCreator = ofWasm('ContractsByCreator');
const allState = ofWasm('AllContractState');
const codeQuery = ofWasm('Code');
const codeInfoQuery = ofWasm('CodeInfo');
const codesQuery = ofWasm('Codes');
const pinnedQuery = ofWasm('PinnedCodes');
const paramsQuery = ofWasm('Params');
const buildQuery = ofWasm('BuildAddress');

export const smart = (address, msg) => asText(smartState({ address, queryData: bytes(msg) }), ({ data }) => data);
export const raw = (address, key) => asText(rawState({ address, queryData: Buffer.from(key) }), ({ data }) => data);
export const contract = (address) => contractInfo({ address });
export const history = (address, pagination) => contractHistory({ address, pagination });
export const byCode = (codeId, pagination) => contractsByCode({ codeId: BigInt(codeId), pagination });
export const byCreator = (creatorAddress, pagination) => contractsByCreator({ creatorAddress, pagination });
export const state = (address, pagination) => allState({ address, pagination });
export const code = (codeId) => codeQuery({ codeId: BigInt(codeId) });
export const codeInfo = (codeId) => codeInfoQuery({ codeId: BigInt(codeId) });
export const codes = (pagination) => codesQuery({ pagination });
export const pinned = (pagination) => pinnedQuery({ pagination });
export const params = () => paramsQuery({});
export const build = (codeHash, creatorAddress, salt, initArgs = '') =>
  buildQuery({ codeHash, creatorAddress, salt, initArgs: Buffer.from(initArgs) });

const balanceQuery = ofBank('Balance');
const allBalances = ofBank('AllBalances');
const spendable = ofBank('SpendableBalances');
const supplyQuery = ofBank('SupplyOf');
const totalQuery = ofBank('TotalSupply');
const metadataQuery = ofBank('DenomMetadata');
const sendEnabledQuery = ofBank('SendEnabled');

export const balance = (address, denom) => balanceQuery({ address, denom });
export const balances = (address, pagination) => allBalances({ address, pagination });
export const spendableBalances = (address) => spendable({ address });
export const supplyOf = (denom) => supplyQuery({ denom });
export const totalSupply = (pagination) => totalQuery({ pagination });
export const metadata = (denom) => metadataQuery({ denom });
export const sendEnabled = (denoms) => sendEnabledQuery({ denoms });
/** Any path with any bytes. */
export const unknown = (path, data = '') => ({
  path,
  data: Buffer.from(data),
  read: (answer) => ({ value: answer.toString('hex') }),
});
