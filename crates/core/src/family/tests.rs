//! What the tables of settings and engines promise, by a toy family.

use serde_json::json;

use super::*;

crate::choices! {
    /// How a vote counts.
    enum Votes {
        /// One each.
        Equal = "equal",
        /// By distance.
        ByDistance = "by-distance",
    }
}

crate::settings! {
    /// The settings of a toy.
    struct Toy {
        k: usize = 3, SettingKind::Int { min: 1, max: 9 }, "neighbours";
        rate: f64 = 0.5, SettingKind::Float { min: 0.0, max: 1.0 }, "a share";
        hidden: Vec<usize> = [2], SettingKind::IntList { min: 1, max: 8 }, "units";
        votes: Votes = "equal", Votes::KIND, "how a vote counts";
        late (default): u64 = 0, SettingKind::Int { min: 0, max: 9 }, "of a later version";
    }
}

const FAMILY: Family = Family {
    name: "toy",
    title: "Toy",
    summary: "",
    engines: &[
        Engine {
            name: "fast",
            summary: "",
            deterministic: true,
            code: Some(EngineCode {
                build: |spec| Err(spec.bad_data("a toy")),
                load: |_, _, _| Err(StoreError::Missing { name: "toy".into() }),
            }),
        },
        Engine {
            name: "slow",
            summary: "",
            deterministic: true,
            code: None,
        },
    ],
    settings: &[Toy::TABLE],
    adapt: |_, _| {},
    uses_validation: false,
    varies_with_seed: |_| false,
    is_baseline: false,
    origin: Origin::Family,
    features: None,
};

fn given(value: Value) -> Settings {
    value
        .as_object()
        .map(|object| object.clone().into_iter().collect())
        .unwrap_or_default()
}

#[test]
fn defaults_are_filled_in_and_numbers_are_canonical() {
    let a = FAMILY.resolve(None, &given(json!({"rate": 1})));
    let b = FAMILY.resolve(Some("fast"), &given(json!({"rate": 1.0, "k": 3})));
    assert_eq!(a, b);
    assert!(a.is_ok_and(|spec| spec.settings["rate"] == json!(1.0)));
}

#[test]
fn the_struct_is_read_from_what_the_table_resolves() {
    let spec = FAMILY
        .resolve(None, &given(json!({"votes": "by-distance", "rate": 1})))
        .unwrap();
    let expected = Toy {
        k: 3,
        rate: 1.0,
        hidden: vec![2],
        votes: Votes::ByDistance,
        late: 0,
    };
    assert!(!spec.settings.contains_key("late"));
    let late = FAMILY.resolve(None, &given(json!({"late": 2}))).unwrap();
    assert_eq!(late.settings["late"], json!(2));
    assert_eq!(late.settings::<Toy>().map(|toy| toy.late), Ok(2));
    assert_eq!(spec.settings::<Toy>(), Ok(expected));
    assert_eq!(Votes::KIND.allowed(), "equal, by-distance");
    let help: Vec<_> = FAMILY.settings().map(|setting| setting.help).collect();
    assert_eq!(
        help,
        [
            "neighbours",
            "a share",
            "units",
            "how a vote counts",
            "of a later version"
        ]
    );
}

#[test]
fn an_engine_that_this_program_lacks_is_refused_with_the_remedy() {
    let spec = FAMILY.resolve(Some("slow"), &Settings::new()).unwrap();
    let error = FAMILY.build(&spec).err().unwrap();
    assert_eq!(error.key(), Some("engine"));
    assert_eq!(
        error.to_string(),
        "this program was built without engine `slow` of toy; `make engines`, or `cargo build \
         --release -p bakeoff-cli` with its default features, builds every engine"
    );
}

#[test]
fn mistakes_are_named_with_what_would_do() {
    let message = |engine, value| {
        FAMILY
            .resolve(engine, &given(value))
            .map_or_else(|error| error.to_string(), |_| String::new())
    };
    assert_eq!(
        message(None, json!({"rte": 1})),
        "toy has no setting `rte` (did you mean `rate`?); it has: k, rate, hidden, votes, late"
    );
    assert_eq!(
        message(None, json!({"k": 0})),
        "setting `k` of toy is 0; allowed: a whole number from 1 to 9"
    );
    assert_eq!(
        message(Some("fats"), json!({})),
        "toy has no engine `fats` (did you mean `fast`?); it has: fast, slow"
    );
    assert!(message(None, json!({"hidden": [0]})).contains("each from 1 to 8"));
    assert!(message(None, json!({"k": 2.5})).contains("whole number"));
}
