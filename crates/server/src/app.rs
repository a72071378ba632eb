//! What the handlers share.

use std::{sync::Arc, time::Instant};

use crate::{
    corrections::Corrections, examples::Examples, models::ModelFolder, origin_check::Hosts,
    reports::Reports, request::BodyMemory, training::Training, workers::Workers,
};

/// What the handlers share.
pub(crate) struct App {
    pub(crate) hosts: Hosts,
    pub(crate) models: Arc<ModelFolder>,
    pub(crate) workers: Workers,
    pub(crate) bodies: BodyMemory,
    pub(crate) corrections: Corrections,
    pub(crate) examples: Arc<Examples>,
    pub(crate) reports: Reports,
    pub(crate) training: Training,
    pub(crate) colours: String,
    pub(crate) started: Instant,
}
