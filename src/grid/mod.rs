//! Uniform cells in 1-D, 2-D and 3-D with no-flux or periodic sides; no physics.
//!
//! Fields are [`Field`]s: `ndarray` arrays of shape (z, y, x), row-major, x fastest; a missing axis has one cell.

use ndarray::Array3;
use thiserror::Error;

/// One number a cell, shape (z, y, x).
pub type Field = Array3<f64>;

/// The names of the axes in the order users write them.
pub const AXIS_NAMES: [&str; 3] = ["x", "y", "z"];

/// What happens at the two ends of an axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Boundary {
    /// Nothing passes: the faces at the ends carry no flux.
    NoFlux,
    /// The last cell is the neighbour of the first.
    Periodic,
}

/// One axis of the box: `cells` equal cells from `lower` to `upper`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Axis {
    /// Coordinate of the first side.
    pub lower: f64,
    /// Coordinate of the last side.
    pub upper: f64,
    /// Number of cells, at least 3.
    pub cells: usize,
    /// The rule at both ends.
    pub boundary: Boundary,
}

impl Axis {
    /// The width h of a cell.
    pub fn spacing(&self) -> f64 {
        (self.upper - self.lower) / self.cells as f64
    }

    /// The coordinate of the centre of cell `i`.
    pub fn center(&self, i: usize) -> f64 {
        self.lower + (i as f64 + 0.5) * self.spacing()
    }

    /// The coordinates of all cell centres.
    pub fn centers(&self) -> Vec<f64> {
        (0..self.cells).map(|i| self.center(i)).collect()
    }
}

/// Why a list of axes is not a grid.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum GridError {
    /// No axis, or more than three.
    #[error("a grid has 1, 2 or 3 axes, found {0}")]
    Dimension(usize),
    /// lower ≥ upper, or not finite.
    #[error("axis {axis}: lower = {lower} must be below upper = {upper}, both finite")]
    Bounds {
        /// Name of the axis.
        axis: &'static str,
        /// The bound found.
        lower: f64,
        /// The bound found.
        upper: f64,
    },
    /// Fewer than three cells.
    #[error("axis {axis}: {cells} cells found, at least 3 expected")]
    Cells {
        /// Name of the axis.
        axis: &'static str,
        /// The count found.
        cells: usize,
    },
    /// More cells than a field can index.
    #[error("{0} cells are more than the program can hold (at most 2^32)")]
    TooLarge(u128),
}

/// A box divided into uniform cells.
#[derive(Clone, Debug, PartialEq)]
pub struct Grid {
    axes: Vec<Axis>,
}

impl Grid {
    /// Checks the axes (in the order x, y, z) and makes the grid.
    pub fn new(axes: Vec<Axis>) -> Result<Self, GridError> {
        if axes.is_empty() || axes.len() > 3 {
            return Err(GridError::Dimension(axes.len()));
        }
        let mut total: u128 = 1;
        for (axis, &name) in axes.iter().zip(&AXIS_NAMES) {
            let Axis {
                lower,
                upper,
                cells,
                ..
            } = *axis;
            if !(lower.is_finite() && upper.is_finite() && lower < upper) {
                return Err(GridError::Bounds {
                    axis: name,
                    lower,
                    upper,
                });
            }
            if cells < 3 {
                return Err(GridError::Cells { axis: name, cells });
            }
            total = total.saturating_mul(cells as u128);
        }
        if total > 1 << 32 {
            return Err(GridError::TooLarge(total));
        }
        Ok(Self { axes })
    }

    /// The axes, x first.
    pub fn axes(&self) -> &[Axis] {
        &self.axes
    }

    /// 1, 2 or 3.
    pub fn dimension(&self) -> usize {
        self.axes.len()
    }

    /// (z, y, x) cell counts; 1 along a missing axis.
    pub fn shape(&self) -> (usize, usize, usize) {
        let cells = |axis: usize| self.axes.get(axis).map_or(1, |axis| axis.cells);
        (cells(2), cells(1), cells(0))
    }

    /// Number of cells.
    pub fn len(&self) -> usize {
        self.axes.iter().map(|axis| axis.cells).product()
    }

    /// Never: every axis has cells.
    pub fn is_empty(&self) -> bool {
        false
    }

    /// Length, area or volume of one cell.
    pub fn cell_volume(&self) -> f64 {
        self.axes.iter().map(Axis::spacing).product()
    }

    /// Length, area or volume of the box.
    pub fn volume(&self) -> f64 {
        self.axes
            .iter()
            .map(|axis| axis.upper - axis.lower)
            .product()
    }

    /// Centre (x, y, z) of the cell at field index (z, y, x); 0 along a missing axis.
    pub fn center(&self, (k, j, i): (usize, usize, usize)) -> [f64; 3] {
        let coordinate = |axis: usize, index| self.axes.get(axis).map_or(0.0, |a| a.center(index));
        [coordinate(0, i), coordinate(1, j), coordinate(2, k)]
    }

    /// The value of a function of the cell centre (x, y, z) in every cell.
    pub fn sample(&self, function: impl Fn([f64; 3]) -> f64) -> Field {
        Field::from_shape_fn(self.shape(), |index| function(self.center(index)))
    }
}
