//! Numbers on the command line, refused with what is allowed.

use clap::Command;

/// More threads than this help on no machine and take minutes to start.
pub(crate) const MAX_THREADS: u64 = 1024;

/// Takes `-1` after a flag for its value, so that the error says what is allowed, and not that
/// there is no flag `-1`.
pub(crate) fn numbers_may_be_negative(command: Command) -> Command {
    command
        .mut_args(|argument| {
            let takes_values = argument.get_action().takes_values();
            let is_flag = argument.get_long().is_some();
            argument.allow_negative_numbers(is_flag && takes_values)
        })
        .mut_subcommands(numbers_may_be_negative)
}

/// A whole number in a range. Clap's own parser says of `-1` only that it has an invalid digit.
pub(crate) fn whole<T: TryFrom<u64>>(
    min: u64,
    max: u64,
) -> impl Fn(&str) -> Result<T, String> + Clone + Send + Sync + 'static {
    move |word| {
        let number = word
            .parse()
            .ok()
            .filter(|number| (min..=max).contains(number));
        number
            .and_then(|number| T::try_from(number).ok())
            .ok_or_else(|| match max {
                u64::MAX => format!("allowed: a whole number from {min}"),
                max => format!("allowed: a whole number from {min} to {max}"),
            })
    }
}
