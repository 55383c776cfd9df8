//! What is in a trajectory file: names, columns and what a writer is told before the first frame.

use crate::grid::{AXIS_NAMES, Field, Grid};

/// The floating-point format of a run and of its stored fields. Coordinates and metrics are always f64.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// 8 bytes a value.
    F64,
    /// 4 bytes a value; what is below 1.2e-38 loses digits and below 1.4e-45 becomes 0.
    F32,
}

impl Precision {
    /// The name on the command line and in the file.
    pub fn name(self) -> &'static str {
        match self {
            Self::F64 => "f64",
            Self::F32 => "f32",
        }
    }

    /// Bytes of one value.
    pub fn bytes(self) -> usize {
        match self {
            Self::F64 => 8,
            Self::F32 => 4,
        }
    }
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// The end time was reached.
    Complete,
    /// The run was stopped before its end time; a killed run reads so too.
    Interrupted,
    /// The run stopped on an error.
    Failed,
}

impl Status {
    /// Every way to end.
    pub const ALL: [Self; 3] = [Self::Complete, Self::Interrupted, Self::Failed];

    /// The value of the root attribute `status`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
            Self::Failed => "failed",
        }
    }
}

/// A quantity with one value a cell and frame; vectors are one quantity a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FieldName {
    /// ρ.
    Density,
    /// f'(r).
    Potential,
    /// D* = π/(ρ+π).
    Discriminator,
    /// A component of A = ∇ ln(ρ/(π+ρ)); 0 is x.
    Connection(usize),
    /// A component of the velocity; 0 is x.
    Velocity(usize),
}

impl FieldName {
    /// The name of the dataset: `density`, `connection_x`.
    pub fn name(self) -> String {
        match self {
            Self::Density => "density".to_owned(),
            Self::Potential => "potential".to_owned(),
            Self::Discriminator => "discriminator".to_owned(),
            Self::Connection(axis) => format!("connection_{}", axis_name(axis)),
            Self::Velocity(axis) => format!("velocity_{}", axis_name(axis)),
        }
    }

    /// The axis of a vector component.
    pub fn component(self) -> Option<usize> {
        match self {
            Self::Density | Self::Potential | Self::Discriminator => None,
            Self::Connection(axis) | Self::Velocity(axis) => Some(axis),
        }
    }

    /// The attribute `long_name`: what plots write on an axis.
    pub fn long_name(self) -> String {
        match self {
            Self::Density => "density ρ".to_owned(),
            Self::Potential => "potential f'(ρ/π)".to_owned(),
            Self::Discriminator => "optimal discriminator π/(ρ+π)".to_owned(),
            Self::Connection(axis) => {
                format!("connection ∇ ln(ρ/(π+ρ)), component {}", axis_name(axis))
            }
            Self::Velocity(axis) => format!("velocity, component {}", axis_name(axis)),
        }
    }
}

/// The letter of an axis; `?` beyond the third, which no grid has and creation refuses.
fn axis_name(axis: usize) -> &'static str {
    AXIS_NAMES.get(axis).copied().unwrap_or("?")
}

/// Declares an enum whose members are datasets with one number a row: name and `long_name` in one table.
macro_rules! columns {
    ($(#[$about:meta])* $enum:ident { $($(#[$note:meta])* $member:ident = $name:literal, $long:literal;)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $enum { $($(#[$note])* $member),+ }

        impl $enum {
            /// All of them, in the order in which they are written.
            pub const ALL: &[Self] = &[$(Self::$member),+];

            /// The name of the dataset.
            pub fn name(self) -> &'static str {
                match self { $(Self::$member => $name),+ }
            }

            /// The attribute `long_name`.
            pub fn long_name(self) -> &'static str {
                match self { $(Self::$member => $long),+ }
            }
        }
    };
}

