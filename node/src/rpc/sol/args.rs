//! [`Args`]: positional parameters with the errors of agave's `jsonrpc-derive`, and texts that name things.

use super::super::errors::INVALID_PARAMS;
use super::errors::{Fault, invalid_param, invalid_params};
use jsonrpsee::types::Params;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use solana_commitment_config::CommitmentConfig;
use solana_hash::Hash;
use solana_pubkey::Pubkey;
use solana_rpc_client_types::config::RpcContextConfig;
use solana_signature::Signature;
use std::fmt::{Debug, Display};
use std::str::FromStr;

/// Positional parameters that a method takes: those that must be there, and all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Arity(pub(super) usize, pub(super) usize);

/// The parameters of one call.
#[derive(Debug)]
pub(super) struct Args(Vec<Box<RawValue>>);

impl Args {
    /// Splits the parameters; none at all is an empty list.
    ///
    /// # Errors
    /// -32602 where they are no list, too few or too many.
    pub(super) fn new(params: &Params<'_>, Arity(least, most): Arity) -> Result<Self, Fault> {
        let list: Vec<Box<RawValue>> = match params.as_str().filter(|text| *text != "null") {
            None => Vec::new(),
            Some(text) => {
                serde_json::from_str(text).map_err(|_| invalid_params("`params` should be an array"))?
            }
        };
        let count = list.len();
        if count < least {
            return Err(invalid_params(format!("`params` should have at least {least} argument(s)")));
        }
        if count <= most {
            return Ok(Self(list));
        }
        let (message, data) = if most == 0 {
            ("Invalid parameters: No parameters were expected".to_owned(), format!("Got: {count}"))
        } else {
            let message = format!("Invalid parameters: Expected from {least} to {most} parameters.");
            (message, format!("\"Got: {count}\""))
        };
        Err(Fault::owned(INVALID_PARAMS, message, Some(data)))
    }

    /// The argument at `index`, which must be there.
    ///
    /// # Errors
    /// -32602 where it is not, or is not a `T`.
    pub(super) fn required<T: DeserializeOwned>(&self, index: usize) -> Result<T, Fault> {
        read(self.0.get(index).map_or("null", |value| value.get()))
    }

    /// The argument at `index`; the default where it is absent or null.
    ///
    /// # Errors
    /// -32602 where it is not a `T`.
    pub(super) fn optional<T: DeserializeOwned + Default>(&self, index: usize) -> Result<T, Fault> {
        match self.0.get(index).map(|value| value.get()) {
            None | Some("null") => Ok(T::default()),
            Some(text) => read(text),
        }
    }

    /// The account named by the argument at `index`.
    ///
    /// # Errors
    /// -32602.
    pub(super) fn pubkey(&self, index: usize) -> Result<Pubkey, Fault> {
        parse(&self.required::<String>(index)?)
    }

    /// Which block is asked about, by the argument at `index`.
    ///
    /// # Errors
    /// -32602.
    pub(super) fn context(&self, index: usize) -> Result<RpcContextConfig, Fault> {
        self.optional(index)
    }

    /// The same where the argument holds a commitment alone.
    ///
    /// # Errors
    /// -32602.
    pub(super) fn commitment(&self, index: usize) -> Result<RpcContextConfig, Fault> {
        let commitment: Option<CommitmentConfig> = self.optional(index)?;
        Ok(RpcContextConfig { commitment, min_context_slot: None })
    }
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| {
        // serde_json appends the place in our cut of the text, which means nothing to the client.
        let error = error.to_string();
        let reason = error.rsplit_once(" at line ").map_or(&*error, |(reason, _)| reason);
        invalid_params(format!("Invalid params: {reason}."))
    })
}

/// A key, hash or signature in base58.
///
/// # Errors
/// -32602 with the fault's name.
pub(super) fn parse<T>(text: &str) -> Result<T, Fault>
where
    T: FromStr,
    T::Err: Debug + Display,
{
    text.parse().map_err(|fault| invalid_param(&fault))
}

/// All keys of a list, if they are not more than `max`.
///
/// # Errors
/// -32602.
pub(super) fn parse_all<T>(texts: &[String], max: usize) -> Result<Vec<T>, Fault>
where
    T: FromStr,
    T::Err: Debug + Display,
{
    if texts.len() > max {
        return Err(invalid_params(format!("Too many inputs provided; max {max}")));
    }
    texts.iter().map(|text| parse(text)).collect()
}

/// A blockhash: the fault without a prefix, as agave has it here.
///
/// # Errors
/// -32602.
pub(super) fn parse_hash(text: &str) -> Result<Hash, Fault> {
    text.parse().map_err(|fault| invalid_params(format!("{fault:?}")))
}

/// A signature that may be left out.
///
/// # Errors
/// -32602.
pub(super) fn parse_signature(text: Option<&String>) -> Result<Option<Signature>, Fault> {
    text.map(|text| parse(text)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: Option<&'static str>, arity: Arity) -> Result<Args, Fault> {
        Args::new(&Params::new(text), arity)
    }

    #[test]
    fn numbers_of_arguments_are_held_to_the_method() {
        let few = args(Some("[]"), Arity(1, 2)).unwrap_err();
        assert_eq!((few.code(), few.message()), (-32_602, "`params` should have at least 1 argument(s)"));
        let many = args(Some("[1,2,3]"), Arity(1, 2)).unwrap_err();
        assert_eq!(many.message(), "Invalid parameters: Expected from 1 to 2 parameters.");
        assert_eq!(args(Some("{}"), Arity(0, 1)).unwrap_err().message(), "`params` should be an array");
        assert!(args(Some("[1]"), Arity(0, 0)).unwrap_err().message().contains("No parameters"));
        assert!(args(None, Arity(0, 0)).is_ok());
        assert!(args(Some("null"), Arity(0, 1)).is_ok());
    }

    #[test]
    fn commitments_are_read_as_agave_reads_them() {
        let read = |text| args(Some(text), Arity(0, 1)).unwrap().context(0).unwrap();
        let context = read(r#"[{"commitment":"processed","minContextSlot":7}]"#);
        assert_eq!(context.commitment, Some(CommitmentConfig::processed()));
        assert_eq!(context.min_context_slot, Some(7));
        // One that is not known any more counts as none.
        assert_eq!(read(r#"[{"commitment":"recent"}]"#), RpcContextConfig::default());
        assert_eq!(read("[null]"), RpcContextConfig::default());
        let wrong = args(Some("[7]"), Arity(1, 1)).unwrap().pubkey(0).unwrap_err();
        assert_eq!(wrong.message(), "Invalid params: invalid type: integer `7`, expected a string.");
    }

    #[test]
    fn lists_are_bounded() {
        let keys = vec![Pubkey::default().to_string(); 3];
        assert_eq!(parse_all::<Pubkey>(&keys, 3).unwrap().len(), 3);
        let error = parse_all::<Pubkey>(&keys, 2).unwrap_err();
        assert_eq!(error.message(), "Too many inputs provided; max 2");
    }
}
