//! [`Args`]: the parameters of a call, by name, as CometBFT reads them from JSON (an object, or an array in the order of the
//! names) and from the query of a URI.

use super::errors::{self, Fault};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Value};
use url::form_urlencoded;

/// Most parameters of a URI that are looked at.
const URI_PARAMS_MAX: usize = 32;

/// The parameters of one call.
#[derive(Clone, Debug, Default)]
pub(super) struct Args {
    values: Map<String, Value>,
    /// From a URI: bytes are hex with 0x or a quoted text, and numbers may be bare.
    uri: bool,
}

impl Args {
    /// The parameters of a JSON-RPC call to a method whose parameters have these names.
    pub(super) fn json(params: Option<Value>, names: &[&str]) -> Result<Self, Fault> {
        let values = match params {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(values)) => values,
            Some(Value::Array(values)) => {
                if values.len() > names.len() {
                    let (wanted, got) = (names.len(), values.len());
                    return Err(errors::invalid_params(format!(
                        "error converting json params to arguments: expected {wanted} parameters ({names:?}), got {got}"
                    )));
                }
                names.iter().map(|name| (*name).to_owned()).zip(values).collect()
            }
            Some(_) => {
                return Err(errors::invalid_params(
                    "unknown type for JSON params: must be an object or an array",
                ));
            }
        };
        Ok(Self { values, uri: false })
    }

    /// Those of a GET.
    pub(super) fn uri(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes()).take(URI_PARAMS_MAX);
        let values = pairs.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())));
        Self { values: values.collect(), uri: true }
    }

    fn get(&self, name: &str) -> Option<&Value> {
        self.values.get(name).filter(|value| !value.is_null() && !(self.uri && *value == ""))
    }

    /// A number; 64-bit ones are texts in CometBFT's JSON, and numbers in that of others.
    pub(super) fn number(&self, name: &str) -> Result<Option<i64>, Fault> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let number = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.trim_matches('"').parse().ok(),
            _ => None,
        };
        number.map(Some).ok_or_else(|| wrong(name, "invalid 64-bit integer encoding", value))
    }

    pub(super) fn flag(&self, name: &str) -> Result<bool, Fault> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(Value::String(text)) if self.uri && text == "true" => Ok(true),
            Some(Value::String(text)) if self.uri && text == "false" => Ok(false),
            Some(value) => Err(wrong(name, "expected true or false", value)),
        }
    }

    /// A text; in a URI it stands in double quotes.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Fault> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) if self.uri => match serde_json::from_str::<String>(text) {
                Ok(text) => Ok(Some(text)),
                // Left bare by many who type one.
                Err(_) if !text.starts_with('"') => Ok(Some(text.clone())),
                Err(_) => {
                    Err(wrong(name, "invalid character after top-level value", &Value::String(text.clone())))
                }
            },
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(value) => Err(wrong(name, "expected a string", value)),
        }
    }

    /// Bytes that JSON has in base64; in a URI they are hex behind 0x, or a quoted text.
    pub(super) fn bytes(&self, name: &str) -> Result<Vec<u8>, Fault> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let Value::String(text) = value else { return Err(wrong(name, "expected a string", value)) };
        if self.uri {
            return self.uri_bytes(name, text);
        }
        BASE64_STANDARD.decode(text).map_err(|error| wrong(name, &error.to_string(), value))
    }

    /// Bytes that JSON has in hex.
    pub(super) fn hex(&self, name: &str) -> Result<Vec<u8>, Fault> {
        let Some(value) = self.get(name) else { return Ok(Vec::new()) };
        let Value::String(text) = value else { return Err(wrong(name, "expected a string", value)) };
        if self.uri {
            return self.uri_bytes(name, text);
        }
        hex::decode(text).map_err(|error| wrong(name, &error.to_string(), value))
    }

    fn uri_bytes(&self, name: &str, text: &str) -> Result<Vec<u8>, Fault> {
        let wrong = |why: &str| wrong(name, why, &Value::String(text.to_owned()));
        if let Some(digits) = text.strip_prefix("0x") {
            return hex::decode(digits).map_err(|error| wrong(&error.to_string()));
        }
        let quoted: Result<String, _> = serde_json::from_str(text);
        quoted.map(String::into_bytes).map_err(|_| wrong("expected 0x and hex, or a text in double quotes"))
    }
}

/// What was got is the client's; it is repeated, so it is cut.
fn wrong(name: &str, why: &str, value: &Value) -> Fault {
    let shown: String = value.to_string().chars().take(64).collect();
    errors::invalid_params(format!("error converting json params to arguments: {name}: {why}: {shown}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn json_is_read_by_name_and_by_place() {
        let names = ["path", "data", "height", "prove"];
        let named = json!({ "path": "/a", "data": "0aff", "height": "7", "prove": false });
        let placed = json!(["/a", "0aff", 7]);
        for params in [named, placed] {
            let args = Args::json(Some(params), &names).unwrap();
            assert_eq!(args.text("path").unwrap().as_deref(), Some("/a"));
            assert_eq!(args.hex("data").unwrap(), [0x0a, 0xff]);
            assert_eq!(args.number("height").unwrap(), Some(7));
            assert!(!args.flag("prove").unwrap());
        }
        assert_eq!(Args::json(None, &names).unwrap().number("height").unwrap(), None);
        assert!(Args::json(Some(json!([1, 2, 3, 4, 5])), &names).is_err());
        assert!(Args::json(Some(json!("x")), &names).is_err());
        let args = Args::json(Some(json!({ "tx": "AAE=", "height": "x", "prove": "true" })), &names).unwrap();
        assert_eq!(args.bytes("tx").unwrap(), [0, 1]);
        assert!(args.number("height").is_err() && args.flag("prove").is_err());
    }

    #[test]
    fn uris_are_read_as_cometbft_reads_them() {
        let args = Args::uri(
            "query=%22tx.height%3D5%22&prove=true&page=1&per_page=%2230%22&hash=0xAB&tx=%22hi%22&order_by=",
        );
        assert_eq!(args.text("query").unwrap().as_deref(), Some("tx.height=5"));
        assert!(args.flag("prove").unwrap());
        assert_eq!((args.number("page").unwrap(), args.number("per_page").unwrap()), (Some(1), Some(30)));
        assert_eq!((args.bytes("hash").unwrap(), args.bytes("tx").unwrap()), (vec![0xab], b"hi".to_vec()));
        assert_eq!(args.text("order_by").unwrap(), None);
        assert!(Args::uri("hash=zz").bytes("hash").is_err());
    }
}
