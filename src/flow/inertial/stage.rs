use std::marker::PhantomData;

use rayon::prelude::*;

use super::equations;
use super::faces::{FaceField, Faces};
use super::foresight::{Foresight, Step};
use super::leeway::Leeway;
use super::rows::sweep;
use crate::backend::cpu::{Parametrised, apply};
use crate::calculus::Real;
use crate::divergence::Divergence;
use crate::elliptic::Elliptic;
use crate::flow::FlowError;
use crate::flow::implicit::{Accuracy, Effort, EulerStep, lowest_log_ratio};
use crate::problem::Problem;

/// The share of a cell's mass that explicit fluxes may take: the rest stays, so that r stays positive.
const LARGEST_SHARE: f64 = 0.999;
/// How often the shares are found anew, as what may leave a cell may enter the next; each time they rise, and can be afforded.
const SHARE_ROUNDS: usize = 200;
/// Shares that rise by less have settled.
const SETTLED_SHARE: f64 = 1e-13;

/// w of a cell whose r has gained something. What is drained for long stays above the lowest w, where ψ' is a number other than 0.
struct Gained<D> {
    lowest: f64,
    divergence: PhantomData<D>,
}

impl<D: Divergence> Parametrised<2, 1> for Gained<D> {
    #[inline(always)]
    fn values<R: Real>(&self, [w, gained]: [R; 2]) -> [R; 1] {
        let moves = R::constant(0.0).less(gained.abs());
        let moved = R::select(moves, D::displaced(w, D::slope(w) * gained), w);
        [moved.maximum(R::constant(self.lowest))]
    }
}

/// The share of its outflow that a cell can afford: for each axis from the known mass through the faces before and after it and the shares in the cells before and
/// after; then from ρ.
struct Affordable {
    spacing: [f64; 3],
    passing: f64,
}

impl<const N: usize> Parametrised<N, 1> for Affordable {
    #[inline(always)]
    fn values<R: Real>(&self, inputs: [R; N]) -> [R; 1] {
        let zero = R::constant(0.0);
        let (mut outflow, mut inflow) = (zero, zero);
        for axis in 0..N / 4 {
            let [before, after] = [inputs[4 * axis], inputs[4 * axis + 1]];
            let [previous, next] = [inputs[4 * axis + 2], inputs[4 * axis + 3]];
            let spacing = R::constant(self.spacing[axis]);
            outflow = outflow + (after.maximum(zero) + (-before).maximum(zero)) / spacing;
            let enters = previous * before.maximum(zero) + next * (-after).maximum(zero);
            inflow = inflow + enters / spacing;
        }
        let room = R::constant(LARGEST_SHARE) * inputs[N - 1] + R::constant(self.passing) * inflow;
        [equations::share(outflow, room)]
    }
}

/// What r gains by known masses: for each axis from those through the faces before and after a cell; then from π. Where the target is nothing, no face is
/// open.
struct Gain {
    spacing: [f64; 3],
}

impl<const N: usize> Parametrised<N, 1> for Gain {
    #[inline(always)]
    fn values<R: Real>(&self, inputs: [R; N]) -> [R; 1] {
        let zero = R::constant(0.0);
        let mut sum = zero;
        for axis in 0..N / 2 {
            let spacing = R::constant(self.spacing[axis]);
            sum = sum + (inputs[2 * axis] - inputs[2 * axis + 1]) / spacing;
        }
        let gains = zero.less(sum.abs());
        [R::select(gains, sum / inputs[N - 1], zero)]
    }
}

/// Momentum at the end of a stage, (m* − t √(π_i π_j) (ψ_j − ψ_i)/h)/(1 + γt): from m*, √(π_i π_j), and w in the two cells.
struct Accelerated {
    /// t/h.
    factor: f64,
    damping: f64,
}

impl Parametrised<4, 1> for Accelerated {
    #[inline(always)]
    fn values<R: Real>(&self, [star, mobility, own, next]: [R; 4]) -> [R; 1] {
        let force = R::constant(self.factor) * mobility * (next - own);
        [(star - force) / R::constant(self.damping)]
    }
}

/// What an implicit stage is given.
#[derive(Clone, Copy)]
pub(super) struct StageInput<'a> {
    /// Which of the stages of a step it is, counted from 0.
    pub number: usize,
    /// The time at the start of the step, and its whole length: for errors.
    pub time: f64,
    pub step: f64,
    /// The length that the stage is implicit over, in the time of the equation.
    pub duration: f64,
    /// γ at the end of the stage.
    pub friction: f64,
    /// w at the start of the step.
    pub initial: &'a [f64],
    /// ρ there.
    pub density: &'a [f64],
    /// Mass that has passed each face already, if any, as a flux times a time.
    pub passed: Option<&'a FaceField>,
}

