//! `bakeoff models`

use std::process::ExitCode;

use bakeoff_core::Family;
use bakeoff_zoo::Listed;
use serde_json::{Value, json};

use crate::{
    args::ModelsArgs,
    table::{Align, table},
    text,
};

pub(crate) fn main(args: &ModelsArgs) -> anyhow::Result<ExitCode> {
    if let Some(name) = &args.settings {
        let family = bakeoff_zoo::family(name)?;
        match args.json {
            true => text::print_json(&family_json(family))?,
            false => text::print(&settings_text(family))?,
        }
        return Ok(ExitCode::SUCCESS);
    }
    let saved = bakeoff_zoo::list(&args.models_dir)?;
    if args.json {
        let families: Vec<Value> = bakeoff_zoo::families()
            .iter()
            .map(|family| family_json(family))
            .collect();
        let saved: Vec<Value> = saved.iter().map(saved_json).collect();
        text::print_json(&json!({ "families": families, "saved": saved }))?;
        return Ok(ExitCode::SUCCESS);
    }
    let mut out = families_text();
    out += &saved_text(&saved, args);
    text::print(&out)?;
    Ok(ExitCode::SUCCESS)
}

fn families_text() -> String {
    let mut rows = Vec::new();
    for family in bakeoff_zoo::families() {
        for (position, engine) in family.engines.iter().enumerate() {
            let first = position == 0;
            rows.push(vec![
                if first { family.name } else { "" }.to_owned(),
                format!("{}{}", engine.name, if first { " (default)" } else { "" }),
                if first {
                    format!("{}. {}", family.summary.trim_end_matches('.'), engine.summary)
                } else {
                    engine.summary.to_owned()
                },
            ]);
        }
    }
    let header = [("family", Align::Left), ("engine", Align::Left), ("", Align::Left)];
    format!(
        "{}\n`bakeoff models --settings FAMILY` lists a family's settings.\n\n",
        table(&header, &rows)
    )
}

fn saved_text(saved: &[Listed], args: &ModelsArgs) -> String {
    if saved.is_empty() {
        return format!(
            "No saved models in {} yet; `bakeoff run` trains and saves them.\n",
            args.models_dir.display()
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
                    text::percent(Some(facts.test.accuracy)),
                    text::decimal(facts.test.macro_auc),
                    text::count(facts.train_samples as u64),
                    facts.seed.to_string(),
                    manifest.input_shape.to_string(),
                    text::bytes(Some(manifest.weights.bytes)),
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
        ("size", Align::Right),
    ];
    let mut out = table(&header, &rows);
    if !damaged.is_empty() {
        out += "\nNot readable:\n";
        out += &damaged;
    }
    out
}

fn settings_text(family: &Family) -> String {
    let rows: Vec<Vec<String>> = family
        .settings
        .iter()
        .map(|setting| {
            vec![
                setting.key.to_owned(),
                (setting.default)().to_string(),
                setting.kind.allowed(),
                setting.help.to_owned(),
            ]
        })
        .collect();
    let header = [
        ("setting", Align::Left),
        ("default", Align::Left),
        ("allowed", Align::Left),
        ("", Align::Left),
    ];
    let engines: Vec<&str> = family.engines.iter().map(|engine| engine.name).collect();
    format!(
        "{} ({}): {}\nEngines: {}\n\n{}",
        family.title,
        family.name,
        family.summary,
        engines.join(", "),
        table(&header, &rows)
    )
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
        })).collect::<Vec<_>>(),
        "settings": family.settings.iter().map(|setting| json!({
            "setting": setting.key,
            "default": (setting.default)(),
            "allowed": setting.kind.allowed(),
            "help": setting.help,
        })).collect::<Vec<_>>(),
    })
}

fn saved_json(listed: &Listed) -> Value {
    match &listed.manifest {
        Ok(manifest) => json!({
            "name": listed.full_name,
            "folder": listed.folder,
            "manifest": manifest,
        }),
        Err(error) => json!({
            "name": listed.full_name,
            "folder": listed.folder,
            "error": error.to_string(),
        }),
    }
}
