//! The commands that read trajectories and those that tell what the program has.

use std::path::Path;

use ottoflow::divergence::DivergenceKind;
use ottoflow::output::hdf5::Trajectory;

use crate::{Folder, SMALL, names, ottoflow, ottoflow_without_driver, shipped, words};

/// A folder with the trajectory `name`.h5 of the small scenario for every name, with the overrides that follow it.
fn folder_with_runs(runs: &[(&str, &str)]) -> Folder {
    let folder = Folder::with_small();
    for (name, overrides) in runs {
        let line = format!("run small.toml --quiet --backend cpu -o {name}.h5 {overrides}");
        ottoflow(folder.path(), &words(&line)).assert_done();
    }
    folder
}

#[test]
fn info_says_what_is_in_a_file() {
    let folder = folder_with_runs(&[("a", "")]);
    let outcome = ottoflow(folder.path(), &words("info a.h5"));
    let stdout = &outcome.assert_done().stdout;
    let rows: Vec<Vec<&str>> = stdout
        .lines()
        .map(|line| {
            line.split("  ")
                .map(str::trim)
                .filter(|cell| !cell.is_empty())
                .collect()
        })
        .collect();
    assert_eq!(rows[0], ["title", "Small"]);
    for row in [
        &["status", "complete"][..],
        &["x", "64 cells from -4 to 4, no-flux"],
        &["frames", "6 from t = 0 to 0.5"],
        &["fields", "density"],
        &["mass", "1", "1"],
    ] {
        assert!(rows.iter().any(|found| found == row), "{row:?} in {stdout}");
    }
    let trajectory = Trajectory::open(&folder.path().join("a.h5")).unwrap();
    for name in trajectory.metric_names() {
        let row = rows.iter().find(|row| row.first() == Some(&name.as_str()));
        assert_eq!(row.map(Vec::len), Some(3), "{name} in {stdout}");
    }
}

#[test]
fn a_trajectory_does_not_differ_from_itself() {
    let folder = folder_with_runs(&[("a", "")]);
    let outcome = ottoflow(folder.path(), &words("diff a.h5 a.h5"));
    let stdout = &outcome.assert_done().stdout;
    assert!(stdout.ends_with("largest L1 distance 0\n"), "{stdout}");
    let frames: Vec<Vec<&str>> = stdout.lines().skip(2).take(6).map(words).collect();
    for (frame, row) in frames.iter().enumerate() {
        assert_eq!(row[0].parse::<f64>().unwrap(), frame as f64 / 10.0);
        assert_eq!(row[1..4], ["0", "0", "0"]);
        assert_eq!(row[4], row[5]);
    }
}

/// Halving the cells shows the error of second order, far from nothing and far from everything.
#[test]
fn refinements_are_compared_on_the_coarser_grid() {
    let folder = folder_with_runs(&[("coarse", ""), ("fine", "--set grid.cells=[128]")]);
    for line in ["diff coarse.h5 fine.h5", "diff fine.h5 coarse.h5"] {
        let outcome = ottoflow(folder.path(), &words(line));
        let stdout = &outcome.assert_done().stdout;
        let last = stdout.trim_end().rsplit(' ').next().unwrap();
        let distance: f64 = last.parse().unwrap();
        assert!((1e-5..1e-2).contains(&distance), "{stdout}");
        let header = words(stdout.lines().next().unwrap());
        assert_eq!(header[..4], ["time", "L1", "W2", "JSD"]);
    }
}

#[test]
fn w2_is_left_out_in_two_dimensions() {
    let folder = Folder::empty();
    let ring = shipped("ring-2d.toml");
    let mut arguments = vec!["run", ring.to_str().unwrap(), "-o", "a.h5"];
    arguments.extend(words(
        "--backend cpu --set grid.cells=[24,24] --set time.end=0.1",
    ));
    ottoflow(folder.path(), &arguments).assert_done();
    let outcome = ottoflow(folder.path(), &words("diff a.h5 a.h5"));
    let stdout = &outcome.assert_done().stdout;
    assert_eq!(words(stdout.lines().nth(2).unwrap())[2], "–", "{stdout}");
}

#[test]
fn what_cannot_be_compared_is_refused_with_both_sides() {
    let folder = folder_with_runs(&[
        ("a", ""),
        ("uneven", "--set grid.cells=[100]"),
        ("wider", "--set grid.upper=[5.0]"),
        ("later", "--set output.every=0.07 --set time.end=0.45"),
    ]);
    for name in ["uneven", "wider"] {
        let outcome = ottoflow(folder.path(), &["diff", "a.h5", &format!("{name}.h5")]);
        let parts = [
            "the grids cannot be compared: a.h5 is [-4, 4] in 64 cells, ",
            name,
            "expected the same box, and cells of which one is a whole multiple of the other",
        ];
        outcome.assert_failed(2, &parts);
    }
    // Time 0 is common to all runs.
    let outcome = ottoflow(folder.path(), &words("diff a.h5 later.h5"));
    assert_eq!(outcome.assert_done().stdout.lines().count(), 4);
    let outcome = ottoflow(folder.path(), &words("diff a.h5 nowhere.h5"));
    outcome.assert_failed(3, &["nowhere.h5: cannot open the file"]);
}

