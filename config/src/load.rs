//! Reading: the file, then the environment over it.

use crate::Config;
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Most bytes of a configuration file.
pub const CONFIG_BYTES_MAX: u64 = 1 << 20;

/// Why there is no configuration. The node does not start.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file could not be read, or is longer than [`CONFIG_BYTES_MAX`].
    #[error("config {path} can't be read: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// Not TOML, or a value of the wrong kind.
    #[error("config is not right: {0}")]
    Syntax(String),
    /// A key that does not exist.
    #[error("config has no key {key:?}: did you mean {nearest:?}?")]
    UnknownKey {
        /// As it was written, with its section.
        key: String,
        /// The key of ours that looks most like it.
        nearest: String,
    },
    /// A variable that does not fit its key.
    #[error("the environment's {name} does not fit the key {key}: {message}")]
    Environment {
        /// The variable.
        name: String,
        /// The key that it stands for.
        key: String,
        /// What is expected. Never the value, which may be a secret.
        message: String,
    },
    /// A value out of its bounds.
    #[error("config's {key} is {value}: {advice}")]
    Invalid {
        /// The key.
        key: &'static str,
        /// What stands there.
        value: String,
        /// What to do about it.
        advice: String,
    },
}

impl Config {
    /// Reads `path`, lays `environment` over it and validates. Pass `std::env::vars_os` filtered to text.
    ///
    /// # Errors
    /// [`ConfigError`]; each names the key and what to do.
    pub fn load(
        path: &Path,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let io = |error| ConfigError::Io { path: path.to_owned(), error };
        let file = std::fs::File::open(path).map_err(io)?;
        let mut text = String::new();
        let read = file.take(CONFIG_BYTES_MAX.saturating_add(1)).read_to_string(&mut text).map_err(io)?;
        if u64::try_from(read).map_or(true, |read| read > CONFIG_BYTES_MAX) {
            let error = std::io::Error::other(format!("it is longer than {CONFIG_BYTES_MAX} bytes"));
            return Err(io(error));
        }
        Self::parse(&text, environment)
    }

    /// As [`Self::load`], from text. Empty text gives the defaults under the environment.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn parse(
        text: &str,
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, ConfigError> {
        let mut table: toml::Table =
            text.parse().map_err(|error: toml::de::Error| ConfigError::Syntax(error.to_string()))?;
        let keys = keys();
        refuse_unknown(&table, &keys)?;
        overlay(&mut table, &keys, environment)?;
        // From text again, so that an error shows the line, except where the environment changed it.
        let parsed = match toml::from_str::<Self>(text) {
            Err(error) => return Err(ConfigError::Syntax(error.to_string())),
            Ok(_) => table.try_into::<Self>(),
        };
        let config = parsed.map_err(|error| ConfigError::Syntax(error.to_string()))?;
        config.validate()?;
        Ok(config)
    }
}

/// A key with its section and a value of its kind.
struct Key {
    section: &'static str,
    name: &'static str,
    example: toml::Value,
}

impl Key {
    fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }
}

fn keys() -> Vec<Key> {
    let sections = Config::default().sections();
    let keys = sections.into_iter().flat_map(|(section, _, fields)| {
        fields.into_iter().map(move |field| Key { section, name: field.name, example: field.value })
    });
    keys.collect()
}

fn refuse_unknown(table: &toml::Table, keys: &[Key]) -> Result<(), ConfigError> {
    for (section, value) in table {
        let known = keys.iter().any(|key| key.section == section);
        let names: Vec<&str> = match value {
            toml::Value::Table(names) if known => names.keys().map(String::as_str).collect(),
            _ if known => Vec::new(),
            _ => return Err(unknown(section.clone(), keys.iter().map(|key| key.section.to_owned()))),
        };
        for name in names {
            if !keys.iter().any(|key| key.section == section && key.name == name) {
                return Err(unknown(format!("{section}.{name}"), keys.iter().map(Key::path)));
            }
        }
    }
    Ok(())
}

fn unknown(key: String, known: impl Iterator<Item = String>) -> ConfigError {
    let nearest = known.min_by_key(|known| distance(&key, known)).unwrap_or_default();
    ConfigError::UnknownKey { key, nearest }
}

/// Levenshtein's distance, by bytes.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

fn overlay(
    table: &mut toml::Table,
    keys: &[Key],
    environment: impl IntoIterator<Item = (String, String)>,
) -> Result<(), ConfigError> {
    for (name, text) in environment {
        let Some(key) = keys.iter().find(|key| variable(key) == name) else { continue };
        let value = value_of(&key.example, &text).map_err(|message| ConfigError::Environment {
            name,
            key: key.path(),
            message: message.to_owned(),
        })?;
        let section = table.entry(key.section).or_insert_with(|| toml::Table::new().into());
        if let toml::Value::Table(section) = section {
            section.insert(key.name.to_owned(), value);
        }
    }
    Ok(())
}

fn variable(key: &Key) -> String {
    format!("WEFT_{}_{}", key.section, key.name).to_uppercase()
}

fn value_of(example: &toml::Value, text: &str) -> Result<toml::Value, &'static str> {
    match example {
        toml::Value::Integer(_) => text.parse().map(toml::Value::Integer).map_err(|_| "give a whole number"),
        toml::Value::Boolean(_) => text.parse().map(toml::Value::Boolean).map_err(|_| "give true or false"),
        toml::Value::Array(_) => {
            let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
            Ok(items.map(|item| toml::Value::String(item.to_owned())).collect::<Vec<_>>().into())
        }
        _ => Ok(toml::Value::String(text.to_owned())),
    }
}
