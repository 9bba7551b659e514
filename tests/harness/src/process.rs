//! The `weft` binary as a process: started, awaited, killed, stopped, started again.

use crate::eventually;
use crate::rpc::Rpc;
use serde_json::Value;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

/// How long a node may take to be ready or to end. Generous: machines are shared.
const LIMIT: Duration = Duration::from_secs(60);

/// The binary: `WEFT_BIN`, or the one beside this test in the target folder.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn binary() -> PathBuf {
    let beside = || {
        let test = std::env::current_exe().expect("this program's path");
        // target/release/deps/NAME-HASH, and target/release/weft.
        test.ancestors().nth(2).expect("a target folder").join("weft")
    };
    let path = std::env::var_os("WEFT_BIN").map_or_else(beside, PathBuf::from);
    assert!(path.is_file(), "no weft at {}: build it with cargo build --release --workspace", path.display());
    path
}

/// Runs a command of the binary to its end.
///
/// # Panics
/// Where it can't be started.
#[must_use]
pub fn weft(args: &[&str]) -> Output {
    Command::new(binary()).args(args).stdin(Stdio::null()).output().expect("weft starts")
}

/// A running node with its directory.
#[derive(Debug)]
pub struct Node {
    name: String,
    dir: PathBuf,
    args: Vec<String>,
    variables: Vec<(String, String)>,
    child: Option<Child>,
    rpc: Option<Rpc>,
    sol: Option<Rpc>,
    cosmos: Option<Rpc>,
}

impl Node {
    /// Starts `weft ARGS --dir DIR` and waits until it is ready.
    ///
    /// # Panics
    /// Where it ends before that, with what it wrote.
    pub async fn start(name: &str, dir: &Path, args: Vec<String>) -> Self {
        Self::start_with(name, dir, args, &[]).await
    }

    /// [`Self::start`] with these variables in its environment.
    ///
    /// # Panics
    /// As it does.
    pub async fn start_with(name: &str, dir: &Path, args: Vec<String>, variables: &[(&str, &str)]) -> Self {
        std::fs::create_dir_all(dir).expect("the node's directory");
        let (name, dir) = (name.to_owned(), dir.to_owned());
        let variables =
            variables.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut node = Self { name, dir, args, variables, child: None, rpc: None, sol: None, cosmos: None };
        node.begin();
        node.ready().await;
        node
    }

    /// Starts the process without waiting for it.
    ///
    /// # Panics
    /// Where it runs already or can't be started.
    pub fn begin(&mut self) {
        assert!(self.child.is_none(), "{} runs already", self.name);
        // A node.json of the run before would be taken for this run's.
        match std::fs::remove_file(self.dir.join("node.json")) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::NotFound, "{error}"),
        }
        let log = File::options().create(true).append(true).open(self.log_path()).expect("a log file");
        let child = Command::new(binary())
            .args(&self.args)
            .arg("--dir")
            .arg(&self.dir)
            .envs(self.variables.iter().map(|(key, value)| (key, value)))
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a second handle"))
            .stderr(log)
            .spawn()
            .expect("weft starts");
        self.child = Some(child);
        (self.rpc, self.sol, self.cosmos) = (None, None, None);
    }

    /// Waits for `node.json`, which the node writes when it is ready.
    ///
    /// # Panics
    /// Where the process ends or takes too long.
    pub async fn ready(&mut self) {
        let path = self.dir.join("node.json");
        let start = std::time::Instant::now();
        let node: Value = loop {
            if let Some(node) =
                std::fs::read_to_string(&path).ok().and_then(|text| serde_json::from_str(&text).ok())
            {
                break node;
            }
            if let Some(status) = self.child.as_mut().and_then(|child| child.try_wait().expect("a status")) {
                panic!("{} ended with {status}:\n{}", self.name, self.log());
            }
            assert!(start.elapsed() < LIMIT, "{} was not ready:\n{}", self.name, self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        };
        self.rpc = node["urls"]["eth"].as_str().map(Rpc::new);
        self.sol = node["urls"]["sol"].as_str().map(Rpc::new);
        self.cosmos = node["urls"]["cosmos"].as_str().map(Rpc::new);
    }

    /// Its Ethereum and `weft_*` endpoint.
    ///
    /// # Panics
    /// Where the node is not ready or serves none.
    #[must_use]
    pub fn rpc(&self) -> &Rpc {
        self.rpc.as_ref().unwrap_or_else(|| panic!("{} serves no RPC", self.name))
    }

    /// Its Solana endpoint.
    ///
    /// # Panics
    /// Where the node is not ready or serves none.
    #[must_use]
    pub fn sol(&self) -> &Rpc {
        self.sol.as_ref().unwrap_or_else(|| panic!("{} serves no Solana RPC", self.name))
    }

    /// Its endpoint of CometBFT's RPC.
    ///
    /// # Panics
    /// Where the node is not ready or serves none.
    #[must_use]
    pub fn cosmos(&self) -> &Rpc {
        self.cosmos.as_ref().unwrap_or_else(|| panic!("{} serves no CometBFT RPC", self.name))
    }

    /// Its directory.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// All that it wrote.
    #[must_use]
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    fn log_path(&self) -> PathBuf {
        self.dir.join(format!("{}.log", self.name))
    }

    /// SIGKILL: no chance to save anything.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap_or_else(|| panic!("{} does not run", self.name));
        child.kill().expect("a kill");
        child.wait().expect("an end");
    }

    /// SIGTERM, and the status that the node ends with.
    ///
    /// # Panics
    /// Where it does not end in time.
    pub async fn stop(&mut self) -> ExitStatus {
        let child = self.child.as_ref().unwrap_or_else(|| panic!("{} does not run", self.name));
        let status = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status().expect("kill");
        assert!(status.success(), "{} could not be signalled", self.name);
        self.ended().await
    }

    /// Waits until the node ends by itself.
    ///
    /// # Panics
    /// Where it does not, in time.
    pub async fn ended(&mut self) -> ExitStatus {
        let mut child = self.child.take().unwrap_or_else(|| panic!("{} does not run", self.name));
        let what = format!("{} ends", self.name);
        let mut status = || child.try_wait().expect("a status");
        eventually(&what, LIMIT, || std::future::ready(status())).await
    }

    /// Starts it again after [`Self::kill`] or [`Self::stop`].
    pub async fn again(&mut self) {
        self.begin();
        self.ready().await;
    }

    /// Resident memory in MiB, as Linux counts it.
    ///
    /// # Panics
    /// Where it does not run.
    #[must_use]
    pub fn resident_mib(&self) -> u64 {
        let id = self.child.as_ref().expect("a running node").id();
        let status = std::fs::read_to_string(format!("/proc/{id}/status")).expect("its status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("its resident size");
        let kib: u64 = line.split_whitespace().nth(1).and_then(|text| text.parse().ok()).expect("a number");
        kib / 1024
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(40).collect();
            eprintln!("--- the last lines of {} ---", self.name);
            tail.iter().rev().for_each(|line| eprintln!("{line}"));
        }
    }
}
