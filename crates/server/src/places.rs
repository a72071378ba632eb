//! The places for connections, and who has to leave when all are taken.
//!
//! A connection that waits for its client (a head or a body that comes slowly, an answer that is taken in
//! slowly, nothing at all) costs the client nothing and us a place. When there is no free place and somebody
//! else comes, the one that has waited longest leaves, if it has for [`GRACE`]. So clients that
//! dawdle, however many, never keep others out; and where all places are at work, others wait.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use tokio::{
    sync::{Notify, OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

/// For so long a client may keep us waiting though others want its place.
const GRACE: Duration = Duration::from_secs(1);

/// How often it is looked for one that has to leave.
const PAUSE: Duration = Duration::from_millis(50);

/// A number of places.
pub(crate) struct Places {
    free: Arc<Semaphore>,
    most: u32,
    taken: Mutex<Taken>,
}

#[derive(Default)]
struct Taken {
    next: u64,
    places: HashMap<u64, Holder>,
}

struct Holder {
    /// Since when we wait for the client; `None` while the client waits for us.
    waits_since: Option<Instant>,
    leave: Arc<Notify>,
}

/// A place that is taken until this is dropped.
pub(crate) struct Place {
    watch: Watch,
    leave: Arc<Notify>,
    _permit: OwnedSemaphorePermit,
}

/// Who waits at a place.
#[derive(Clone)]
pub(crate) struct Watch {
    places: Arc<Places>,
    number: u64,
}

impl Places {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        let most = most.clamp(1, Semaphore::MAX_PERMITS);
        Arc::new(Self {
            free: Arc::new(Semaphore::new(most)),
            most: u32::try_from(most).unwrap_or(u32::MAX),
            taken: Mutex::default(),
        })
    }

    fn taken(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a place, as soon as there is one.
    pub(crate) async fn take(self: &Arc<Self>) -> Place {
        let permit = loop {
            let permit = Arc::clone(&self.free).acquire_owned();
            // The semaphore is never closed.
            if let Ok(Ok(permit)) = timeout(PAUSE, permit).await {
                break permit;
            }
            self.send_away_one();
        };
        let leave = Arc::new(Notify::new());
        let mut taken = self.taken();
        let number = taken.next;
        taken.next += 1;
        let holder = Holder {
            waits_since: Some(Instant::now()),
            leave: Arc::clone(&leave),
        };
        taken.places.insert(number, holder);
        drop(taken);
        Place {
            watch: Watch {
                places: Arc::clone(self),
                number,
            },
            leave,
            _permit: permit,
        }
    }

    fn send_away_one(&self) {
        let taken = self.taken();
        let waiting = taken
            .places
            .values()
            .filter_map(|holder| Some((holder.waits_since?, &holder.leave)));
        if let Some((_, leave)) = waiting
            .min_by_key(|(since, _)| *since)
            .filter(|(since, _)| since.elapsed() >= GRACE)
        {
            leave.notify_one();
        }
    }

    /// Waits until all places are free.
    pub(crate) async fn all_free(&self) {
        let _ = self.free.acquire_many(self.most).await;
    }
}

impl Watch {
    /// Whether we wait for the client from now on, or the client for us.
    pub(crate) fn waits_for_client(&self, waits: bool) {
        if let Some(holder) = self.places.taken().places.get_mut(&self.number) {
            holder.waits_since = waits.then(Instant::now);
        }
    }
}

impl Place {
    /// Who waits here.
    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
    }

    /// Ends when this connection has to leave.
    pub(crate) async fn has_to_leave(&self) {
        self.leave.notified().await;
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.watch.places.taken().places.remove(&self.watch.number);
    }
}
