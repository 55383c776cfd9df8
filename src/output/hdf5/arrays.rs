//! Arrays with their dimension scales, groups and attributes: what h5py, xarray and netCDF call variables and coordinates.

use std::collections::HashMap;

use hdf5::plist::file_create::{AttrCreationOrder, LinkCreationOrder};
use hdf5::types::{VarLenArray, VarLenUnicode};
use hdf5::{
    Dataset, Error, Extent, Group, H5Type, Location, ObjectReference1, Result, SimpleExtents,
};

use super::compress::LEVEL;
use super::layout::Precision;
use super::raw;

/// Where a dimension scale is used: an entry of its attribute `REFERENCE_LIST`.
#[derive(Clone, Copy, H5Type)]
#[repr(C)]
pub(super) struct Attachment {
    dataset: ObjectReference1,
    dimension: i32,
}

/// An array to be made.
pub(super) struct Array<'a> {
    pub(super) name: &'a str,
    pub(super) long_name: &'a str,
    pub(super) precision: Precision,
    /// The scales of its axes, slowest first; empty for a scale.
    pub(super) axes: &'a [&'static str],
    pub(super) extents: Vec<Extent>,
    pub(super) chunk: Option<Vec<usize>>,
    pub(super) compressed: bool,
}

/// An array with one f64 a row.
pub(super) fn column<'a>(
    name: &'a str,
    long_name: &'a str,
    axes: &'a [&'static str],
    rows: usize,
) -> Array<'a> {
    Array {
        name,
        long_name,
        precision: Precision::F64,
        axes,
        extents: vec![Extent::resizable(0)],
        chunk: Some(vec![rows]),
        compressed: false,
    }
}

/// Makes one array and notes which scales it uses.
pub(super) fn make(
    group: &Group,
    array: &Array,
    attachments: &mut HashMap<&'static str, Vec<Attachment>>,
) -> Result<Dataset> {
    let mut builder = match array.precision {
        Precision::F64 => group.new_dataset::<f64>().fill_value(f64::NAN),
        Precision::F32 => group.new_dataset::<f32>().fill_value(f32::NAN),
    };
    if let Some(chunk) = &array.chunk {
        builder = builder.chunk(chunk);
    }
    if array.compressed {
        builder = builder.shuffle().deflate(LEVEL);
    }
    let dataset = builder
        .attr_creation_order(AttrCreationOrder::Indexed)
        .shape(SimpleExtents::from(array.extents.clone()))
        .create(array.name)?;
    add_text(&dataset, "long_name", array.long_name)?;
    if array.axes.is_empty() {
        return Ok(dataset);
    }
    let this: ObjectReference1 = group.reference(array.name)?;
    let mut scales = Vec::new();
    for (dimension, &axis) in (0..).zip(array.axes) {
        let scale: ObjectReference1 = group.reference(axis)?;
        scales.push(VarLenArray::from_slice(&[scale]));
        attachments.entry(axis).or_default().push(Attachment {
            dataset: this,
            dimension,
        });
    }
    dataset
        .new_attr_builder()
        .with_data(&scales)
        .create("DIMENSION_LIST")?;
    Ok(dataset)
}

/// Marks an array as a dimension scale.
pub(super) fn make_scale(dataset: &Dataset, name: &str) -> Result<()> {
    raw::add_terminated_string(dataset, "CLASS", "DIMENSION_SCALE")?;
    raw::add_terminated_string(dataset, "NAME", name)
}

/// The back references from each scale to the arrays that use it.
pub(super) fn write_attachments(
    group: &Group,
    attachments: &HashMap<&'static str, Vec<Attachment>>,
) -> Result<()> {
    for (scale, list) in attachments {
        group
            .dataset(scale)?
            .new_attr_builder()
            .with_data(list)
            .create("REFERENCE_LIST")?;
    }
    Ok(())
}

/// A group that remembers the order of its members and attributes.
pub(super) fn new_group(parent: &Group, name: &str) -> Result<Group> {
    parent
        .create_group_builder()
        .with_gcpl(|creation| {
            creation
                .link_creation_order(LinkCreationOrder::Indexed)
                .attr_creation_order(AttrCreationOrder::Indexed)
        })
        .create(name)
}

/// A scalar attribute.
pub(super) fn add_number<T: H5Type>(location: &Location, name: &str, value: &T) -> Result<()> {
    location.new_attr::<T>().create(name)?.write_scalar(value)
}

/// A scalar attribute of variable length, which every reader shows as text.
pub(super) fn add_text(location: &Location, name: &str, text: &str) -> Result<()> {
    add_number(location, name, &variable_text(text)?)
}

/// Text as the library stores it.
pub(super) fn variable_text(text: &str) -> Result<VarLenUnicode> {
    text.parse()
        .map_err(|error| Error::Internal(format!("{text:?} cannot be stored as text: {error}")))
}
