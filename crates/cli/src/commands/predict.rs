//! `bakeoff predict`

use std::{
    fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use bakeoff_core::Images;
use bakeoff_data::picture;
use bakeoff_zoo::{FindError, LoadedModel};
use serde::Serialize;

use crate::{
    args::PredictArgs,
    table::{Align, table},
    text,
};

/// One class and how probable a model finds it.
#[derive(Serialize)]
struct Candidate {
    class: String,
    probability: f32,
}

/// One model's answer to one picture.
#[derive(Serialize)]
struct Answer {
    model: String,
    class: String,
    probability: f32,
    top: Vec<Candidate>,
}

/// A line of `--json`.
#[derive(Serialize)]
struct PictureLine {
    image: PathBuf,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    predictions: Vec<Answer>,
}

pub(crate) fn main(args: &PredictArgs) -> anyhow::Result<ExitCode> {
    let models = match &args.model {
        Some(name) => vec![bakeoff_zoo::load(&find(&args.models_dir, name)?)?],
        None => load_all(&args.models_dir)?,
    };
    let mut failed = false;
    for image in &args.images {
        let line = answer(image, &models, args.top);
        failed |= line.error.is_some();
        if args.json {
            text::print_json(&line)?;
            continue;
        }
        let shown = text::path(image);
        for warning in &line.warnings {
            eprintln!("{shown}: note: {warning}");
        }
        match &line.error {
            Some(error) => eprintln!("{shown}: {error}"),
            None if args.all => text::print(&side_by_side(&line))?,
            None => text::print(&one_line(&line))?,
        }
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

/// The folder of a saved model, or how to get one.
pub(crate) fn find(models: &Path, name: &str) -> anyhow::Result<PathBuf> {
    bakeoff_zoo::find(models, name).map_err(|error| match &error {
        FindError::Unknown { name, .. } => {
            // `mnist/cnn` is trained by running the experiment's model `cnn`.
            let short = name.rsplit('/').next().unwrap_or(name);
            let hint = match bakeoff_zoo::family(short) {
                Ok(_) => format!("train it with `bakeoff run --models {short}`"),
                Err(_) => "train models with `bakeoff run`".to_owned(),
            };
            anyhow::anyhow!("{error}\n{hint}")
        }
        _ => error.into(),
    })
}

/// Every saved model that can be read; the others are named and left out.
fn load_all(models: &Path) -> anyhow::Result<Vec<LoadedModel>> {
    let mut loaded = Vec::new();
    let listed = bakeoff_zoo::list(models)?;
    let found = listed.len();
    for listed in listed {
        match listed
            .manifest
            .and_then(|_| bakeoff_zoo::load(&listed.folder))
        {
            Ok(model) => loaded.push(model),
            Err(error) => eprintln!("{}: left out: {error}", listed.full_name),
        }
    }
    if loaded.is_empty() {
        let which = if found == 0 {
            "are no"
        } else {
            "are no readable"
        };
        anyhow::bail!(
            "there {which} saved models in {}; train them with `bakeoff run`",
            models.display()
        );
    }
    Ok(loaded)
}

fn answer(image: &Path, models: &[LoadedModel], top: usize) -> PictureLine {
    let mut line = PictureLine {
        image: image.to_owned(),
        warnings: Vec::new(),
        error: None,
        predictions: Vec::new(),
    };
    match answers(image, models, top, &mut line.warnings) {
        Ok(predictions) => line.predictions = predictions,
        Err(error) => line.error = Some(text::chain(&error)),
    }
    line
}

fn answers(
    image: &Path,
    models: &[LoadedModel],
    top: usize,
    warnings: &mut Vec<String>,
) -> anyhow::Result<Vec<Answer>> {
    let bytes = fs::read(image).context("cannot be read")?;
    // Models of one input shape share one prepared picture.
    let mut prepared: Vec<Images> = Vec::new();
    let mut answers = Vec::with_capacity(models.len());
    for loaded in models {
        let shape = loaded.manifest.input_shape;
        let known = prepared.iter().position(|images| images.shape() == shape);
        let images = match known {
            Some(position) => prepared[position].clone(),
            None => {
                let done = picture::prepare(&bytes, shape)?;
                for warning in &done.warnings {
                    let warning = warning.to_string();
                    if !warnings.contains(&warning) {
                        warnings.push(warning);
                    }
                }
                prepared.push(done.images.clone());
                done.images
            }
        };
        let name = loaded.manifest.full_name();
        let probabilities = loaded
            .model
            .predict_proba(&images)
            .with_context(|| name.clone())?;
        let predicted = usize::from(
            probabilities
                .predicted()
                .first()
                .copied()
                .unwrap_or_default(),
        );
        let row = probabilities.row(0);
        let mut order: Vec<usize> = (0..row.len()).collect();
        // Stable, so that equals stay in the order of the classes, as in `predicted`.
        order.sort_by(|&a, &b| row[b].total_cmp(&row[a]));
        let class_name = |class: usize| loaded.manifest.facts.class_names[class].clone();
        answers.push(Answer {
            model: name,
            class: class_name(predicted),
            probability: row[predicted],
            top: order
                .iter()
                .take(top)
                .map(|&class| Candidate {
                    class: class_name(class),
                    probability: row[class],
                })
                .collect(),
        });
    }
    Ok(answers)
}

fn one_line(line: &PictureLine) -> String {
    let Some(answer) = line.predictions.first() else {
        return String::new();
    };
    let others = runners_up(answer);
    format!(
        "{}: {}  {}{}{others}\n",
        text::path(&line.image),
        answer.class,
        text::percent(Some(f64::from(answer.probability))),
        if others.is_empty() { "" } else { "   then " },
    )
}

/// The candidates after the answer, most probable first.
fn runners_up(answer: &Answer) -> String {
    answer
        .top
        .iter()
        .skip(1)
        .map(|candidate| {
            format!(
                "{} {}",
                candidate.class,
                text::percent(Some(f64::from(candidate.probability)))
            )
        })
        .collect::<Vec<_>>()
        .join(", ")
}

fn side_by_side(line: &PictureLine) -> String {
    let rows: Vec<Vec<String>> = line
        .predictions
        .iter()
        .map(|answer| {
            vec![
                answer.model.clone(),
                answer.class.clone(),
                text::percent(Some(f64::from(answer.probability))),
                runners_up(answer),
            ]
        })
        .collect();
    let header = [
        ("model", Align::Left),
        ("answer", Align::Left),
        ("probability", Align::Right),
        ("then", Align::Left),
    ];
    format!("{}\n{}\n", text::path(&line.image), table(&header, &rows))
}
