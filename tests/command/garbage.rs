//! Arguments that make no sense are answered with a sentence and exit code 2.

use crate::{Folder, ottoflow};

#[test]
fn wrong_arguments_are_answered_in_words() {
    let folder = Folder::with_small();
    let lines: &[&[&str]] = &[
        &[],
        &[""],
        &["-"],
        &["--"],
        &["--nonsense"],
        &["rum", "small.toml"],
        &["run"],
        &["run", "small.toml", "other.toml"],
        &["run", "small.toml", "--backend", "tpu"],
        &["run", "small.toml", "--precision", "f16"],
        &["run", "small.toml", "--threads", "0"],
        &["run", "small.toml", "--threads", "-1"],
        &["run", "small.toml", "--threads", "many"],
        &["run", "small.toml", "--set"],
        &["run", "small.toml", "--set", ""],
        &["run", "small.toml", "--set", "="],
        &["run", "small.toml", "--set", "grid"],
        &["run", "small.toml", "--set", ".=1"],
        &["run", "small.toml", "--set", "grid.cells=[[["],
        &[
            "run",
            "small.toml",
            "--set",
            "grid.cells=[99999999999999999999]",
        ],
        &["run", "small.toml", "--set", "grid.cells=[-3]"],
        &[
            "run",
            "small.toml",
            "--set",
            "grid.cells=[9223372036854775807]",
        ],
        &["run", "small.toml", "--set", "time.end=nan"],
        &["run", "small.toml", "--set", "time.end=inf"],
        &["run", "small.toml", "--set", "time.step=inf"],
        &["run", "small.toml", "--set", "output.every=1e-300"],
        &["run", "small.toml", "--set", "grid.upper=[nan]"],
        &["run", "small.toml", "--set", "target.std=[0.0]"],
        &["run", "small.toml", "--set", "target.mean=[1e300]"],
        &["run", "small.toml", "--set", "title=[1]"],
        &["run", ""],
        &["run", "."],
        &["run", "\u{1F30A}.toml"],
        &["info"],
        &["info", "a.h5", "b.h5"],
        &["diff", "a.h5"],
        &["plot"],
        &["plot", "a.h5", "-o"],
        &["completions"],
        &["completions", "cmd.exe"],
        &["schema", "extra"],
        &["devices", "--json"],
    ];
    for arguments in lines {
        let outcome = ottoflow(folder.path(), arguments);
        assert_eq!(
            outcome.code,
            Some(2),
            "{arguments:?}: {}{}",
            outcome.stdout,
            outcome.stderr
        );
        assert!(!outcome.stderr.is_empty(), "{arguments:?}");
        assert!(!outcome.stderr.contains("panicked"), "{}", outcome.stderr);
    }
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_files_as_any_other() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;
    use std::process::Command;

    let folder = Folder::with_small();
    let name = OsStr::from_bytes(b"odd-\xff.h5");
    let program = || {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ottoflow"));
        command.current_dir(folder.path());
        command
    };
    let output = program().args(["info"]).arg(name).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let output = program()
        .args(["run", "small.toml", "--quiet", "--backend", "cpu", "-o"])
        .arg(name)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(matches!(output.status.code(), Some(0 | 3)), "{stderr}");
    assert!(!stderr.contains("panicked"), "{stderr}");
}
