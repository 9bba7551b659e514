//! Reading and writing the file: JSON or TOML, by its extension.

use crate::{Fault, Genesis};
use std::fmt::Write as _;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Most bytes of a genesis file: room for some hundred thousand accounts.
pub const GENESIS_BYTES_MAX: u64 = 64 << 20;

/// Why a file is no genesis. The node does not start.
#[derive(Debug, thiserror::Error)]
pub enum GenesisError {
    /// The file could not be read.
    #[error("genesis {path} can't be read: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Past [`GENESIS_BYTES_MAX`].
    #[error("genesis {0} is larger than {GENESIS_BYTES_MAX} bytes: is it the right file?")]
    TooLarge(PathBuf),
    /// Neither `.json` nor `.toml`.
    #[error("genesis {0} must end in .json or .toml, which tells its format")]
    Extension(PathBuf),
    /// Not JSON or TOML of a genesis: the place and what was expected there.
    #[error("genesis {path}: {message}")]
    Parse {
        /// The file, or the format where there is none.
        path: PathBuf,
        /// Line, column, key, and what was expected.
        message: String,
    },
    /// It reads, but its values contradict each other: a sentence each.
    #[error("genesis is not consistent: {}", sentences(.0))]
    Invalid(Vec<Fault>),
}

fn sentences(faults: &[Fault]) -> String {
    let mut text = String::new();
    for (index, fault) in faults.iter().enumerate() {
        let separator = if index == 0 { "" } else { "; " };
        write!(text, "{separator}{fault}").expect("writing to a string does not fail");
    }
    text
}

impl Genesis {
    /// Reads and validates a `.json` or `.toml` file.
    ///
    /// # Errors
    /// See [`GenesisError`]; each says what is wrong, where, and what to do.
    pub fn from_path(path: &Path) -> Result<Self, GenesisError> {
        let io = |error| GenesisError::Io { path: path.to_owned(), error };
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(io)?;
        file.take(GENESIS_BYTES_MAX.saturating_add(1)).read_to_string(&mut text).map_err(io)?;
        if u64::try_from(text.len()).map_or(true, |length| length > GENESIS_BYTES_MAX) {
            return Err(GenesisError::TooLarge(path.to_owned()));
        }
        let parsed = match path.extension().and_then(|extension| extension.to_str()) {
            Some("json") => serde_json::from_str(&text).map_err(|error| error.to_string()),
            Some("toml") => toml::from_str(&text).map_err(|error| error.to_string()),
            _ => return Err(GenesisError::Extension(path.to_owned())),
        };
        let genesis: Self =
            parsed.map_err(|message| GenesisError::Parse { path: path.to_owned(), message })?;
        genesis.validate()?;
        Ok(genesis)
    }

    /// Reads and validates JSON.
    ///
    /// # Errors
    /// [`GenesisError::Parse`], [`GenesisError::Invalid`].
    pub fn from_json(text: &str) -> Result<Self, GenesisError> {
        let genesis: Self = serde_json::from_str(text)
            .map_err(|error| GenesisError::Parse { path: "(json)".into(), message: error.to_string() })?;
        genesis.validate()?;
        Ok(genesis)
    }

    /// Reads and validates TOML.
    ///
    /// # Errors
    /// [`GenesisError::Parse`], [`GenesisError::Invalid`].
    pub fn from_toml(text: &str) -> Result<Self, GenesisError> {
        let genesis: Self = toml::from_str(text)
            .map_err(|error| GenesisError::Parse { path: "(toml)".into(), message: error.to_string() })?;
        genesis.validate()?;
        Ok(genesis)
    }

    /// Indented JSON, as `DIR/genesis.json` holds it.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text =
            serde_json::to_string_pretty(self).expect("a genesis has no map with keys that are not text");
        text.push('\n');
        text
    }
}
