//! Several endpoints: which to ask next, and which to leave alone for a while.

use super::endpoint::Endpoint;
use crate::layer::EndpointStatus;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The first time that a failing endpoint is left alone; doubles with each failure in a row.
const ASIDE_MIN: Duration = Duration::from_millis(100);
/// The longest that a failing endpoint is left alone.
const ASIDE_MAX: Duration = Duration::from_secs(30);
/// Doublings from [`ASIDE_MIN`] to past [`ASIDE_MAX`].
const DOUBLINGS_MAX: u32 = 9;

#[derive(Default)]
struct Health {
    aside: Option<(Instant, String)>,
    failures: u32,
    lies: u64,
}

pub(super) struct Pool {
    endpoints: Vec<Arc<Endpoint>>,
    health: Mutex<Vec<Health>>,
    liar_aside: Duration,
}

impl Pool {
    pub(super) fn new(endpoints: Vec<Endpoint>, liar_aside: Duration) -> Self {
        let health = Mutex::new(endpoints.iter().map(|_| Health::default()).collect());
        Self { endpoints: endpoints.into_iter().map(Arc::new).collect(), health, liar_aside }
    }

    pub(super) fn len(&self) -> usize {
        self.endpoints.len()
    }

    pub(super) fn get(&self, index: usize) -> &Arc<Endpoint> {
        &self.endpoints[index]
    }

    pub(super) fn name(&self, index: usize) -> &str {
        &self.endpoints[index].name
    }

    /// All endpoints, best first: those in good standing in the operator's order, then those that come back
    /// soonest. None is left out, since a doubtful endpoint is better than none: all it says is verified.
    pub(super) fn order(&self) -> Vec<usize> {
        let now = Instant::now();
        let health = self.health.lock();
        let until = |index: &usize| health[*index].aside.as_ref().map(|(until, _)| *until);
        let mut order: Vec<usize> = (0..self.endpoints.len()).collect();
        order.sort_by_key(|index| until(index).filter(|until| *until > now));
        order
    }

    /// The endpoint to ask first.
    pub(super) fn first(&self) -> usize {
        self.order().first().copied().unwrap_or_default()
    }

    /// It answered as it should.
    pub(super) fn answered(&self, index: usize) {
        let mut health = self.health.lock();
        let health = &mut health[index];
        health.failures = 0;
        if health.aside.as_ref().is_some_and(|(until, _)| *until <= Instant::now()) {
            health.aside = None;
        }
    }

    /// It failed: leave it alone, longer each time.
    pub(super) fn failed(&self, index: usize, why: &str) {
        let mut health = self.health.lock();
        let health = &mut health[index];
        let time = ASIDE_MIN.saturating_mul(1 << health.failures.min(DOUBLINGS_MAX)).min(ASIDE_MAX);
        health.failures = health.failures.saturating_add(1);
        set_aside(health, time, why);
        tracing::warn!(endpoint = self.name(index), why, "Celestia endpoint failed");
    }

    /// It gave data that does not verify.
    pub(super) fn lied(&self, index: usize, what: &str) {
        let mut health = self.health.lock();
        let health = &mut health[index];
        health.lies = health.lies.saturating_add(1);
        set_aside(health, self.liar_aside, what);
        tracing::error!(
            endpoint = self.name(index),
            what,
            "Celestia endpoint gave data that does not verify, and is put aside"
        );
    }

    pub(super) fn status(&self) -> Vec<EndpointStatus> {
        let now = Instant::now();
        let health = self.health.lock();
        let status = |(endpoint, health): (&Arc<Endpoint>, &Health)| EndpointStatus {
            name: endpoint.name.clone(),
            aside: health.aside.as_ref().filter(|(until, _)| *until > now).map(|(_, why)| why.clone()),
            lies: health.lies,
        };
        self.endpoints.iter().zip(health.iter()).map(status).collect()
    }
}

/// Never shortens the time: a liar that also fails stays aside as a liar.
fn set_aside(health: &mut Health, time: Duration, why: &str) {
    let until = Instant::now() + time;
    if health.aside.as_ref().is_none_or(|(old, _)| *old < until) {
        health.aside = Some((until, why.to_owned()));
    }
}
