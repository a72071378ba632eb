//! `bakeoff predict`

use std::{
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::Context as _;
use bakeoff_core::Images;
use bakeoff_picture::prepare;
use bakeoff_report::terminal::{Align, table};
use bakeoff_store::{FindError, LoadedModel};
use serde::{Serialize, Serializer};

use super::pictures::{self, Fault, Source};
use crate::{args::PredictArgs, preview::Preview, text};

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
    #[serde(serialize_with = "lossy")]
    image: PathBuf,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    predictions: Vec<Answer>,
    #[serde(skip)]
    fault: Option<Fault>,
    /// The picture for each input shape that the models have.
    #[serde(skip)]
    prepared: Vec<Images>,
}

/// A path as text. A name that is no Unicode is told as well as it can be: one such
/// picture is no reason to leave the others unanswered.
fn lossy<S: Serializer>(path: &Path, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&path.to_string_lossy())
}

pub(crate) fn main(args: &PredictArgs) -> anyhow::Result<ExitCode> {
    let models = match &args.model {
        Some(name) => vec![bakeoff_store::load(
            &find(&args.models_dir, name)?,
            bakeoff_zoo::family,
        )?],
        None => load_all(&args.models_dir)?,
    };
    let sources = pictures::sources(&args.images);
    let mut lines = Vec::with_capacity(sources.len());
    for source in &sources {
        let line = answer(source, &models, args.top);
        if args.json {
            text::print_json(&line)?;
        }
        lines.push(line);
    }
    if !args.json {
        let preview = Preview::for_stdout(args.preview);
        match lines.as_slice() {
            [line] => show_one(line, args.all, preview)?,
            lines => text::print(&show_several(lines, &models, args.all))?,
        }
    }
    Ok(pictures::exit_code(
        lines.iter().filter_map(|line| line.fault.as_ref()),
    ))
}

