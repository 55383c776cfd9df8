//! The terminal: numbers, tables of results on stdout, progress of long work on stderr.

use std::fmt;
use std::io::Write;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use unicode_width::UnicodeWidthStr;

/// Shortest time between two updates of the bar; each redraws it twice, for its text and for its length.
const REDRAW_INTERVAL: Duration = Duration::from_millis(200);
/// Shortest time between two plain lines.
const LINE_INTERVAL: Duration = Duration::from_secs(10);
/// Full length of the bar in indicatif's integer units.
const BAR_LENGTH: u64 = 1000;

/// A number for people: four significant digits, plain from 0.001 up to 99999, otherwise scientific (`9.274e5`).
pub fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    if !value.is_finite() {
        return value.to_string();
    }
    // Rounding to four digits comes first, so that 999.96 becomes 1000 and not 1000.0.
    let scientific = format!("{value:.3e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else {
        return scientific;
    };
    match exponent.parse::<i32>() {
        Ok(exponent @ -3..5) => {
            let decimals = usize::try_from(3 - exponent).unwrap_or(0);
            without_trailing_zeros(&format!("{value:.decimals$}")).into()
        }
        _ => format!("{}e{exponent}", without_trailing_zeros(mantissa)),
    }
}

fn without_trailing_zeros(digits: &str) -> &str {
    if digits.contains('.') {
        digits.trim_end_matches('0').trim_end_matches('.')
    } else {
        digits
    }
}

/// A duration for people: `0.42 s`, `12 s`, `3 min 05 s`, `2 h 04 min`.
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    let whole = seconds.round() as u64;
    match whole {
        0..10 => format!("{} s", number((seconds * 100.0).round() / 100.0)),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {:02} s", whole / 60, whole % 60),
        _ => {
            let minutes = (whole + 30) / 60;
            format!("{} h {:02} min", minutes / 60, minutes % 60)
        }
    }
}

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProgressMode {
    /// A bar on stderr that is redrawn in place.
    Bar,
    /// One plain line on stderr at most every 10 s.
    Lines,
    /// Nothing.
    Quiet,
}

impl ProgressMode {
    /// `Quiet` when asked for, a bar when stderr is a terminal that can redraw a line, otherwise plain lines.
    pub fn choose(quiet: bool) -> Self {
        if quiet {
            Self::Quiet
        } else if ProgressDrawTarget::stderr().is_hidden() {
            Self::Lines
        } else {
            Self::Bar
        }
    }
}

/// Where a run is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Status {
    /// Time t reached.
    pub time: f64,
    /// Size Δt of the last step.
    pub step: f64,
    /// Number of steps taken.
    pub steps: u64,
    /// The divergence J.
    pub divergence: f64,
    /// The decay rate −d ln J/dt, where it is known.
    pub rate: Option<f64>,
    /// The share of the work that is done, 0 to 1: of the time span, or of the outputs when those are spread over
    /// many decades. The remaining wall time is estimated from it.
    pub fraction: f64,
}

/// One line that says where a run is, for example
/// `t = 0.5 of 2 (25 %), Δt = 0.01, J = 0.1234, rate 0.78, 50 steps, 3 s left`.
pub fn status_line(status: &Status, end_time: f64, elapsed: Duration) -> String {
    let fraction = share(status.fraction);
    let mut line = format!(
        "t = {} of {} ({:.0} %), Δt = {}, J = {}",
        number(status.time),
        number(end_time),
        (100.0 * fraction).floor(),
        number(status.step),
        number(status.divergence),
    );
    if let Some(rate) = status.rate {
        line += &format!(", rate {}", number(rate));
    }
    line += &format!(", {} steps", status.steps);
    line + &time_left(fraction, elapsed)
}

/// `, 3 s left` after this share of the work took this time; nothing before there is any.
pub fn time_left(fraction: f64, elapsed: Duration) -> String {
    let remaining = elapsed.as_secs_f64() * (1.0 - fraction) / fraction;
    match Duration::try_from_secs_f64(remaining) {
        Ok(remaining) => format!(", {} left", duration(remaining)),
        Err(_) => String::new(),
    }
}

/// The fraction brought into 0 to 1; not a number counts as nothing done.
fn share(fraction: f64) -> f64 {
    if fraction.is_nan() {
        0.0
    } else {
        fraction.clamp(0.0, 1.0)
    }
}

/// Shows how far long work has come; cheap enough to be told of every step.
pub struct Progress {
    end_time: f64,
    started: Instant,
    shown: Duration,
    display: Display,
}

enum Display {
    Bar(ProgressBar),
    Lines(Box<dyn Write + Send>),
    Quiet,
}

impl Progress {
    /// Starts the clock of a run that ends at `end_time`; shows on stderr.
    pub fn new(end_time: f64, mode: ProgressMode) -> Self {
        Self::with_output(end_time, mode, Box::new(std::io::stderr()))
    }

    /// As [`Progress::new`], but plain lines go to `output`. The bar always goes to stderr.
    pub fn with_output(end_time: f64, mode: ProgressMode, output: Box<dyn Write + Send>) -> Self {
        let display = match mode {
            ProgressMode::Bar => {
                let target = ProgressDrawTarget::stderr_with_hz(10);
                let bar = ProgressBar::with_draw_target(Some(BAR_LENGTH), target);
                // The template is a constant; should indicatif refuse it one day, its default bar is good enough.
                let style = ProgressStyle::with_template("{bar:24} {wide_msg}")
                    .unwrap_or_else(|_| ProgressStyle::default_bar())
                    .progress_chars("█▉▊▋▌▍▎▏ ");
                bar.set_style(style);
                Display::Bar(bar)
            }
            ProgressMode::Lines => Display::Lines(output),
            ProgressMode::Quiet => Display::Quiet,
        };
        Self {
            end_time,
            started: Instant::now(),
            shown: Duration::ZERO,
            display,
        }
    }

