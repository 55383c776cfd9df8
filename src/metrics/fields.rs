use crate::calculus::Real;
use crate::divergence::{Divergence, JensenShannon, with_divergence};
use crate::grid::{Boundary, Field, Grid};
use crate::problem::{Problem, State};

/// f'(ρ/π) in every cell: the potential whose negative gradient moves ρ.
pub fn potential(problem: &Problem, state: &State) -> Field {
    with_divergence!(problem.divergence, D => state.log_ratio.mapv(D::first_variation::<f64>))
}

/// The optimal discriminator D* = π/(ρ+π) = 1/(1+r) in every cell (Goodfellow et al., NeurIPS 2014, Prop. 1).
pub fn discriminator(state: &State) -> Field {
    state
        .log_ratio
        .mapv(|log_ratio| Real::exp(-Real::softplus(log_ratio)))
}

/// A component of the adversarial connection A = ∇ ln(ρ/(π+ρ)) at the cell centres; `axis` 0 is x.
pub fn connection(problem: &Problem, state: &State, axis: usize) -> Field {
    let variation = state.log_ratio.mapv(JensenShannon::first_variation::<f64>);
    derivative(&problem.grid, &variation, axis)
}

/// A component of the velocity −∇f'(ρ/π) at the cell centres; `axis` 0 is x.
pub fn velocity(problem: &Problem, state: &State, axis: usize) -> Field {
    -derivative(&problem.grid, &potential(problem, state), axis)
}

/// A component at the cell centres of a vector field on faces: the mean of the two faces of each cell. `on_faces` holds, for each cell,
/// the face to the next one along `axis`, 0 where it is closed.
pub fn from_faces(on_faces: &Field, axis: usize) -> Field {
    let along = ndarray::Axis(2 - axis);
    let mut result = Field::zeros(on_faces.dim());
    for (source, mut target) in on_faces
        .lanes(along)
        .into_iter()
        .zip(result.lanes_mut(along))
    {
        let n = source.len();
        for i in 0..n {
            target[i] = 0.5 * (source[i] + source[(i + n - 1) % n]);
        }
    }
    result
}

/// The mean of the differences through the two faces of a cell; nothing passes a closed face, whose difference is 0.
fn derivative(grid: &Grid, field: &Field, axis: usize) -> Field {
    let geometry = grid.axes()[axis];
    let factor = 0.5 / geometry.spacing();
    let n = geometry.cells;
    let along = ndarray::Axis(2 - axis);
    let mut result = Field::zeros(field.dim());
    for (source, mut target) in field.lanes(along).into_iter().zip(result.lanes_mut(along)) {
        for i in 0..n {
            let beside = |open: bool, index: usize| match (open, geometry.boundary) {
                (true, _) => source[index],
                (false, Boundary::Periodic) => source[index],
                (false, Boundary::NoFlux) => source[i],
            };
            let before = beside(i > 0, (i + n - 1) % n);
            let after = beside(i + 1 < n, (i + 1) % n);
            target[i] = factor * (after - before);
        }
    }
    result
}
