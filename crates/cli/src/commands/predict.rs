//! `bakeoff predict`

use std::{path::Path, process::ExitCode};

use anyhow::Context as _;
use bakeoff_ask::{Doubt, Inputs, Model, Models, Subject};
use bakeoff_data::is_pixel_table;
use bakeoff_measures::format;
use bakeoff_report::terminal::{Align, Lines, table};
use rayon::prelude::*;

use super::{
    answers::{Answer, PictureLine},
    pictures::{self, Fault, Source},
    predict_digits, predict_table,
};
use crate::{args::PredictArgs, interrupt::Signals, preview::Preview, text};

/// So many images are answered on all processors before their lines are printed.
const AT_ONCE: usize = 512;

pub(crate) fn main(args: &PredictArgs) -> anyhow::Result<ExitCode> {
    args.allow_commands.apply(Signals::All);
    let models = match &args.model {
        Some(name) => vec![super::saved_model(&args.models_dir, name)?.into()],
        None => read_all(&args.models_dir)?.ready,
    };
    let models: Vec<&Model> = models.iter().map(AsRef::as_ref).collect();
    if let Some(table) = args.images.iter().find(|path| is_pixel_table(path)) {
        anyhow::ensure!(
            args.images.len() == 1,
            "{} is a table of images: ask about it alone",
            table.display()
        );
        predict_table::main(table, &models, args)?;
        return Ok(ExitCode::SUCCESS);
    }
    let sources = pictures::sources(&args.images);
    if args.digits {
        return predict_digits::main(&sources, &models, args.json);
    }
    let mut lines = Vec::with_capacity(sources.len());
    for some in sources.chunks(AT_ONCE) {
        let answered: Vec<PictureLine> = some
            .par_iter()
            .map(|source| picture_line(source, &models, args.top))
            .collect();
        if args.json {
            for line in &answered {
                text::print_json(line)?;
            }
        }
        lines.extend(answered);
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

/// Every saved model that can be read; the others are named and left out.
pub(super) fn read_all(folder: &Path) -> anyhow::Result<Models> {
    let models = Models::read(folder, &Models::default())?;
    if models.ready.is_empty() {
        anyhow::bail!(models.none_ready(folder));
    }
    for unreadable in &models.unreadable {
        text::error(format_args!(
            "{}: left out: {}",
            unreadable.name, unreadable.reason
        ));
    }
    Ok(models)
}

fn picture_line(source: &Source, models: &[&Model], top: usize) -> PictureLine {
    let mut line = PictureLine {
        image: source.name().to_string_lossy().into_owned(),
        ..PictureLine::default()
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
    models: &[&Model],
    top: usize,
    line: &mut PictureLine,
) -> Result<Vec<Answer>, Fault> {
    let subject = Subject::Picture(source.read()?);
    let mut inputs = Inputs::new(&subject);
    let mut answers = Vec::with_capacity(models.len());
    for model in models {
        let (_, input) = inputs.of(model)?;
        for warning in &input.warnings {
            if !line.warnings.contains(warning) {
                line.warnings.push(warning.clone());
            }
        }
        line.prepared.get_or_insert_with(|| input.images.clone());
        let answer = model
            .answer(&input.images)
            .with_context(|| model.name().to_owned())?;
        let as_stored = input.answer_as_stored(model, &answer);
        line.warnings
            .extend(as_stored.with_context(|| model.name().to_owned())?);
        answers.push(Answer::new(model, &answer, top));
    }
    Ok(answers)
}

/// One image: as the models see it, and their answers.
fn show_one(line: &PictureLine, all: bool, preview: Preview) -> anyhow::Result<()> {
    let shown = &line.image;
    if let Some(images) = &line.prepared {
        text::draw(&preview.draw(images))?;
    }
    for note in notes(line) {
        text::note(format_args!("{shown}: note: {note}"));
    }
    match &line.error {
        Some(error) => text::error(format_args!("{shown}: {error}")),
        None if all => text::print(&side_by_side(line))?,
        None => text::print(&alone(line))?,
    }
    Ok(())
}

fn alone(line: &PictureLine) -> Lines {
    let mut out = Lines::new();
    if let Some(answer) = line.predictions.first() {
        let [class, probability, others] = cells(answer);
        let then = if others.is_empty() { "" } else { "   then " };
        out.line(format_args!(
            "{}: {class}  {probability}{then}{others}",
            line.image
        ));
    }
    out
}

fn percent(probability: f32) -> String {
    format::plain_spaces(&format::probability(f64::from(probability)))
}

/// The columns of [`cells`].
const COLUMNS: [(&str, Align); 3] = [
    ("answer", Align::Left),
    ("probability", Align::Right),
    ("then", Align::Left),
];

/// An answer, its probability, and the classes after it, most probable first.
fn cells(answer: &Answer) -> [String; 3] {
    let others: Vec<String> = answer
        .top
        .iter()
        .skip(1)
        .map(|other| format!("{} {}", other.class, percent(other.probability)))
        .collect();
    [
        answer.class.clone(),
        percent(answer.probability),
        others.join(", "),
    ]
}

fn side_by_side(line: &PictureLine) -> Lines {
    let mut header = vec![("model", Align::Left)];
    header.extend(COLUMNS);
    let row = |answer: &Answer| [&[answer.model.clone()][..], &cells(answer)].concat();
    let rows: Vec<Vec<String>> = line.predictions.iter().map(row).collect();
    let mut out = Lines::new();
    out.line(&line.image);
    out.append(&table(&header, &rows));
    out
}

/// Several images: a row for each, also for those without an answer.
fn show_several(lines: &[PictureLine], models: &[&Model], all: bool) -> Lines {
    let mut header = vec![("image", Align::Left)];
    match all {
        true => header.extend(models.iter().map(|model| (model.name(), Align::Left))),
        false => header.extend(COLUMNS),
    }
    let answers = header.len() - 1;
    let noted = |line: &PictureLine| !notes(line).is_empty() || disagree(line);
    if lines.iter().any(|line| line.error.is_some() || noted(line)) {
        header.push(("note", Align::Left));
    }
    let rows: Vec<Vec<String>> = lines.iter().map(|line| row(line, all, answers)).collect();
    let mut out = table(&header, &rows);
    let failed = lines.iter().filter(|line| line.error.is_some()).count();
    if failed > 0 {
        out.blank();
        out.line(format_args!(
            "No answer to {failed} of {} images.",
            lines.len()
        ));
    }
    out
}

/// What to know about the answers. What may be wrong with an image is said where a model is unsure:
/// beside other answers it is most often right all the same.
fn notes(line: &PictureLine) -> Vec<String> {
    let mut notes = Vec::new();
    for doubt in [Doubt::NoClassFits, Doubt::Unsure] {
        let some = line.predictions.iter().filter(|it| it.doubt == Some(doubt));
        let names: Vec<&str> = some.map(|it| it.model.as_str()).collect();
        notes.extend(match (names.len(), line.predictions.len()) {
            (0, _) => None,
            (1, 1) => Some(doubt.words().to_owned()),
            (some, all) if some == all => Some(format!("all models: {}", doubt.words())),
            _ => Some(format!("{}: {}", doubt.words(), names.join(", "))),
        });
    }
    if notes.is_empty() {
        return notes;
    }
    notes.extend(line.warnings.iter().cloned());
    notes
}

/// Whether two models give different answers.
fn disagree(line: &PictureLine) -> bool {
    let mut classes = line.predictions.iter().map(|answer| &answer.class);
    let first = classes.next();
    classes.any(|class| Some(class) != first)
}

/// A row of the table; `answers` is the number of columns between name and note.
fn row(line: &PictureLine, all: bool, answers: usize) -> Vec<String> {
    let mut row = vec![line.image.clone()];
    let mut notes = notes(line);
    if let Some(error) = &line.error {
        row.resize(1 + answers, "–".into());
        notes.insert(0, error.clone());
    }
    for answer in &line.predictions {
        match all {
            true => row.push(format!("{}  {}", answer.class, percent(answer.probability))),
            false => row.extend(cells(answer)),
        }
    }
    if all && disagree(line) {
        notes.insert(0, "the models disagree".into());
    }
    row.push(notes.join("; "));
    row
}

#[cfg(test)]
mod tests {
    #[cfg(unix)]
    #[test]
    fn a_name_that_is_not_unicode_does_not_break_the_line() {
        use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};

        use super::*;

        let name = OsStr::from_bytes(b"se\xffen.png");
        let line = picture_line(&Source::File(name.into()), &[], 1);
        let json = serde_json::to_value(&line).expect("JSON");
        assert_eq!(json["image"], "se\u{fffd}en.png");
    }
}
