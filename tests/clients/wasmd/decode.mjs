// Protobuf of answers as JSON, so that a difference shows where it is.
import { TxMsgData } from 'cosmjs-types/cosmos/base/abci/v1beta1/abci';
import * as wasm from 'cosmjs-types/cosmwasm/wasm/v1/tx';

/** The responses in the data of a transaction. What is of no known type stays as it is. */
export function readable({ data }) {
  if (!data) return {};
  const { msgResponses } = TxMsgData.decode(Buffer.from(data, 'base64'));
  const responses = msgResponses.map(({ typeUrl, value }) => {
    const type = typeUrl.startsWith('/cosmwasm.wasm.v1.') && wasm[typeUrl.split('.').pop()];
    return { typeUrl, value: type ? type.toJSON(type.decode(value)) : Buffer.from(value).toString('base64') };
  });
  return { responses };
}
