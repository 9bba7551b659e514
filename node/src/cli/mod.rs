//! The commands: one file each. Errors end here as sentences; see [`exit`] for the codes.

/// `println!` that does not panic where nobody reads any more.
macro_rules! say {
    ($($arg:tt)*) => {{
        use std::io::Write as _;
        // A closed pipe is the reader's choice.
        let _ = writeln!(std::io::stdout(), $($arg)*);
    }};
}

mod celestia;
mod devnet;
mod encoded;
pub(crate) mod exit;
mod files;
mod force;
mod init;
mod keys;
mod local;
mod replay;
mod rollback;
mod run;
mod settings;
mod status;
mod tx;
mod verify_blobs;
mod wallets;

use clap::{Parser, Subcommand};

/// A sovereign rollup node: Celestia orders the data, this derives and executes the one chain that follows from it.
#[derive(Debug, Parser)]
#[command(name = "weft", version, about, after_long_help = exit::TABLE, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything in one process with no setup: local Celestia, sequencer, full node, RPC, funded accounts
    Devnet(devnet::Devnet),
    /// Write a new chain's genesis and config, with comments, and a sequencer key
    Init(init::Init),
    /// Run a full node; with --sequencer it orders too
    Run(run::Run),
    /// Derive and execute a range again from Celestia, and compare every block with the store
    Replay(replay::Replay),
    /// Ask a running node how far it is
    Status(status::Status),
    /// Send a transaction to a node, and wait until the chain has it
    Tx(tx::Tx),
    /// Post a transaction past the sequencer, straight to Celestia
    Force(force::Force),
    /// Verify namespaces of a Celestia block with no node at all, and list their blobs
    VerifyBlobs(verify_blobs::VerifyBlobs),
    /// Take a stopped node's store back to a height
    Rollback(rollback::Rollback),
    /// Make and show sequencer keys
    Keys(keys::Keys),
    /// Run the embedded local Celestia alone
    CelestiaLocal(local::CelestiaLocal),
}

/// Runs a command to its end.
pub(crate) fn run(args: Args) -> eyre::Result<()> {
    match args.command {
        Command::Devnet(command) => block_on(command.run()),
        Command::Run(command) => block_on(command.run()),
        Command::Init(command) => block_on(command.run()),
        Command::Replay(command) => block_on(command.run()),
        Command::Status(command) => block_on(command.run()),
        Command::Tx(command) => block_on(command.run()),
        Command::Force(command) => block_on(command.run()),
        Command::VerifyBlobs(command) => block_on(command.run()),
        Command::CelestiaLocal(command) => block_on(command.run()),
        Command::Rollback(command) => command.run(),
        Command::Keys(command) => command.run(),
    }
}

fn block_on(work: impl Future<Output = eyre::Result<()>>) -> eyre::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(work);
    // What still runs has been told to end; a blocked thread must not hold up the exit.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    result
}

/// Resolves at Ctrl-C or SIGTERM.
async fn interrupted() {
    use tokio::signal::unix::{SignalKind, signal};
    let term = async {
        match signal(SignalKind::terminate()) {
            Ok(mut term) => drop(term.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = term => {}
    }
}
