//! Pictures of a trajectory as SVG and PNG.
//!
//! A picture is a function from a [`TrajectoryView`] to a drawing, in a file of its own; to add one, write the file and
//! add a line to the list of pictures below.

mod arrows;
mod axes;
mod chart;
mod colour;
mod comparison;
mod decay;
mod density_curves;
mod density_panels;
mod density_slices;
mod drawing;
mod eigenvalues;
mod energies;
mod frames;
mod metric_spectra;
mod panels;
mod phase;
mod render;
mod scale;
mod space_time;
mod steps;

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::grid::{Field, Grid};
use drawing::Drawing;

pub use comparison::{ComparisonView, DensityFunction, OptimizerView, draw_comparison};

/// Gives the density ρ, shape (z, y, x), of a frame; called only for the frames that are drawn.
pub type DensityReader<'a> = dyn Fn(usize) -> Result<Field, Box<dyn Error + Send + Sync>> + 'a;

/// Gives the components of the velocity of the mass along the axes, each of shape (z, y, x), of a frame.
pub type VelocityReader<'a> =
    dyn Fn(usize) -> Result<Vec<Field>, Box<dyn Error + Send + Sync>> + 'a;

/// What the pictures of one trajectory are drawn from.
#[derive(Clone, Copy)]
pub struct TrajectoryView<'a> {
    /// Title of the pictures.
    pub title: &'a str,
    /// What stands below the title: divergence, method, backend.
    pub subtitle: &'a str,
    /// The cells.
    pub grid: &'a Grid,
    /// The time t of each frame, in increasing order.
    pub times: &'a [f64],
    /// The target density π.
    pub target: &'a Field,
    /// The density ρ of frame 0, 1, ….
    pub density: &'a DensityReader<'a>,
    /// The velocity of the mass in frame 0, 1, …, where it is known.
    pub velocity: Option<&'a VelocityReader<'a>>,
    /// Name of the divergence, for the legend.
    pub divergence_label: &'a str,
    /// The divergence J of each frame.
    pub divergence: &'a [f64],
    /// The connection norm ‖A‖ in L²(ρ) of each frame.
    pub connection_norm: &'a [f64],
    /// The rate λ of the predicted decay J ∝ exp(−λt), ‖A‖ ∝ exp(−λt/2).
    pub predicted_rate: Option<f64>,
    /// The steps of a method that certifies them.
    pub steps: Option<StepsView<'a>>,
    /// The energies of a density with inertia.
    pub inertia: Option<InertiaView<'a>>,
}

/// What inertia adds to the frames, one entry each.
#[derive(Clone, Copy)]
pub struct InertiaView<'a> {
    /// ½ ∫ρ|u|².
    pub kinetic_energy: &'a [f64],
    /// J + kinetic energy.
    pub hamiltonian: &'a [f64],
    /// The work of friction since the start.
    pub dissipated_work: &'a [f64],
    /// ∫ρ x.
    pub mean: &'a [f64],
    /// Its velocity ∫ρ u along x.
    pub mean_velocity: &'a [f64],
}

/// The steps of a method with a duality gap, one entry each.
#[derive(Clone, Copy)]
pub struct StepsView<'a> {
    /// The time t at the end of each step, in increasing order.
    pub times: &'a [f64],
    /// The divergence J after each step.
    pub divergence: &'a [f64],
    /// The duality gap of each step, in units of J.
    pub gap: &'a [f64],
}

