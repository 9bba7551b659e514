//! What a contract asks of the chain.

use bytes::Bytes;
use weft_state::ReadError;

/// A key and its value.
pub type Pair = (Vec<u8>, Bytes);

/// The chain as one call sees it: the contract's own storage and the queries.
///
/// `fuel` is what the call has left; each answer comes with what it used, which the engine takes off. An answer
/// may cost more than there was: then the call ends without it.
pub trait Host {
    /// The value under `key`.
    ///
    /// # Errors
    /// [`HostFault`].
    fn get(&mut self, key: &[u8], fuel: u64) -> Result<(u64, Option<Bytes>), HostFault>;

    /// Puts `value` under `key`.
    ///
    /// # Errors
    /// [`HostFault`].
    fn set(&mut self, key: &[u8], value: &[u8], fuel: u64) -> Result<u64, HostFault>;

    /// Takes `key` out; one that is not there is no error.
    ///
    /// # Errors
    /// [`HostFault`].
    fn remove(&mut self, key: &[u8], fuel: u64) -> Result<u64, HostFault>;

    /// The first `limit` pairs of `from <= key < to` in order, or the last ones in falling order.
    ///
    /// # Errors
    /// [`HostFault`].
    fn range(
        &mut self,
        from: &[u8],
        to: Option<&[u8]>,
        descending: bool,
        limit: usize,
        fuel: u64,
    ) -> Result<(u64, Vec<Pair>), HostFault>;

    /// Answers a query: the JSON of `SystemResult<ContractResult<Binary>>`.
    ///
    /// # Errors
    /// [`HostFault`].
    fn query(&mut self, request: &[u8], fuel: u64) -> Result<(u64, Vec<u8>), HostFault>;
}

/// Why the host gave no answer.
#[derive(Debug)]
pub enum HostFault {
    /// It would cost more than there is; all fuel is used.
    OutOfFuel,
    /// The store failed: the call and its block are abandoned.
    Read(ReadError),
}

impl From<ReadError> for HostFault {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}
