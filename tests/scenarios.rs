//! The shipped scenarios, overrides, defaults and the JSON Schema.

use std::path::{Path, PathBuf};

use ottoflow::divergence::DivergenceKind;
use ottoflow::grid::Boundary;
use ottoflow::scenario::{
    Dynamics, MethodKind, OutputField, Scenario, Stepping, json_schema, load, parse,
};
use serde_json::{Map, Value};

const SMALLEST: &str = r#"
title = "The smallest"
[grid]
lower = [0.0]
upper = [1.0]
cells = [10]
[target]
kind = "uniform"
lower = [0.0]
upper = [1.0]
[initial]
kind = "formula"
expression = "1 + x"
[flow]
divergence = "kl"
[time]
method = "explicit"
end = 3.0
"#;

/// Every kind of density with every key, to be put in place of the target.
const KINDS: &[&str] = &[
    r#"{ kind = "gaussian", mean = [0.5], std = [0.1], floor = 0.1 }"#,
    r#"{ kind = "gaussian", mean = [0.5], covariance = [[0.1]] }"#,
    r#"{ kind = "mixture", components = [{ weight = 1, mean = [0.5], std = [0.1] }, { weight = 1, mean = [0.5], covariance = [[0.1]] }], floor = 0.1 }"#,
    r#"{ kind = "ring", modes = 3, radius = 1, std = 0.1, center = [0, 0], floor = 0.1 }"#,
    r#"{ kind = "uniform", lower = [0], upper = [1], floor = 0.1 }"#,
    r#"{ kind = "formula", expression = "1 + x", floor = 0.1 }"#,
    r#"{ kind = "image", path = "a.png", floor = 0.1 }"#,
    r#"{ kind = "samples", path = "a.csv", bandwidth = 0.1, floor = 0.1 }"#,
    r#"{ kind = "samples", path = "a.npy", bandwidth = [0.1] }"#,
    r#"{ kind = "file", path = "a.h5", dataset = "density", frame = 3, floor = 0.1 }"#,
];

fn shipped() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "toml")
        })
        .collect();
    files.sort();
    files
}

fn read(text: &str, overrides: &[&str]) -> Scenario {
    let overrides: Vec<String> = overrides
        .iter()
        .map(|&argument| argument.to_owned())
        .collect();
    parse(text, "s.toml", Path::new(""), &overrides).unwrap_or_else(|error| panic!("{error}"))
}

/// The part of JSON Schema that the schema of scenarios uses; any other keyword stops the test.
struct Validator(Value);

impl Validator {
    fn is_valid(&self, document: &Value) -> bool {
        self.accepts(&self.0, document)
    }

    fn accepts(&self, schema: &Value, value: &Value) -> bool {
        let schema = schema.as_object().unwrap();
        schema
            .iter()
            .all(|(keyword, rule)| self.follows(schema, keyword, rule, value))
    }

    fn follows(
        &self,
        schema: &Map<String, Value>,
        keyword: &str,
        rule: &Value,
        value: &Value,
    ) -> bool {
        let rules = || rule.as_array().unwrap().iter();
        let number = |compare: fn(&f64, &f64) -> bool| {
            value
                .as_f64()
                .is_none_or(|value| compare(&value, &rule.as_f64().unwrap()))
        };
        match keyword {
            "$schema" | "$defs" | "title" | "description" | "format" | "default" => true,
            "$ref" => {
                let place = rule.as_str().unwrap().strip_prefix('#').unwrap();
                self.accepts(self.0.pointer(place).unwrap(), value)
            }
            "oneOf" => rules().filter(|rule| self.accepts(rule, value)).count() == 1,
            "anyOf" => rules().any(|rule| self.accepts(rule, value)),
            "enum" => rules().any(|rule| rule == value),
            "const" => rule == value,
            "type" => match rule {
                Value::Array(names) => names.iter().any(|name| is_of_type(value, name)),
                name => is_of_type(value, name),
            },
            "required" => value
                .as_object()
                .is_none_or(|table| rules().all(|key| table.contains_key(key.as_str().unwrap()))),
            "properties" => value.as_object().is_none_or(|table| {
                table
                    .iter()
                    .all(|(key, child)| rule.get(key).is_none_or(|rule| self.accepts(rule, child)))
            }),
            "additionalProperties" => {
                assert_eq!(rule, &Value::Bool(false));
                let known = &schema["properties"];
                value
                    .as_object()
                    .is_none_or(|table| table.keys().all(|key| known.get(key).is_some()))
            }
            "items" => value
                .as_array()
                .is_none_or(|list| list.iter().all(|child| self.accepts(rule, child))),
            "minimum" => number(f64::ge),
            "maximum" => number(f64::le),
            "exclusiveMinimum" => number(f64::gt),
            "exclusiveMaximum" => number(f64::lt),
            other => panic!("the test does not know the keyword {other}"),
        }
    }
}

