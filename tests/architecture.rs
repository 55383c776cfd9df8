//! The table of the house: which room may import which, who knows which library, and how long a file may be.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Every room and the rooms that it may import, directly or through those. `command` may import all; nobody imports it.
const ROOMS: &[(&str, &[&str])] = &[
    ("calculus", &[]),
    ("divergence", &["calculus"]),
    ("grid", &["calculus"]),
    ("problem", &["divergence", "grid", "calculus"]),
    ("density", &["grid", "calculus"]),
    ("backend", &["grid", "calculus"]),
    ("elliptic", &["backend", "grid", "calculus"]),
    (
        "metrics",
        &["problem", "backend", "divergence", "grid", "calculus"],
    ),
    (
        "exact",
        &["metrics", "problem", "divergence", "grid", "calculus"],
    ),
    (
        "flow",
        &[
            "metrics",
            "elliptic",
            "backend",
            "problem",
            "divergence",
            "grid",
            "calculus",
        ],
    ),
    // Never flow: what both share is ℓ, put through the same divergence.
    (
        "parametric",
        &[
            "metrics",
            "elliptic",
            "backend",
            "density",
            "problem",
            "divergence",
            "grid",
            "calculus",
        ],
    ),
    ("run", &["flow", "metrics", "problem"]),
    (
        "output",
        &["metrics", "problem", "divergence", "grid", "calculus"],
    ),
    (
        "scenario",
        &[
            "run",
            "parametric",
            "flow",
            "density",
            "problem",
            "divergence",
            "grid",
            "calculus",
        ],
    ),
    (
        "validation",
        &[
            "run",
            "parametric",
            "flow",
            "exact",
            "metrics",
            "elliptic",
            "backend",
            "density",
            "problem",
            "divergence",
            "grid",
            "calculus",
        ],
    ),
    (
        "command",
        &[
            "validation",
            "scenario",
            "run",
            "output",
            "parametric",
            "flow",
            "exact",
            "metrics",
            "elliptic",
            "backend",
            "density",
            "problem",
            "divergence",
            "grid",
            "calculus",
        ],
    ),
];

/// Libraries that few places may know, and these places.
const LIBRARIES: &[(&str, &[&str])] = &[
    ("hdf5", &["output/hdf5", "density/file.rs"]),
    ("hdf5_metno_sys", &["output/hdf5"]),
    ("plotters", &["output/plots"]),
    ("indicatif", &["output/console.rs"]),
    ("wgpu", &["backend/gpu"]),
    ("pulp", &["backend/cpu", "elliptic/tiles.rs", "calculus"]),
    ("statrs", &["metrics", "parametric"]),
    ("faer", &["parametric/eigenvalues.rs"]),
    ("rand_distr", &["parametric"]),
    ("rand_xoshiro", &["parametric"]),
    ("toml", &["scenario"]),
    ("toml_edit", &["scenario"]),
    ("miette", &["scenario", "command"]),
    ("clap", &["command"]),
    ("ctrlc", &["command"]),
    ("libc", &["backend/memory.rs"]),
];

/// Lines of a file, so that it can be read in one sitting.
const LINES: usize = 400;

/// Files that are longer, and why.
const LONGER: &[(&str, &str)] = &[];

fn source() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every Rust file below a folder: its path in src with `/`, and its text.
fn files() -> Vec<(String, String)> {
    fn collect(folder: &Path, root: &Path, found: &mut Vec<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, root, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root).unwrap().to_str().unwrap();
                let text = std::fs::read_to_string(&path).unwrap();
                found.push((name.replace('\\', "/"), text));
            }
        }
    }
    let mut found = Vec::new();
    collect(&source(), &source(), &mut found);
    found.sort();
    found
}

/// The text without comments. (No string of the program holds two slashes.)
fn code(text: &str) -> String {
    let lines = text
        .lines()
        .map(|line| line.split_once("//").map_or(line, |(code, _)| code));
    lines.collect::<Vec<_>>().join("\n")
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

/// The first name of a path, or of each path in braces: `a::b` gives a; `{a::{b, c}, d}` gives a and d.
fn first_names(path: &str) -> Vec<String> {
    let Some(inside) = path.strip_prefix('{') else {
        return vec![path.chars().take_while(|c| is_name(*c)).collect()];
    };
    let (mut names, mut depth, mut name) = (Vec::new(), 0, Some(String::new()));
    for character in inside.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.extend(name.replace(String::new())),
            c if c.is_whitespace() => {}
            c if is_name(c) => {
                if let Some(name) = &mut name
                    && depth == 0
                {
                    name.push(c);
                }
            }
            // The rest of this path is inside the room.
            _ if depth == 0 => names.extend(name.take()),
            _ => {}
        }
    }
    names.extend(name);
    names.retain(|name| !name.is_empty());
    names
}

