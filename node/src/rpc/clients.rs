//! [`Clients`]: the connections, and which of them makes room when there are too many.
//!
//! A client that opens many connections and sends its headers a byte at a time would hold them all. So a new
//! connection takes the place of the one that has been waiting longest for its client to say something.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// One connection.
#[derive(Debug)]
pub(super) struct Client {
    /// Where it comes from: whose rate counts.
    pub(super) ip: IpAddr,
    /// Fires when the connection has to make room.
    pub(super) evicted: CancellationToken,
    /// Costly calls that it may run or have waiting.
    pub(super) slots: Arc<Semaphore>,
    /// Calls, or batches, that it may have in flight.
    pub(super) in_flight: Semaphore,
    busy: AtomicBool,
    /// Lower: waiting for longer.
    waiting_since: AtomicU64,
}

/// All connections.
#[derive(Debug)]
pub(super) struct Clients {
    /// Counts what happened, so that it is known who waits since when.
    turns: AtomicU64,
    max: usize,
    slots: usize,
    in_flight: usize,
    open: Mutex<Open>,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    clients: HashMap<u64, Arc<Client>>,
}

/// A place among the connections, given back on drop.
#[derive(Debug)]
pub(super) struct Place {
    clients: Arc<Clients>,
    id: u64,
    /// Whose it is.
    pub(super) client: Arc<Client>,
}

impl Clients {
    /// Room for `max` connections, each with `slots` costly calls and `in_flight` calls.
    pub(super) fn new(max: usize, slots: usize, in_flight: usize) -> Self {
        Self { turns: AtomicU64::new(0), max, slots, in_flight, open: Mutex::default() }
    }

    /// A place for a new connection. Where there is none, the one that waits longest is told to leave; where
    /// all are busy there is no place.
    pub(super) fn admit(self: &Arc<Self>, ip: IpAddr) -> Option<Place> {
        let mut open = self.open.lock();
        if open.clients.len() >= self.max {
            let (id, client) = open
                .clients
                .iter()
                .filter(|(_, client)| !client.busy.load(Ordering::Relaxed))
                .min_by_key(|(id, client)| (client.waiting_since.load(Ordering::Relaxed), **id))
                .map(|(id, client)| (*id, client.clone()))?;
            open.clients.remove(&id);
            client.evicted.cancel();
        }
        let id = open.next;
        open.next = open.next.wrapping_add(1);
        let client = Arc::new(Client {
            ip,
            evicted: CancellationToken::new(),
            slots: Arc::new(Semaphore::new(self.slots)),
            in_flight: Semaphore::new(self.in_flight),
            busy: AtomicBool::new(false),
            waiting_since: AtomicU64::new(self.turn()),
        });
        open.clients.insert(id, client.clone());
        Some(Place { clients: self.clone(), id, client })
    }

    /// The client is being answered: it keeps its place until the guard is dropped.
    pub(super) fn busy(self: &Arc<Self>, client: &Arc<Client>) -> Busy {
        client.busy.store(true, Ordering::Relaxed);
        Busy { clients: self.clone(), client: client.clone() }
    }

    /// Connections now.
    pub(super) fn count(&self) -> usize {
        self.open.lock().clients.len()
    }

    fn turn(&self) -> u64 {
        self.turns.fetch_add(1, Ordering::Relaxed)
    }
}

/// See [`Clients::busy`].
#[derive(Debug)]
pub(super) struct Busy {
    clients: Arc<Clients>,
    client: Arc<Client>,
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.client.waiting_since.store(self.clients.turn(), Ordering::Relaxed);
        self.client.busy.store(false, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.clients.open.lock().clients.remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    #[test]
    fn the_one_that_waits_longest_makes_room() {
        let clients = Arc::new(Clients::new(2, 1, 1));
        let first = clients.admit(IP).unwrap();
        let second = clients.admit(IP).unwrap();
        // The first says something, so the second is now the one that waits longest.
        drop(clients.busy(&first.client));
        let third = clients.admit(IP).unwrap();
        assert!(second.client.evicted.is_cancelled());
        assert!(!first.client.evicted.is_cancelled());
        assert_eq!(clients.count(), 2);

        let _one = clients.busy(&first.client);
        let two = clients.busy(&third.client);
        assert!(clients.admit(IP).is_none(), "nobody leaves in the middle of an answer");
        drop(two);
        assert!(clients.admit(IP).is_some());
        drop((first, second, third));
        assert_eq!(clients.count(), 0);
    }
}