/// The implicit part of a step (docs/mathematics.md, eq. 37 and 38): pressure and friction on momentum, momentum as mass flux.
pub(super) struct Stage<D> {
    pub euler: EulerStep<D>,
    pub leeway: Leeway,
    /// Of each stage of a step.
    foresight: [Foresight; 2],
    /// Mass through each face by what is known beforehand, before and after limitation.
    known: FaceField,
    /// The share of its outflow that each cell can afford.
    share: Vec<f64>,
    /// The shares of the round before, then what each r gains by the known fluxes.
    entering: Vec<f64>,
    /// w after the known fluxes: where the implicit step begins.
    moved: Vec<f64>,
}

impl<D: Divergence> Stage<D> {
    /// The stages of steps of an order.
    pub fn new(problem: &Problem, faces: &Faces, elliptic: Elliptic, order: u8) -> Self {
        let mut euler = EulerStep::new(problem, elliptic);
        // Elimination is exact at no cost; iterations are worth what they change in the answer.
        if !euler.direct {
            euler.accuracy = Accuracy::OF_A_STEP;
        }
        Self {
            euler,
            leeway: Leeway::new(order),
            foresight: Default::default(),
            known: faces.zeros(),
            share: vec![1.0; faces.len()],
            entering: vec![1.0; faces.len()],
            moved: vec![0.0; faces.len()],
        }
    }

    /// Solves for `solution` (a guess on entry) and `momentum` at the end of the stage. `star` is the momentum without the implicit
    /// terms; where a cell has not the mass that it would move out, it is reduced.
    pub fn solve(
        &mut self,
        faces: &Faces,
        input: StageInput<'_>,
        star: &mut FaceField,
        solution: &mut [f64],
        momentum: &mut FaceField,
    ) -> Result<Effort, FlowError> {
        let StageInput {
            time,
            step,
            duration,
            friction,
            ..
        } = input;
        let damping = 1.0 + friction * duration;
        self.set_known(faces, input, star, damping);
        if self.limit(faces, input.density, 1.0 - 1.0 / damping) {
            for (axis, star) in star.iter_mut().enumerate() {
                self.reduce(faces, axis, star);
            }
        }
        self.set_moved(faces, input.initial);
        let bounds = self.bounds();
        // Elimination takes no iterations that a better guess would save.
        let foresight = &mut self.foresight[input.number];
        let whole = Step {
            start: time,
            length: step,
        };
        let expected = if self.euler.direct {
            None
        } else {
            foresight.correct(whole, solution)
        };
        for solution in solution.iter_mut() {
            *solution = solution.max(bounds[0]).min(bounds[1]);
        }
        let scale = duration * (duration / damping);
        let Self {
            euler,
            leeway,
            moved,
            ..
        } = self;
        if euler.accuracy.rest.is_some() {
            let rest = leeway.of_solve(|| euler.lacking(scale, moved, solution));
            euler.accuracy.rest = Some(rest);
        }
        let effort = self
            .euler
            .solve(time, scale, &self.moved, solution, bounds, expected)
            .map_err(|error| of_step(error, step))?;
        if !self.euler.direct {
            foresight.learn(whole, &faces.target, solution, self.euler.left);
        }
        for (axis, momentum) in momentum.iter_mut().enumerate() {
            let function = Accelerated {
                factor: duration / faces.spacing[axis],
                damping,
            };
            let rows = momentum.par_chunks_mut(faces.row()).enumerate();
            rows.for_each(|(row, momentum)| {
                let beside = faces.beside(row, axis);
                let reads = [
                    beside.read(&star[axis], 0),
                    beside.read(&faces.mobility[axis], 0),
                    beside.read(solution, 0),
                    beside.read(solution, 1),
                ];
                sweep(&function, reads, [momentum]);
            });
        }
        Ok(effort)
    }

    /// Mass that is known to pass each face: that of the other stages, and what the momentum at hand carries.
    fn set_known(&mut self, faces: &Faces, input: StageInput<'_>, star: &FaceField, damping: f64) {
        let factor = input.duration / damping;
        let n = faces.row();
        for (axis, known) in self.known.iter_mut().enumerate() {
            let rows = known.par_chunks_mut(n).enumerate();
            rows.for_each(|(row, known)| {
                for (i, known) in known.iter_mut().enumerate() {
                    let cell = row * n + i;
                    let passed = input.passed.map_or(0.0, |passed| passed[axis][cell]);
                    *known = passed + factor * star[axis][cell];
                }
            });
        }
    }

    /// Finds what share of the known outflow each cell can afford, given what enters it; whether any is below 1.
    ///
    /// A cell through which much passes need not hold it: what enters counts, in the share `passing` that friction has in the stage. (What
    /// momentum alone carries does not pass more than a cell in a step.) The shares s are the only solution of
    /// s_i = min(1, (room_i + passing · inflow_i(s))/outflow_i): in the sum of outflow · |difference| the right-hand side contracts by
    /// `passing` < 1. It rises with s, so that iterations that begin where nothing enters rise, and each of them can be afforded; none
    /// has to be given up, and the answer is continuous in the data.
    fn limit(&mut self, faces: &Faces, density: &[f64], passing: f64) -> bool {
        self.entering.fill(1.0);
        if self.shares(faces, density, passing) == 0.0 {
            return false;
        }
        self.entering.fill(0.0);
        for _ in 0..SHARE_ROUNDS {
            let change = self.shares(faces, density, passing);
            self.entering.copy_from_slice(&self.share);
            if change < SETTLED_SHARE {
                break;
            }
        }
        true
    }

