//! The command line: one file a command, each thin.

mod beside;
mod compare;
mod compare_arrays;
mod compare_files;
mod compare_observations;
mod compare_report;
mod devices;
mod error;
mod info;
mod list;
mod place;
mod plot;
mod recorder;
mod run;
mod validate;

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

use crate::backend::memory::give_back_large_blocks;

pub use error::CommandError;

/// Wasserstein gradient flows of GAN divergences: a scenario file becomes a trajectory and pictures.
#[derive(Parser)]
#[command(name = "ottoflow", version, about, max_term_width = 110)]
struct CommandLine {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Integrate one scenario, write its trajectory, print a summary
    Run(RunArguments),
    /// Train every optimizer of a generator scenario from all its seeds, print a table with confidence intervals
    Compare(compare::CompareArguments),
    /// L1, W2 (1-D) and divergence distance of two trajectories at their common times
    Diff {
        /// A trajectory file
        first: PathBuf,
        /// Another, on the same box; its cells may be a whole multiple finer or coarser
        second: PathBuf,
    },
    /// What is in a file, of a trajectory or of a comparison
    Info {
        /// The file
        file: PathBuf,
    },
    /// Make a file whole again after a crash: every committed frame stays
    Repair {
        /// The trajectory file
        file: PathBuf,
    },
    /// Draw the pictures of a trajectory or of a comparison
    Plot {
        /// The file
        file: PathBuf,
        /// Folder for the pictures
        #[arg(short, long, value_name = "DIR", default_value = ".")]
        output: PathBuf,
    },
    /// Scenarios, divergences, densities and methods of this program
    List {
        /// Write the scenario files into this folder
        #[arg(long, value_name = "DIR")]
        write: Option<PathBuf>,
    },
    /// Check the theory numerically: claim, measured, bound, verdict; exit 1 if one fails
    Validate {
        /// Names of checks; all without
        names: Vec<String>,
        /// Where to compute: all checks run on the CPU in f64, those of devices also on a GPU and in f32
        #[arg(long, value_enum, default_value_t = Backend::Cpu)]
        backend: Backend,
        /// Format of the numbers; without it, f64 on the CPU and f32 on the GPU
        #[arg(long, value_enum)]
        precision: Option<PrecisionArgument>,
        /// Write the outcomes to this file as well
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
        /// Print a table in Markdown
        #[arg(long)]
        markdown: bool,
    },
    /// The processors and adapters that a run can use
    Devices,
    /// The JSON Schema of scenario files
    Schema,
    /// Shell completions
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

#[derive(Args)]
struct RunArguments {
    /// The scenario file (TOML)
    scenario: PathBuf,
    /// The trajectory file; without it, the scenario's name with .h5 in the current folder
    #[arg(short, long, value_name = "FILE.h5")]
    output: Option<PathBuf>,
    /// Where to compute; `auto`: a hardware GPU if there is one and the method is explicit, else the CPU
    #[arg(long, value_enum, default_value_t = Backend::Auto)]
    backend: Backend,
    /// Format of the numbers; without it f64, and f32 for explicit steps on the GPU
    #[arg(long, value_enum)]
    precision: Option<PrecisionArgument>,
    /// Threads on the CPU; without it, one for each core. The results do not depend on it
    #[arg(long, value_name = "N")]
    threads: Option<std::num::NonZeroUsize>,
    /// Override a key of the scenario, such as grid.cells=[800]; may be repeated
    #[arg(long, value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Draw the pictures of the trajectory into this folder
    #[arg(long, value_name = "DIR")]
    plots: Option<PathBuf>,
    /// Replace an existing trajectory file
    #[arg(long)]
    force: bool,
    /// No progress display
    #[arg(short, long)]
    quiet: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Backend {
    Auto,
    Cpu,
    Gpu,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum PrecisionArgument {
    F64,
    F32,
}

/// Runs the command line of the process and returns its exit code: 0 done, 1 a validation failed, 2 bad usage or scenario, 3 the run
/// failed, 130 interrupted.
pub fn main() -> ExitCode {
    without_desktop();
    give_back_large_blocks();
    // clap prints usage errors itself and exits with 2.
    let CommandLine { command } = CommandLine::parse();
    let outcome = match command {
        Command::Run(arguments) => run::run(&arguments),
        Command::Compare(arguments) => compare::compare(&arguments),
        Command::Diff { first, second } => compare_files::diff(&first, &second),
        Command::Info { file } => info::info(&file),
        Command::Repair { file } => info::repair_file(&file),
        Command::Plot { file, output } => plot::plot(&file, &output),
        Command::List { write } => list::list(write.as_deref()),
        Command::Validate {
            names,
            backend,
            precision,
            json,
            markdown,
        } => place::device(backend, precision)
            .and_then(|device| validate::validate(&names, &device, json.as_deref(), markdown)),
        Command::Devices => devices::devices(),
        Command::Schema => schema(),
        Command::Completions { shell } => completions(shell),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = error.exit_code();
            error.report();
            ExitCode::from(code)
        }
    }
}

/// On a machine without a desktop, Mesa's chooser of adapters complains on stderr that it cannot ask one. Which adapter is taken is
/// decided here, so that it need not be asked.
fn without_desktop() {
    let of_the_chooser = ["XDG_RUNTIME_DIR", "MESA_VK_DEVICE_SELECT"];
    if of_the_chooser
        .iter()
        .all(|name| std::env::var_os(name).is_none())
    {
        // SAFETY: the process has no other thread yet.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}

fn schema() -> Result<(), CommandError> {
    let schema = serde_json::to_string_pretty(&crate::scenario::json_schema());
    print(&schema.map_err(|error| CommandError::Usage(error.to_string()))?)
}

fn completions(shell: clap_complete::Shell) -> Result<(), CommandError> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut CommandLine::command(), "ottoflow", &mut script);
    print(String::from_utf8_lossy(&script).trim_end())
}

/// Tells the user something on stderr; nobody listening is no reason to stop.
fn tell(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// Prints results on stdout; a reader that has gone away (`| head`) is no failure.
fn print(text: &str) -> Result<(), CommandError> {
    match writeln!(std::io::stdout(), "{text}") {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(CommandError::Stdout(error))
        }
        _ => Ok(()),
    }
}
