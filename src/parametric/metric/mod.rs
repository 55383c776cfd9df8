//! Metrics on parameters, and the solve (g + λ)δ = E(Jᵀv) that a natural gradient needs.
//!
//! `sample` is G̃ = E(∂G·∂G), the metric of the usual code; `otto` the W2 metric g pulled back, that is G̃ after the samples' velocities
//! are projected on gradients (`projection`; docs/parameters.md, eq. P2 and P4).

mod projection;
mod spectrum;
mod split;

pub use projection::{Features, Projection};
pub use spectrum::MetricSpectrum;
pub use split::{MetricSplit, split};

use thiserror::Error;

use super::batch::Batch;
use super::cholesky::{factor, solve_transposed, solve_upper};
use super::generator::Generator;
use super::kernels::{RowProducts, add_scaled, dot, padded};

/// Which metric is pulled back to the parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricKind {
    /// G̃: every motion of a sample costs.
    Sample,
    /// g: only motions that change the density cost.
    Otto,
}

/// A metric and what is added to it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MetricSettings {
    /// Which metric.
    pub kind: MetricKind,
    /// λ ≥ 0, added to the diagonal (Tikhonov).
    pub damping: f64,
}

/// What the solves of a run took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct MetricReport {
    /// The number of solves.
    pub solves: u64,
    /// How often the matrix was not positive definite and the damping was raised for that solve.
    pub raised: u64,
    /// The largest damping that was used.
    pub largest_damping: f64,
    /// The damping of the last solve.
    pub damping: f64,
    /// How often it was raised in the last solve.
    pub rungs: u64,
}

/// Why a natural gradient could not be computed.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
pub enum MetricError {
    /// Not positive definite with any damping of the ladder.
    #[error(
        "the metric has the pivot {pivot:e} in row {row} even with the damping {damping:e}; lower the learning rate or raise `damping`"
    )]
    NotPositive {
        /// The last damping tried.
        damping: f64,
        /// The row.
        row: usize,
        /// The pivot found there.
        pivot: f64,
    },
}

/// How often the damping is raised, tenfold each time, before a solve is given up.
const LADDER: usize = 8;
/// The first damping of the ladder above 0, relative to the largest diagonal entry.
const SMALLEST_DAMPING: f64 = 1e-12;

/// The solver of one metric with its memory.
///
/// With more parameters than sample coordinates the solve runs in sample space, δ = Jᵀ(JJᵀ + BλI)⁻¹v, without any n×n matrix; otherwise
/// G̃ + λI is factored. Both are the same δ.
pub struct Metric {
    settings: MetricSettings,
    report: MetricReport,
    projection: Projection,
    /// JJᵀ, or the metric itself.
    matrix: Vec<f64>,
    /// JJᵀ before the projection, or J by parameters.
    wide: Vec<f64>,
    /// JQᵀ by parameters, of a projected metric.
    narrow: Vec<f64>,
    solution: Vec<f64>,
    /// E(Jᵀv) and δ in the space of parameters.
    right: Vec<f64>,
    cotangent: Option<Batch>,
    always_dense: bool,
}

impl Metric {
    /// The solver of a metric; memory is taken at the first solve.
    pub fn new(settings: MetricSettings) -> Self {
        Self {
            settings,
            report: MetricReport::default(),
            projection: Projection::default(),
            matrix: Vec::new(),
            wide: Vec::new(),
            narrow: Vec::new(),
            solution: Vec::new(),
            right: Vec::new(),
            cotangent: None,
            always_dense: false,
        }
    }

    /// A solver of the metric `otto` with its own features in more than one dimension.
    pub fn with_features(settings: MetricSettings, features: Features) -> Self {
        Self {
            projection: Projection::with_features(features),
            ..Self::new(settings)
        }
    }

    /// A solver that factors the metric itself, however many parameters there are: for [`Metric::noise`] and as a reference.
    pub fn dense(settings: MetricSettings) -> Self {
        Self {
            always_dense: true,
            ..Self::new(settings)
        }
    }

    /// λ, from which the ladder of the next solve starts.
    pub fn damping(&self) -> f64 {
        self.settings.damping
    }