/// The folder of a saved model, or how to get one.
pub(crate) fn find(models: &Path, name: &str) -> anyhow::Result<PathBuf> {
    bakeoff_store::find(models, name).map_err(|error| match &error {
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
    let listed = bakeoff_store::list(models)?;
    let found = listed.len();
    for listed in listed {
        match listed
            .manifest
            .and_then(|_| bakeoff_store::load(&listed.folder, bakeoff_zoo::family))
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

fn answer(source: &Source, models: &[LoadedModel], top: usize) -> PictureLine {
    let mut line = PictureLine {
        image: source.name(),
        warnings: Vec::new(),
        error: None,
        predictions: Vec::new(),
        fault: None,
        prepared: Vec::new(),
    };
    match answers(source, models, top, &mut line) {
        Ok(predictions) => line.predictions = predictions,
        Err(fault) => {
            line.error = Some(fault.message.clone());
            line.fault = Some(fault);
        }
    }
    line
}

fn answers(
    source: &Source,
    models: &[LoadedModel],
    top: usize,
    line: &mut PictureLine,
) -> Result<Vec<Answer>, Fault> {
    let bytes = source.read()?;
    let mut answers = Vec::with_capacity(models.len());
    for loaded in models {
        // Models of one input shape share one prepared picture.
        let shape = loaded.manifest.input_shape;
        let known = line.prepared.iter().find(|images| images.shape() == shape);
        let images = match known {
            Some(images) => images.clone(),
            None => {
                let done = prepare(&bytes, shape)?;
                for warning in &done.warnings {
                    let warning = warning.to_string();
                    if !line.warnings.contains(&warning) {
                        line.warnings.push(warning);
                    }
                }
                line.prepared.push(done.images.clone());
                done.images
            }
        };
        answers.push(ask(loaded, &images, top)?);
    }
    Ok(answers)
}

fn ask(loaded: &LoadedModel, images: &Images, top: usize) -> anyhow::Result<Answer> {
    let name = loaded.full_name.clone();
    let probabilities = loaded
        .model
        .predict_proba(images)
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
    Ok(Answer {
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
    })
}

/// One picture: what the models saw of it, and what they say.
fn show_one(line: &PictureLine, all: bool, preview: Preview) -> anyhow::Result<()> {
    let shown = text::path(&line.image);
    if let Some(images) = line.prepared.first() {
        text::print(&preview.draw(images))?;
    }
    for warning in &line.warnings {
        eprintln!("{shown}: note: {warning}");
    }
    match &line.error {
        Some(error) => eprintln!("{shown}: {error}"),
        None if all => text::print(&side_by_side(line))?,
        None => text::print(&one_line(line))?,
    }
    Ok(())
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
        percent(answer.probability),
        if others.is_empty() { "" } else { "   then " },
    )
}

fn percent(probability: f32) -> String {
    text::percent(Some(f64::from(probability)))
}

/// The candidates after the answer, most probable first.
fn runners_up(answer: &Answer) -> String {
    answer
        .top
        .iter()
        .skip(1)
        .map(|candidate| format!("{} {}", candidate.class, percent(candidate.probability)))
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
                percent(answer.probability),
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
    format!("{}\n{}", text::path(&line.image), table(&header, &rows))
}

/// Several pictures: a row for each, also for those that could not be answered.
fn show_several(lines: &[PictureLine], models: &[LoadedModel], all: bool) -> String {
    let mut header = vec![("picture", Align::Left)];
    if all {
        let names = models.iter().map(|model| model.full_name.as_str());
        header.extend(names.map(|name| (name, Align::Left)));
    } else {
        header.extend([
            ("answer", Align::Left),
            ("probability", Align::Right),
            ("then", Align::Left),
        ]);
    }
    if lines
        .iter()
        .any(|line| line.error.is_some() || !line.warnings.is_empty() || disagree(line))
    {
        header.push(("note", Align::Left));
    }
    let rows: Vec<Vec<String>> = lines
        .iter()
        .map(|line| row(line, all, models.len()))
        .collect();
    let mut out = table(&header, &rows);
    let failed = lines.iter().filter(|line| line.error.is_some()).count();
    if failed > 0 {
        out += &format!("\nNo answer to {failed} of {} pictures.\n", lines.len());
    }
    out
}

/// Whether two models give different answers.
fn disagree(line: &PictureLine) -> bool {
    let mut classes = line.predictions.iter().map(|answer| &answer.class);
    let first = classes.next();
    classes.any(|class| Some(class) != first)
}

fn row(line: &PictureLine, all: bool, models: usize) -> Vec<String> {
    let mut cells = vec![text::path(&line.image)];
    let mut notes = line.warnings.clone();
    match (&line.error, all) {
        (Some(error), _) => {
            // Behind the picture's name: its answer, probability and runners-up.
            let answers = if all { models } else { 3 };
            cells.resize(1 + answers, "–".into());
            notes.insert(0, error.clone());
        }
        (None, true) => {
            for answer in &line.predictions {
                cells.push(format!("{}  {}", answer.class, percent(answer.probability)));
            }
            if disagree(line) {
                notes.insert(0, "the models disagree".into());
            }
        }
        (None, false) => {
            for answer in &line.predictions {
                cells.extend([
                    answer.class.clone(),
                    percent(answer.probability),
                    runners_up(answer),
                ]);
            }
        }
    }
    cells.push(notes.join("; "));
    cells
}

#[cfg(all(test, unix))]
mod tests {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

    use super::*;

    #[test]
    fn a_name_that_is_no_unicode_does_not_break_the_line() {
        let line = PictureLine {
            image: OsStr::from_bytes(b"se\xffen.png").into(),
            warnings: Vec::new(),
            error: None,
            predictions: Vec::new(),
            fault: None,
            prepared: Vec::new(),
        };
        let json = serde_json::to_value(&line).expect("JSON");
        assert_eq!(json["image"], "se\u{fffd}en.png");
    }
}
