//! An Ethereum transaction as its RLP fields, so that fields of one kind can stand together. Nothing is known
//! here of what a field means to the machine: a payload is split only where putting it together again gives
//! the same bytes, and is carried whole otherwise.

use alloy_rlp::{Encodable, Header};

/// What a field is to the columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// An integer of up to 8 bytes that grows.
    Nonce,
    /// Bytes that repeat; with the dictionary that they go by.
    Repeats(usize),
    /// A list, carried with its RLP header; with its dictionary.
    List(usize),
    /// An integer of up to 32 bytes, often round in decimal.
    Amount,
    /// Call data.
    Data,
    /// 0 or 1.
    Parity,
    /// 32 bytes of a signature.
    Signature,
}

/// Dictionaries of [`Kind::Repeats`] and [`Kind::List`], as numbers from 0.
pub(super) mod dictionary {
    pub(in crate::batch) const CHAIN: usize = 0;
    pub(in crate::batch) const TIP: usize = 1;
    pub(in crate::batch) const FEE: usize = 2;
    pub(in crate::batch) const GAS: usize = 3;
    pub(in crate::batch) const TO: usize = 4;
    pub(in crate::batch) const LISTS: usize = 5;
    pub(in crate::batch) const V: usize = 6;
    pub(in crate::batch) const SELECTOR: usize = 7;
    pub(in crate::batch) const LENGTH: usize = 8;
    pub(in crate::batch) const ADDRESS: usize = 9;
    pub(in crate::batch) const WORD: usize = 10;
    /// How many there are.
    pub(in crate::batch) const COUNT: usize = 11;
}

use Kind::{Amount, Data, List, Nonce, Parity, Repeats, Signature};
use dictionary::{CHAIN, FEE, GAS, LISTS, TIP, TO, V};

const LEGACY: &[Kind] =
    &[Nonce, Repeats(FEE), Repeats(GAS), Repeats(TO), Amount, Data, Repeats(V), Signature, Signature];
const ACCESS_LIST: &[Kind] = &[
    Repeats(CHAIN),
    Nonce,
    Repeats(FEE),
    Repeats(GAS),
    Repeats(TO),
    Amount,
    Data,
    List(LISTS),
    Parity,
    Signature,
    Signature,
];
const DYNAMIC_FEE: &[Kind] = &[
    Repeats(CHAIN),
    Nonce,
    Repeats(TIP),
    Repeats(FEE),
    Repeats(GAS),
    Repeats(TO),
    Amount,
    Data,
    List(LISTS),
    Parity,
    Signature,
    Signature,
];
const SET_CODE: &[Kind] = &[
    Repeats(CHAIN),
    Nonce,
    Repeats(TIP),
    Repeats(FEE),
    Repeats(GAS),
    Repeats(TO),
    Amount,
    Data,
    List(LISTS),
    List(LISTS),
    Parity,
    Signature,
    Signature,
];

/// The shapes that are split, by their number on the wire: the EIP-2718 type, and 0 for a legacy transaction.
pub(super) fn fields_of(shape: u8) -> Option<&'static [Kind]> {
    match shape {
        0 => Some(LEGACY),
        1 => Some(ACCESS_LIST),
        2 => Some(DYNAMIC_FEE),
        4 => Some(SET_CODE),
        _ => None,
    }
}

/// A payload's shape and fields: the content of a string, the whole of a list. `None` where it is no such
/// transaction, or not in the one form that [`join`] gives.
pub(super) fn split(payload: &[u8]) -> Option<(u8, Vec<&[u8]>)> {
    let (shape, list) = match payload.first()? {
        0xc0.. => (0, payload),
        kind @ (1 | 2 | 4) => (*kind, &payload[1..]),
        _ => return None,
    };
    let kinds = fields_of(shape)?;
    let mut rest = list;
    let mut items = Header::decode_bytes(&mut rest, true).ok()?;
    if !rest.is_empty() {
        return None;
    }
    let mut fields = Vec::with_capacity(kinds.len());
    for kind in kinds {
        fields.push(take_field(*kind, &mut items)?);
    }
    if !items.is_empty() {
        return None;
    }
    let mut again = Vec::with_capacity(payload.len());
    join(shape, &fields, &mut again);
    (again == payload).then_some((shape, fields))
}

fn take_field<'a>(kind: Kind, items: &mut &'a [u8]) -> Option<&'a [u8]> {
    if let List(_) = kind {
        let before = *items;
        Header::decode_bytes(items, true).ok()?;
        return Some(&before[..before.len() - items.len()]);
    }
    let field = Header::decode_bytes(items, false).ok()?;
    let integer_of = |max: usize| field.len() <= max && field.first() != Some(&0);
    let fits = match kind {
        Nonce => integer_of(8),
        Amount | Signature => integer_of(32),
        Parity => field.is_empty() || field == [1],
        Repeats(_) | Data | List(_) => true,
    };
    fits.then_some(field)
}

/// The payload of these fields.
pub(super) fn join<F: AsRef<[u8]>>(shape: u8, fields: &[F], out: &mut Vec<u8>) {
    let kinds = fields_of(shape).unwrap_or_default();
    let is_list = |kind: &Kind| matches!(kind, List(_));
    let payload_length = kinds
        .iter()
        .zip(fields)
        .map(|(kind, field)| if is_list(kind) { field.as_ref().len() } else { field.as_ref().length() })
        .sum();
    if shape != 0 {
        out.push(shape);
    }
    Header { list: true, payload_length }.encode(out);
    for (kind, field) in kinds.iter().zip(fields) {
        if is_list(kind) { out.extend_from_slice(field.as_ref()) } else { field.as_ref().encode(out) }
    }
}
