//! Random bytes and valid payloads with something changed: `check` never panics on them, and what passes it
//! executes without panicking and conserves balances.

use super::{Sample, Scene};
use weft_types::{Bytes, limits};

/// Random payloads, and changed ones of each sample.
const ROUNDS: u32 = 1_000;
/// Most bytes of a random payload.
const RANDOM_BYTES_MAX: u64 = 600;

/// SplitMix64 (Steele, Lea, Flood 2014): enough to vary bytes, and the same on every platform.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn byte(&mut self) -> u8 {
        self.next().to_be_bytes()[0]
    }

    /// Below `end`; zero where that is zero.
    fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or(0)
    }

    fn bytes(&mut self) -> Vec<u8> {
        let length = self.next() % RANDOM_BYTES_MAX;
        (0..length).map(|_| self.byte()).collect()
    }
}

/// Says which bytes it was when a machine panics.
struct Blame<'a> {
    seed: u64,
    payload: &'a [u8],
}

impl Drop for Blame<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("conformance: seed {:#x}, payload {:02x?}", self.seed, self.payload);
        }
    }
}

pub(super) fn never_panic(scene: &Scene<'_>, samples: &[Sample], seed: u64) {
    let mut random = Random(seed);
    let valid: Vec<Bytes> = samples.iter().map(|sample| (sample.make)(sample.gas_limit)).collect();
    for payload in
        [vec![], vec![0; 1], vec![0xff; 64], vec![0xc0; 64], vec![0; limits::TRANSACTION_BYTES_MAX]]
    {
        survives(scene, seed, &payload);
    }
    for _ in 0..ROUNDS {
        survives(scene, seed, &random.bytes());
        for payload in &valid {
            let other = valid[random.below(valid.len())].clone();
            survives(scene, seed, &mutate(&mut random, payload, &other));
        }
    }
}

fn survives(scene: &Scene<'_>, seed: u64, payload: &[u8]) {
    let blame = Blame { seed, payload };
    let ran = scene.run_payload(&*scene.state, payload);
    super::holds_the_rules(scene, "changed bytes", &ran);
    drop(blame);
}

/// One to three changes: a byte, a cut, an insertion, a swap of the tail with another payload's.
fn mutate(random: &mut Random, payload: &[u8], other: &[u8]) -> Vec<u8> {
    let mut bytes = payload.to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        match random.below(5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.byte()),
            2 => {
                bytes.truncate(at);
                bytes.extend_from_slice(&other[random.below(other.len()).min(other.len())..]);
            }
            3 => {
                let extreme = [0x00, 0x7f, 0x80, 0xb8, 0xbf, 0xc0, 0xf8, 0xff];
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = extreme[random.below(extreme.len())];
                }
            }
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << random.below(8);
                }
            }
        }
    }
    bytes
}
