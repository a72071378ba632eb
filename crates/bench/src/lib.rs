//! The harness: experiment to plan to trials to records.
