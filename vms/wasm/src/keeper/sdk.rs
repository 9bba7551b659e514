//! [`Message`]: the messages of transactions that this chain has, out of their protobuf.

use super::validate;
use crate::fault::Fault;
use cosmos_sdk_proto::Any;
use cosmos_sdk_proto::cosmos::bank::v1beta1::{MsgMultiSend, MsgSend};
use cosmos_sdk_proto::cosmwasm::wasm::v1::{
    MsgAddCodeUploadParamsAddresses, MsgClearAdmin, MsgExecuteContract, MsgInstantiateContract,
    MsgInstantiateContract2, MsgMigrateContract, MsgPinCodes, MsgRemoveCodeUploadParamsAddresses,
    MsgStoreAndInstantiateContract, MsgStoreAndMigrateContract, MsgStoreCode, MsgSudoContract, MsgUnpinCodes,
    MsgUpdateAdmin, MsgUpdateContractLabel, MsgUpdateInstantiateConfig, MsgUpdateParams,
};
use prost::Name;
use prost::encoding::{DecodeContext, WireType, decode_key, skip_field};

/// Fields below this bit are critical: whoever does not know one must refuse.
pub(crate) const NON_CRITICAL: u32 = 1 << 10;

/// A message of a transaction or of a contract.
#[derive(Clone, Debug, PartialEq)]
pub enum Message {
    /// `/cosmos.bank.v1beta1.MsgSend`
    Send(MsgSend),
    /// `/cosmos.bank.v1beta1.MsgMultiSend`
    MultiSend(MsgMultiSend),
    /// `/cosmwasm.wasm.v1.MsgStoreCode`
    StoreCode(MsgStoreCode),
    /// `/cosmwasm.wasm.v1.MsgInstantiateContract`
    Instantiate(MsgInstantiateContract),
    /// `/cosmwasm.wasm.v1.MsgInstantiateContract2`
    Instantiate2(MsgInstantiateContract2),
    /// `/cosmwasm.wasm.v1.MsgExecuteContract`
    Execute(MsgExecuteContract),
    /// `/cosmwasm.wasm.v1.MsgMigrateContract`
    Migrate(MsgMigrateContract),
    /// `/cosmwasm.wasm.v1.MsgUpdateAdmin`
    UpdateAdmin(MsgUpdateAdmin),
    /// `/cosmwasm.wasm.v1.MsgClearAdmin`
    ClearAdmin(MsgClearAdmin),
    /// `/cosmwasm.wasm.v1.MsgUpdateContractLabel`
    UpdateLabel(MsgUpdateContractLabel),
    /// `/cosmwasm.wasm.v1.MsgUpdateInstantiateConfig`
    UpdateInstantiateConfig(MsgUpdateInstantiateConfig),
    /// `/cosmwasm.wasm.v1.MsgStoreAndInstantiateContract`
    StoreAndInstantiate(MsgStoreAndInstantiateContract),
    /// `/cosmwasm.wasm.v1.MsgStoreAndMigrateContract`
    StoreAndMigrate(MsgStoreAndMigrateContract),
    /// What only the authority of the wasm module may: parameters, pinning, sudo. Nobody is that here.
    OfAuthority {
        /// Who says to be it.
        authority: String,
        /// What kind of message it is.
        name: &'static str,
        /// Whether its form is good.
        form: Result<(), Fault>,
    },
}

fn read<M: prost::Message + Default>(value: &[u8]) -> Result<M, Fault> {
    M::decode(value).map_err(|error| Fault::sdk(2, error.to_string()))
}

/// A message of the authority: who says to be it, and whether its form is good.
fn of_authority<M: prost::Message + Default + Name>(
    value: &[u8],
    parts: impl FnOnce(&M) -> (String, Result<(), Fault>),
) -> Result<Message, Fault> {
    let (authority, form) = parts(&read(value)?);
    Ok(Message::OfAuthority { authority, name: M::NAME, form })
}