    /// Sets λ for the solves that follow.
    pub fn set_damping(&mut self, damping: f64) {
        self.settings.damping = damping;
    }

    /// direction ← (g + λ)^{−1/2}ξ after a solve of a [`Metric::dense`]: noise of covariance (g + λ)⁻¹ from standard normal ξ.
    pub fn noise(&mut self, normal: &[f64], direction: &mut [f64]) {
        let size = padded(normal.len());
        self.right.resize(size, 0.0);
        self.right.fill(0.0);
        self.right[..normal.len()].copy_from_slice(normal);
        solve_upper(&self.matrix, size, &mut self.right);
        direction.copy_from_slice(&self.right[..normal.len()]);
    }

    /// What the solves took so far.
    pub fn report(&self) -> MetricReport {
        self.report
    }

    /// direction ← (g + λ)⁻¹E(Jᵀv) for the generator after `forward` at `parameters`; v has the shape of the samples.
    ///
    /// # Errors
    /// [`MetricError::NotPositive`] if no damping of the ladder helps.
    pub fn solve(
        &mut self,
        generator: &mut dyn Generator,
        parameters: &[f64],
        force: &Batch,
        direction: &mut [f64],
    ) -> Result<(), MetricError> {
        if self.settings.kind == MetricKind::Otto {
            self.projection.prepare(generator.samples());
        }
        self.report.solves += 1;
        let coordinates = force.count() * force.features();
        let mut damping = self.settings.damping;
        for rung in 0..=LADDER {
            (self.report.damping, self.report.rungs) = (damping, rung as u64);
            self.report.largest_damping = self.report.largest_damping.max(damping);
            let outcome = if generator.parameters() > coordinates && !self.always_dense {
                self.in_sample_space(generator, parameters, force, damping, direction)
            } else {
                self.in_parameter_space(generator, parameters, force, damping, direction)
            };
            match outcome {
                Ok(()) => return Ok(()),
                Err(failed) if rung == LADDER || !failed.pivot.is_finite() => {
                    return Err(MetricError::NotPositive {
                        damping,
                        row: failed.row,
                        pivot: failed.pivot,
                    });
                }
                Err(failed) => {
                    self.report.raised += 1;
                    damping = (10.0 * damping).max(SMALLEST_DAMPING * failed.largest);
                }
            }
        }
        Ok(())
    }

    fn in_sample_space(
        &mut self,
        generator: &mut dyn Generator,
        parameters: &[f64],
        force: &Batch,
        damping: f64,
        direction: &mut [f64],
    ) -> Result<(), Failed> {
        let full = force.values().len();
        let size = match self.settings.kind {
            MetricKind::Sample => full,
            MetricKind::Otto => padded(self.projection.rank()),
        };
        self.matrix.resize(size * size, 0.0);
        self.solution.resize(size, 0.0);
        match self.settings.kind {
            MetricKind::Sample => {
                generator.gram(parameters, &mut self.matrix);
                self.solution.copy_from_slice(force.values());
            }
            MetricKind::Otto => {
                self.wide.resize(full * full, 0.0);
                generator.gram(parameters, &mut self.wide);
                self.projection
                    .project_gram(&self.wide, full, &mut self.matrix, size);
                self.projection.project(force.values(), &mut self.solution);
            }
        }
        let shift = damping * force.count() as f64;
        factored(&mut self.matrix, size, shift, force.count())?;
        solve_transposed(&self.matrix, size, &mut self.solution);
        solve_upper(&self.matrix, size, &mut self.solution);
        let cotangent = self
            .cotangent
            .get_or_insert_with(|| Batch::new(force.features(), force.count()));
        match self.settings.kind {
            MetricKind::Sample => cotangent.values_mut().copy_from_slice(&self.solution),
            MetricKind::Otto => self.projection.spread(&self.solution, cotangent),
        }
        direction.fill(0.0);
        generator.pull_back(parameters, cotangent, direction);
        Ok(())
    }

