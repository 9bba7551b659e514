//! Solana's three precompiles: programs that do nothing but check signatures, natively.
//!
//! An instruction to one of them holds a count, that many records of offsets, and whatever bytes the sender
//! likes. A record says where a signature, a key and a message stand, each in the data of any top-level
//! instruction of the transaction; other programs then read the same records through the instructions sysvar.
//! So what is accepted here, what is refused, and with which error (the program sees it as `Custom(n)`) follows
//! agave-precompiles 4.2.2 with every feature active, which is what its code does without looking at features.
//! That crate itself builds OpenSSL from source, so the curves here come from the libraries that Weft has
//! anyway; each file says where those and agave's differ.
//!
//! The work of one instruction is bounded by its data: a record is at least 11 bytes, and a count is one byte.

mod ed25519;
mod secp256k1;
mod secp256r1;
#[cfg(test)]
mod testing;

use solana_precompile_error::PrecompileError;
use solana_pubkey::Pubkey;
use solana_sdk_ids::{ed25519_program, secp256k1_program, secp256r1_program};

/// Whether `program` is one of the three.
pub(crate) fn is_precompile(program: &Pubkey) -> bool {
    [ed25519_program::ID, secp256k1_program::ID, secp256r1_program::ID].contains(program)
}

/// Checks every signature that an instruction to `program` names. `data` is that instruction's data,
/// `instruction_datas` the data of all top-level instructions of its transaction, this one among them.
///
/// # Errors
/// The first fault, in the order of the records. A `program` that is no precompile is `InvalidPublicKey`, as
/// agave's callback answers.
pub(crate) fn verify(
    program: &Pubkey,
    data: &[u8],
    instruction_datas: &[&[u8]],
) -> Result<(), PrecompileError> {
    match *program {
        ed25519_program::ID => ed25519::verify(data, instruction_datas),
        secp256k1_program::ID => secp256k1::verify(data, instruction_datas),
        secp256r1_program::ID => secp256r1::verify(data, instruction_datas),
        _ => Err(PrecompileError::InvalidPublicKey),
    }
}

/// Where the records of ed25519 and secp256r1 begin: after the count and a byte that nobody reads.
const RECORDS_START: usize = 2;

/// The size of such a record, in bytes: seven little-endian u16.
const RECORD_SIZE: usize = 14;

/// The instruction index that means the instruction which is being checked.
const OWN_INSTRUCTION: u16 = u16::MAX;

/// A record of ed25519 or secp256r1: which instruction, and where in its data.
struct Record {
    signature: Place,
    key: Place,
    message: Place,
    message_size: usize,
}

/// A byte position in the data of one instruction.
struct Place {
    instruction: u16,
    offset: u16,
}

impl Record {
    fn decode(bytes: &[u8; RECORD_SIZE]) -> Record {
        let [signature_offset, signature_at, key_offset, key_at, message_offset, message_size, message_at] =
            std::array::from_fn(|field| u16::from_le_bytes([bytes[2 * field], bytes[2 * field + 1]]));
        Record {
            signature: Place { instruction: signature_at, offset: signature_offset },
            key: Place { instruction: key_at, offset: key_offset },
            message: Place { instruction: message_at, offset: message_offset },
            message_size: usize::from(message_size),
        }
    }
}

impl Place {
    /// The `size` bytes that stand here; none of them may be missing.
    fn read<'a>(&self, size: usize, own: &'a [u8], all: &[&'a [u8]]) -> Result<&'a [u8], PrecompileError> {
        let data = match self.instruction {
            OWN_INSTRUCTION => Some(own),
            index => all.get(usize::from(index)).copied(),
        };
        let start = usize::from(self.offset);
        data.and_then(|data| data.get(start..)?.get(..size)).ok_or(PrecompileError::InvalidDataOffsets)
    }

    /// As [`Place::read`], for parts of a fixed size.
    fn array<'a, const N: usize>(
        &self,
        own: &'a [u8],
        all: &[&'a [u8]],
    ) -> Result<&'a [u8; N], PrecompileError> {
        self.read(N, own, all)?.as_array().ok_or(PrecompileError::InvalidDataOffsets)
    }
}

/// The first `count` records of `bytes`, which may go on after them.
fn records<const SIZE: usize>(bytes: &[u8], count: u8) -> Result<&[[u8; SIZE]], PrecompileError> {
    bytes.as_chunks().0.get(..usize::from(count)).ok_or(PrecompileError::InvalidInstructionDataSize)
}

#[cfg(test)]
mod tests {
    use super::testing::PROGRAMS;
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_the_three_are_precompiles() {
        assert!(PROGRAMS.iter().all(is_precompile));
        for other in [Pubkey::default(), Pubkey::new_from_array([1; 32]), solana_sdk_ids::loader_v4::ID] {
            assert!(!is_precompile(&other));
            assert_eq!(verify(&other, &[0, 0], &[]), Err(PrecompileError::InvalidPublicKey));
        }
    }

    #[test]
    fn each_checks_with_its_own_rules() {
        let size = Err(PrecompileError::InvalidInstructionDataSize);
        let [ed25519, secp256k1, secp256r1] = PROGRAMS;
        for (program, alone, padded) in [
            (ed25519, size.clone(), Ok(())),
            (secp256k1, Ok(()), size.clone()),
            (secp256r1, size.clone(), size),
        ] {
            assert_eq!(verify(&program, &[0], &[]), alone);
            assert_eq!(verify(&program, &[0, 0], &[]), padded);
        }
    }

    /// Nobody signs by chance: what passes has no signature at all, and neither panics.
    fn no_chance(own: &[u8], all: &[&[u8]]) {
        for program in &PROGRAMS {
            assert!(verify(program, own, all).is_err() || (own[0] == 0 && own.len() <= RECORDS_START));
        }
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(
            own in proptest::collection::vec(any::<u8>(), 0..300),
            other in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            no_chance(&own, &[&own, &other]);
            no_chance(&own, &[]);
        }

        /// Small counts, indexes and offsets, so that the places exist and the curves see the bytes.
        #[test]
        fn random_keys_and_signatures_never_panic(
            count in 0u8..4,
            own in proptest::collection::vec(0u8..2, 60..200),
            other in proptest::collection::vec(any::<u8>(), 600..1_000),
        ) {
            let own = [&[count], &own[..]].concat();
            no_chance(&own, &[&other, &other]);
        }
    }
}