columns! {
    /// A number a frame, always f64.
    MetricName {
        /// J, the divergence whose flow is run.
        Divergence = "divergence", "divergence J";
        /// JSD(ρ, π).
        JensenShannon = "jensen_shannon", "Jensen-Shannon divergence JSD(ρ, π)";
        /// KL(ρ‖π).
        Kl = "kl", "Kullback-Leibler divergence KL(ρ‖π)";
        /// KL(π‖ρ).
        ReverseKl = "reverse_kl", "reverse Kullback-Leibler divergence KL(π‖ρ)";
        /// χ²(ρ‖π).
        ChiSquared = "chi_squared", "χ² divergence";
        /// The squared Hellinger distance.
        Hellinger = "hellinger", "squared Hellinger distance";
        /// ‖A‖ in L²(ρ).
        ConnectionNorm = "connection_norm", "connection norm ‖A‖ in L²(ρ)";
        /// −dJ/dt of the flow.
        Dissipation = "dissipation", "dissipation −dJ/dt";
        /// Σ ρ · cell volume.
        Mass = "mass", "mass ∫ρ";
        /// Least ρ/π over the cells.
        RatioMin = "ratio_min", "least ratio ρ/π";
        /// Greatest ρ/π over the cells.
        RatioMax = "ratio_max", "greatest ratio ρ/π";
        /// Kinetic energy of the inertial dynamics.
        KineticEnergy = "kinetic_energy", "kinetic energy";
        /// Kinetic energy + J of the inertial dynamics.
        Hamiltonian = "hamiltonian", "Hamiltonian";
        /// ∫ γ ∫ρ|u|² dt.
        DissipatedWork = "dissipated_work", "work of friction since the start";
        /// H(0) − H(t) − the dissipated work.
        EnergyBalance = "energy_balance", "energy lost to the method since the start";
        /// ∫ (kinetic energy − J) dt.
        Action = "action", "action ∫(kinetic energy − J) dt";
        /// ∫ρ x.
        MeanX = "mean_x", "mean of x";
        /// ∫ρ y.
        MeanY = "mean_y", "mean of y";
        /// ∫ρ z.
        MeanZ = "mean_z", "mean of z";
        /// ∫ρ u, along x.
        MomentumX = "momentum_x", "momentum along x, the velocity of the mean";
        /// ∫ρ u, along y.
        MomentumY = "momentum_y", "momentum along y, the velocity of the mean";
        /// ∫ρ u, along z.
        MomentumZ = "momentum_z", "momentum along z, the velocity of the mean";
        /// W2(ρ, π), in 1-D.
        Wasserstein = "wasserstein", "Wasserstein distance W2(ρ, π)";
    }
}

columns! {
    /// A column of the group `steps` besides `time` and `step`, always f64.
    StepColumn {
        /// J after the step.
        Divergence = "divergence", "divergence J after the step";
        /// Iterations of the nonlinear solver.
        Iterations = "iterations", "iterations of the nonlinear solver";
        /// W2² between the ends of a JKO step.
        TransportCost = "transport_cost", "transport cost W2² of the step";
        /// Primal-dual gap of a JKO step.
        Gap = "gap", "primal-dual gap of the step";
    }
}

/// What the root attributes say of a run. `format`, `program_version`, `precision`, `created` and `status` are added by the writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// The scenario's title.
    pub title: String,
    /// The scenario as run, overrides applied, in TOML.
    pub scenario: String,
    /// `cpu` or `gpu`.
    pub backend: String,
    /// The processor or adapter.
    pub device: String,
}

/// How the file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The format of `density` and the other fields.
    pub precision: Precision,
    /// Whether an existing file is replaced (`--force`).
    pub overwrite: bool,
    /// How many frames are planned, where that is known. More or fewer may be written; up to 2000 make a smaller file.
    pub expected_frames: Option<usize>,
}

/// All that is fixed before the first frame.
#[derive(Clone, Copy, Debug)]
pub struct Description<'a> {
    /// The root attributes.
    pub header: &'a Header,
    /// The cells.
    pub grid: &'a Grid,
    /// π in every cell, shape (z, y, x).
    pub target: &'a Field,
    /// The fields of every frame.
    pub fields: &'a [FieldName],
    /// The metrics of every frame.
    pub metrics: &'a [MetricName],
    /// The columns of `steps` besides `time` and `step`.
    pub step_columns: &'a [StepColumn],
    /// How to write.
    pub options: Options,
}

/// The state at one output time: one value for each declared field and metric, in any order.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Time t, above that of the frame before.
    pub time: f64,
    /// Shape (z, y, x) each.
    pub fields: &'a [(FieldName, &'a Field)],
    /// Numbers.
    pub metrics: &'a [(MetricName, f64)],
}

/// One step of the method: a row of the group `steps`.
#[derive(Clone, Debug, PartialEq)]
pub struct StepRecord {
    /// Time at the end of the step.
    pub time: f64,
    /// Its length.
    pub step: f64,
    /// Values of the declared columns, in any order; a column that is not listed holds NaN in this row.
    pub values: Vec<(StepColumn, f64)>,
}
