//! Bounds of single values.

use crate::{Config, ConfigError};
use std::fmt::Display;
use std::net::SocketAddr;
use url::Url;

impl Config {
    /// Holds each value against its bounds.
    ///
    /// # Errors
    /// [`ConfigError::Invalid`] for the first that does not fit.
    pub fn validate(&self) -> Result<(), ConfigError> {
        require(!self.node.dir.is_empty(), "node.dir", "empty", "name a folder")?;
        self.validate_da()?;
        let sequencer = &self.sequencer;
        let positive = [
            ("da.fetch_ahead", u64::try_from(self.da.fetch_ahead).unwrap_or(u64::MAX), 1_024),
            ("sequencer.block_time_ms", sequencer.block_time_ms, 60_000),
            ("sequencer.batch_time_ms", sequencer.batch_time_ms, 600_000),
            ("sequencer.backlog_blocks", sequencer.backlog_blocks, 1_000_000),
            ("rpc_limits.call_timeout_ms", self.rpc_limits.call_timeout_ms, 600_000),
            (
                "rpc_limits.connections",
                u64::try_from(self.rpc_limits.connections).unwrap_or(u64::MAX),
                1 << 16,
            ),
        ];
        for (key, value, max) in positive {
            let advice = format!("set it from 1 to {max}");
            require((1..=max).contains(&value), key, value, advice)?;
        }
        listen("rpc.eth", &self.rpc.eth)?;
        listen("rpc.sol", &self.rpc.sol)?;
        listen("rpc.cosmos", &self.rpc.cosmos)?;
        listen("metrics.listen", &self.metrics.listen)
    }

    fn validate_da(&self) -> Result<(), ConfigError> {
        let da = &self.da;
        require(!da.endpoints.is_empty(), "da.endpoints", "empty", "list the URL of a Celestia node")?;
        for endpoint in &da.endpoints {
            let scheme = Url::parse(endpoint).ok().map(|url| url.scheme().to_owned());
            let known = matches!(scheme.as_deref(), Some("http" | "https" | "ws" | "wss"));
            // Providers put secrets into paths, so the URL is not repeated.
            require(known, "da.endpoints", "no URL", "give each as http://, https://, ws:// or wss://")?;
        }
        let tokens = da.auth_tokens.len();
        require(
            tokens <= 1 || tokens == da.endpoints.len(),
            "da.auth_tokens",
            format_args!("a list of {tokens}"),
            format_args!("give none, one for all, or one for each of {} endpoints", da.endpoints.len()),
        )
    }
}

fn require(
    right: bool,
    key: &'static str,
    value: impl Display,
    advice: impl Display,
) -> Result<(), ConfigError> {
    if right {
        return Ok(());
    }
    Err(ConfigError::Invalid { key, value: value.to_string(), advice: advice.to_string() })
}

fn listen(key: &'static str, value: &str) -> Result<(), ConfigError> {
    let right = value == "off" || value.parse::<SocketAddr>().is_ok();
    require(right, key, format_args!("{value:?}"), "give ADDRESS:PORT, e.g. 127.0.0.1:8545, or off")
}
