//! Densities in 1-D to 3-D, one file a kind, given to the solver as logarithms; and velocities by formula.
//!
//! A kind evaluates ln of an unnormalised density at the cell centres, so that a Gaussian 60 standard deviations away is −1800 and
//! not −∞; −∞ stands only where the density is exactly 0. [`Density::normalised`] mixes in the uniform background and scales the
//! sum to one. A new kind is a file with a struct that implements [`DensityKind`] and one word in the list at the end of this file.

mod dirac;
mod error;
mod expression;
mod file;
mod formula;
mod gaussian;
mod image;
mod mixture;
mod normal;
mod normal_mixture;
mod one_or_each;
mod ring;
mod samples;
mod scaled;
mod uniform;
mod velocity;
mod wrapped;

pub use dirac::Dirac;
pub use error::{DensityError, DensityProblem, Point, nearest};
pub use file::File;
pub use formula::Formula;
pub use gaussian::Gaussian;
pub use image::Image;
pub use mixture::{Component, Mixture};
pub use normal_mixture::{MAXIMAL_COORDINATES, NormalMixture};
pub use one_or_each::OneOrEach;
pub use ring::Ring;
pub use samples::Samples;
pub use uniform::Uniform;
pub use velocity::Velocity;

use std::fmt;
use std::path::Path;

use ndarray::Zip;
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use crate::calculus::Real;
use crate::grid::{Field, Grid};

/// One way to state a density.
pub trait DensityKind {
    /// The share of a uniform background that is mixed in, in [0, 1).
    fn floor(&self) -> Option<f64>;

    /// Checks all that can be checked without reading files, against a grid of this many axes.
    fn check(&self, dimension: usize) -> Result<(), DensityError>;

    /// ln of the unnormalised density at every cell centre; −∞ only where it is exactly 0. Paths are relative to `folder`.
    fn log_density(&self, grid: &Grid, folder: &Path) -> Result<Field, DensityError>;

    /// The normal distributions that the density is a sum of, each with ln(weight · its maximum); none if it is no such sum.
    fn normals(
        &self,
        _dimension: usize,
    ) -> Option<Result<Vec<(f64, normal::Normal)>, DensityError>> {
        None
    }

    /// The number of coordinates that the density itself states, if it does.
    fn own_dimension(&self) -> Option<usize> {
        None
    }
}

/// Makes [`Density`] from the one list of kinds.
macro_rules! densities {
    ($($kind:ident),+) => {
        /// A density of any kind, as a scenario states it.
        #[derive(Clone, Debug, PartialEq, JsonSchema)]
        #[schemars(tag = "kind", rename_all = "kebab-case")]
        #[allow(missing_docs)]
        pub enum Density {
            $($kind($kind)),+
        }

        #[derive(Deserialize)]
        #[serde(rename_all = "kebab-case")]
        enum KindName {
            $($kind),+
        }

        impl Density {
            /// The kinds as scenario files name them.
            pub fn names() -> Vec<String> {
                vec![$(stringify!($kind).to_lowercase()),+]
            }

            fn kind(&self) -> &dyn DensityKind {
                match self { $(Self::$kind(kind) => kind),+ }
            }

            fn read<'de, D: Deserializer<'de>>(name: KindName, table: D) -> Result<Self, D::Error> {
                match name { $(KindName::$kind => $kind::deserialize(table).map(Self::$kind)),+ }
            }
        }
    };
}

densities!(
    Gaussian, Mixture, Ring, Uniform, Formula, Image, Samples, File, Dirac
);

impl Density {
    /// Checks all that can be checked without reading files, against a grid of this many axes.
    pub fn check(&self, dimension: usize) -> Result<(), DensityError> {
        if let Some(floor) = self.kind().floor()
            && !(0.0..1.0).contains(&floor)
        {
            return Err(DensityProblem::OutsideUnitInterval(floor).at("floor"));
        }
        self.kind().check(dimension)
    }

    /// ln of the unnormalised density at every cell centre, without the background.
    ///
    /// # Errors
    /// What [`Density::check`] finds, unreadable or unfit files, values that are negative or not numbers.
    pub fn log_density(&self, grid: &Grid, folder: &Path) -> Result<Field, DensityError> {
        self.check(grid.dimension())?;
        self.kind().log_density(grid, folder)
    }

