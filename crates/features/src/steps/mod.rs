//! A file for each step.

mod bank;
mod blur;
mod deskew;
mod hog;
mod k_means;
mod pca;
mod standardise;

pub(crate) use bank::Bank;
pub(crate) use blur::Blur;
pub(crate) use deskew::Deskew;
pub(crate) use hog::Hog;
pub(crate) use pca::Pca;
pub(crate) use standardise::Standardise;
