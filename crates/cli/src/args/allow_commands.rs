//! Consent to run the programs of saved models that came from elsewhere.

use clap::Args;

/// The consent, wherever saved models are asked.
#[derive(Args, Clone, Copy)]
pub(crate) struct AllowCommands {
    /// Run the programs of saved models of the family `command` that were not trained here by
    /// you: only if you know where they come from
    #[arg(long)]
    allow_commands: bool,
}

impl AllowCommands {
    /// Gives the consent, if it was given.
    pub(crate) fn apply(self) {
        if self.allow_commands {
            bakeoff_zoo::allow_commands();
        }
    }
}
