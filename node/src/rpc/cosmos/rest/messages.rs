//! Messages of a transaction as the gateway shows them: `@type` and their fields, a contract's message as JSON.
//!
//! Those that wallets make are shown so; of any other, the bytes.

use super::super::shapes::base64;
use super::shapes::{access, coins, json_of};
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::bank::v1beta1 as bank;
use cosmos_sdk_proto::cosmwasm::wasm::v1 as wasm;
use prost::Message;
use serde_json::{Value, json};

pub(super) fn shown(any: &Any) -> Value {
    let mut fields = fields(any).unwrap_or_else(|| json!({ "value": base64(&any.value) }));
    if let Some(fields) = fields.as_object_mut() {
        fields.insert("@type".into(), any.type_url.clone().into());
    }
    fields
}

fn fields(any: &Any) -> Option<Value> {
    let bytes = any.value.as_slice();
    Some(match any.type_url.as_str() {
        "/cosmos.bank.v1beta1.MsgSend" => {
            let msg = bank::MsgSend::decode(bytes).ok()?;
            let (from, to) = (msg.from_address, msg.to_address);
            json!({ "from_address": from, "to_address": to, "amount": coins(&msg.amount) })
        }
        "/cosmos.bank.v1beta1.MsgMultiSend" => {
            let msg = bank::MsgMultiSend::decode(bytes).ok()?;
            let input = |one: &bank::Input| json!({ "address": one.address, "coins": coins(&one.coins) });
            let output = |one: &bank::Output| json!({ "address": one.address, "coins": coins(&one.coins) });
            let inputs: Vec<Value> = msg.inputs.iter().map(input).collect();
            json!({ "inputs": inputs, "outputs": msg.outputs.iter().map(output).collect::<Vec<_>>() })
        }
        "/cosmwasm.wasm.v1.MsgStoreCode" => {
            let msg = wasm::MsgStoreCode::decode(bytes).ok()?;
            json!({
                "sender": msg.sender,
                "wasm_byte_code": base64(msg.wasm_byte_code),
                "instantiate_permission": msg.instantiate_permission.as_ref().map(access),
            })
        }
        "/cosmwasm.wasm.v1.MsgInstantiateContract" => {
            let msg = wasm::MsgInstantiateContract::decode(bytes).ok()?;
            json!({
                "sender": msg.sender,
                "admin": msg.admin,
                "code_id": msg.code_id.to_string(),
                "label": msg.label,
                "msg": json_of(&msg.msg),
                "funds": coins(&msg.funds),
            })
        }
        "/cosmwasm.wasm.v1.MsgInstantiateContract2" => {
            let msg = wasm::MsgInstantiateContract2::decode(bytes).ok()?;
            json!({
                "sender": msg.sender,
                "admin": msg.admin,
                "code_id": msg.code_id.to_string(),
                "label": msg.label,
                "msg": json_of(&msg.msg),
                "funds": coins(&msg.funds),
                "salt": base64(msg.salt),
                "fix_msg": msg.fix_msg,
            })
        }
        "/cosmwasm.wasm.v1.MsgExecuteContract" => {
            let msg = wasm::MsgExecuteContract::decode(bytes).ok()?;
            json!({
                "sender": msg.sender,
                "contract": msg.contract,
                "msg": json_of(&msg.msg),
                "funds": coins(&msg.funds),
            })
        }
        "/cosmwasm.wasm.v1.MsgMigrateContract" => {
            let msg = wasm::MsgMigrateContract::decode(bytes).ok()?;
            json!({
                "sender": msg.sender,
                "contract": msg.contract,
                "code_id": msg.code_id.to_string(),
                "msg": json_of(&msg.msg),
            })
        }
        "/cosmwasm.wasm.v1.MsgUpdateAdmin" => {
            let msg = wasm::MsgUpdateAdmin::decode(bytes).ok()?;
            json!({ "sender": msg.sender, "new_admin": msg.new_admin, "contract": msg.contract })
        }
        "/cosmwasm.wasm.v1.MsgClearAdmin" => {
            let msg = wasm::MsgClearAdmin::decode(bytes).ok()?;
            json!({ "sender": msg.sender, "contract": msg.contract })
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_show_their_fields() {
        let msg = wasm::MsgExecuteContract {
            sender: "a".into(),
            contract: "b".into(),
            msg: br#"{"burn":{}}"#.to_vec(),
            funds: Vec::new(),
        };
        let type_url = "/cosmwasm.wasm.v1.MsgExecuteContract";
        let any = Any { type_url: type_url.into(), value: msg.encode_to_vec() };
        let expected =
            json!({ "@type": type_url, "sender": "a", "contract": "b", "msg": { "burn": {} }, "funds": [] });
        assert_eq!(shown(&any), expected);
        // What can't be read, or is of another type, is shown as it came.
        for any in
            [Any { value: vec![0xff], ..any }, Any { type_url: "/other.Msg".into(), value: vec![0xff] }]
        {
            assert_eq!(shown(&any), json!({ "@type": any.type_url, "value": "/w==" }));
        }
    }
}