    /// share ← what each cell can afford if `entering` are the shares of what enters it; the largest change.
    fn shares(&mut self, faces: &Faces, density: &[f64], passing: f64) -> f64 {
        match faces.dimension() {
            1 => self.shares_of::<5>(faces, density, passing),
            2 => self.shares_of::<9>(faces, density, passing),
            _ => self.shares_of::<13>(faces, density, passing),
        }
    }

    fn shares_of<const N: usize>(&mut self, faces: &Faces, density: &[f64], passing: f64) -> f64 {
        let (known, entering) = (&self.known, &self.entering);
        let n = faces.row();
        let function = Affordable {
            spacing: faces.spacings(),
            passing,
        };
        let rows = self.share.par_chunks_mut(n).enumerate();
        let changes = rows.map(|(row, shares)| {
            let beside = faces.beside_along(row);
            let mut reads = [beside[0].read(density, 0); N];
            for (axis, reads) in reads.chunks_exact_mut(4).enumerate() {
                reads[0] = beside[axis].read(&known[axis], -1);
                reads[1] = beside[axis].read(&known[axis], 0);
                reads[2] = beside[axis].read(entering, -1);
                reads[3] = beside[axis].read(entering, 1);
            }
            sweep(&function, reads, [&mut *shares]);
            let changes = shares.iter().zip(&entering[row * n..]);
            changes.fold(0.0_f64, |largest, (own, before)| {
                largest.max((own - before).abs())
            })
        });
        changes.reduce(|| 0.0, f64::max)
    }

    /// Reduces the known fluxes of an axis, and the momentum with them, to the share that the cell they leave can afford.
    fn reduce(&mut self, faces: &Faces, axis: usize, star: &mut [f64]) {
        let n = faces.row();
        let share = &self.share;
        let rows = self.known[axis]
            .par_chunks_mut(n)
            .zip(star.par_chunks_mut(n))
            .enumerate();
        rows.for_each(|(row, (known, star))| {
            let beside = faces.beside(row, axis);
            for i in 0..n {
                let from = beside.at(i, if known[i] > 0.0 { 0 } else { 1 });
                let share = share[from];
                if share < 1.0 {
                    known[i] *= share;
                    star[i] *= share;
                }
            }
        });
    }

    /// w after the known fluxes.
    fn set_moved(&mut self, faces: &Faces, initial: &[f64]) {
        match faces.dimension() {
            1 => self.set_moved_of::<3>(faces, initial),
            2 => self.set_moved_of::<5>(faces, initial),
            _ => self.set_moved_of::<7>(faces, initial),
        }
    }

    fn set_moved_of<const N: usize>(&mut self, faces: &Faces, initial: &[f64]) {
        let n = faces.row();
        let known = &self.known;
        let function = Gain {
            spacing: faces.spacings(),
        };
        let gains = Gained::<D> {
            lowest: D::kirchhoff(lowest_log_ratio::<D>()),
            divergence: PhantomData,
        };
        let rows = self.moved.par_chunks_mut(n).enumerate();
        let rows = rows.zip(self.entering.par_chunks_mut(n));
        rows.for_each(|((row, moved), gained)| {
            let beside = faces.beside_along(row);
            let mut reads = [beside[0].read(&faces.target, 0); N];
            for (axis, reads) in reads.chunks_exact_mut(2).enumerate() {
                reads[0] = beside[axis].read(&known[axis], -1);
                reads[1] = beside[axis].read(&known[axis], 0);
            }
            sweep(&function, reads, [&mut *gained]);
            let initial = &initial[row * n..][..n];
            apply(&gains, [initial, gained], [&mut *moved]);
        });
    }

    fn bounds(&self) -> [f64; 2] {
        let widest = [f64::INFINITY, f64::NEG_INFINITY];
        let join =
            |[low, high]: [f64; 2], [below, above]: [f64; 2]| [low.min(below), high.max(above)];
        let parts = self.moved.par_iter().map(|w| [*w, *w]);
        parts.reduce(|| widest, join)
    }
}

/// The implicit solver knows the scale of its system; what failed is the step.
fn of_step(error: FlowError, whole: f64) -> FlowError {
    match error {
        FlowError::Newton {
            time,
            iterations,
            change,
            ..
        } => FlowError::Newton {
            time,
            step: whole,
            iterations,
            change,
        },
        FlowError::Elliptic { time, source, .. } => FlowError::Elliptic {
            time,
            step: whole,
            source,
        },
        other => other,
    }
}