/// The rooms that a file names: `crate::room`, and `super::room` where super is the crate.
fn imports(file: &str, text: &str) -> Vec<String> {
    let code = code(text);
    let mut roots = vec!["crate::"];
    if !file.contains('/') || file.ends_with("/mod.rs") && file.matches('/').count() == 1 {
        roots.push("super::");
    }
    let mut names = Vec::new();
    for root in roots {
        for (place, _) in code.match_indices(root) {
            let follows_name = code[..place].ends_with(is_name);
            if !follows_name {
                names.extend(first_names(&code[place + root.len()..]));
            }
        }
    }
    names
}

/// The room of a file: its folder, or itself at the top; main and lib are the door and the map.
fn room(file: &str) -> Option<&str> {
    match file.split_once('/') {
        Some((room, _)) => Some(room),
        None => file
            .strip_suffix(".rs")
            .filter(|name| !["lib", "main"].contains(name)),
    }
}

/// Names of the root that are no rooms: what `#[macro_export]` puts there.
const MACROS: [&str; 1] = ["with_divergence"];

#[test]
fn every_room_imports_only_what_the_table_allows() {
    let table: BTreeMap<&str, &[&str]> = ROOMS.iter().copied().collect();
    let mut wrong = Vec::new();
    for (file, text) in files() {
        let Some(room) = room(&file) else { continue };
        let Some(allowed) = table.get(room) else {
            panic!("{file}: the room {room} is not in the table");
        };
        for name in imports(&file, &text) {
            let fine = name == room || allowed.contains(&name.as_str());
            if !fine && !MACROS.contains(&name.as_str()) && (table.contains_key(name.as_str())) {
                wrong.push(format!("{file} imports {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// The table itself leads upwards only: no room can come back to itself.
#[test]
fn the_table_has_no_circle_and_no_unknown_room() {
    for (number, (room, allowed)) in ROOMS.iter().enumerate() {
        for name in *allowed {
            let place = ROOMS.iter().position(|(other, _)| other == name);
            assert!(place.is_some_and(|place| place < number), "{room} ← {name}");
        }
    }
}

#[test]
fn the_imports_of_a_text_are_found() {
    let text = "use crate::grid::{Grid, Field};\nuse crate::{calculus::{Real, Dual},\n    flow::start, run};\n\
                // use crate::command;\nlet a = crate::metrics::divergence(1);\nother_crate::density::b();\nuse super::output::c;";
    let found = imports("problem.rs", text);
    assert_eq!(
        found,
        ["grid", "calculus", "flow", "run", "metrics", "output"]
    );
    assert_eq!(
        imports("grid/cells.rs", "use super::axis;"),
        Vec::<String>::new()
    );
}

/// Whether a text without comments names a library: `hdf5::` and `::hdf5::`, but not the room `output::hdf5::`.
fn knows(code: &str, library: &str) -> bool {
    code.match_indices(&format!("{library}::"))
        .any(|(place, _)| {
            let before = &code[..place];
            let outer = before.strip_suffix("::").unwrap_or_default();
            !before.ends_with(is_name) && !outer.ends_with(|c| is_name(c) || c == '>')
        })
}

#[test]
fn libraries_are_known_only_where_they_belong() {
    let files = files();
    for (library, places) in LIBRARIES {
        let (mut home, mut wrong) = (false, Vec::new());
        for (file, text) in &files {
            if knows(&code(text), library) {
                match places.iter().any(|place| file.starts_with(place)) {
                    true => home = true,
                    false => wrong.push(file),
                }
            }
        }
        assert!(wrong.is_empty(), "{library} is known to {wrong:?}");
        assert!(home, "{library} is known nowhere: the table is out of date");
    }
}

#[test]
fn files_can_be_read_in_one_sitting() {
    let mut wrong = Vec::new();
    for (file, text) in files() {
        let lines = text.lines().count();
        let listed = LONGER.iter().any(|(longer, _)| *longer == file);
        if (lines > LINES) != listed {
            wrong.push(format!("{file}: {lines} lines, listed as longer: {listed}"));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
