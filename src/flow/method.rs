use thiserror::Error;

use super::State;
use crate::backend::gpu::GpuError;
use crate::elliptic::EllipticError;
use crate::grid::Field;

/// What a method promises of its discrete solution. The law tests hold every method to every promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims {
    /// Order of the error in the time step.
    pub order: u8,
    /// Σ ρ · cell volume stays, to rounding.
    pub conserves_mass: bool,
    /// min r and max r of the start bound the ratio for ever (comparison principle).
    pub keeps_bounds: bool,
    /// The divergence that drives the flow does not increase.
    pub decreases_own_divergence: bool,
    /// No f-divergence increases, whichever of them drives the flow.
    pub decreases_divergences: bool,
}

/// What one call of [`Method::advance`] did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Advance {
    /// The time reached.
    pub time: f64,
    /// The length of the last time step.
    pub step: f64,
    /// Time steps made.
    pub steps: usize,
    /// Nonlinear iterations, of all its solves together; 0 for an explicit method.
    pub iterations: usize,
    /// Iterations of the linear solver; 0 for elimination.
    pub linear_iterations: usize,
    /// Steps that were tried and rejected by the error control.
    pub rejected: usize,
    /// What a JKO step moved, and its certificate; none for other methods.
    pub transport: Option<Transport>,
}

/// How far a JKO step went, and how near it came to the minimum. At order 2 it is the one that begins at the extrapolated density, by
/// a part τ of the time step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transport {
    /// W2² between the two ends of the step: of length².
    pub cost: f64,
    /// A bound on J + W2²/(2τ) above its minimum, in units of J.
    pub gap: f64,
}

/// What a density that moves by inertia has beside its place: velocity and energies (docs/mathematics.md, §6, "The damped inertial
/// equation").
#[derive(Clone, Debug, PartialEq)]
pub struct Motion {
    /// The velocity u, one component an axis, on the face between each cell and the next one along the axis; 0 on closed sides.
    pub velocity: Vec<Field>,
    /// ∫ρ x, one component an axis.
    pub mean: Vec<f64>,
    /// ∫ρ u, one component an axis: the velocity of the mean.
    pub momentum: Vec<f64>,
    /// ½ ∫ρ|u|².
    pub kinetic_energy: f64,
    /// J + kinetic energy at the start of the run.
    pub initial_hamiltonian: f64,
    /// ∫ γ ∫ρ|u|² dt since the start of the run.
    pub dissipated_work: f64,
    /// ∫ (½ ∫ρ|u|² − J) dt since the start of the run.
    pub action: f64,
}

/// A gradient flow in progress: it owns its state and scratch memory.
pub trait Method {
    /// What the method promises.
    fn claims(&self) -> Claims;

    /// The time reached.
    fn time(&self) -> f64;

    /// Makes one step, or a batch of cheap ones, without passing `until`, on which it lands exactly.
    ///
    /// # Errors
    ///
    /// A [`FlowError`]; the state stays that of the last step that succeeded.
    fn advance(&mut self, until: f64) -> Result<Advance, FlowError>;

    /// A copy of the state reached.
    ///
    /// # Errors
    ///
    /// [`FlowError`] where the state cannot be read back from a device.
    fn state(&mut self) -> Result<State, FlowError>;

    /// Velocity and energies; none for a gradient flow, which has no inertia.
    fn motion(&self) -> Option<Motion> {
        None
    }

    /// Sets the velocity, in the form of [`Motion::velocity`], and starts the account of energies anew.
    ///
    /// # Errors
    ///
    /// [`FlowError::NoInertia`] for a gradient flow, [`FlowError::Velocity`] for one that does not fit the grid.
    fn set_velocity(&mut self, _velocity: &[Field]) -> Result<(), FlowError> {
        Err(FlowError::NoInertia)
    }
}

/// What to do about a method without single precision, and the one that has it; the inertial equation has none.
fn remedy(method: &str) -> &'static str {
    match method {
        "staggered" => {
            "computes in f64 only, on a GPU as well: leave --precision out, or use --precision f64"
        }
        _ => {
            "computes in f64 only, on a GPU as well: leave --precision out, use --precision f64, or method = \"explicit\""
        }
    }
}

