use std::path::{Path, PathBuf};

use image::imageops::{self, FilterType};
use image::{ColorType, ImageReader};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{DensityError, DensityKind, DensityProblem, logarithm};
use crate::grid::{Field, Grid};

/// A grey PNG as a density in 2-D: white is most, black is 0. The picture fills the box, its top row at the largest y.
///
/// Between the pixels the density is interpolated linearly; where the cells are larger than the pixels it is averaged over them.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Image {
    /// The PNG file, relative to the scenario file.
    pub path: PathBuf,
    /// Share of a uniform background that is mixed in, at least 0 and below 1.
    pub floor: Option<f64>,
}

impl DensityKind for Image {
    fn floor(&self) -> Option<f64> {
        self.floor
    }

    fn check(&self, dimension: usize) -> Result<(), DensityError> {
        if dimension == 2 {
            return Ok(());
        }
        Err(DensityProblem::Dimension {
            found: dimension,
            expected: "2",
        }
        .at("kind"))
    }

    fn log_density(&self, grid: &Grid, folder: &Path) -> Result<Field, DensityError> {
        let path = folder.join(&self.path);
        let unreadable = |reason: String| {
            let path = path.clone();
            DensityProblem::Unreadable { path, reason }.at("path")
        };
        let picture = ImageReader::open(&path)
            .and_then(ImageReader::with_guessed_format)
            .map_err(|error| unreadable(error.to_string()))?
            .decode()
            .map_err(|error| unreadable(error.to_string()))?;
        let color = picture.color();
        if !matches!(color, ColorType::L8 | ColorType::L16) {
            let found = if color.has_color() {
                "colour"
            } else {
                "transparent"
            }
            .to_owned();
            return Err(DensityProblem::NotGrey { path, found }.at("path"));
        }
        let (_, rows, columns) = grid.shape();
        let size =
            |cells: usize| u32::try_from(cells).map_err(|error| unreadable(error.to_string()));
        let resized = imageops::resize(
            &picture.to_luma32f(),
            size(columns)?,
            size(rows)?,
            FilterType::Triangle,
        );
        let pixels = Field::from_shape_vec(
            grid.shape(),
            resized.into_raw().into_iter().map(f64::from).collect(),
        )
        .map_err(|error| unreadable(error.to_string()))?;
        let upwards = pixels.slice_move(ndarray::s![.., ..;-1, ..]);
        logarithm(upwards.as_standard_layout().into_owned(), grid)
            .map_err(|error| error.inside("path"))
    }
}
