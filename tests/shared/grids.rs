//! Grids and fields that the tests of the linear solver share, on the CPU and on the GPU.

use ottoflow::grid::{Axis, Boundary, Field, Grid};

/// Each axis as lower and upper end, number of cells, boundary.
pub fn grid(axes: &[(f64, f64, usize, Boundary)]) -> Grid {
    let axis = |&(lower, upper, cells, boundary)| Axis {
        lower,
        upper,
        cells,
        boundary,
    };
    Grid::new(axes.iter().map(axis).collect()).unwrap()
}

/// A reproducible number in [0, 1) for each index and seed.
fn noise(seed: u64, index: usize) -> f64 {
    let mut state = (index as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15)
        ^ seed.wrapping_mul(0xD1B5_4A32_D192_ED03);
    for shift in [30, 27, 31] {
        state = (state ^ (state >> shift)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    }
    (state >> 11) as f64 / (1u64 << 53) as f64
}

pub fn noise_field(grid: &Grid, seed: u64) -> Field {
    let mut field = Field::zeros(grid.shape());
    for (index, value) in field.iter_mut().enumerate() {
        *value = noise(seed, index);
    }
    field
}

pub fn largest(field: &Field) -> f64 {
    field.iter().fold(0.0, |max, x| max.max(x.abs()))
}