/// Why a flow cannot start or go on.
#[derive(Debug, Error)]
pub enum FlowError {
    /// r or ln π is beyond what the format or the method can hold.
    #[error(
        "{quantity} = {value:.4e} at {cell} is beyond what {holder} can hold ({limit}); {remedy}"
    )]
    Range {
        /// What is too large or too small.
        quantity: &'static str,
        /// Its value.
        value: f64,
        /// Where.
        cell: Cell,
        /// The format or method.
        holder: &'static str,
        /// The range in words.
        limit: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The ratio became infinite or not a number.
    #[error(
        "the ratio r = ρ/π became {value} at {cell}, between times {from:.6e} and {to:.6e}; reduce the step or use f64"
    )]
    NotFinite {
        /// What was found.
        value: f64,
        /// Where.
        cell: Cell,
        /// The last time at which all was well.
        from: f64,
        /// The time at which it was found.
        to: f64,
    },
    /// A fixed explicit step above the bound up to which the scheme is monotone.
    #[error(
        "time.step = {step:.4e} is above {bound:.4e}, the largest step at which the explicit method is monotone here (time {time:.4e}); \
         take a smaller step, leave `step` out, or use method = \"implicit\""
    )]
    StepTooLarge {
        /// The step asked for.
        step: f64,
        /// The bound.
        bound: f64,
        /// The time reached.
        time: f64,
    },
    /// The explicit method would need a hopeless number of steps.
    #[error(
        "the explicit method may step by {step:.3e} at most here (time {time:.4e}) and would need {count:.1e} steps to time {end:.4e}; \
         use method = \"implicit\""
    )]
    TooManySteps {
        /// The bound on the step.
        step: f64,
        /// Steps needed.
        count: f64,
        /// The time reached.
        time: f64,
        /// The time to be reached.
        end: f64,
    },
    /// Newton's iteration found no solution of the implicit step.
    #[error(
        "Newton's iteration for the implicit step from time {time:.6e} by {step:.3e} did not settle in {iterations} iterations (last change \
         {change:.1e} of the mass); take a smaller `step` or give a `tolerance` instead"
    )]
    Newton {
        /// The time reached.
        time: f64,
        /// The step that failed.
        step: f64,
        /// Iterations made.
        iterations: usize,
        /// The last change in L1 of ρ.
        change: f64,
    },
    /// A JKO step came not near enough to the minimum.
    #[error(
        "the JKO step from time {time:.6e} by {step:.3e} is certified to a duality gap of {gap:.1e} only after {iterations} iterations, where \
         {allowed:.1e} is allowed; take a smaller `step` or a larger `gap`, or give a `tolerance`, by which steps become as short as they must"
    )]
    Uncertified {
        /// The time reached.
        time: f64,
        /// τ of the step that failed.
        step: f64,
        /// Newton iterations made.
        iterations: usize,
        /// The bound on J + W2²/(2τ) above its minimum that was reached.
        gap: f64,
        /// The bound asked for.
        allowed: f64,
    },
    /// No JKO step is certified, however short.
    #[error(
        "no JKO step from time {time:.6e} could be certified: the last try, by {step:.3e} after halving it again and again, came to a duality \
         gap of {gap:.1e}, where {allowed:.1e} is allowed; take a larger `gap`, or mix a uniform background into the densities (`floor`)"
    )]
    Refused {
        /// The time reached.
        time: f64,
        /// The shortest τ that was tried.
        step: f64,
        /// The bound on J + W2²/(2τ) above its minimum that was reached with it.
        gap: f64,
        /// The bound asked for.
        allowed: f64,
    },
    /// The error control asks for steps that time cannot resolve.
    #[error(
        "the step size fell to {step:.3e} at time {time:.6e} without meeting tolerance {tolerance:.1e} (error {error:.1e}); raise `tolerance`"
    )]
    StepTooSmall {
        /// The time reached.
        time: f64,
        /// The step size.
        step: f64,
        /// The tolerance asked for.
        tolerance: f64,
        /// The error of the last try.
        error: f64,
    },
    /// The linear solver failed.
    #[error("the implicit step from time {time:.6e} by {step:.3e}: {source}")]
    Elliptic {
        /// The time reached.
        time: f64,
        /// The step.
        step: f64,
        /// What happened.
        source: EllipticError,
    },
    /// The GPU failed.
    #[error(transparent)]
    Gpu(#[from] GpuError),
    /// The method does not compute in single precision.
    #[error(
        "method = \"{method}\" {}", remedy(.method)
    )]
    Unsupported {
        /// The method asked for.
        method: &'static str,
    },
    /// A velocity for a density without inertia.
    #[error(
        "a gradient flow has no velocity of its own to start with; use dynamics = \"inertial\", or leave the velocity out"
    )]
    NoInertia,
    /// A velocity that does not fit the grid.
    #[error(
        "a velocity of {found} is given, where {expected} are expected: a finite number for each face of each axis of the grid"
    )]
    Velocity {
        /// What was given.
        found: String,
        /// What the grid has.
        expected: String,
    },
    /// The step that transport needs is too small.
    #[error(
        "at time {time:.6e} the step fell to {step:.3e}, so fast does mass move (Courant number above {limit}); start with a smaller velocity, \
         more friction or a coarser grid"
    )]
    TooFast {
        /// The time reached.
        time: f64,
        /// The step size.
        step: f64,
        /// The largest share of a cell that may be crossed.
        limit: f64,
    },
    /// The problem is not one that the solver can be set up for.
    #[error(transparent)]
    Setup(#[from] EllipticError),
}

/// A cell as errors name it: index and centre.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    /// Index (z, y, x).
    pub index: (usize, usize, usize),
    /// Centre (x, y, z).
    pub center: [f64; 3],
    /// Number of axes.
    pub dimension: usize,
}

impl Cell {
    /// The cell of a grid with this number in memory order.
    pub fn new(grid: &crate::grid::Grid, number: usize) -> Self {
        let (_, ny, nx) = grid.shape();
        let index = (number / (ny * nx), number / nx % ny, number % nx);
        Self {
            index,
            center: grid.center(index),
            dimension: grid.dimension(),
        }
    }
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (k, j, i) = self.index;
        let numbers = [i, j, k].map(|number| number.to_string());
        let places = crate::grid::AXIS_NAMES
            .iter()
            .zip(self.center)
            .map(|(name, center)| format!("{name} = {center:.6}"));
        write!(
            f,
            "cell ({}) at {}",
            numbers[..self.dimension].join(", "),
            places.take(self.dimension).collect::<Vec<_>>().join(", ")
        )
    }
}
