//! The flags that change an experiment, made from the table of its settings.

use bakeoff_bench::{Flag, Overrides, Setting, flags};
use clap::{
    Arg, ArgAction, ArgMatches, Args, Command, Error, FromArgMatches, error::ErrorKind,
    parser::ValueSource,
};

/// What the command line changes in an experiment.
#[derive(Default)]
pub(crate) struct OverrideArgs(pub(crate) Overrides);

impl Args for OverrideArgs {
    fn augment_args(command: Command) -> Command {
        command.args(flags().filter_map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

fn argument(setting: &'static Setting) -> Option<Arg> {
    let name = setting.flag.name()?;
    let argument = Arg::new(name).long(name).help(setting.help);
    Some(match setting.flag {
        Flag::None | Flag::Switch(..) => argument.action(ArgAction::SetTrue),
        Flag::One(_, value) => argument.value_name(value),
        Flag::Many(_, value) => argument
            .value_name(value)
            .value_delimiter(',')
            .action(ArgAction::Append),
    })
}

impl FromArgMatches for OverrideArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, Error> {
        let mut args = Self::default();
        args.update_from_arg_matches(matches)?;
        Ok(args)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), Error> {
        for setting in flags() {
            let Some(name) = setting.flag.name() else {
                continue;
            };
            if matches.value_source(name) != Some(ValueSource::CommandLine) {
                continue;
            }
            let words = match setting.flag {
                Flag::Switch(_, value) => vec![value],
                _ => matches
                    .get_many::<String>(name)
                    .into_iter()
                    .flatten()
                    .map(String::as_str)
                    .collect(),
            };
            self.0
                .set(name, &words)
                .map_err(|problem| Error::raw(ErrorKind::ValueValidation, problem))?;
        }
        Ok(())
    }
}