    /// Takes note of the state of the run; shows it if enough time has passed since it last did.
    pub fn update(&mut self, status: &Status) {
        self.update_at(status, self.started.elapsed());
    }

    fn update_at(&mut self, status: &Status, elapsed: Duration) {
        let end_time = self.end_time;
        self.show(status.fraction, elapsed, |elapsed| {
            status_line(status, end_time, elapsed)
        });
    }

    /// Takes note of how far work without a time of its own has come; `line` says it in words, given the time since the start.
    pub fn note(&mut self, fraction: f64, line: impl FnOnce(Duration) -> String) {
        self.show(fraction, self.started.elapsed(), line);
    }

    fn show(&mut self, fraction: f64, elapsed: Duration, line: impl FnOnce(Duration) -> String) {
        let interval = match self.display {
            Display::Bar(_) => REDRAW_INTERVAL,
            Display::Lines(_) => LINE_INTERVAL,
            Display::Quiet => return,
        };
        if elapsed.saturating_sub(self.shown) < interval {
            return;
        }
        self.shown = elapsed;
        let line = line(elapsed);
        match &mut self.display {
            Display::Bar(bar) => {
                bar.set_position((share(fraction) * BAR_LENGTH as f64) as u64);
                bar.set_message(line);
            }
            // Progress is a courtesy: a closed stderr must not stop the run.
            Display::Lines(output) => drop(writeln!(output, "{line}")),
            Display::Quiet => {}
        }
    }

    /// Removes the bar; what was printed as lines stays. Dropping does the same.
    pub fn finish(self) {}
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Display::Bar(bar) = &self.display {
            bar.finish_and_clear();
        }
    }
}

/// On which side of its column a cell stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alignment {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table of text for stdout; columns are as wide as their widest cell, counted as a terminal shows it.
///
/// ```
/// use ottoflow::output::console::{Alignment, Table, number};
/// let mut table = Table::new(&[("method", Alignment::Left), ("error", Alignment::Right)]);
/// table.row(["implicit".into(), number(1.25e-7)]);
/// assert_eq!(table.to_string(), "method      error\n────────  ───────\nimplicit  1.25e-7\n");
/// ```
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<(String, Alignment)>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with the given column titles; without any title there is no header.
    pub fn new(columns: &[(&str, Alignment)]) -> Self {
        Self {
            columns: columns
                .iter()
                .map(|&(title, alignment)| (title.into(), alignment))
                .collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row. Missing cells are empty; cells beyond the last column are not shown.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    fn write_row<'a>(
        &self,
        formatter: &mut fmt::Formatter<'_>,
        widths: &[usize],
        cells: impl Iterator<Item = &'a str>,
    ) -> fmt::Result {
        let mut line = String::new();
        for ((cell, (_, alignment)), &width) in cells.zip(&self.columns).zip(widths) {
            let padding = " ".repeat(width.saturating_sub(cell.width()));
            line += &match alignment {
                Alignment::Left => format!("{cell}{padding}  "),
                Alignment::Right => format!("{padding}{cell}  "),
            };
        }
        writeln!(formatter, "{}", line.trim_end())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let titles = || self.columns.iter().map(|(title, _)| title.as_str());
        let mut widths: Vec<usize> = titles().map(UnicodeWidthStr::width).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.width());
            }
        }
        if titles().any(|title| !title.is_empty()) {
            let rules: Vec<String> = widths.iter().map(|&width| "─".repeat(width)).collect();
            self.write_row(formatter, &widths, titles())?;
            self.write_row(formatter, &widths, rules.iter().map(String::as_str))?;
        }
        for row in &self.rows {
            self.write_row(formatter, &widths, row.iter().map(String::as_str))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl Sink {
        fn text(&self) -> String {
            String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
        }
    }

    impl Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    fn halfway() -> Status {
        Status {
            time: 1.0,
            step: 0.01,
            steps: 100,
            divergence: 0.25,
            rate: Some(0.78125),
            fraction: 0.5,
        }
    }

    #[test]
    fn plain_lines_come_at_most_every_ten_seconds() {
        let sink = Sink::default();
        let mut progress = Progress::with_output(2.0, ProgressMode::Lines, Box::new(sink.clone()));
        for tenth in 0..250 {
            progress.update_at(&halfway(), Duration::from_millis(100 * tenth));
        }
        progress.finish();
        assert_eq!(
            sink.text(),
            "t = 1 of 2 (50 %), Δt = 0.01, J = 0.25, rate 0.7812, 100 steps, 10 s left\n\
             t = 1 of 2 (50 %), Δt = 0.01, J = 0.25, rate 0.7812, 100 steps, 20 s left\n"
        );
    }

    #[test]
    fn quiet_progress_prints_nothing() {
        let sink = Sink::default();
        let mut progress = Progress::with_output(2.0, ProgressMode::Quiet, Box::new(sink.clone()));
        for minute in 0..10 {
            progress.update_at(&halfway(), Duration::from_secs(60 * minute));
        }
        progress.finish();
        assert_eq!(sink.text(), "");
    }
}