#[test]
fn plot_draws_into_a_new_folder_and_names_the_pictures() {
    let folder = folder_with_runs(&[("a", "")]);
    let outcome = ottoflow(folder.path(), &words("plot a.h5 -o new/pictures"));
    let stdout = &outcome.assert_done().stdout;
    let drawn = names(&folder.path().join("new/pictures"));
    assert_eq!(drawn.len(), 6);
    assert_eq!(stdout.lines().count(), 6);
    for picture in drawn {
        assert!(stdout.contains(&picture), "{picture} in {stdout}");
    }
}

/// What the scenario says costs the guide line of the decay at most, never the pictures.
#[test]
fn a_file_whose_scenario_this_version_cannot_read_is_plotted() {
    let folder = folder_with_runs(&[("a", "")]);
    let file = hdf5::File::open_rw(folder.path().join("a.h5")).unwrap();
    let text: hdf5::types::VarLenUnicode =
        "[generator]\nkind = \"from the future\"".parse().unwrap();
    file.attr("scenario").unwrap().write_scalar(&text).unwrap();
    file.close().unwrap();
    ottoflow(folder.path(), &words("plot a.h5 -o pictures")).assert_done();
    assert_eq!(names(&folder.path().join("pictures")).len(), 6);
}

#[test]
fn a_whole_file_needs_no_repair() {
    let folder = folder_with_runs(&[("a", "")]);
    let before = std::fs::read(folder.path().join("a.h5")).unwrap();
    let outcome = ottoflow(folder.path(), &words("repair a.h5"));
    assert_eq!(
        outcome.assert_done().stdout,
        "a.h5: 6 frames, nothing to repair\n"
    );
    assert_eq!(std::fs::read(folder.path().join("a.h5")).unwrap(), before);
}

fn each_reader(folder: &Path, file: &str, check: impl Fn(&str, crate::Outcome)) {
    for line in [
        format!("info {file}"),
        format!("plot {file} -o pictures"),
        format!("diff {file} {file}"),
        format!("repair {file}"),
    ] {
        check(&line, ottoflow(folder, &words(&line)));
    }
}

#[test]
fn files_that_are_no_trajectories_are_refused_in_words() {
    let folder = folder_with_runs(&[("newer", "")]);
    let newer = hdf5::File::open_rw(folder.path().join("newer.h5")).unwrap();
    newer
        .attr("format_version")
        .and_then(|version| version.write_scalar(&99_i64))
        .unwrap();
    newer.close().unwrap();
    let foreign = hdf5::File::create(folder.path().join("foreign.h5")).unwrap();
    foreign
        .new_dataset::<f64>()
        .shape(3)
        .create("density")
        .unwrap();
    foreign.close().unwrap();
    std::fs::write(folder.path().join("empty.h5"), "").unwrap();
    for (file, part) in [
        ("newer.h5", "format_version 99 found"),
        ("foreign.h5", "foreign.h5: not a trajectory of ottoflow"),
        ("small.toml", "small.toml: not a trajectory of ottoflow"),
        ("empty.h5", "empty.h5: not a trajectory of ottoflow"),
        ("nowhere.h5", "nowhere.h5: cannot "),
    ] {
        each_reader(folder.path(), file, |_, outcome| {
            outcome.assert_failed(3, &[part]);
        });
    }
    assert!(!folder.path().join("pictures").exists());
}

/// A file cut short or with wrong bytes is read or refused, in seconds and without a panic.
#[test]
fn a_damaged_file_panics_no_command() {
    let folder = folder_with_runs(&[("a", "")]);
    let whole = std::fs::read(folder.path().join("a.h5")).unwrap();
    let mut damaged: Vec<Vec<u8>> = (1..6)
        .map(|part| whole[..whole.len() * part / 6].to_vec())
        .collect();
    // Bytes that are no UTF-8, in the stored scenario.
    let title = whole
        .windows(5)
        .position(|bytes| bytes == b"grid]")
        .unwrap();
    let mut torn = whole.clone();
    torn[title..title + 4].copy_from_slice(b"\xff\xc3\x28\xf0");
    damaged.push(torn);
    let mut mix = 0x9e37_79b9_7f4a_7c15_u64;
    for _ in 0..6 {
        let mut torn = whole.clone();
        for _ in 0..20 {
            mix = mix.wrapping_mul(0xd129_0e5b_f1a3_c9d5).wrapping_add(1);
            let place = (mix >> 33) as usize % whole.len().min(6000);
            torn[place] = (mix >> 20) as u8;
        }
        damaged.push(torn);
    }
    for (number, bytes) in damaged.iter().enumerate() {
        std::fs::write(folder.path().join("b.h5"), bytes).unwrap();
        each_reader(folder.path(), "b.h5", |line, outcome| {
            assert!(
                matches!(outcome.code, Some(0 | 3)),
                "{number}: {line}: {:?} {}",
                outcome.code,
                outcome.stderr
            );
            assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
        });
    }
}

