use super::super::batch::Batch;
use super::super::cholesky::{Cholesky, solve_transposed, solve_upper};
use super::super::generator::Generator;
use super::super::kernels::{add_scaled, padded};
use super::super::row_products::{RowProducts, dot};
use super::connection::Connection;
use super::{MetricError, MetricKind, MetricReport, MetricSettings, Potentials, Projection};
use crate::backend::cpu::{Aligned, aligned};

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
    cholesky: Cholesky,
    /// JJᵀ, or the metric itself.
    matrix: Aligned<f64>,
    /// JJᵀ before the projection, or J by parameters.
    wide: Aligned<f64>,
    /// JQᵀ by parameters, of a projected metric.
    narrow: Aligned<f64>,
    solution: Aligned<f64>,
    /// E(Jᵀv) and δ in the space of parameters.
    right: Vec<f64>,
    cotangent: Option<Batch>,
    connection: Option<Connection>,
    field: Option<Batch>,
    /// E(Jᵀv) of a field that is not projected; empty if there is none.
    paired: Vec<f64>,
    always_dense: bool,
}

impl Metric {
    /// The solver of a metric; memory is taken at the first solve.
    pub fn new(settings: MetricSettings) -> Self {
        Self {
            settings,
            report: MetricReport::default(),
            projection: Projection::default(),
            cholesky: Cholesky::default(),
            matrix: aligned(0, 0.0),
            wide: aligned(0, 0.0),
            narrow: aligned(0, 0.0),
            solution: aligned(0, 0.0),
            right: Vec::new(),
            cotangent: None,
            connection: None,
            field: None,
            paired: Vec::new(),
            always_dense: false,
        }
    }

    /// A solver of the metric `otto` with potentials of its own, in 1-D as well.
    pub fn with_potentials(settings: MetricSettings, potentials: impl Into<Potentials>) -> Self {
        Self {
            projection: Projection::with_potentials(potentials.into()),
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
        self.paired.clear();
        self.solve_prepared(generator, parameters, force, direction)
    }

    /// field ← v such that E(Jᵀv) is the connection term of η = θ', whose i-th number is Γ_i = d/dt(g η)_i − ½∂_i g(η, η) along a straight
    /// line: D²G(η, η) for G̃, and ∇(φ_t + ½|∇φ|²) for g with φ the potential of η (docs/parameters.md, eq. P19). From here on g is on
    /// potentials in 1-D too, for averages over neighbours have no derivative.
    pub fn connection(
        &mut self,
        generator: &mut dyn Generator,
        parameters: &[f64],
        velocity: &[f64],
        field: &mut Batch,
    ) {
        let connection = self
            .connection
            .get_or_insert_with(|| Connection::new(generator.samples()));
        match self.settings.kind {
            MetricKind::Sample => connection.of_samples(generator, parameters, velocity, field),
            MetricKind::Otto => {
                let gradients = self.projection.prepare_gradients(generator.samples(), true);
                connection.of_densities(gradients, generator, parameters, velocity, field);
            }
        }
    }

    /// direction ← (g + λ)⁻¹(E(Jᵀv) + Γ(η, η)), with the connection term of the velocity η.
    ///
    /// Γ is paired with ∂G unprojected, as the Levi-Civita connection of g + λ on the space of potentials has it. With more parameters
    /// than potentials g is singular; Γ then is projected like v, so that both lie in the range of g, and the difference is of
    /// the order of the error of g.
    ///
    /// # Errors
    /// [`MetricError::NotPositive`] if no damping of the ladder helps.
    pub fn solve_with_connection(
        &mut self,
        generator: &mut dyn Generator,
        parameters: &[f64],
        velocity: &[f64],
        force: &Batch,
        direction: &mut [f64],
    ) -> Result<(), MetricError> {
        let mut field = self.field.take().unwrap_or_else(|| force.clone());
        self.connection(generator, parameters, velocity, &mut field);
        self.paired.clear();
        let least = match self.settings.kind {
            MetricKind::Sample => 0,
            MetricKind::Otto => self.projection.rank().min(force.values().len()),
        };
        let outcome = if generator.parameters() <= least {
            self.paired.resize(parameters.len(), 0.0);
            generator.pull_back(parameters, &field, &mut self.paired);
            let share = 1.0 / force.count() as f64;
            self.paired.iter_mut().for_each(|value| *value *= share);
            self.solve_prepared(generator, parameters, force, direction)
        } else {
            add_scaled(1.0, force.values(), field.values_mut());
            self.solve_prepared(generator, parameters, &field, direction)
        };
        self.field = Some(field);
        outcome
    }

    fn solve_prepared(
        &mut self,
        generator: &mut dyn Generator,
        parameters: &[f64],
        force: &Batch,
        direction: &mut [f64],
    ) -> Result<(), MetricError> {
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
            MetricKind::Otto => self.projection.width(),
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
                    .project_gram(&self.wide, full, &mut self.matrix);
                self.projection.project(force.values(), &mut self.solution);
            }
        }
        let shift = damping * force.count() as f64;
        self.factor(size, shift, force.count())?;
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
                self.solution.resize(self.projection.width(), 0.0);
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
        for (value, paired) in self.right.iter_mut().zip(&self.paired) {
            *value += paired;
        }
        self.factor(size, damping, 1)?;
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
            width = self.projection.width();
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

    /// Adds `shift` to the diagonal, and 1 where there is nothing but padding, then factors. `samples` turns the largest entry into that
    /// of the metric.
    fn factor(&mut self, size: usize, shift: f64, samples: usize) -> Result<(), Failed> {
        let mut largest = 0.0_f64;
        for entry in self.matrix.iter_mut().step_by(size + 1) {
            largest = largest.max(*entry);
            // A row of the padding is 0: any positive number solves it to 0.
            *entry += if *entry == 0.0 && shift == 0.0 {
                1.0
            } else {
                shift
            };
        }
        let outcome = self.cholesky.factor(&mut self.matrix, size);
        outcome.map_err(|failed| Failed {
            row: failed.row,
            pivot: failed.pivot,
            largest: largest / samples.max(1) as f64,
        })
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