    /// ln ρ at every cell centre with the background mixed in, such that Σ ρ · cell volume = 1.
    ///
    /// # Errors
    /// Those of [`Density::log_density`] and [`normalised`].
    pub fn normalised(&self, grid: &Grid, folder: &Path) -> Result<Field, DensityError> {
        normalised(
            self.log_density(grid, folder)?,
            grid,
            self.kind().floor().unwrap_or(0.0),
        )
    }
}

/// Reads the table that states a density. The input must give the key `kind` before the others.
impl<'de> Deserialize<'de> for Density {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TableVisitor;

        impl<'de> Visitor<'de> for TableVisitor {
            type Value = Density;

            fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
                formatter.write_str("a table with the key `kind`")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut table: A) -> Result<Density, A::Error> {
                match table.next_key::<String>()?.as_deref() {
                    Some("kind") => {
                        let name = table.next_value()?;
                        Density::read(name, MapAccessDeserializer::new(table))
                    }
                    _ => Err(A::Error::missing_field("kind")),
                }
            }
        }

        deserializer.deserialize_map(TableVisitor)
    }
}

/// Mixes a uniform background into a density and scales it: ρ ← (1 − floor) ρ/Σρ + floor/volume, with Σ ρ · cell volume = 1.
///
/// Takes and returns logarithms. The sum runs over fixed blocks in a fixed order: it does not depend on the number of threads.
///
/// # Errors
/// A value that is not a number or +∞; a density that is 0 in every cell.
pub fn normalised(mut log_density: Field, grid: &Grid, floor: f64) -> Result<Field, DensityError> {
    let mut largest = f64::NEG_INFINITY;
    for (index, &value) in log_density.indexed_iter() {
        if value.is_nan() || value == f64::INFINITY {
            let (found, point) = (Real::exp(value), Point::of(grid, index));
            return Err(DensityProblem::NotFinite { found, point }.into());
        }
        largest = largest.max(value);
    }
    if largest == f64::NEG_INFINITY {
        return Err(DensityProblem::ZeroMass.into());
    }
    log_density.par_mapv_inplace(|value| value - largest);
    let scale = Real::ln(sum_of_exponentials(&log_density) * grid.cell_volume());
    let share = Real::ln(1.0 - floor);
    let background = Real::ln(floor / grid.volume());
    log_density.par_mapv_inplace(|value| {
        let log_density = value - scale;
        if floor == 0.0 {
            log_density
        } else {
            log_sum_of_exponentials([share + log_density, background].into_iter())
        }
    });
    Ok(log_density)
}

/// Σ eᵛ over blocks of 4096 values, each summed in order, then the blocks in order.
fn sum_of_exponentials(field: &Field) -> f64 {
    const BLOCK: usize = 4096;
    let values = field.as_slice_memory_order().unwrap_or_default();
    let blocks: Vec<f64> = values
        .par_chunks(BLOCK)
        .map(|block| block.iter().map(|&value| Real::exp(value)).sum())
        .collect();
    blocks.iter().sum()
}

/// ln Σ eᵛ without overflow or underflow.
fn log_sum_of_exponentials(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let largest = values.clone().fold(f64::NEG_INFINITY, f64::max);
    if largest.is_finite() {
        largest + Real::ln(values.map(|value| Real::exp(value - largest)).sum::<f64>())
    } else {
        largest
    }
}

/// The value of a function of the cell centre in every cell, in parallel.
fn evaluate(grid: &Grid, function: impl Fn(&[f64]) -> f64 + Sync) -> Field {
    let mut field = Field::zeros(grid.shape());
    Zip::indexed(&mut field).par_for_each(|index, value| {
        *value = function(&grid.center(index)[..grid.dimension()]);
    });
    field
}

/// ln of density values, each of which must be finite and not negative.
fn logarithm(mut values: Field, grid: &Grid) -> Result<Field, DensityError> {
    for (index, &found) in values.indexed_iter() {
        if !found.is_finite() {
            let point = Point::of(grid, index);
            return Err(DensityProblem::NotFinite { found, point }.into());
        }
        if found < 0.0 {
            let point = Point::of(grid, index);
            return Err(DensityProblem::NegativeDensity { found, point }.into());
        }
    }
    values.par_mapv_inplace(Real::ln);
    Ok(values)
}
