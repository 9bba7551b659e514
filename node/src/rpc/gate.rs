//! [`Gate`]: who may call what, how often, and how many costly calls run at once.
//!
//! ```text
//! call ─ known? ─ rate of the address ─ share of the connection ─ slot of its class ─> runs
//!          │            │                        └──────┬──────┘
//!       -32601        -32005                  waits, then -32005
//! ```

use super::clients::Client;
use super::errors::{self, Fault};
use super::limits::{RATE_CLIENTS_MAX, RpcConfig, call_slots, scan_slots};
use governor::{DefaultKeyedRateLimiter, Quota, RateLimiter};
use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Calls between two looks at how many addresses are remembered.
const SWEEP_EVERY: u32 = 4_096;
/// Reads of blocks that run at once.
const READ_SLOTS: usize = 8;

/// What a method costs, and so where it waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    /// Answered from memory, or by one look into the store.
    Quick,
    /// Hands over a transaction; bounded by the ingest queue.
    Submit,
    /// Reads whole blocks.
    Read,
    /// Executes within the call's gas.
    Call,
    /// Goes over many blocks, or executes with a tracer.
    Scan,
    /// Needs a websocket.
    Subscribe,
    /// Ends what [`Self::Subscribe`] began.
    Unsubscribe,
}

impl Class {
    /// What one call counts for in the address's rate.
    fn cost(self) -> NonZeroU32 {
        let cost = match self {
            Self::Quick | Self::Submit => 1,
            Self::Read | Self::Subscribe | Self::Unsubscribe => 4,
            Self::Call => 10,
            Self::Scan => 50,
        };
        NonZeroU32::new(cost).unwrap_or(NonZeroU32::MIN)
    }
}

/// Permits of one running call; nothing for cheap ones.
#[derive(Debug)]
pub(super) struct Running(#[expect(dead_code, reason = "held, not read")] Option<[OwnedSemaphorePermit; 2]>);

/// See the module.
#[derive(Debug)]
pub(super) struct Gate {
    classes: HashMap<&'static str, Class>,
    rate: Option<DefaultKeyedRateLimiter<IpAddr>>,
    burst: u32,
    calls_seen: AtomicU32,
    reads: Arc<Semaphore>,
    calls: Arc<Semaphore>,
    scans: Arc<Semaphore>,
    patience: Duration,
}

impl Gate {
    /// A gate for these methods.
    pub(super) fn new(config: &RpcConfig, classes: HashMap<&'static str, Class>) -> Self {
        let quota = NonZeroU32::new(config.rate).map(|rate| {
            Quota::per_second(rate).allow_burst(NonZeroU32::new(config.rate_burst).unwrap_or(rate))
        });
        Self {
            classes,
            burst: quota.map_or(u32::MAX, |quota| quota.burst_size().get()),
            rate: quota.map(RateLimiter::keyed),
            calls_seen: AtomicU32::new(0),
            reads: Arc::new(Semaphore::new(READ_SLOTS)),
            calls: Arc::new(Semaphore::new(call_slots(config))),
            scans: Arc::new(Semaphore::new(scan_slots(config))),
            patience: Duration::from_millis(config.queue_timeout_ms),
        }
    }

    /// The method's name as ours and its class.
    pub(super) fn class(&self, method: &str) -> Option<(&'static str, Class)> {
        self.classes.get_key_value(method).map(|(name, class)| (*name, *class))
    }

    /// Waits until a call of `class` may run.
    pub(super) async fn enter(&self, client: &Client, class: Class) -> Result<Running, Fault> {
        self.check_rate(client.ip, class)?;
        let slots = match class {
            Class::Quick | Class::Submit | Class::Subscribe | Class::Unsubscribe => {
                return Ok(Running(None));
            }
            Class::Read => &self.reads,
            Class::Call => &self.calls,
            Class::Scan => &self.scans,
        };
        let turn = async {
            // One connection's calls wait for one another first, so that it can't fill the common queue.
            let own = client.slots.clone().acquire_owned().await.ok()?;
            let common = slots.clone().acquire_owned().await.ok()?;
            Some([own, common])
        };
        match tokio::time::timeout(self.patience, turn).await {
            Ok(Some(permits)) => Ok(Running(Some(permits))),
            Ok(None) => Err(errors::internal("the server is stopping")),
            Err(_) => Err(errors::limit("too many calls are running; try again later")),
        }
    }

    fn check_rate(&self, ip: IpAddr, class: Class) -> Result<(), Fault> {
        let Some(rate) = &self.rate else { return Ok(()) };
        if self.calls_seen.fetch_add(1, Ordering::Relaxed) % SWEEP_EVERY == 0 && rate.len() > RATE_CLIENTS_MAX
        {
            rate.retain_recent();
        }
        let cost = class.cost().min(NonZeroU32::new(self.burst).unwrap_or(NonZeroU32::MIN));
        match rate.check_key_n(&ip, cost) {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(errors::limit("request rate exceeded")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::clients::Clients;
    use super::*;

    const IP: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn gate(config: &RpcConfig) -> Gate {
        Gate::new(config, HashMap::from([("eth_call", Class::Call)]))
    }

    #[tokio::test]
    async fn a_full_class_makes_others_wait_and_then_refuses() {
        let config = RpcConfig { call_slots: 1, queue_timeout_ms: 20, ..RpcConfig::default() };
        let gate = gate(&config);
        let place = Arc::new(Clients::new(4, 2, 4)).admit(IP).unwrap();
        let running = gate.enter(&place.client, Class::Call).await.unwrap();
        assert_eq!(gate.enter(&place.client, Class::Call).await.unwrap_err().code(), errors::LIMIT);
        assert!(gate.enter(&place.client, Class::Quick).await.is_ok(), "cheap calls don't wait");
        assert!(gate.enter(&place.client, Class::Scan).await.is_ok(), "other classes don't wait");
        drop(running);
        assert!(gate.enter(&place.client, Class::Call).await.is_ok());
    }

    #[tokio::test]
    async fn the_rate_of_one_address_is_bounded() {
        let config = RpcConfig { rate: 1, rate_burst: 5, ..RpcConfig::default() };
        let gate = gate(&config);
        let clients = Arc::new(Clients::new(4, 2, 4));
        let (place, other) = (clients.admit(IP).unwrap(), clients.admit([10, 0, 0, 1].into()).unwrap());
        assert!(gate.enter(&place.client, Class::Call).await.is_ok(), "more than the burst still runs alone");
        assert_eq!(gate.enter(&place.client, Class::Quick).await.unwrap_err().code(), errors::LIMIT);
        assert!(gate.enter(&other.client, Class::Quick).await.is_ok());
    }
}