/// A field that is not known and could mean something.
pub(crate) fn unknown_field(kind: &str, field: u32, wire: WireType) -> Fault {
    let wire = match wire {
        WireType::Varint => "varint",
        WireType::SixtyFourBit => "fixed64",
        WireType::LengthDelimited => "bytes",
        WireType::StartGroup => "start_group",
        WireType::EndGroup => "end_group",
        WireType::ThirtyTwoBit => "fixed32",
    };
    Fault::sdk(2, format!("errUnknownField \"{kind}\": {{TagNum: {field}, WireType:\"{wire}\"}}"))
}

impl Message {
    /// The message that `any` holds. Fields that are not known are passed over, as protobuf has it.
    ///
    /// # Errors
    /// [`Fault`] of codespace sdk, code 2: the chain has no such message, or it can't be read.
    pub fn decode(any: &Any) -> Result<Self, Fault> {
        let value = any.value.as_slice();
        Ok(match any.type_url.as_str() {
            "/cosmos.bank.v1beta1.MsgSend" => Self::Send(read(value)?),
            "/cosmos.bank.v1beta1.MsgMultiSend" => Self::MultiSend(read(value)?),
            "/cosmwasm.wasm.v1.MsgStoreCode" => Self::StoreCode(read(value)?),
            "/cosmwasm.wasm.v1.MsgInstantiateContract" => Self::Instantiate(read(value)?),
            "/cosmwasm.wasm.v1.MsgInstantiateContract2" => Self::Instantiate2(read(value)?),
            "/cosmwasm.wasm.v1.MsgExecuteContract" => Self::Execute(read(value)?),
            "/cosmwasm.wasm.v1.MsgMigrateContract" => Self::Migrate(read(value)?),
            "/cosmwasm.wasm.v1.MsgUpdateAdmin" => Self::UpdateAdmin(read(value)?),
            "/cosmwasm.wasm.v1.MsgClearAdmin" => Self::ClearAdmin(read(value)?),
            "/cosmwasm.wasm.v1.MsgUpdateContractLabel" => Self::UpdateLabel(read(value)?),
            "/cosmwasm.wasm.v1.MsgUpdateInstantiateConfig" => Self::UpdateInstantiateConfig(read(value)?),
            "/cosmwasm.wasm.v1.MsgStoreAndInstantiateContract" => Self::StoreAndInstantiate(read(value)?),
            "/cosmwasm.wasm.v1.MsgStoreAndMigrateContract" => Self::StoreAndMigrate(read(value)?),
            "/cosmwasm.wasm.v1.MsgUpdateParams" => of_authority(value, |msg: &MsgUpdateParams| {
                (msg.authority.clone(), validate::params(msg.params.as_ref()))
            })?,
            "/cosmwasm.wasm.v1.MsgSudoContract" => of_authority(value, |msg: &MsgSudoContract| {
                (msg.authority.clone(), validate::sudo(&msg.contract, &msg.msg))
            })?,
            "/cosmwasm.wasm.v1.MsgPinCodes" => of_authority(value, |msg: &MsgPinCodes| {
                (msg.authority.clone(), validate::code_ids(&msg.code_ids))
            })?,
            "/cosmwasm.wasm.v1.MsgUnpinCodes" => of_authority(value, |msg: &MsgUnpinCodes| {
                (msg.authority.clone(), validate::code_ids(&msg.code_ids))
            })?,
            "/cosmwasm.wasm.v1.MsgAddCodeUploadParamsAddresses" => {
                of_authority(value, |msg: &MsgAddCodeUploadParamsAddresses| {
                    (msg.authority.clone(), validate::addresses(&msg.addresses))
                })?
            }
            "/cosmwasm.wasm.v1.MsgRemoveCodeUploadParamsAddresses" => {
                of_authority(value, |msg: &MsgRemoveCodeUploadParamsAddresses| {
                    (msg.authority.clone(), validate::addresses(&msg.addresses))
                })?
            }
            url => return Err(Fault::sdk(2, format!("unable to resolve type URL {url}"))),
        })
    }

