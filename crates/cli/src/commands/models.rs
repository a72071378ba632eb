//! `bakeoff models`

use bakeoff_ask::models_dir_flag;
use bakeoff_core::{EVERY_ENGINE, Engine, Family};
use bakeoff_measures::{MACRO_AUC, format};
use bakeoff_report::terminal::{Align, Lines, table};
use bakeoff_store::Listed;
use serde_json::{Value, json};

use crate::{args::ModelsArgs, text};

pub(crate) fn main(args: &ModelsArgs) -> anyhow::Result<()> {
    if let Some(name) = &args.settings {
        let family = bakeoff_zoo::family(name)?;
        return match args.json {
            true => text::print_json(&family_json(family)),
            false => text::print(&settings_text(family)),
        };
    }
    let saved = bakeoff_store::list(&args.models_dir)?;
    if args.json {
        let families: Vec<Value> = bakeoff_zoo::families()
            .iter()
            .map(|family| family_json(family))
            .collect();
        let saved: Vec<Value> = saved.iter().map(saved_json).collect();
        return text::print_json(&json!({ "families": families, "saved": saved }));
    }
    let mut out = families_text();
    out.append(&saved_text(&saved, args));
    text::print(&out)
}

fn families_text() -> Lines {
    let mut out = Lines::new();
    let mut all_built = true;
    for family in bakeoff_zoo::families() {
        out.line(format_args!(
            "{}: {}; {}",
            family.name, family.title, family.summary
        ));
        let rows = family.engines.iter().enumerate().map(|(position, engine)| {
            all_built &= engine.code.is_some();
            vec![
                format!("    {}", engine_text(position, engine)),
                engine.summary.to_owned(),
            ]
        });
        // Two columns without a header.
        let header = [("", Align::Left), ("", Align::Left)];
        out.append(&table(&header, &rows.collect::<Vec<_>>()));
        out.blank();
    }
    if !all_built {
        out.line(format_args!("{EVERY_ENGINE}."));
    }
    out.line("`bakeoff models --settings FAMILY` lists a family's settings.");
    out.blank();
    out
}

/// An engine's name with what is to be known of it before it is chosen.
fn engine_text(position: usize, engine: &Engine) -> String {
    let note = match (&engine.code, position) {
        (None, _) => " (not in this build)",
        (Some(_), 0) => " (default)",
        (Some(_), _) => "",
    };
    format!("{}{note}", engine.name)
}

fn saved_text(saved: &[Listed], args: &ModelsArgs) -> Lines {
    if saved.is_empty() {
        let mut out = Lines::new();
        out.line(format_args!(
            "No saved models in {} yet; `bakeoff run{}` trains and saves them.",
            args.models_dir.display(),
            models_dir_flag(&args.models_dir)
        ));
        return out;
    }
    let mut rows = Vec::new();
    let mut damaged = Lines::new();
    for listed in saved {
        match &listed.manifest {
            Ok(manifest) => {
                let facts = &manifest.facts;
                rows.push(vec![
                    listed.full_name.clone(),
                    facts.spec.engine.clone(),
                    text::accuracy(Some(facts.test.accuracy), facts.test.samples),
                    text::measure(&MACRO_AUC, facts.test.macro_auc, usize::MAX),
                    format::count(facts.train_samples as u64),
                    facts.seed.to_string(),
                    manifest.input_shape.to_string(),
                    text::bytes(manifest.weights.bytes),
                ]);
            }
            Err(error) => damaged.line(format_args!("{}: {error}", listed.full_name)),
        }
    }
    let header = [
        ("saved model", Align::Left),
        ("engine", Align::Left),
        ("accuracy", Align::Right),
        ("macro AUC", Align::Right),
        ("trained on", Align::Right),
        ("seed", Align::Right),
        ("input", Align::Right),
        ("weights", Align::Right),
    ];
    let mut out = table(&header, &rows);
    if !damaged.is_empty() {
        out.blank();
        out.line("Cannot be read:");
        out.append(&damaged);
    }
    out
}

fn settings_text(family: &Family) -> Lines {
    let engines = family.engines.iter().enumerate();
    let engines: Vec<String> = engines
        .map(|(at, engine)| engine_text(at, engine))
        .collect();
    let mut out = Lines::new();
    out.line(format_args!(
        "{}: {}; {}",
        family.name, family.title, family.summary
    ));
    out.line(format_args!("engine = {}", engines.join(" | ")));
    for setting in family.settings() {
        out.blank();
        out.line(format_args!("{} = {}", setting.key, (setting.default)()));
        out.line(format_args!("    {}", setting.help));
        out.line(format_args!("    allowed: {}", setting.kind.allowed()));
    }
    out
}

fn family_json(family: &Family) -> Value {
    json!({
        "family": family.name,
        "title": family.title,
        "summary": family.summary,
        "engines": family.engines.iter().map(|engine| json!({
            "engine": engine.name,
            "summary": engine.summary,
            "deterministic": engine.deterministic,
            "built": engine.code.is_some(),
        })).collect::<Vec<_>>(),
        "settings": family.settings().map(|setting| json!({
            "setting": setting.key,
            "default": (setting.default)(),
            "allowed": setting.kind.allowed(),
            "help": setting.help,
        })).collect::<Vec<_>>(),
    })
}

fn saved_json(listed: &Listed) -> Value {
    let mut json = json!({ "name": listed.full_name, "folder": listed.folder });
    match &listed.manifest {
        Ok(manifest) => json["manifest"] = json!(manifest),
        Err(error) => json["error"] = json!(error.to_string()),
    }
    json
}
