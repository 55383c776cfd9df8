use super::tell;
use crate::flow::{Advance, MethodSettings, Motion};
use crate::grid::Field;
use crate::metrics::{Metrics, TransportToTarget, fields};
use crate::output::console::{Progress, Status};
use crate::output::hdf5::{
    FieldName, Frame, MetricName, OutputError, StepColumn, StepRecord, TrajectoryWriter,
};
use crate::problem::{Problem, State};
use crate::run::Observer;

/// The columns of the group `steps` that a method fills.
pub(super) fn step_columns(method: MethodSettings) -> Vec<StepColumn> {
    let known = |column: &StepColumn| match column {
        StepColumn::Divergence | StepColumn::Iterations => true,
        StepColumn::TransportCost | StepColumn::Gap => matches!(method, MethodSettings::Jko(_)),
    };
    StepColumn::ALL.iter().copied().filter(known).collect()
}

/// The metrics of every frame: W2 where it is exact or was asked for, what inertia adds only with it, and for the axes of the grid.
pub(super) fn metric_names(
    with_wasserstein: bool,
    method: MethodSettings,
    dimension: usize,
) -> Vec<MetricName> {
    let inertial = matches!(method, MethodSettings::Staggered(_));
    let known = |name: &MetricName| match name {
        MetricName::KineticEnergy
        | MetricName::Hamiltonian
        | MetricName::DissipatedWork
        | MetricName::EnergyBalance
        | MetricName::Action
        | MetricName::MeanX
        | MetricName::MomentumX => inertial,
        MetricName::MeanY | MetricName::MomentumY => inertial && dimension > 1,
        MetricName::MeanZ | MetricName::MomentumZ => inertial && dimension > 2,
        MetricName::Wasserstein => with_wasserstein,
        _ => true,
    };
    MetricName::ALL.iter().copied().filter(known).collect()
}

fn value(metrics: &Metrics, motion: Option<&Motion>, name: MetricName) -> f64 {
    let moving = |value: fn(&Motion) -> Option<f64>| motion.and_then(value).unwrap_or(f64::NAN);
    let kinetic = moving(|motion| Some(motion.kinetic_energy));
    let work = moving(|motion| Some(motion.dissipated_work));
    let initial = moving(|motion| Some(motion.initial_hamiltonian));
    match name {
        MetricName::Divergence => metrics.divergence,
        MetricName::JensenShannon => metrics.jensen_shannon,
        MetricName::Kl => metrics.kl,
        MetricName::ReverseKl => metrics.reverse_kl,
        MetricName::ChiSquared => metrics.chi_squared,
        MetricName::Hellinger => metrics.hellinger,
        MetricName::ConnectionNorm => metrics.connection_norm,
        MetricName::Dissipation => metrics.dissipation,
        MetricName::Mass => metrics.mass,
        MetricName::RatioMin => metrics.ratio_min,
        MetricName::RatioMax => metrics.ratio_max,
        MetricName::Wasserstein => metrics.wasserstein.unwrap_or(f64::NAN),
        MetricName::KineticEnergy => kinetic,
        MetricName::Hamiltonian => metrics.divergence + kinetic,
        MetricName::DissipatedWork => work,
        MetricName::EnergyBalance => initial - (metrics.divergence + kinetic) - work,
        MetricName::Action => moving(|motion| Some(motion.action)),
        MetricName::MeanX => moving(|motion| motion.mean.first().copied()),
        MetricName::MeanY => moving(|motion| motion.mean.get(1).copied()),
        MetricName::MeanZ => moving(|motion| motion.mean.get(2).copied()),
        MetricName::MomentumX => moving(|motion| motion.momentum.first().copied()),
        MetricName::MomentumY => moving(|motion| motion.momentum.get(1).copied()),
        MetricName::MomentumZ => moving(|motion| motion.momentum.get(2).copied()),
    }
}

