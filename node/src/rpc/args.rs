//! [`Args`]: positional parameters, read the way geth reads them, with its errors.

use super::errors::{Fault, invalid_params};
use alloy_primitives::{B256, Bytes};
use jsonrpsee::types::Params;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

/// Most positional parameters that any method takes, and some room.
const ARGS_MAX: usize = 16;

/// The parameters of one call.
#[derive(Debug)]
pub struct Args(Vec<Box<RawValue>>);

impl Args {
    /// Splits the parameters; none at all is an empty list.
    ///
    /// # Errors
    /// -32602 where they are no list.
    pub fn new(params: &Params<'_>) -> Result<Self, Fault> {
        let Some(text) = params.as_str().filter(|text| *text != "null") else { return Ok(Self(Vec::new())) };
        let list: Vec<Box<RawValue>> =
            serde_json::from_str(text).map_err(|_| invalid_params("non-array args"))?;
        if list.len() > ARGS_MAX {
            return Err(invalid_params(format!("too many arguments, want at most {ARGS_MAX}")));
        }
        Ok(Self(list))
    }

    /// The argument at `index`, which must be there.
    ///
    /// # Errors
    /// -32602 where it is not, or is not a `T`.
    pub fn required<T: DeserializeOwned>(&self, index: usize) -> Result<T, Fault> {
        self.optional(index)?
            .ok_or_else(|| invalid_params(format!("missing value for required argument {index}")))
    }

    /// The argument at `index`; `None` where it is absent or null.
    ///
    /// # Errors
    /// -32602 where it is not a `T`.
    pub fn optional<T: DeserializeOwned>(&self, index: usize) -> Result<Option<T>, Fault> {
        match self.0.get(index).map(|value| value.get()) {
            None | Some("null") => Ok(None),
            Some(text) => serde_json::from_str(text).map(Some).map_err(|error| {
                // serde_json appends the place in our cut of the text, which means nothing to the client.
                let error = error.to_string();
                let reason = error.rsplit_once(" at line ").map_or(&*error, |(reason, _)| reason);
                invalid_params(format!("invalid argument {index}: {reason}"))
            }),
        }
    }

    /// The argument at `index` as a number in hex or, as some tools send it, in decimal.
    ///
    /// # Errors
    /// -32602 where it is neither.
    pub fn number(&self, index: usize) -> Result<u64, Fault> {
        let value: alloy_serde_number::Number = self.required(index)?;
        Ok(value.0)
    }

    /// A hash: 32 bytes in hex.
    ///
    /// # Errors
    /// -32602 where it is none.
    pub fn hash(&self, index: usize) -> Result<B256, Fault> {
        self.required(index)
    }

    /// Bytes in hex.
    ///
    /// # Errors
    /// -32602 where they are none.
    pub fn bytes(&self, index: usize) -> Result<Bytes, Fault> {
        self.required(index)
    }
}

/// A number that reads both forms.
mod alloy_serde_number {
    use serde::Deserialize;

    #[derive(Deserialize)]
    pub(super) struct Number(#[serde(with = "alloy_serde::quantity")] pub(super) u64);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(text: &str) -> Result<Args, Fault> {
        Args::new(&Params::new(Some(text)))
    }

    #[test]
    fn positions_are_read_and_missing_ones_named() {
        let args = args(r#"["0x10", null, 7]"#).unwrap();
        assert_eq!(args.number(0).unwrap(), 16);
        assert_eq!(args.number(2).unwrap(), 7);
        assert_eq!(args.optional::<String>(1).unwrap(), None);
        let missing = args.required::<String>(5).unwrap_err();
        assert_eq!((missing.code(), missing.message()), (-32_602, "missing value for required argument 5"));
        let wrong = args.hash(0).unwrap_err();
        assert_eq!(wrong.code(), -32_602);
        assert!(wrong.message().starts_with("invalid argument 0: "), "{}", wrong.message());
    }

    #[test]
    fn absent_and_named_parameters() {
        assert_eq!(Args::new(&Params::new(None)).unwrap().optional::<u8>(0).unwrap(), None);
        assert_eq!(args(r#"{"a":1}"#).unwrap_err().code(), -32_602);
        assert_eq!(args(&format!("[{}0]", "0,".repeat(20))).unwrap_err().code(), -32_602);
    }
}