fn is_of_type(value: &Value, name: &Value) -> bool {
    match name.as_str().unwrap() {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        other => panic!("the test does not know the type {other}"),
    }
}

fn schema() -> Validator {
    Validator(json_schema())
}

fn json(text: &str) -> Value {
    serde_json::to_value(text.parse::<toml::Table>().unwrap()).unwrap()
}

/// Every table of a document, with the path to it.
fn tables(value: &Value, path: String, found: &mut Vec<String>) {
    if let Some(table) = value.as_object() {
        found.push(path.clone());
        for (key, child) in table {
            tables(child, format!("{path}/{key}"), found);
        }
    }
    for (index, child) in value.as_array().into_iter().flatten().enumerate() {
        tables(child, format!("{path}/{index}"), found);
    }
}

#[test]
fn every_shipped_scenario_builds_and_states_its_law() {
    let files = shipped();
    assert!(files.len() >= 10, "{files:?}");
    for file in files {
        let scenario = load(&file, &[]).unwrap_or_else(|error| panic!("{error}"));
        let (problem, state) = scenario.build().unwrap_or_else(|error| panic!("{error}"));
        let volume = problem.grid.cell_volume();
        let mass = state.density(&problem).sum() * volume;
        let target = problem.log_target.mapv(f64::exp).sum() * volume;
        assert!(
            (mass - 1.0).abs() < 1e-12,
            "{}: ρ has mass {mass}",
            file.display()
        );
        assert!(
            (target - 1.0).abs() < 1e-12,
            "{}: π has mass {target}",
            file.display()
        );
        assert!(!scenario.title.is_empty());
        assert!(
            scenario.law.is_some_and(|law| !law.is_empty()),
            "{}",
            file.display()
        );
    }
}

#[test]
fn the_shipped_scenarios_show_every_divergence_and_dimension() {
    let scenarios: Vec<Scenario> = shipped()
        .iter()
        .map(|file| load(file, &[]).unwrap())
        .collect();
    for &divergence in DivergenceKind::ALL {
        assert!(
            scenarios
                .iter()
                .any(|scenario| scenario.flow.divergence == divergence)
        );
    }
    for dimension in 1..=3 {
        assert!(
            scenarios
                .iter()
                .any(|scenario| scenario.grid.dimension() == dimension)
        );
    }
}

#[test]
fn the_exact_solution_starts_at_its_formula() {
    let file = shipped()
        .into_iter()
        .find(|path| path.ends_with("exact-solution.toml"))
        .unwrap();
    let (problem, state) = load(&file, &[]).unwrap().build().unwrap();
    for (i, x) in problem.grid.axes()[0].centers().into_iter().enumerate() {
        let ratio =
            2.0 * 1.25f64.sinh() / (1.25f64.cosh() - (std::f64::consts::PI * x).cos()) - 1.0;
        assert!((state.log_ratio[[0, 0, i]] - ratio.ln()).abs() < 1e-12);
    }
}

#[test]
fn defaults_are_those_of_the_documentation() {
    let scenario = read(SMALLEST, &[]);
    assert_eq!(scenario.grid.axes()[0].boundary, Boundary::NoFlux);
    assert_eq!(scenario.flow.dynamics, Dynamics::Gradient);
    assert_eq!(scenario.time.method, MethodKind::Explicit);
    assert_eq!(scenario.time.order, None);
    assert_eq!(scenario.time.stepping, Stepping::Automatic);
    assert_eq!(scenario.output.fields, [OutputField::Density]);
    assert_eq!(scenario.output.times.len(), 51);
    assert_eq!(scenario.law, None);
    let implicit = read(SMALLEST, &["time.method=implicit"]);
    assert_eq!(
        implicit.time.stepping,
        Stepping::Adaptive {
            tolerance: 1e-4,
            largest: None
        }
    );
    assert_eq!(
        read(SMALLEST, &["time.step=0.1"]).time.stepping,
        Stepping::Fixed(0.1)
    );
    assert_eq!(read(SMALLEST, &["time.order=3"]).time.order, Some(3));
}

#[test]
fn output_times_hold_zero_and_the_end_in_order() {
    let times = |argument: &str| read(SMALLEST, &[argument]).output.times;
    assert_eq!(times("output.every=1"), [0.0, 1.0, 2.0, 3.0]);
    assert_eq!(
        times("output.every=0.7"),
        [0.0, 0.7, 1.4, 0.7 * 3.0, 0.7 * 4.0, 3.0]
    );
    assert_eq!(times("output.every=5"), [0.0, 3.0]);
    assert_eq!(times("output.times=[2, 0.5, 2.0]"), [0.0, 0.5, 2.0, 3.0]);
    assert_eq!(times("output.times=[]"), [0.0, 3.0]);
    // 3/0.1 is not a whole number of steps in binary; the end is not written twice.
    assert_eq!(times("output.every=0.1").len(), 31);
}