/// Writes a run into its file and onto the console as it goes.
pub(super) struct Recorder<'a> {
    pub problem: &'a Problem,
    pub writer: TrajectoryWriter,
    pub progress: Progress,
    pub fields: &'a [FieldName],
    pub metrics: &'a [MetricName],
    /// Computes W2 where the metrics of the state do not have it.
    transport: Option<&'a TransportToTarget>,
    pub first: Option<Metrics>,
    pub last: Option<Metrics>,
    /// Velocity and energies at the last frame.
    pub motion: Option<Motion>,
    steps: u64,
    before: Option<(f64, f64)>,
}

impl<'a> Recorder<'a> {
    pub fn new(
        problem: &'a Problem,
        writer: TrajectoryWriter,
        progress: Progress,
        fields: &'a [FieldName],
        metrics: &'a [MetricName],
        transport: Option<&'a TransportToTarget>,
    ) -> Self {
        Self {
            problem,
            writer,
            progress,
            fields,
            metrics,
            transport,
            first: None,
            last: None,
            motion: None,
            steps: 0,
            before: None,
        }
    }

    /// The metrics of a frame, with W2 where it was asked for; without it, and with a word on why, where it cannot be computed.
    fn completed(&self, metrics: &Metrics, state: &State) -> Metrics {
        let mut completed = *metrics;
        if let Some(transport) = self.transport {
            match transport.distance(&state.density(self.problem)) {
                Ok(distance) => completed.wasserstein = Some(distance),
                Err(error) => tell(&format!(
                    "ottoflow: warning: time {:.6e}: {error}",
                    state.time
                )),
            }
        }
        completed
    }

    fn field(&self, name: FieldName, state: &State) -> Field {
        match name {
            FieldName::Density => state.density(self.problem),
            FieldName::Potential => fields::potential(self.problem, state),
            FieldName::Discriminator => fields::discriminator(state),
            FieldName::Connection(axis) => fields::connection(self.problem, state, axis),
            FieldName::Velocity(axis) => {
                let motion = self.motion.as_ref();
                match motion.and_then(|motion| motion.velocity.get(axis)) {
                    Some(on_faces) => fields::from_faces(on_faces, axis),
                    None => fields::velocity(self.problem, state, axis),
                }
            }
        }
    }
}

impl Observer for Recorder<'_> {
    type Error = OutputError;

    fn frame(&mut self, state: &State, metrics: &Metrics) -> Result<(), OutputError> {
        let values: Vec<(FieldName, Field)> = self
            .fields
            .iter()
            .map(|name| (*name, self.field(*name, state)))
            .collect();
        let fields: Vec<(FieldName, &Field)> =
            values.iter().map(|(name, field)| (*name, field)).collect();
        let metrics = self.completed(metrics, state);
        let numbers: Vec<(MetricName, f64)> = self
            .metrics
            .iter()
            .map(|name| (*name, value(&metrics, self.motion.as_ref(), *name)))
            .collect();
        self.first.get_or_insert(metrics);
        self.last = Some(metrics);
        self.before.get_or_insert((state.time, metrics.divergence));
        self.writer.write_frame(&Frame {
            time: state.time,
            fields: &fields,
            metrics: &numbers,
        })
    }

    fn motion(&mut self, motion: &Motion) {
        self.motion = Some(motion.clone());
    }

    fn step(&mut self, advance: &Advance, divergence: f64, fraction: f64) {
        self.steps += advance.steps as u64;
        // An explicit batch is one row; its steps stand where an implicit step has its iterations.
        let iterations = match advance.iterations {
            0 => advance.steps,
            iterations => iterations,
        };
        let mut values = vec![
            (StepColumn::Divergence, divergence),
            (StepColumn::Iterations, iterations as f64),
        ];
        if let Some(transport) = advance.transport {
            values.push((StepColumn::TransportCost, transport.cost));
            values.push((StepColumn::Gap, transport.gap));
        }
        self.writer.record_step(StepRecord {
            time: advance.time,
            step: advance.step,
            values,
        });
        let rate = self
            .before
            .map(|(time, before)| (before / divergence).ln() / (advance.time - time));
        self.before = Some((advance.time, divergence));
        self.progress.update(&Status {
            time: advance.time,
            step: advance.step,
            steps: self.steps,
            divergence,
            rate: rate.filter(|rate| rate.is_finite()),
            fraction,
        });
    }
}
