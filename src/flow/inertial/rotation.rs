use crate::calculus::Real;
use crate::elliptic::Elliptic;
use crate::grid::{Boundary, Field};
use crate::problem::{Problem, State};

/// How much a diffusion outweighs storage when a potential is sought, in units of the square of the longest side.
const DIFFUSION: f64 = 1e8;
/// The accuracy of the potential, relative to its largest value.
const TOLERANCE: f64 = 1e-8;

/// The share of the kinetic energy of a velocity on faces that is in its rotational part: what is left of u in L²(ρ) after its
/// projection ∇φ on the gradients, ∇·(ρ∇φ) = ∇·(ρu).
///
/// None in 1-D, where a velocity has no rotation, and where the projection cannot be computed: for a density with empty cells.
pub fn rotational_share(problem: &Problem, state: &State, velocity: &[Field]) -> Option<f64> {
    let grid = &problem.grid;
    if grid.dimension() < 2 || velocity.len() != grid.dimension() {
        return None;
    }
    let log_density = &state.log_ratio + &problem.log_target;
    let mut elliptic = Elliptic::new(grid, &log_density).ok()?;
    let side = grid.axes().iter().map(|axis| axis.upper - axis.lower);
    let scale = DIFFUSION * side.fold(0.0, f64::max).powi(2);

    // −∇·(ρu)/ρ, with the geometric mean of ρ on each face.
    let mut source = Field::zeros(grid.shape());
    for_each_face(problem, &log_density, |axis, cell, next, spacing| {
        let flux = velocity[axis][cell] / spacing;
        let steepness = 0.5 * (log_density[next] - log_density[cell]);
        source[cell] -= Real::exp(steepness) * flux;
        source[next] += Real::exp(-steepness) * flux;
    });
    source *= scale;
    let slope = Field::ones(grid.shape());
    let mut potential = Field::zeros(grid.shape());
    elliptic
        .solve(scale, &slope, &source, TOLERANCE, &mut potential)
        .ok()?;
    let (mut whole, mut rest) = (0.0, 0.0);
    for_each_face(problem, &log_density, |axis, cell, next, spacing| {
        let density = Real::exp(0.5 * (log_density[cell] + log_density[next]));
        let own = velocity[axis][cell];
        let gradient = (potential[next] - potential[cell]) / spacing;
        whole += density * own * own;
        rest += density * (own - gradient).powi(2);
    });
    (whole > 0.0).then_some(rest / whole)
}

/// Visits the open faces: axis, the two cells, the spacing.
fn for_each_face(
    problem: &Problem,
    field: &Field,
    mut visit: impl FnMut(usize, (usize, usize, usize), (usize, usize, usize), f64),
) {
    for (axis, geometry) in problem.grid.axes().iter().enumerate() {
        for (cell, _) in field.indexed_iter() {
            let mut next = [cell.2, cell.1, cell.0];
            next[axis] += 1;
            if next[axis] == geometry.cells {
                if geometry.boundary == Boundary::NoFlux {
                    continue;
                }
                next[axis] = 0;
            }
            visit(axis, cell, (next[2], next[1], next[0]), geometry.spacing());
        }
    }
}
