//! `bakeoff models`

use bakeoff_ask::models_dir_flag;
use bakeoff_core::{EVERY_ENGINE, Engine, Family};
use bakeoff_measures::{MACRO_AUC, format};
use bakeoff_report::terminal::{Align, table};
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
    out += &saved_text(&saved, args);
    text::print(&out)
}

fn families_text() -> String {
    let mut out = String::new();
    let mut all_built = true;
    for family in bakeoff_zoo::families() {
        out += &format!("{}: {}; {}\n", family.name, family.title, family.summary);
        let rows = family.engines.iter().enumerate().map(|(position, engine)| {
            all_built &= engine.code.is_some();
            vec![
                format!("    {}", engine_text(position, engine)),
                engine.summary.to_owned(),
            ]
        });
        // Two columns without a header.
        let text = table(
            &[("", Align::Left), ("", Align::Left)],
            &rows.collect::<Vec<_>>(),
        );
        out += text.trim_start_matches('\n');
        out += "\n";
    }
    if !all_built {
        out += &format!("{EVERY_ENGINE}.\n");
    }
    out + "`bakeoff models --settings FAMILY` lists a family's settings.\n\n"
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

fn saved_text(saved: &[Listed], args: &ModelsArgs) -> String {
    if saved.is_empty() {
        return format!(
            "No saved models in {} yet; `bakeoff run{}` trains and saves them.\n",
            args.models_dir.display(),
            models_dir_flag(&args.models_dir)
        );
    }
    let mut rows = Vec::new();
    let mut damaged = String::new();
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
            Err(error) => damaged += &format!("{}: {error}\n", listed.full_name),
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
        out += "\nCannot be read:\n";
        out += &damaged;
    }
    out
}

fn settings_text(family: &Family) -> String {
    let engines = family.engines.iter().enumerate();
    let engines: Vec<String> = engines
        .map(|(at, engine)| engine_text(at, engine))
        .collect();
    let mut out = format!(
        "{}: {}; {}\nengine = {}\n",
        family.name,
        family.title,
        family.summary,
        engines.join(" | ")
    );
    for setting in family.settings() {
        out += &format!(
            "\n{} = {}\n    {}\n    allowed: {}\n",
            setting.key,
            (setting.default)(),
            setting.help,
            setting.kind.allowed()
        );
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