/// Why a picture could not be drawn.
#[derive(Debug, Error)]
pub enum PlotError {
    /// Nothing to draw.
    #[error("the trajectory has no frame, at least 1 expected: run the scenario first")]
    NoFrame,
    /// A comparison without a run that reached its end.
    #[error(
        "nothing to draw: no run reached its end; lower the learning rates, or wait until the runs have ended"
    )]
    NoRun,
    /// A series that does not fit the times.
    #[error("{series}: {found} values found, {expected} expected, one for each {row}")]
    Length {
        /// Name of the series.
        series: &'static str,
        /// Its length.
        found: usize,
        /// The number of times.
        expected: usize,
        /// What has one value each.
        row: &'static str,
    },
    /// A field that does not fit the grid.
    #[error("{field}: shape (z, y, x) = {found:?} found, {expected:?} expected from the grid")]
    Shape {
        /// Name of the field.
        field: String,
        /// Its shape.
        found: (usize, usize, usize),
        /// The shape of the grid.
        expected: (usize, usize, usize),
    },
    /// A frame that could not be read.
    #[error("frame {frame} (time {time}): the {field} could not be read")]
    Field {
        /// Name of the field.
        field: &'static str,
        /// Index of the frame.
        frame: usize,
        /// Its time.
        time: f64,
        /// The reason.
        source: Box<dyn Error + Send + Sync>,
    },
    /// The font in the program is damaged.
    #[error("the embedded font DejaVu Sans could not be read; this copy of the program is damaged")]
    Font,
    /// The plotting library failed.
    #[error("the plotting library failed: {0}")]
    Drawing(String),
    /// A file or folder that could not be written.
    #[error("{path}: cannot be written; is there room, and may this user write there?")]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

impl TrajectoryView<'_> {
    fn check(&self) -> Result<(), PlotError> {
        let expected = self.times.len();
        if expected == 0 {
            return Err(PlotError::NoFrame);
        }
        let series = [
            ("divergence", self.divergence.len()),
            ("connection_norm", self.connection_norm.len()),
        ];
        check_lengths(&series, expected, "output time")?;
        if let Some(inertia) = self.inertia {
            let series = [
                ("kinetic_energy", inertia.kinetic_energy.len()),
                ("hamiltonian", inertia.hamiltonian.len()),
                ("dissipated_work", inertia.dissipated_work.len()),
                ("mean_x", inertia.mean.len()),
                ("momentum_x", inertia.mean_velocity.len()),
            ];
            check_lengths(&series, expected, "output time")?;
        }
        if let Some(steps) = self.steps {
            let series = [
                ("steps/divergence", steps.divergence.len()),
                ("steps/gap", steps.gap.len()),
            ];
            check_lengths(&series, steps.times.len(), "step")?;
        }
        self.check_shape(self.target, || "target".into())
    }

    fn check_shape(&self, field: &Field, name: impl Fn() -> String) -> Result<(), PlotError> {
        let (found, expected) = (field.dim(), self.grid.shape());
        if found == expected {
            return Ok(());
        }
        Err(PlotError::Shape {
            field: name(),
            found,
            expected,
        })
    }

    /// Reads ρ of a frame.
    fn density(&self, frame: usize) -> Result<Field, PlotError> {
        let density = (self.density)(frame).map_err(|source| PlotError::Field {
            field: "density",
            frame,
            time: self.times.get(frame).copied().unwrap_or(f64::NAN),
            source,
        })?;
        self.check_shape(&density, || format!("density of frame {frame}"))?;
        Ok(density)
    }
}

