use crate::calculus::Real;
use crate::grid::{Boundary, Field, Grid};

/// Targets below this are nothing that momentum could be held against: the faces of such cells carry none.
const SMALLEST_TARGET: f64 = 1e-290;

/// The faces between cells: a vector field has one number for each cell and axis, that of the face between the cell and the next one
/// along the axis.
///
/// Every axis is a ring. A closed side is a face of mobility 0, on which momentum and velocity stay 0; it is the wall at both ends.
#[derive(Clone, Debug)]
pub(super) struct Faces {
    /// Cells along x, y, z.
    pub cells: [usize; 3],
    /// Spacing along each axis of the grid.
    pub spacing: Vec<f64>,
    /// √(π_i π_j) for each axis.
    pub mobility: Vec<Vec<f64>>,
    /// π.
    pub target: Vec<f64>,
    /// Volume of a cell.
    pub volume: f64,
}

/// One number a face, for each axis.
pub(super) type FaceField = Vec<Vec<f64>>;

impl Faces {
    pub fn new(grid: &Grid, log_target: &Field) -> Self {
        let (nz, ny, nx) = grid.shape();
        let target: Vec<f64> = log_target.iter().map(|ln| Real::exp(*ln)).collect();
        let log_target: Vec<f64> = log_target.iter().copied().collect();
        let mut faces = Self {
            cells: [nx, ny, nz],
            spacing: grid.axes().iter().map(|axis| axis.spacing()).collect(),
            mobility: Vec::new(),
            target,
            volume: grid.cell_volume(),
        };
        for (axis, geometry) in grid.axes().iter().enumerate() {
            let mobility = (0..faces.len()).map(|cell| {
                let next = faces.next(axis, cell);
                let closed = geometry.boundary == Boundary::NoFlux && faces.is_last(axis, cell);
                let empty = faces.target[cell].min(faces.target[next]) < SMALLEST_TARGET;
                if closed || empty {
                    0.0
                } else {
                    Real::exp(0.5 * (log_target[cell] + log_target[next]))
                }
            });
            let mobility = mobility.collect();
            faces.mobility.push(mobility);
        }
        faces
    }

    /// Number of axes.
    pub fn dimension(&self) -> usize {
        self.spacing.len()
    }

    /// The shortest spacing.
    pub fn shortest(&self) -> f64 {
        self.spacing.iter().copied().fold(f64::INFINITY, f64::min)
    }

    /// The spacing along x, y, z; 1 along missing axes.
    pub fn spacings(&self) -> [f64; 3] {
        [0, 1, 2].map(|axis| self.spacing.get(axis).copied().unwrap_or(1.0))
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.target.len()
    }

    /// Cells in a row along x.
    pub fn row(&self) -> usize {
        self.cells[0]
    }

    /// A vector field of zeros.
    pub fn zeros(&self) -> FaceField {
        vec![vec![0.0; self.len()]; self.dimension()]
    }

    /// Where the rows `shift` cells beside a row along an axis start: itself along x.
    #[inline(always)]
    fn row_beside(&self, row: usize, axis: usize, shift: isize) -> usize {
        let [nx, ny, nz] = self.cells;
        let (j, k) = (row % ny, row / ny);
        let row = match axis {
            0 => row,
            1 => k * ny + wrapped(j, shift, ny),
            _ => wrapped(k, shift, nz) * ny + j,
        };
        row * nx
    }

    /// Finds the cells beside those of a row.
    #[inline(always)]
    pub fn beside(&self, row: usize, axis: usize) -> Beside {
        Beside {
            starts: [-2, -1, 0, 1, 2].map(|shift| self.row_beside(row, axis, shift)),
            along: axis == 0,
            cells: self.cells[0],
        }
    }

    /// The same along each axis of the grid, once for all cells of a row: it takes divisions.
    #[inline(always)]
    pub fn beside_along(&self, row: usize) -> [Beside; 3] {
        let last = self.dimension() - 1;
        [0, 1, 2].map(|axis: usize| self.beside(row, axis.min(last)))
    }

    /// σ_j/σ_i − 1 and σ_i/σ_j − 1 of the two cells i and j beside an open face of an axis: exactly 0 where π is the same in both.
    #[inline(always)]
    pub fn tilt(&self, axis: usize, pair: [usize; 2]) -> [f64; 2] {
        let mobility = self.mobility[axis][pair[0]];
        pair.map(|cell| mobility / self.target[cell] - 1.0)
    }

    /// The next cell along an axis.
    #[inline(always)]
    pub fn next(&self, axis: usize, cell: usize) -> usize {
        let (row, i) = (cell / self.cells[0], cell % self.cells[0]);
        self.beside(row, axis).at(i, 1)
    }

    /// The previous cell along an axis.
    #[inline(always)]
    pub fn previous(&self, axis: usize, cell: usize) -> usize {
        let (row, i) = (cell / self.cells[0], cell % self.cells[0]);
        self.beside(row, axis).at(i, -1)
    }

    fn is_last(&self, axis: usize, cell: usize) -> bool {
        let [nx, ny, nz] = self.cells;
        match axis {
            0 => cell % nx + 1 == nx,
            1 => cell / nx % ny + 1 == ny,
            _ => cell / (nx * ny) + 1 == nz,
        }
    }
}

/// The cells beside those of one row along one axis.
#[derive(Clone, Copy)]
pub(super) struct Beside {
    starts: [usize; 5],
    along: bool,
    cells: usize,
}

impl Beside {
    /// The cell `shift` (−2 to 2) places on from the row's cell i.
    #[inline(always)]
    pub fn at(&self, i: usize, shift: isize) -> usize {
        if self.along {
            self.starts[2] + wrapped(i, shift, self.cells)
        } else {
            self.starts[(shift + 2) as usize] + i
        }
    }

    /// Where the cells `shift` places on are: the start of their row, and how far on in it the first of them is.
    #[inline(always)]
    pub fn start(&self, shift: isize) -> (usize, isize) {
        if self.along {
            (self.starts[2], shift)
        } else {
            (self.starts[(shift + 2) as usize], 0)
        }
    }

    /// Cells of the row.
    pub fn cells(&self) -> usize {
        self.cells
    }
}

/// i + shift on a ring, |shift| ≤ count.
#[inline(always)]
pub(super) fn wrapped(i: usize, shift: isize, count: usize) -> usize {
    let moved = i.wrapping_add_signed(shift);
    if shift >= 0 {
        if moved >= count { moved - count } else { moved }
    } else if moved > i {
        moved.wrapping_add(count)
    } else {
        moved
    }
}
