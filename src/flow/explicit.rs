//! Forward Euler and its strong-stability-preserving compositions, in steps below the monotonicity bound, on any device.

use std::marker::PhantomData;

use rayon::prelude::*;

use super::couplings::Couplings;
use super::diffusion::Diffusion;
use super::method::Cell;
use super::{Advance, Claims, FlowError, Method, Problem, State};
use crate::backend::cpu::CpuSweep;
use crate::backend::gpu::GpuSweep;
use crate::calculus::{Real, Scalar};
use crate::divergence::Divergence;
use crate::grid::Grid;

/// Share of the monotonicity bound that a step of free choice takes: below 1, so that the fastest mode decays instead of flipping sign.
const SAFETY: f64 = 0.8;
/// Cell updates in one call of `advance`: some 100 ms on a core, so that interruptions and progress stay responsive.
const BATCH_UPDATES: usize = 1 << 27;
/// Steps beyond which the explicit method is hopeless.
const MAX_STEPS: f64 = 1e10;

/// A device that runs the sweeps of a flow.
pub trait SweepDevice<D: Divergence> {
    /// The name of the format: f64 or f32.
    fn format(&self) -> &'static str;

    /// Sets the ratio of every cell.
    ///
    /// # Errors
    ///
    /// [`FlowError`] where the device fails.
    fn load(&mut self, ratio: &[f64]) -> Result<(), FlowError>;

    /// Makes steps of the stages with these shares of the starting value; `scale` is time step / h² along x, y, z.
    ///
    /// # Errors
    ///
    /// [`FlowError`] where the device fails.
    fn run(&mut self, shares: &[f64], scale: [f64; 3], steps: usize) -> Result<(), FlowError>;

    /// Reads the ratio of every cell.
    ///
    /// # Errors
    ///
    /// [`FlowError`] where the device fails.
    fn read(&mut self, ratio: &mut Vec<f64>) -> Result<(), FlowError>;

    /// Whether reading costs no more than a sweep, so that the step bound can follow the state closely.
    fn reads_cheaply(&self) -> bool;
}

impl<D: Divergence, T: Scalar> SweepDevice<D> for CpuSweep<T> {
    fn format(&self) -> &'static str {
        T::NAME
    }

    fn load(&mut self, ratio: &[f64]) -> Result<(), FlowError> {
        CpuSweep::load(self, ratio.iter().map(|r| T::constant(*r)));
        Ok(())
    }

    fn run(&mut self, shares: &[f64], scale: [f64; 3], steps: usize) -> Result<(), FlowError> {
        CpuSweep::run::<Diffusion<D>>(self, shares, scale, steps);
        Ok(())
    }

    fn read(&mut self, ratio: &mut Vec<f64>) -> Result<(), FlowError> {
        self.ratio()
            .par_iter()
            .map(|r| r.to_f64())
            .collect_into_vec(ratio);
        Ok(())
    }

    fn reads_cheaply(&self) -> bool {
        true
    }
}

impl<D: Divergence> SweepDevice<D> for GpuSweep {
    fn format(&self) -> &'static str {
        f32::NAME
    }

    fn load(&mut self, ratio: &[f64]) -> Result<(), FlowError> {
        let single: Vec<f32> = ratio.iter().map(|r| *r as f32).collect();
        Ok(GpuSweep::load(self, &single)?)
    }

    fn run(&mut self, shares: &[f64], scale: [f64; 3], steps: usize) -> Result<(), FlowError> {
        Ok(GpuSweep::run(self, shares, scale, steps)?)
    }

    fn read(&mut self, ratio: &mut Vec<f64>) -> Result<(), FlowError> {
        let single = GpuSweep::read(self)?;
        single
            .par_iter()
            .map(|r| f64::from(*r))
            .collect_into_vec(ratio);
        Ok(())
    }

    fn reads_cheaply(&self) -> bool {
        false
    }
}

/// σ = √π up to a common factor, so scaled that the middle of its range is 1: as much range of π as the format can hold.
///
/// # Errors
///
/// [`FlowError::Range`] where the range of π is more than the format holds.
pub fn weights<T: Scalar>(problem: &Problem) -> Result<Vec<f64>, FlowError> {
    let (mut low, mut high, mut lowest) = (f64::INFINITY, f64::NEG_INFINITY, 0);
    for (number, ln) in problem.log_target.iter().enumerate() {
        if *ln < low {
            (low, lowest) = (*ln, number);
        }
        high = high.max(*ln);
    }
    let middle = 0.5 * (low + high);
    // σ spans a quarter of ln π's range to either side; its products with ψ must be numbers as well.
    let limit = 0.9 * (-T::SMALLEST.ln()).min(T::LARGEST.ln());
    if 0.25 * (high - low) > limit {
        return Err(FlowError::Range {
            quantity: "ln π",
            value: low,
            cell: Cell::new(&problem.grid, lowest),
            holder: T::NAME,
            limit: format!(
                "the explicit method in {} holds ln π within {:.0} of its maximum {high:.1}",
                T::NAME,
                4.0 * limit
            ),
            remedy: "mix a uniform background into the target (`floor`), or use method = \"implicit\"",
        });
    }
    let sigma = |ln: &f64| Real::exp(0.5 * (ln - middle));
    Ok(problem.log_target.iter().map(sigma).collect())
}

