//! Consent to run the programs of saved models that came from elsewhere.

use clap::Args;

use crate::interrupt::{self, Signals};

/// The consent, wherever saved models are asked.
#[derive(Args, Clone, Copy)]
pub(crate) struct AllowCommands {
    /// Run the programs of saved models of the family `command` that were not trained here by
    /// you: only if you know where they come from
    #[arg(long)]
    allow_commands: bool,
}

impl AllowCommands {
    /// Gives the consent, if it was given; from now on these signals end the programs that are
    /// asked, too.
    pub(crate) fn apply(self, signals: Signals) {
        interrupt::on(signals, Vec::new());
        if self.allow_commands {
            bakeoff_zoo::allow_commands();
        }
    }
}
