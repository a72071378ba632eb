//! `bakeoff data get`

use anyhow::Context as _;
use bakeoff_data::{Download, DownloadProgress};
use indicatif::{ProgressBar, ProgressStyle};

use crate::{args::DataGetArgs, text};

pub(crate) fn main(args: &DataGetArgs) -> anyhow::Result<()> {
    for name in &args.names {
        let known = bakeoff_data::downloads().iter().find(|it| it.name == *name);
        get(known.context("not a dataset that can be downloaded")?, args)?;
    }
    Ok(())
}

fn get(download: &Download, args: &DataGetArgs) -> anyhow::Result<()> {
    if !bakeoff_data::is_name(download.name) {
        let size = download
            .bytes()
            .map(|bytes| format!(", {}", text::bytes(bytes)));
        text::note(format_args!(
            "{}{}: {}",
            download.title,
            size.unwrap_or_default(),
            download.summary
        ));
        text::note(format_args!("Source: {}", download.source));
        text::note(format_args!("Licence: {}", download.licence));
    }
    let bar = bar(args.quiet)?;
    let folder = download.get(args.from.as_deref(), &mut |progress| show(&bar, progress));
    bar.finish_and_clear();
    let folder = folder?;
    text::print_line(format_args!(
        "{} is in {}; compare models on it with `bakeoff run --dataset {}`",
        download.name,
        folder.display(),
        download.name
    ))
}

/// A bar with the bytes that are there, on a terminal only.
fn bar(quiet: bool) -> anyhow::Result<ProgressBar> {
    if quiet {
        return Ok(ProgressBar::hidden());
    }
    let style =
        "{msg}  {decimal_bytes} of {decimal_total_bytes}  {decimal_bytes_per_sec}  {eta} left";
    Ok(ProgressBar::no_length().with_style(ProgressStyle::with_template(style)?))
}

fn show(bar: &ProgressBar, progress: DownloadProgress<'_>) {
    if bar.message() != progress.file {
        bar.reset();
        bar.set_message(progress.file.to_owned());
    }
    match progress.all {
        Some(all) => bar.set_length(all),
        None => bar.unset_length(),
    }
    bar.set_position(progress.done);
}
