//! A run in a store of objects: what machines without a shared disk need, and what they bring back.
//!
//! ```text
//! run.json, plan.jsonl, tests/, cuts/, data/     as in the run's folder; run.json is put last
//! records/<id>.json, records/<id>-<hash>.safetensors
//! models/<id>/manifest.json, models/<id>/weights-<hash>.safetensors
//! ```
//!
//! A record is put after all that belongs to it, so that what has a record is whole. No object is
//! ever replaced or removed. A record that has to be replaced, because it is damaged or says "failed" of
//! a limit that is larger now, gets a successor instead: `<id>.2` in place of `<id>`, and so on. The
//! one of the highest number counts, so that all machines agree on it without a lock.

mod generation;
mod models;
mod receive;
mod send;
mod shared;

pub use self::{
    receive::{Pulled, Stored},
    send::{Pushed, Sent},
    shared::SharedRun,
};
