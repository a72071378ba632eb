//! `bakeoff completions`

use clap::CommandFactory as _;

use crate::{
    args::{Cli, CompletionsArgs},
    text,
};

pub(crate) fn main(args: CompletionsArgs) -> anyhow::Result<()> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "bakeoff", &mut script);
    text::print_exact(&script)
}
