//! What is kept when the process ends, in whatever way.

use super::super::{Chain, ChainConfig, LocalCelestia, LocalError, SubmitOptions};
use super::{config, namespace};
use celestia_types::Blob;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use tendermint::Time;

fn chain_config(dir: &Path) -> ChainConfig {
    ChainConfig { dir: Some(dir.to_owned()), ..ChainConfig::default() }
}

fn open(dir: &Path) -> Chain {
    Chain::open(&chain_config(dir), Time::now()).unwrap()
}

/// Every third block has a blob.
fn grow(chain: &Chain, blocks: usize) {
    for _ in 0..blocks {
        let height = chain.height() + 1;
        if height.is_multiple_of(3) {
            let blob = Blob::new(namespace(1), vec![height as u8; 2_000], None).unwrap();
            chain.submit(&[blob], &SubmitOptions::default()).unwrap();
        }
        chain.produce(Time::now()).unwrap();
    }
}

/// From height 1 on each header is valid and adjacent, and each square has its root.
fn check(chain: &Chain) {
    let mut last = None;
    for height in 1..=chain.height() {
        let block = chain.block(height).unwrap();
        block.header().validate().unwrap();
        let dah = celestia_types::DataAvailabilityHeader::from_eds(block.eds());
        assert_eq!(dah, block.header().dah);
        if let Some(last) = last.replace(block.header().clone()) {
            last.verify_adjacent(block.header()).unwrap();
        }
        assert_eq!(block.blobs(namespace(1)).len(), usize::from(height.is_multiple_of(3)));
    }
}

#[test]
fn a_restart_goes_on_with_the_same_chain() {
    let dir = tempfile::tempdir().unwrap();
    let chain = open(dir.path());
    grow(&chain, 20);
    let headers: Vec<_> = (1..=21).map(|height| chain.block(height).unwrap().header().clone()).collect();
    let address = chain.accounts()[0].address();
    let balance = chain.balance(&address).unwrap();
    assert!(matches!(Chain::open(&chain_config(dir.path()), Time::now()), Err(LocalError::InUse(_))));
    drop(chain);

    let chain = open(dir.path());
    assert_eq!(chain.height(), 21);
    assert_eq!(chain.balance(&address), Some(balance));
    for header in headers {
        assert_eq!(chain.block(header.height()).unwrap().header(), &header);
        let hash = super::super::consensus::sha256(header.hash());
        assert_eq!(chain.block_by_hash(&hash).unwrap().height(), header.height());
    }
    grow(&chain, 10);
    check(&chain);
    drop(chain);
    let other = ChainConfig { chain_id: "another".to_owned(), ..chain_config(dir.path()) };
    assert!(matches!(Chain::open(&other, Time::now()), Err(LocalError::ForeignDir { .. })));
}

#[test]
fn a_torn_tail_is_dropped_wherever_it_is_torn() {
    let dir = tempfile::tempdir().unwrap();
    let chain = open(dir.path());
    grow(&chain, 8);
    drop(chain);
    // The ninth block is the last and has a body.
    for name in ["records", "bodies"] {
        let full = std::fs::metadata(dir.path().join(name)).unwrap().len();
        for torn in [1, 7, 100, 247] {
            let copy = tempfile::tempdir().unwrap();
            for file in ["records", "bodies"] {
                std::fs::copy(dir.path().join(file), copy.path().join(file)).unwrap();
            }
            OpenOptions::new()
                .write(true)
                .open(copy.path().join(name))
                .unwrap()
                .set_len(full - torn)
                .unwrap();
            let chain = open(copy.path());
            assert_eq!(chain.height(), 8, "{name} without its last {torn} bytes");
            grow(&chain, 4);
            check(&chain);
        }
    }
}

#[test]
fn a_damaged_block_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let chain = open(dir.path());
    grow(&chain, 8);
    drop(chain);
    let mut bodies = std::fs::read(dir.path().join("bodies")).unwrap();
    bodies[40] ^= 1;
    std::fs::write(dir.path().join("bodies"), bodies).unwrap();
    let chain = open(dir.path());
    let error = chain.block(3).unwrap_err().to_string();
    assert!(error.contains("damaged at height 3"), "{error}");
    chain.block(6).unwrap();
}

/// The process that is killed: makes blocks for ever and says which are made.
#[test]
fn child_that_is_killed() {
    let Some(dir) = std::env::var_os("WEFT_LOCAL_CHILD") else { return };
    let chain = open(Path::new(&dir));
    loop {
        grow(&chain, 1);
        println!("made {}", chain.height());
    }
}

#[test]
fn sigkill_loses_no_block_that_was_told() {
    let dir = tempfile::tempdir().unwrap();
    let mut told = 0;
    for round in 1..6_u64 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "local::tests::restart::child_that_is_killed", "--nocapture"])
            .env("WEFT_LOCAL_CHILD", dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
        for line in lines {
            if let Some((_, height)) = line.split_once("made ") {
                told = height.parse().unwrap();
            }
            if told >= round * 60 {
                break;
            }
        }
        child.kill().unwrap();
        child.wait().unwrap();
        let chain = open(dir.path());
        assert!(chain.height() >= told, "{} < {told}", chain.height());
        check(&chain);
    }
}

#[tokio::test]
async fn the_served_chain_goes_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let every = Some(Duration::from_millis(10));
    let local = LocalCelestia::start(config(chain_config(dir.path()), every)).await.unwrap();
    let ticket = local
        .chain()
        .submit(&[Blob::new(namespace(1), vec![1; 9], None).unwrap()], &SubmitOptions::default());
    let landed = ticket.unwrap().landed().await.unwrap().height;
    local.stop().await.unwrap();
    let local = LocalCelestia::start(config(chain_config(dir.path()), every)).await.unwrap();
    assert!(local.height() >= landed);
    let client = super::client(&local.ws_url()).await;
    use celestia_rpc::BlobClient as _;
    assert_eq!(client.blob_get_all(landed, &[namespace(1)]).await.unwrap().unwrap().len(), 1);
    local.stop().await.unwrap();
}
