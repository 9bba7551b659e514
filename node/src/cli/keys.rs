//! `weft keys`.

use super::files;
use clap::{Args, Subcommand};
use eyre::Result;
use std::path::PathBuf;

/// Make and show sequencer keys. A key signs batches and soft blocks; what it pays on Celestia with is the Celestia
/// node's own.
#[derive(Debug, Args)]
pub(crate) struct Keys {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key, readable by its owner alone, and print its address
    New {
        /// Where to; must not exist
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
    },
    /// Print a key's address, as genesis lists it
    Show {
        /// The key
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
    },
}

impl Keys {
    pub(crate) fn run(self) -> Result<()> {
        let address = match self.action {
            Action::New { out } => {
                let key = files::new_key();
                files::write_key(&out, &key)?;
                key.address()
            }
            Action::Show { key } => files::read_key(&key)?.address(),
        };
        say!("{address}");
        Ok(())
    }
}
