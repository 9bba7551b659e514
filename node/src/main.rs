//! `weft`: the one binary. What its commands do stands in `cli/`; here only how they end.

mod cli;

use clap::Parser;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = cli::Args::parse();
    match cli::run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            // One line: the sentence, and what it followed from where that says more.
            eprintln!("weft: {report:#}");
            cli::exit::code_of(&report)
        }
    }
}