/// The explicit method: Shu–Osher form of the strong-stability-preserving Runge–Kutta schemes of orders 1, 2 and 3 (Shu, Osher,
/// J. Comput. Phys. 77, 1988; Gottlieb, Shu, Tadmor, SIAM Review 43, 2001). Every stage is a mean of forward Euler steps, so the
/// comparison principle, the decay of every f-divergence and the conservation of mass of forward Euler hold for all three.
pub struct Explicit<D, S> {
    device: S,
    shares: &'static [f64],
    grid: Grid,
    time: f64,
    /// The step asked for; none: from the bound.
    step: Option<f64>,
    /// max over the cells of Σ_faces sqrt(π_j/π_i)/h².
    coupling: f64,
    /// The largest monotone step for the ratios found last.
    bound: f64,
    ratio: Vec<f64>,
    divergence: PhantomData<D>,
}

impl<D: Divergence, S: SweepDevice<D>> Explicit<D, S> {
    /// Starts the flow of a problem from a state on a device that holds the problem's weights. `order` is 1, 2 or 3.
    ///
    /// # Errors
    ///
    /// [`FlowError::Range`] where r is beyond the format; [`FlowError::StepTooLarge`].
    pub fn new(
        problem: &Problem,
        state: &State,
        mut device: S,
        order: u8,
        step: Option<f64>,
    ) -> Result<Self, FlowError> {
        let ratio: Vec<f64> = state.log_ratio.iter().map(|ln| Real::exp(*ln)).collect();
        let largest = match device.format() {
            "f32" => f32::LARGEST,
            _ => f64::LARGEST,
        };
        if let Some(number) = ratio.iter().position(|r| r.is_nan() || *r > largest) {
            return Err(FlowError::Range {
                quantity: "ln(ρ/π)",
                value: state
                    .log_ratio
                    .iter()
                    .copied()
                    .nth(number)
                    .unwrap_or(f64::NAN),
                cell: Cell::new(&problem.grid, number),
                holder: device.format(),
                limit: format!("at most {:.0}", largest.ln()),
                remedy: "mix a uniform background into the target (`floor`), or use method = \"implicit\"",
            });
        }
        device.load(&ratio)?;
        let shares: &[f64] = match order {
            1 => &[0.0],
            2 => &[0.0, 0.5],
            _ => &[0.0, 0.75, 1.0 / 3.0],
        };
        let mut explicit = Self {
            device,
            shares,
            grid: problem.grid.clone(),
            time: state.time,
            step,
            coupling: Couplings::new(&problem.grid, &problem.log_target).largest(),
            bound: 0.0,
            ratio,
            divergence: PhantomData,
        };
        explicit.refresh_bound();
        if let Some(step) = step.filter(|step| *step > explicit.bound) {
            let (bound, time) = (explicit.bound, explicit.time);
            return Err(FlowError::StepTooLarge { step, bound, time });
        }
        Ok(explicit)
    }

    /// The bound on the step from the range of r: ψ' is monotone in r, and later r stay within the range.
    fn refresh_bound(&mut self) {
        let minimum = self
            .ratio
            .par_iter()
            .copied()
            .reduce(|| f64::INFINITY, f64::min);
        let maximum = self.ratio.par_iter().copied().reduce(|| 0.0, f64::max);
        let slope = D::slope_from_ratio(minimum).max(D::slope_from_ratio(maximum));
        self.bound = 1.0 / (slope * self.coupling);
    }

    fn read_and_check(&mut self, from: f64) -> Result<(), FlowError> {
        self.device.read(&mut self.ratio)?;
        match self.ratio.par_iter().position_first(|r| !r.is_finite()) {
            None => Ok(()),
            Some(number) => Err(FlowError::NotFinite {
                value: self.ratio[number],
                cell: Cell::new(&self.grid, number),
                from,
                to: self.time,
            }),
        }
    }
}

impl<D: Divergence, S: SweepDevice<D>> Method for Explicit<D, S> {
    fn claims(&self) -> Claims {
        Claims {
            order: self.shares.len() as u8,
            conserves_mass: true,
            keeps_bounds: true,
            decreases_own_divergence: true,
            decreases_divergences: true,
        }
    }

    fn time(&self) -> f64 {
        self.time
    }

    fn advance(&mut self, until: f64) -> Result<Advance, FlowError> {
        let from = self.time;
        let remaining = until - from;
        let longest = self.step.unwrap_or(SAFETY * self.bound);
        let count = (remaining / longest * (1.0 - 1e-12)).ceil().max(1.0);
        if count.is_nan() || count > MAX_STEPS {
            return Err(FlowError::TooManySteps {
                step: longest,
                count,
                time: from,
                end: until,
            });
        }
        let step = remaining / count;
        let batch = (BATCH_UPDATES / self.grid.len()).clamp(1, 4096);
        let steps = (count as usize).min(batch);
        let mut scale = [0.0; 3];
        for (scale, axis) in scale.iter_mut().zip(self.grid.axes()) {
            *scale = step / (axis.spacing() * axis.spacing());
        }
        self.device.run(self.shares, scale, steps)?;
        let done = steps as f64 == count;
        self.time = if done {
            until
        } else {
            from + steps as f64 * step
        };
        if done || self.device.reads_cheaply() {
            self.read_and_check(from)?;
            self.refresh_bound();
        }
        Ok(Advance {
            time: self.time,
            step,
            steps,
            iterations: 0,
            linear_iterations: 0,
            rejected: 0,
            transport: None,
        })
    }

    fn state(&mut self) -> Result<State, FlowError> {
        let mut log_ratio = ndarray::Array3::zeros(self.grid.shape());
        self.device.read(&mut self.ratio)?;
        if let Some(values) = log_ratio.as_slice_mut() {
            values
                .par_iter_mut()
                .zip(&self.ratio)
                .for_each(|(ln, r)| *ln = Real::ln(*r));
        }
        Ok(State {
            time: self.time,
            log_ratio,
        })
    }
}
