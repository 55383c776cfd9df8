//! The generator and the point that it may start or end at.

use super::super::error::{Fault, Problem};
use super::super::settings::unexpected;
use super::document::{GeneratorKind, GeneratorSection};
use crate::density::MAXIMAL_COORDINATES;
use crate::parametric::{Activation, GeneratorSettings, Network, Target};

/// The largest width, batch and number of latent variables: beyond it a matrix of a step would not fit in memory.
const LARGEST: usize = 1 << 16;

/// The target where all data are one point.
pub(super) fn point(position: &[f64]) -> Result<Target, Fault> {
    let length = position.len();
    if !(1..=MAXIMAL_COORDINATES).contains(&length) {
        let expected = format!("1 to {MAXIMAL_COORDINATES}");
        return Err(unexpected(
            "position",
            format!("{length} numbers"),
            &expected,
        ));
    }
    Ok(Target::Point(position.to_vec()))
}

/// The widths of hidden layers: at least one, none of them 0.
pub(super) fn hidden(widths: Vec<usize>, remedy: &str) -> Result<Vec<usize>, Fault> {
    if widths.is_empty() {
        let expected = format!("at least one width{remedy}");
        return Err(unexpected("hidden", "an empty list", &expected));
    }
    for (index, width) in widths.iter().enumerate() {
        within(&format!("hidden.{index}"), *width, 1)?;
    }
    Ok(widths)
}

/// A count from a least one up to [`LARGEST`].
pub(super) fn within(key: &str, count: usize, least: usize) -> Result<usize, Fault> {
    if (least..=LARGEST).contains(&count) {
        return Ok(count);
    }
    let expected = format!("a whole number from {least} to {LARGEST}");
    Err(unexpected(key, count, &expected))
}

/// A key that only another kind has.
pub(super) fn refused(key: &str, kind: &str) -> Fault {
    let expected = format!("no such key: only the kind \"{kind}\" has it");
    unexpected(key, format!("`{key}`"), &expected)
}

/// The generator of a section, with as many outputs as the target has coordinates.
pub(super) fn generator(
    section: GeneratorSection,
    outputs: usize,
) -> Result<GeneratorSettings, Fault> {
    use GeneratorKind::{Affine, Dirac, Mlp};
    for (key, given, kinds) in [
        ("latent", section.latent.is_some(), &[Mlp, Affine][..]),
        ("hidden", section.hidden.is_some(), &[Mlp]),
        ("activation", section.activation.is_some(), &[Mlp]),
        ("matrix", section.matrix.is_some(), &[Affine]),
        ("offset", section.offset.is_some(), &[Affine]),
        ("position", section.position.is_some(), &[Dirac]),
    ] {
        if given && !kinds.contains(&section.kind) {
            return Err(refused(key, kinds[0].name()));
        }
    }
    let latent = || {
        let count = section.latent.ok_or_else(|| Problem::Missing.at("latent"));
        within("latent", count?, 1)
    };
    match section.kind {
        GeneratorKind::Mlp => {
            let latent = latent()?;
            let widths = section
                .hidden
                .ok_or_else(|| Problem::Missing.at("hidden"))?;
            let widths = hidden(
                widths,
                "; a generator without a hidden layer is `kind = \"affine\"`",
            )?;
            let activation = section.activation.map_or(Activation::Relu, Into::into);
            Ok(GeneratorSettings {
                network: Network::new(latent, &widths, outputs, activation),
                initial: None,
            })
        }
        GeneratorKind::Affine => {
            let latent = latent()?;
            Ok(GeneratorSettings {
                network: Network::affine(latent, outputs),
                initial: affine_start(section.matrix, section.offset, latent, outputs)?,
            })
        }
        GeneratorKind::Dirac => {
            let position = section
                .position
                .ok_or_else(|| Problem::Missing.at("position"))?;
            lengths("position", position.len(), outputs, COORDINATES)?;
            Ok(GeneratorSettings {
                // Without latent variables there is nothing but the offset.
                network: Network::affine(0, outputs),
                initial: Some(position),
            })
        }
    }
}

const COORDINATES: &str = "one number for each coordinate of the target";

/// Refuses a list of another length than expected.
fn lengths(key: &str, found: usize, expected: usize, what: &str) -> Result<(), Fault> {
    if found == expected {
        return Ok(());
    }
    let expected = format!("{expected}: {what}");
    Err(unexpected(key, format!("{found} entries"), &expected))
}

/// A by rows, then b.
fn affine_start(
    matrix: Option<Vec<Vec<f64>>>,
    offset: Option<Vec<f64>>,
    latent: usize,
    outputs: usize,
) -> Result<Option<Vec<f64>>, Fault> {
    let Some(matrix) = matrix else {
        return match offset {
            None => Ok(None),
            Some(_) => Err(Problem::Missing.at("matrix")),
        };
    };
    lengths(
        "matrix",
        matrix.len(),
        outputs,
        "one row for each coordinate of the target",
    )?;
    let mut start = Vec::new();
    for (index, row) in matrix.into_iter().enumerate() {
        let key = format!("matrix.{index}");
        lengths(
            &key,
            row.len(),
            latent,
            "one number for each latent variable",
        )?;
        start.extend(row);
    }
    let offset = offset.unwrap_or_else(|| vec![0.0; outputs]);
    lengths("offset", offset.len(), outputs, COORDINATES)?;
    start.extend(offset);
    Ok(Some(start))
}