    fn in_parameter_space(
        &mut self,
        generator: &mut dyn Generator,
        parameters: &[f64],
        force: &Batch,
        damping: f64,
        direction: &mut [f64],
    ) -> Result<(), Failed> {
        let (count, full) = (generator.parameters(), force.values().len());
        let size = padded(count);
        self.gather(generator, parameters, full, size);
        let share = 1.0 / force.count() as f64;
        self.matrix.iter_mut().for_each(|value| *value *= share);
        // E[Jᵀv], with the force projected like the velocities.
        let (jacobian, projected) = match self.settings.kind {
            MetricKind::Sample => (&self.wide, force.values()),
            MetricKind::Otto => {
                self.solution.resize(padded(self.projection.rank()), 0.0);
                self.projection.project(force.values(), &mut self.solution);
                (&self.narrow, self.solution.as_slice())
            }
        };
        self.right.resize(size, 0.0);
        self.right.fill(0.0);
        let rows = jacobian.chunks_exact(projected.len());
        for (value, row) in self.right.iter_mut().zip(rows) {
            *value = share * dot(row, projected);
        }
        factored(&mut self.matrix, size, damping, 1)?;
        solve_transposed(&self.matrix, size, &mut self.right);
        solve_upper(&self.matrix, size, &mut self.right);
        direction.copy_from_slice(&self.right[..count]);
        Ok(())
    }

    /// Σ_b ∂_iG·∂_jG into `matrix` with rows `size` apart, through J in `wide`; through JQᵀ in `narrow` for `otto`.
    fn gather(
        &mut self,
        generator: &mut dyn Generator,
        parameters: &[f64],
        full: usize,
        size: usize,
    ) {
        let count = generator.parameters();
        self.wide.resize(count * full, 0.0);
        generator.jacobian(parameters, &mut self.wide);
        let (mut width, mut rows) = (full, &self.wide);
        if self.settings.kind == MetricKind::Otto {
            width = padded(self.projection.rank());
            self.narrow.resize(count * width, 0.0);
            let narrow = self.narrow.chunks_exact_mut(width);
            for (narrow, row) in narrow.zip(self.wide.chunks_exact(full)) {
                self.projection.project(row, narrow);
            }
            rows = &self.narrow;
        }
        self.matrix.resize(size * size, 0.0);
        self.matrix.fill(0.0);
        RowProducts {
            left: rows,
            right: rows,
            rows: (count, count),
            step: width,
        }
        .add_to(&mut self.matrix, size);
    }

    /// The metric itself, n×n by rows, at the generator's samples: for reports and tests.
    pub fn matrix(&mut self, generator: &mut dyn Generator, parameters: &[f64]) -> Vec<f64> {
        if self.settings.kind == MetricKind::Otto {
            self.projection.prepare(generator.samples());
        }
        let (count, full) = (generator.parameters(), generator.samples().values().len());
        self.gather(generator, parameters, full, count);
        let share = 1.0 / generator.samples().count() as f64;
        self.matrix.iter().map(|value| share * value).collect()
    }
}

/// A factorisation that failed, with the largest diagonal entry of the matrix.
struct Failed {
    row: usize,
    pivot: f64,
    largest: f64,
}

/// Adds `shift` to the diagonal, and 1 where there is nothing but padding, then factors. `samples` turns the largest entry into that of
/// the metric.
fn factored(matrix: &mut [f64], size: usize, shift: f64, samples: usize) -> Result<(), Failed> {
    let mut largest = 0.0_f64;
    for row in 0..size {
        let entry = &mut matrix[row * (size + 1)];
        largest = largest.max(*entry);
        // A row of the padding is 0: any positive number solves it to 0.
        *entry += if *entry == 0.0 && shift == 0.0 {
            1.0
        } else {
            shift
        };
    }
    factor(matrix, size).map_err(|failed| Failed {
        row: failed.row,
        pivot: failed.pivot,
        largest: largest / samples.max(1) as f64,
    })
}

/// y ← y + Σ_k c_k rows_k.
pub(super) fn combine(coefficients: &[f64], rows: &[f64], step: usize, y: &mut [f64]) {
    for (coefficient, row) in coefficients.iter().zip(rows.chunks_exact(step)) {
        add_scaled(*coefficient, row, y);
    }
}
