use crate::backend::reduce;
use crate::calculus::Real;
use crate::grid::{Boundary, Field, Grid};

/// The geometry of the flow: the factors sqrt(π_j/π_i)/h² of the faces of every cell (docs/mathematics.md, eq. 8).
///
/// They come from differences of ln π, so nothing underflows where π does. A closed face has the factor zero.
#[derive(Clone, Debug)]
pub struct Couplings {
    rows: [usize; 2],
    row: usize,
    axes: Vec<AxisCouplings>,
}

#[derive(Clone, Debug)]
struct AxisCouplings {
    periodic: bool,
    /// Factor of the face to the next and to the previous cell along the axis.
    next: Vec<f64>,
    previous: Vec<f64>,
}

impl Couplings {
    /// The factors of ln π on a grid.
    pub fn new(grid: &Grid, log_target: &Field) -> Self {
        let (nz, ny, nx) = grid.shape();
        let axes = grid.axes().iter().enumerate().map(|(axis, geometry)| {
            let periodic = geometry.boundary == Boundary::Periodic;
            let factor = 1.0 / (geometry.spacing() * geometry.spacing());
            let side = |forward: bool| {
                let of_cell = |((k, j, i), own): ((usize, usize, usize), &f64)| {
                    let mut index = [i, j, k];
                    match neighbour(index[axis], geometry.cells, periodic, forward) {
                        Some(beside) => {
                            index[axis] = beside;
                            let other = log_target[[index[2], index[1], index[0]]];
                            factor * Real::exp(0.5 * (other - own))
                        }
                        None => 0.0,
                    }
                };
                log_target.indexed_iter().map(of_cell).collect()
            };
            AxisCouplings {
                periodic,
                next: side(true),
                previous: side(false),
            }
        });
        Self {
            rows: [nz, ny],
            row: nx,
            axes: axes.collect(),
        }
    }

    /// Cells in a row.
    pub fn row(&self) -> usize {
        self.row
    }

    /// The largest Σ over the faces of a cell: 1/this bounds the explicit step where ψ' = 1.
    pub fn largest(&self) -> f64 {
        let cells = self.rows[0] * self.rows[1] * self.row;
        let part =
            |range: std::ops::Range<usize>| range.map(|cell| self.total(cell)).fold(0.0, f64::max);
        reduce::over_tiles(cells, 0.0, part, f64::max)
    }

    /// Σ over the faces of a cell.
    pub fn total(&self, cell: usize) -> f64 {
        self.axes
            .iter()
            .map(|axis| axis.next[cell] + axis.previous[cell])
            .sum()
    }

    /// For each axis, where the neighbours of a row's cells along it start: the row itself along x.
    fn neighbour_rows(&self, row: usize) -> [[usize; 2]; 3] {
        let [nz, ny] = self.rows;
        let (k, j) = (row / ny, row % ny);
        let beside = |axis: usize, index, count| {
            let periodic = self.axes.get(axis).is_some_and(|axis| axis.periodic);
            [false, true].map(|forward| neighbour(index, count, periodic, forward).unwrap_or(index))
        };
        let along_y = beside(1, j, ny).map(|j| k * ny + j);
        let along_z = beside(2, k, nz).map(|k| k * ny + j);
        [[row, row], along_y, along_z]
    }

    /// Calls `visit(factor, neighbour)` for every open face of a cell.
    #[inline(always)]
    pub fn for_each_face(&self, cell: usize, mut visit: impl FnMut(f64, usize)) {
        let (row, i) = (cell / self.row, cell % self.row);
        let rows = self.neighbour_rows(row);
        for (axis, couplings) in self.axes.iter().enumerate() {
            for (side, factors) in [&couplings.previous, &couplings.next]
                .into_iter()
                .enumerate()
            {
                let column = match axis {
                    0 => neighbour(i, self.row, couplings.periodic, side == 1).unwrap_or(i),
                    _ => i,
                };
                visit(factors[cell], rows[axis][side] * self.row + column);
            }
        }
    }

    /// Σ_faces sqrt(π_j/π_i)/h² (w_i − w_j) for the cells of a row, into `outflow`.
    pub fn outflow(&self, values: &[f64], row: usize, outflow: &mut [f64]) {
        let n = self.row;
        let rows = self.neighbour_rows(row);
        let own = &values[row * n..][..n];
        for (axis, couplings) in self.axes.iter().enumerate() {
            let previous = &couplings.previous[row * n..][..n];
            let next = &couplings.next[row * n..][..n];
            if axis == 0 {
                let ends = [own[n - 1], own[0]];
                for i in 0..n {
                    let left = if i == 0 { ends[0] } else { own[i - 1] };
                    let right = if i + 1 == n { ends[1] } else { own[i + 1] };
                    outflow[i] = previous[i] * (own[i] - left) + next[i] * (own[i] - right);
                }
            } else {
                let [before, after] = rows[axis].map(|row| &values[row * n..][..n]);
                for i in 0..n {
                    outflow[i] +=
                        previous[i] * (own[i] - before[i]) + next[i] * (own[i] - after[i]);
                }
            }
        }
    }
}

/// The index before or after along an axis; none beyond a closed end.
fn neighbour(index: usize, count: usize, periodic: bool, forward: bool) -> Option<usize> {
    match (forward, index) {
        (true, i) if i + 1 < count => Some(i + 1),
        (true, _) if periodic => Some(0),
        (false, i) if i > 0 => Some(i - 1),
        (false, _) if periodic => Some(count - 1),
        _ => None,
    }
}
