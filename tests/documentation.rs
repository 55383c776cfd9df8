//! The documents are held to the code: keys, examples, links, cited equations.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use ottoflow::scenario::{json_schema, parse, parse_comparison};
use serde_json::Value;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: impl AsRef<Path>) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// All files below a folder with this extension.
fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|e| e == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// The documents in the root and in `docs`.
fn documents() -> Vec<PathBuf> {
    let names = ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"];
    let mut found: Vec<PathBuf> = names.iter().map(|name| root().join(name)).collect();
    found.extend(files(&root().join("docs"), "md"));
    found
}

/// The keys of all tables of the schema, and the words that values may be.
fn keys_and_words(schema: &Value, keys: &mut BTreeSet<String>, words: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            for (name, member) in members {
                match (name.as_str(), member) {
                    ("properties", Value::Object(properties)) => {
                        keys.extend(properties.keys().cloned());
                    }
                    ("const", Value::String(word)) => {
                        words.insert(word.clone());
                    }
                    ("enum", Value::Array(list)) => {
                        words.extend(list.iter().map(|word| word.as_str().unwrap().to_owned()));
                    }
                    _ => {}
                }
                keys_and_words(member, keys, words);
            }
        }
        Value::Array(members) => {
            for member in members {
                keys_and_words(member, keys, words);
            }
        }
        _ => {}
    }
}

#[test]
fn the_reference_of_scenarios_names_every_key_and_word_of_the_schema_and_no_other() {
    let (mut keys, mut words) = (BTreeSet::new(), BTreeSet::new());
    keys_and_words(&json_schema(), &mut keys, &mut words);
    assert!(
        keys.contains("tolerance") && words.contains("periodic"),
        "the schema was read"
    );
    let text = read("docs/scenarios.md");
    // A row of a table of keys starts with the key between backticks.
    let documented: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next())
        .map(str::to_owned)
        .collect();
    assert_eq!(documented, keys);
    for word in words {
        assert!(
            text.contains(&format!("`\"{word}\"`")),
            "docs/scenarios.md does not explain the word {word:?}"
        );
    }
}

#[test]
fn every_scenario_in_the_documents_builds() {
    let mut count = 0;
    for document in documents() {
        let text = read(&document);
        for block in text.split("```toml\n").skip(1) {
            let code = block.split("```").next().unwrap();
            let name = document.display().to_string();
            count += 1;
            if code.contains("[generator]") {
                parse_comparison(code, &name, &[]).unwrap_or_else(|error| panic!("{error}"));
                continue;
            }
            let scenario = parse(code, &name, &root().join("scenarios"), &[])
                .unwrap_or_else(|error| panic!("{error}"));
            scenario.build().unwrap_or_else(|error| panic!("{error}"));
        }
    }
    assert!(count >= 3, "{count} scenarios found in the documents");
}

/// The name by which a heading is linked to: lower case, words joined by hyphens, other signs left out.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    kept.chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn headings(text: &str) -> Vec<&str> {
    let lines = text.lines().filter(|line| line.starts_with('#'));
    lines
        .map(|line| line.trim_start_matches('#').trim())
        .collect()
}

/// What is wrong with a link in a document, if anything.
fn fault(document: &Path, link: &str) -> Option<String> {
    let (path, place) = link.split_once('#').unwrap_or((link, ""));
    let target = match path {
        "" => document.to_owned(),
        path => document.parent().unwrap().join(path),
    };
    let name = document.display();
    if !target.exists() {
        return Some(format!("{name}: the link {link:?} leads nowhere"));
    }
    let named = |text: &str| headings(text).iter().any(|title| anchor(title) == place);
    if !place.is_empty() && !named(&read(&target)) {
        return Some(format!("{name}: the link {link:?} names no heading"));
    }
    None
}

#[test]
fn every_link_between_documents_leads_somewhere() {
    let mut faults = Vec::new();
    for document in documents() {
        let text = read(&document);
        let links = text.split("](").skip(1).map(|part| part.split(')').next());
        let inner = links.flatten().filter(|link| !link.starts_with("https://"));
        faults.extend(inner.filter_map(|link| fault(&document, link)));
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Whether a citation, such as `eq. 8), …`, `§7)` or `"Exact solution"; …`, names a place of the text.
fn is_place(cited: &str, text: &str) -> bool {
    let number = |rest: &str| {
        rest.chars()
            .take_while(char::is_ascii_digit)
            .collect::<String>()
    };
    if let Some(rest) = cited.strip_prefix("eq. ") {
        let mark = format!(" ({})", number(rest));
        text.lines()
            .any(|line| line.starts_with("    ") && line.ends_with(&mark))
    } else if let Some(rest) = cited.strip_prefix('§') {
        let start = format!("{} ", number(rest));
        headings(text).iter().any(|title| title.starts_with(&start))
    } else if let Some(rest) = cited.strip_prefix('"') {
        let cited = rest.split('"').next().unwrap();
        headings(text).iter().any(|title| title.ends_with(cited))
    } else {
        false
    }
}

#[test]
fn every_equation_and_section_that_the_code_cites_exists() {
    let mathematics = read("docs/mathematics.md");
    let mut count = 0;
    let folders = ["src", "shaders", "benches"].map(|name| root().join(name));
    for folder in folders.iter().filter(|folder| folder.exists()) {
        for file in [files(folder, "rs"), files(folder, "wgsl")].concat() {
            let text = read(&file);
            for cited in text.split("docs/mathematics.md, ").skip(1) {
                let start: String = cited.chars().take(30).collect();
                let name = file.display();
                assert!(
                    is_place(cited, &mathematics),
                    "{name}: docs/mathematics.md has no {start:?}"
                );
                count += 1;
            }
        }
    }
    assert!(count >= 7, "{count} citations found");
}
