//! Instructions for the precompiles' tests.

use solana_precompile_error::PrecompileError;
use solana_pubkey::Pubkey;
use solana_sdk_ids::{ed25519_program, secp256k1_program, secp256r1_program};

pub(super) const PROGRAMS: [Pubkey; 3] = [ed25519_program::ID, secp256k1_program::ID, secp256r1_program::ID];

/// A signed message. For secp256k1 the recovery id ends the signature, and the key is an address.
#[derive(Clone)]
pub(super) struct Signed {
    pub signature: Vec<u8>,
    pub key: Vec<u8>,
    pub message: Vec<u8>,
}

impl Signed {
    pub(super) fn from_hex(signature: &str, key: &str, message: &[u8]) -> Signed {
        let bytes = |text| hex::decode(text).expect("hex");
        Signed { signature: bytes(signature), key: bytes(key), message: message.to_vec() }
    }
}

/// The bytes that records point to: key, signature and message of each in turn.
pub(super) fn body(items: &[Signed]) -> Vec<u8> {
    items.iter().flat_map(|item| [&item.key[..], &item.signature, &item.message].concat()).collect()
}

// The fields of a record, in their order.
pub(super) const SIGNATURE_OFFSET: usize = 0;
pub(super) const SIGNATURE_AT: usize = 1;
pub(super) const KEY_OFFSET: usize = 2;
pub(super) const KEY_AT: usize = 3;
pub(super) const MESSAGE_OFFSET: usize = 4;
pub(super) const MESSAGE_SIZE: usize = 5;
pub(super) const MESSAGE_AT: usize = 6;

/// The records of `items`, whose [`body`] begins at `start` of the data of instruction `at`.
fn fields(items: &[Signed], at: u16, start: usize) -> Vec<[u16; 7]> {
    let size = |bytes: &[u8]| u16::try_from(bytes.len()).expect("a small test");
    let mut key = u16::try_from(start).expect("a small test");
    let mut all = Vec::new();
    for item in items {
        let signature = key + size(&item.key);
        let message = signature + size(&item.signature);
        all.push([signature, at, key, at, message, size(&item.message), at]);
        key = message + size(&item.message);
    }
    all
}

/// Count and records as ed25519 and secp256r1 have them.
pub(super) fn wide(records: &[[u16; 7]]) -> Vec<u8> {
    let count = u8::try_from(records.len()).expect("a small test");
    [count, 0].into_iter().chain(records.iter().flatten().flat_map(|field| field.to_le_bytes())).collect()
}

/// Count and records as secp256k1 has them: indexes of one byte.
pub(super) fn narrow(records: &[[u16; 7]]) -> Vec<u8> {
    let mut bytes = vec![u8::try_from(records.len()).expect("a small test")];
    for record in records {
        for (field, value) in record.iter().enumerate() {
            let size = if [SIGNATURE_AT, KEY_AT, MESSAGE_AT].contains(&field) { 1 } else { 2 };
            bytes.extend(&value.to_le_bytes()[..size]);
        }
    }
    bytes
}

type Verify = fn(&[u8], &[&[u8]]) -> Result<(), PrecompileError>;

/// How the records of one precompile are written, and how it checks them.
pub(super) struct Precompile {
    pub head: fn(&[[u16; 7]]) -> Vec<u8>,
    pub verify: Verify,
}

impl Precompile {
    /// An instruction that carries `items` itself, in which records name it by the index `at`.
    pub(super) fn instruction(&self, items: &[Signed], at: u16) -> Vec<u8> {
        let start = (self.head)(&fields(items, at, 0)).len();
        [(self.head)(&fields(items, at, start)), body(items)].concat()
    }

    /// Checks one item in an instruction that is alone in its transaction.
    pub(super) fn check(&self, item: &Signed) -> Result<(), PrecompileError> {
        let data = self.instruction(std::slice::from_ref(item), 0);
        (self.verify)(&data, &[&data])
    }

    /// Checks one item that instruction 1 carries, after `change` to its record.
    pub(super) fn check_record(
        &self,
        item: &Signed,
        change: impl FnOnce(&mut [u16; 7]),
    ) -> Result<(), PrecompileError> {
        let item = std::slice::from_ref(item);
        let mut records = fields(item, 1, 0);
        change(&mut records[0]);
        let data = (self.head)(&records);
        (self.verify)(&data, &[&data, &body(item)])
    }

    /// As [`Precompile::check_record`], with one field of the record set.
    pub(super) fn check_field(&self, item: &Signed, field: usize, value: u16) -> Result<(), PrecompileError> {
        self.check_record(item, |record| record[field] = value)
    }

    /// One and several `items` pass: in the instruction itself, and in another one behind unrelated bytes.
    pub(super) fn accepts(&self, items: &[Signed]) {
        for count in 1..=items.len() {
            let items = &items[..count];
            let own = self.instruction(items, 0);
            assert_eq!((self.verify)(&own, &[&own, &[]]), Ok(()), "{count} in the instruction itself");
            let head = (self.head)(&fields(items, 2, 3));
            let other = [&[9; 3], &body(items)[..], &[9; 3]].concat();
            assert_eq!((self.verify)(&head, &[&[], &head, &other]), Ok(()), "{count} in another instruction");
        }
    }

    /// No byte of an instruction can be changed, except those at `unread`, which can.
    pub(super) fn refuses_every_change(&self, item: &Signed, at: u16, unread: &[usize]) {
        let data = self.instruction(std::slice::from_ref(item), at);
        assert_eq!((self.verify)(&data, &[&data]), Ok(()));
        for index in 0..data.len() {
            for mask in [0x01, 0x80, 0xff] {
                let mut changed = data.clone();
                changed[index] ^= mask;
                let result = (self.verify)(&changed, &[&changed]);
                assert_eq!(result.is_ok(), unread.contains(&index), "byte {index} ^ {mask}: {result:?}");
            }
        }
    }

    /// An instruction that is cut off within its records is refused as too small, wherever it is cut.
    pub(super) fn refuses_cut_records(&self, items: &[Signed]) {
        let head = (self.head)(&fields(items, 1, 0));
        let body = body(items);
        assert_eq!((self.verify)(&head, &[&head, &body]), Ok(()));
        for size in 0..head.len() {
            let result = (self.verify)(&head[..size], &[&head, &body]);
            assert_eq!(result, Err(PrecompileError::InvalidInstructionDataSize), "{size} bytes");
        }
    }
}