    /// [`Self::decode`] of a message that people signed: it has no field that could mean what they did not see.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn decode_known(any: &Any) -> Result<Self, Fault> {
        let message = Self::decode(any)?;
        let mut rest = any.value.as_slice();
        while !rest.is_empty() {
            let broken = |error: prost::DecodeError| Fault::sdk(2, error.to_string());
            let (field, wire) = decode_key(&mut rest).map_err(broken)?;
            skip_field(wire, field, &mut rest, DecodeContext::default()).map_err(broken)?;
            if field & NON_CRITICAL == 0 && !message.fields().contains(&field) {
                return Err(unknown_field(&format!("*types.{}", message.name()), field, wire));
            }
        }
        Ok(message)
    }

    /// The numbers of its fields.
    fn fields(&self) -> &'static [u32] {
        match self {
            Self::MultiSend(_) => &[1, 2],
            Self::ClearAdmin(_) => &[1, 3],
            Self::Send(_) | Self::UpdateAdmin(_) | Self::OfAuthority { .. } => &[1, 2, 3],
            Self::UpdateLabel(_) | Self::UpdateInstantiateConfig(_) => &[1, 2, 3],
            Self::StoreCode(_) => &[1, 2, 5],
            Self::Instantiate(_) => &[1, 2, 3, 4, 5, 6],
            Self::Instantiate2(_) => &[1, 2, 3, 4, 5, 6, 7, 8],
            Self::Execute(_) => &[1, 2, 3, 5],
            Self::Migrate(_) => &[1, 2, 3, 4],
            Self::StoreAndInstantiate(_) => &[1, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
            Self::StoreAndMigrate(_) => &[1, 2, 3, 4, 5],
        }
    }

    /// Its name in protobuf, without the package.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Send(_) => MsgSend::NAME,
            Self::MultiSend(_) => MsgMultiSend::NAME,
            Self::StoreCode(_) => MsgStoreCode::NAME,
            Self::Instantiate(_) => MsgInstantiateContract::NAME,
            Self::Instantiate2(_) => MsgInstantiateContract2::NAME,
            Self::Execute(_) => MsgExecuteContract::NAME,
            Self::Migrate(_) => MsgMigrateContract::NAME,
            Self::UpdateAdmin(_) => MsgUpdateAdmin::NAME,
            Self::ClearAdmin(_) => MsgClearAdmin::NAME,
            Self::UpdateLabel(_) => MsgUpdateContractLabel::NAME,
            Self::UpdateInstantiateConfig(_) => MsgUpdateInstantiateConfig::NAME,
            Self::StoreAndInstantiate(_) => MsgStoreAndInstantiateContract::NAME,
            Self::StoreAndMigrate(_) => MsgStoreAndMigrateContract::NAME,
            Self::OfAuthority { name, .. } => name,
        }
    }

    /// Who must have signed it.
    #[must_use]
    pub fn signer(&self) -> &str {
        match self {
            Self::Send(msg) => &msg.from_address,
            Self::MultiSend(msg) => msg.inputs.first().map_or("", |input| &input.address),
            Self::StoreCode(msg) => &msg.sender,
            Self::Instantiate(msg) => &msg.sender,
            Self::Instantiate2(msg) => &msg.sender,
            Self::Execute(msg) => &msg.sender,
            Self::Migrate(msg) => &msg.sender,
            Self::UpdateAdmin(msg) => &msg.sender,
            Self::ClearAdmin(msg) => &msg.sender,
            Self::UpdateLabel(msg) => &msg.sender,
            Self::UpdateInstantiateConfig(msg) => &msg.sender,
            Self::StoreAndInstantiate(msg) => &msg.authority,
            Self::StoreAndMigrate(msg) => &msg.authority,
            Self::OfAuthority { authority, .. } => authority,
        }
    }

    /// All who must have signed it: [`Self::signer`], and every other that a message to several accounts names.
    #[must_use]
    pub fn signers(&self) -> Vec<&str> {
        match self {
            Self::MultiSend(msg) => msg.inputs.iter().map(|input| input.address.as_str()).collect(),
            message => vec![message.signer()],
        }
    }

    /// The module that it is for.
    #[must_use]
    pub fn module(&self) -> &'static str {
        match self {
            Self::Send(_) | Self::MultiSend(_) => "bank",
            _ => "wasm",
        }
    }
}

/// A response as its message's sender gets it.
pub(super) fn respond<M: prost::Message + Name>(response: &M) -> Any {
    Any { type_url: format!("/{}.{}", M::PACKAGE, M::NAME), value: response.encode_to_vec() }
}