#[test]
fn overrides_change_the_data_and_the_text() {
    let file = shipped()
        .into_iter()
        .find(|path| path.ends_with("one-to-two.toml"))
        .unwrap();
    let arguments = [
        "grid.cells=[800]",
        "target.components.0.weight=0.2",
        "flow.divergence=kl",
        "title = Another title",
        "law='a law'",
        "output.fields=[\"density\", \"velocity\"]",
    ];
    let overrides: Vec<String> = arguments
        .iter()
        .map(|&argument| argument.to_owned())
        .collect();
    let scenario = load(&file, &overrides).unwrap();
    assert_eq!(scenario.grid.len(), 800);
    assert_eq!(scenario.flow.divergence, DivergenceKind::Kl);
    assert_eq!(scenario.title, "Another title");
    assert_eq!(
        scenario.output.fields,
        [OutputField::Density, OutputField::Velocity]
    );
    assert!(scenario.text.contains("weight = 0.2"), "{}", scenario.text);
    assert!(scenario.text.contains("# ρ at time 0"), "comments are kept");
    let again = read(&scenario.text, &[]);
    assert_eq!(again.grid, scenario.grid);
    assert_eq!(again.target, scenario.target);
    assert_eq!(again.law.as_deref(), Some("a law"));
}

#[test]
fn an_override_can_add_sections_and_replace_a_density() {
    let scenario = read(
        SMALLEST,
        &[
            "output.every=0.5",
            "initial={ kind = \"gaussian\", mean = [0.5], std = [0.1] }",
            "initial.floor=0.01",
        ],
    );
    assert_eq!(scenario.output.times.len(), 7);
    assert!(scenario.text.contains("floor = 0.01"), "{}", scenario.text);
    assert!(scenario.build().is_ok());
}

#[test]
fn the_reader_and_the_schema_accept_every_key() {
    let schema = schema();
    for file in shipped() {
        let text = std::fs::read_to_string(&file).unwrap();
        assert!(schema.is_valid(&json(&text)), "{}", file.display());
    }
    for kind in KINDS {
        let text = with_target(kind);
        assert!(schema.is_valid(&json(&text)), "{kind}");
        // What is left to complain about is the number of axes.
        if let Err(error) = parse(&text, "s.toml", Path::new(""), &[]) {
            assert!(
                error.to_string().contains("found a grid with 1 axes"),
                "{error}"
            );
        }
    }
}

#[test]
fn the_reader_and_the_schema_refuse_unknown_keys_in_every_table() {
    let schema = schema();
    for kind in KINDS {
        let whole = format!("{}\n[output]\nevery = 1.0\n", with_target(kind));
        let document = json(&whole);
        let mut paths = Vec::new();
        tables(&document, String::new(), &mut paths);
        assert!(paths.len() >= 7);
        for path in paths {
            let mut changed = document.clone();
            let table = changed.pointer_mut(&path).unwrap().as_object_mut().unwrap();
            table.insert("unheard-of".into(), 1.into());
            assert!(!schema.is_valid(&changed), "{path} of {kind}");
            let text = toml::to_string(&changed).unwrap();
            let error = parse(&text, "s.toml", Path::new(""), &[]).unwrap_err();
            assert!(
                error.to_string().contains("unheard-of: unknown key"),
                "{error}"
            );
        }
    }
}

#[test]
fn the_reader_and_the_schema_require_the_same_keys() {
    let schema = schema();
    for kind in KINDS {
        let document = json(&with_target(kind));
        let mut paths = Vec::new();
        tables(&document, String::new(), &mut paths);
        for path in paths {
            for key in document.pointer(&path).unwrap().as_object().unwrap().keys() {
                let mut changed = document.clone();
                changed
                    .pointer_mut(&path)
                    .unwrap()
                    .as_object_mut()
                    .unwrap()
                    .remove(key);
                let text = toml::to_string(&changed).unwrap();
                let missing = parse(&text, "s.toml", Path::new(""), &[])
                    .is_err_and(|error| error.to_string().contains(": missing, but required"));
                assert_eq!(
                    schema.is_valid(&changed),
                    !missing,
                    "{path}/{key} of {kind}"
                );
            }
        }
    }
}

fn with_target(kind: &str) -> String {
    let (head, tail) = SMALLEST.split_once("[target]").unwrap();
    let (_, tail) = tail.split_once("[initial]").unwrap();
    format!("target = {kind}\n{head}[initial]{tail}")
}
