//! A symmetric V-cycle over ever coarser cells: the preconditioner of the 2-D and 3-D solver.
//!
//! The couplings of all levels are computed once; a new excess is summed down the levels. Smoothing is a Chebyshev polynomial in
//! D⁻¹A, whose eigenvalues lie in (0, 2] for every such matrix, so there is nothing to estimate and the order of cells has no say. The last
//! level is one cell, where b/e is exact: it carries the constant, whose residual is lost beside the others where couplings outweigh the excess.
//!
//! The polynomial is that of the fourth kind: J. Lottes, "Optimal polynomial smoothers for multigrid V-cycles", Numerical Linear Algebra with
//! Applications 30 (2023), e2518.
//!
//! References: U. Trottenberg, C. Oosterlee, A. Schüller, "Multigrid", Academic Press (2001); M. Adams, M. Brezina, J. Hu, R. Tuminaro, "Parallel
//! multigrid smoothing: polynomial versus Gauss–Seidel", Journal of Computational Physics 188 (2003), 593–610.

use super::axis_map::Spacing;
use super::coarsening::Coarsening;
use super::operator::Operator;

/// Jacobi steps before the coarse correction, and after it.
const DEGREE: usize = 3;

#[derive(Clone, Debug)]
struct Level {
    operator: Operator,
    /// The step to the next level; none from the last.
    coarsening: Option<Coarsening>,
    /// Right-hand side; the finest level is handed its own.
    rhs: Vec<f64>,
    x: Vec<f64>,
    /// The second buffer of the smoother, then the residual.
    other: Vec<f64>,
}

/// The hierarchy of levels with its memory.
#[derive(Clone, Debug)]
pub(super) struct Multigrid {
    levels: Vec<Level>,
    dampings: Vec<f64>,
}

/// The Jacobi steps whose product is the Chebyshev polynomial of the fourth kind on [0, 2], which makes the best bound on a V-cycle's
/// contraction of all polynomials of its degree up to a few percent: its zeros are 1 − cos θ with θ = 2πj/(2·degree + 1).
fn chebyshev_dampings(degree: usize) -> Vec<f64> {
    (1..=degree)
        .map(|root| {
            let angle = std::f64::consts::TAU * root as f64 / (2 * degree + 1) as f64;
            1.0 / (1.0 - angle.cos())
        })
        .rev()
        .collect()
}

impl Multigrid {
    /// Builds all levels below an operator whose cells have the given widths along x, y, z.
    pub(super) fn new(finest: Operator, widths: [f64; 3]) -> Self {
        let mut spacings: [Spacing; 3] =
            std::array::from_fn(|axis| Spacing::uniform(finest.cells[axis], widths[axis]));
        let mut levels: Vec<Level> = Vec::new();
        let mut operator = finest;
        loop {
            let next = Coarsening::new(&operator, &spacings);
            let n = operator.len();
            let (coarsening, coarse) = match next {
                Some((coarsening, coarse, coarse_spacings)) => {
                    spacings = coarse_spacings;
                    (Some(coarsening), Some(coarse))
                }
                None => (None, None),
            };
            levels.push(Level {
                operator,
                coarsening,
                rhs: if levels.is_empty() {
                    Vec::new()
                } else {
                    vec![0.0; n]
                },
                x: vec![0.0; n],
                other: vec![0.0; n],
            });
            match coarse {
                Some(coarse) => operator = coarse,
                None => break,
            }
        }
        let dampings = chebyshev_dampings(DEGREE);
        Self { levels, dampings }
    }

    /// The operators from the finest on, each with the step to the next.
    pub(super) fn levels(&self) -> impl Iterator<Item = (&Operator, Option<&Coarsening>)> {
        self.levels
            .iter()
            .map(|level| (&level.operator, level.coarsening.as_ref()))
    }

    /// The damping of each Jacobi step before the coarse correction.
    pub(super) fn dampings(&self) -> &[f64] {
        &self.dampings
    }

    /// The finest level's operator, all else being given up.
    pub(super) fn into_operator(self) -> Operator {
        let mut levels = self.levels;
        levels.swap_remove(0).operator
    }

    /// The finest level's operator.
    pub(super) fn operator(&self) -> &Operator {
        &self.levels[0].operator
    }

    /// Sets the excess of the finest level by a function of its array, then of all others.
    pub(super) fn set_excess(&mut self, fill: impl FnOnce(&mut [f64])) {
        fill(&mut self.levels[0].operator.excess);
        self.levels[0].operator.set_diagonal();
        for index in 1..self.levels.len() {
            let (fine, coarse) = self.levels.split_at_mut(index);
            let (fine, coarse) = (&fine[index - 1], &mut coarse[0]);
            if let Some(coarsening) = &fine.coarsening {
                coarsening.sum(&fine.operator.excess, &mut coarse.operator.excess);
            }
            coarse.operator.set_diagonal();
        }
    }

    /// One V-cycle from 0: an approximation of A⁻¹ `rhs`, linear and symmetric in it, left in [`Self::correction`].
    pub(super) fn precondition(&mut self, rhs: &[f64]) {
        cycle(&mut self.levels, Some(rhs), &self.dampings);
    }

    /// The result of the last [`Self::precondition`].
    pub(super) fn correction(&self) -> &[f64] {
        &self.levels[0].x
    }
}

fn cycle(levels: &mut [Level], rhs: Option<&[f64]>, dampings: &[f64]) {
    let [level, coarser @ ..] = levels else {
        return;
    };
    let Level {
        operator,
        coarsening,
        rhs: own_rhs,
        x,
        other,
    } = level;
    let rhs = rhs.unwrap_or(own_rhs);
    let [first, later @ ..] = dampings else {
        return;
    };
    let (Some(coarsening), Some(coarse)) = (coarsening, coarser.first_mut()) else {
        operator.first_step(1.0, rhs, x);
        return;
    };
    operator.first_step(*first, rhs, x);
    for &damping in later {
        operator.step(damping, rhs, x, other);
        std::mem::swap(x, other);
    }
    operator.residual(rhs, x, other);
    coarsening.restrict(operator, other, &mut coarse.rhs);
    cycle(coarser, None, dampings);
    coarsening.prolong(operator, &coarser[0].x, x);
    for &damping in dampings.iter().rev() {
        operator.step(damping, rhs, x, other);
        std::mem::swap(x, other);
    }
}
