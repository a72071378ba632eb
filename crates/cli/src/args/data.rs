//! `bakeoff data`, and how data are opened.

use std::path::PathBuf;

use bakeoff_core::{Colour, Fit, OpenOptions, Size};
use clap::{Args, Subcommand, builder::PossibleValuesParser};

use super::{allow_commands::AllowCommands, models_dir::ModelsDir};
use crate::numbers::whole;

#[derive(Args)]
pub(crate) struct DataArgs {
    #[command(subcommand)]
    pub(crate) command: DataCommand,
}

#[derive(Subcommand)]
pub(crate) enum DataCommand {
    /// List the datasets with a name, and the kinds of folder and file that can be read
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
    /// Download a well-known dataset, to open it by its name
    Get(DataGetArgs),
    /// Show the samples per class, and write overviews of the images
    Show(Box<DataShowArgs>),
    /// Look for what is wrong with the data: test images in the training part, repeated, nearly the
    /// same and blank images, conflicting labels, missing and rare classes, parts that differ
    Check(Box<DataCheckArgs>),
    /// Write a dataset as one file, named by its fingerprint, for other machines
    Pack(Box<DataPackArgs>),
}

#[derive(Args)]
#[command(
    after_help = "Files go to $BAKEOFF_DATA, or to where the system keeps the data of programs (on \
Linux ~/.local/share/bakeoff), and are checked by their checksums. A download that stopped is continued by the same \
command. Proxies are taken from the environment (https_proxy)."
)]
pub(crate) struct DataGetArgs {
    /// The names (see `bakeoff data list`)
    #[arg(value_name = "NAME", required = true, value_parser = PossibleValuesParser::new(bakeoff_data::downloads().iter().map(|it| it.name)))]
    pub(crate) names: Vec<String>,
    /// Take the files from another server: the address of the folder that holds them
    #[arg(long, value_name = "URL")]
    pub(crate) from: Option<String>,
    /// Show no progress
    #[arg(long, short)]
    pub(crate) quiet: bool,
}

#[derive(Args)]
pub(crate) struct DataCheckArgs {
    /// A built-in name, or a folder, archive or file (see `bakeoff data list`)
    #[arg(value_name = "NAME|PATH")]
    pub(crate) dataset: String,
    #[command(flatten)]
    pub(crate) open: OpenArgs,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
#[command(
    after_help = "The file holds the images as models see them, with labels, class names and all parts. Its path is a \
dataset too. `bakeoff trial` looks for it by its fingerprint in the run's folder `data`, and in $BAKEOFF_PACKS."
)]
pub(crate) struct DataPackArgs {
    /// A built-in name, or a folder, archive or file (see `bakeoff data list`)
    #[arg(value_name = "NAME|PATH")]
    pub(crate) dataset: String,
    #[command(flatten)]
    pub(crate) open: OpenArgs,
    /// The folder for the file
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct DataShowArgs {
    /// A built-in name, or a folder, archive or file (see `bakeoff data list`)
    #[arg(value_name = "NAME|PATH")]
    pub(crate) dataset: String,
    #[command(flatten)]
    pub(crate) open: OpenArgs,
    /// Write an overview of the images as PNG: a row per class
    #[arg(long, value_name = "FILE.png")]
    pub(crate) sheet: Option<PathBuf>,
    /// Write an overview of corrupted test images as PNG: a row per corruption, each
    /// image first unchanged and then in five severities
    #[arg(long, value_name = "FILE.png")]
    pub(crate) corruptions: Option<PathBuf>,
    /// Images per class in the overview
    #[arg(long, value_name = "N", default_value = "20", value_parser = whole::<usize>(1, u64::MAX))]
    pub(crate) per_class: usize,
    /// Show how this saved model sees image files: what it has no answer for, warnings, and
    /// with --sheet what it sees
    #[arg(long, short, value_name = "NAME", conflicts_with_all = ["size", "fit", "colour", "corruptions"])]
    pub(crate) model: Option<String>,
    #[command(flatten)]
    pub(crate) models_dir: ModelsDir,
    #[command(flatten)]
    pub(crate) allow_commands: AllowCommands,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// How data are opened: the settings of an experiment that do the same have the same names.
#[derive(Args)]
pub(crate) struct OpenArgs {
    /// Resample all images to this size in pixels, by area
    #[arg(long, value_name = "SIDE|HEIGHTxWIDTH")]
    size: Option<Size>,
    /// How images of other proportions are fitted to that size
    #[arg(long, value_name = "HOW", value_parser = PossibleValuesParser::new(Fit::ALL.map(Fit::name)), default_value = "stretch")]
    fit: String,
    /// Read images as grey, as rgb, or (auto) as grey only if all of them are
    #[arg(long, value_name = "CHANNELS", value_parser = PossibleValuesParser::new(Colour::ALL.map(Colour::name)), default_value = "auto")]
    colour: String,
    /// Use this share of the images for testing, where the data have no test part
    #[arg(long, value_name = "SHARE", value_parser = share)]
    test_fraction: Option<f64>,
    /// Seed of that split
    #[arg(long, value_name = "N", requires = "test_fraction", default_value = "1", value_parser = whole::<u64>(0, u64::MAX))]
    split_seed: u64,
    /// With it: a column of the table, such as writer, of which no value is in both parts
    #[arg(long, value_name = "COLUMN", requires = "test_fraction")]
    group: Option<String>,
    /// The column of a table that holds the labels: its name, or its number from 1 where the columns have no names
    #[arg(long, value_name = "COLUMN")]
    label: Option<String>,
    /// The number that stands for white in a table of pixels, if it is not 255
    #[arg(long, value_name = "VALUE", value_parser = brightness)]
    pixel_max: Option<f64>,
}

impl OpenArgs {
    /// As the library takes them.
    pub(crate) fn options(&self) -> OpenOptions {
        let fit = Fit::ALL.into_iter().find(|fit| fit.name() == self.fit);
        let colour = Colour::ALL
            .into_iter()
            .find(|colour| colour.name() == self.colour);
        OpenOptions {
            size: self.size.map(|Size(sides)| sides),
            fit: fit.unwrap_or_default(),
            colour: colour.unwrap_or_default(),
            test_fraction: self.test_fraction,
            split_seed: self.test_fraction.map(|_| self.split_seed),
            group: self.group.clone(),
            label: self.label.clone(),
            pixel_max: self.pixel_max,
            ..OpenOptions::default()
        }
    }
}

/// A share of the images.
fn share(value: &str) -> Result<f64, String> {
    let number = value.parse::<f64>().ok();
    number
        .filter(|x| *x > 0.0 && *x <= 0.9)
        .ok_or_else(|| "a share is a number above 0 and up to 0.9".to_owned())
}

/// What stands for white.
fn brightness(value: &str) -> Result<f64, String> {
    let number = value.parse::<f64>().ok();
    number
        .filter(|x| *x > 0.0 && *x <= 65_535.0)
        .ok_or_else(|| "a brightness is a number above 0 and up to 65535".to_owned())
}