fn check_lengths(
    series: &[(&'static str, usize)],
    expected: usize,
    row: &'static str,
) -> Result<(), PlotError> {
    match series.iter().find(|(_, found)| *found != expected) {
        None => Ok(()),
        Some(&(series, found)) => Err(PlotError::Length {
            series,
            found,
            expected,
            row,
        }),
    }
}

/// One picture of the list: the stem of its files, the dimensions it is for, and the function that composes it.
struct Picture {
    name: &'static str,
    dimensions: &'static [usize],
    compose: Compose,
}

/// What a picture is drawn from; one of steps, velocities or inertia is left out where there are none.
enum Compose {
    View(fn(&TrajectoryView) -> Result<Drawing, PlotError>),
    Steps(fn(&TrajectoryView, &StepsView) -> Result<Drawing, PlotError>),
    Velocity(fn(&TrajectoryView, &VelocityReader) -> Result<Drawing, PlotError>),
    Inertia(fn(&TrajectoryView, &InertiaView) -> Result<Drawing, PlotError>),
}

const PICTURES: &[Picture] = &[
    Picture {
        name: "density",
        dimensions: &[1],
        compose: Compose::View(density_curves::compose),
    },
    Picture {
        name: "space-time",
        dimensions: &[1],
        compose: Compose::View(space_time::compose),
    },
    Picture {
        name: "density",
        dimensions: &[2],
        compose: Compose::View(density_panels::compose),
    },
    Picture {
        name: "velocity",
        dimensions: &[2],
        compose: Compose::Velocity(arrows::compose),
    },
    Picture {
        name: "density",
        dimensions: &[3],
        compose: Compose::View(density_slices::compose),
    },
    Picture {
        name: "decay",
        dimensions: &[1, 2, 3],
        compose: Compose::View(decay::compose),
    },
    Picture {
        name: "steps",
        dimensions: &[1, 2, 3],
        compose: Compose::Steps(steps::compose),
    },
    Picture {
        name: "energies",
        dimensions: &[1, 2, 3],
        compose: Compose::Inertia(energies::compose),
    },
    Picture {
        name: "phase",
        dimensions: &[1, 2, 3],
        compose: Compose::Inertia(phase::compose),
    },
];

/// Draws every picture that suits the dimension into `folder`, each as `NAME.svg` and `NAME.png`, and returns their
/// paths. The folder is made if it is missing; files of the same names are replaced.
///
/// 1-D: `density` (curves at chosen times), `space-time` · 2-D and 3-D: `density` (panels, mid-plane slices) ·
/// 2-D: `velocity` (arrows over the density, where velocities are known) ·
/// all: `decay` (J and ‖A‖ against the predicted rate), of methods that certify their steps `steps` (J and the duality gap), and with
/// inertia `energies` (J, kinetic energy and H) and `phase` (the mean and its velocity). Values that are not finite are left out.
///
/// # Errors
/// [`PlotError`]: series or fields that do not fit the times and the grid, a frame that cannot be read, a file that
/// cannot be written.
pub fn draw(view: &TrajectoryView, folder: &Path) -> Result<Vec<PathBuf>, PlotError> {
    view.check()?;
    let mut paths = Vec::new();
    let dimension = view.grid.dimension();
    for picture in PICTURES {
        if !picture.dimensions.contains(&dimension) {
            continue;
        }
        let steps = view.steps.filter(|steps| !steps.times.is_empty());
        let drawing = match picture.compose {
            Compose::View(compose) => Some(compose(view)),
            Compose::Steps(compose) => steps.map(|steps| compose(view, &steps)),
            Compose::Inertia(compose) => view.inertia.map(|inertia| compose(view, &inertia)),
            Compose::Velocity(compose) => view.velocity.map(|velocity| compose(view, velocity)),
        };
        let Some(drawing) = drawing.transpose()? else {
            continue;
        };
        paths.extend(save(&drawing, folder, picture.name)?);
    }
    Ok(paths)
}

/// Writes a drawing as SVG and PNG.
fn save(drawing: &Drawing, folder: &Path, name: &str) -> Result<Vec<PathBuf>, PlotError> {
    let failed = |path: &Path| {
        let path = path.to_path_buf();
        move |source| PlotError::Write { path, source }
    };
    fs::create_dir_all(folder).map_err(failed(folder))?;
    let mut paths = Vec::new();
    for (extension, bytes) in [
        ("svg", render::svg(drawing)?),
        ("png", render::png(drawing)?),
    ] {
        let path = folder.join(name).with_extension(extension);
        fs::write(&path, bytes).map_err(failed(&path))?;
        paths.push(path);
    }
    Ok(paths)
}