#[test]
fn list_names_all_that_a_scenario_can_be_made_of() {
    let folder = Folder::empty();
    let outcome = ottoflow(folder.path(), &["list"]);
    let stdout = &outcome.assert_done().stdout;
    let scenarios = names(&shipped(""));
    let scenarios = scenarios.iter().filter(|name| name.ends_with(".toml"));
    let divergences = DivergenceKind::ALL.iter().map(|kind| kind.name());
    let kinds = [
        "explicit", "implicit", "gaussian", "mixture", "ring", "uniform", "formula", "image",
        "samples", "file",
    ];
    for name in scenarios
        .map(String::as_str)
        .chain(divergences)
        .chain(kinds)
    {
        assert!(stdout.contains(name), "{name} in {stdout}");
    }
}

#[test]
fn list_writes_the_scenarios_with_their_data() {
    let folder = Folder::empty();
    ottoflow(folder.path(), &words("list --write here")).assert_done();
    let written = folder.path().join("here");
    assert_eq!(names(&written), names(&shipped("")));
    for name in names(&written) {
        if !written.join(&name).is_dir() {
            let copy = std::fs::read(written.join(&name)).unwrap();
            assert_eq!(copy, std::fs::read(shipped(&name)).unwrap(), "{name}");
        }
    }
    let line = "run here/image-2d.toml --backend cpu --set time.end=1e-4 --set output.every=1e-4";
    ottoflow(folder.path(), &words(line)).assert_done();
}

#[test]
fn devices_lists_the_processor_and_says_where_it_found_no_adapter() {
    let folder = Folder::empty();
    let outcome = ottoflow_without_driver(folder.path(), &["devices"]);
    let stdout = &outcome.assert_done().stdout;
    assert!(
        stdout.lines().any(|line| line.starts_with("cpu  ")),
        "{stdout}"
    );
    let end = "no GPU adapter: looked through Vulkan, Metal and Direct3D 12\n";
    assert!(stdout.ends_with(end), "{stdout}");
}

#[test]
fn the_schema_is_json_and_knows_the_tables_of_a_scenario() {
    let folder = Folder::empty();
    let outcome = ottoflow(folder.path(), &["schema"]);
    let schema: serde_json::Value = serde_json::from_str(&outcome.assert_done().stdout).unwrap();
    let tables: toml::Table = SMALL.parse().unwrap();
    for key in tables.keys() {
        let known = &schema["$defs"]["Document"]["properties"];
        assert!(known.get(key).is_some(), "{key}");
    }
    for key in ["target", "generator", "critic", "training", "optimizer"] {
        let known = &schema["$defs"]["GeneratorDocument"]["properties"];
        assert!(known.get(key).is_some(), "{key}");
    }
}

#[test]
fn completions_name_the_commands_in_every_shell() {
    let folder = Folder::empty();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let outcome = ottoflow(folder.path(), &["completions", shell]);
        let stdout = &outcome.assert_done().stdout;
        for word in [
            "ottoflow", "run", "diff", "info", "repair", "plot", "schema",
        ] {
            assert!(stdout.contains(word), "{shell}: {word}");
        }
    }
}

/// `ottoflow list | head -1`: the reader has seen enough.
#[cfg(unix)]
#[test]
fn a_reader_that_goes_away_is_no_failure() {
    use std::process::{Command, Stdio};
    let folder = folder_with_runs(&[("a", "")]);
    for line in [
        "list",
        "devices",
        "schema",
        "completions bash",
        "info a.h5",
        "diff a.h5 a.h5",
        "plot a.h5 -o pictures",
        "run small.toml --quiet --backend cpu --force",
        "--help",
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_ottoflow"))
            .args(words(line))
            .current_dir(folder.path())
            .stdout(writer)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(
            (output.status.code(), stderr.as_str()),
            (Some(0), ""),
            "{line}"
        );
    }
}

/// Linux has a device that is always full.
#[cfg(target_os = "linux")]
#[test]
fn results_that_cannot_be_printed_are_a_failure() {
    let folder = folder_with_runs(&[("a", "")]);
    let full = std::fs::OpenOptions::new()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = std::process::Command::new(env!("CARGO_BIN_EXE_ottoflow"))
        .args(words("info a.h5"))
        .current_dir(folder.path())
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(3));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.contains("cannot write to standard output: No space left"),
        "{stderr}"
    );
}
