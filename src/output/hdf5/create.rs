//! The empty trajectory: every array, scale and attribute, before the first frame.

use std::collections::HashMap;
use std::path::Path;
use std::time::SystemTime;

use hdf5::file::LibraryVersion;
use hdf5::plist::file_create::{AttrCreationOrder, FileSpaceStrategy, LinkCreationOrder};
use hdf5::types::FixedAscii;
use hdf5::{Extent, File, Group, Result};

use super::arrays::{
    Array, add_number, add_text, column, make, make_scale, new_group, write_attachments,
};
use super::claim::{check, claim};
use super::compress::write_field;
use super::error::OutputError;
use super::layout::{Description, MetricName, Precision, Status, StepColumn};
use super::{FORMAT, FORMAT_VERSION};
use crate::grid::{AXIS_NAMES, Boundary};

/// Bytes of a page of memory. The system writes a page at a time, so that a kill can leave a block that crosses a page half written; with
/// this page size the library places no small block across a boundary.
const PAGE_BYTES: u64 = 4096;
/// Chunks of an array whose index still fits on pages of [`PAGE_BYTES`]. The library's index of an array that grows along one axis comes in
/// blocks that double; after this many entries one is larger than a page.
const PAGED_INDEX_CHUNKS: usize = 2000;
/// Bytes of a chunk of a field: large enough for speed, small enough to read a part of a large frame.
const FIELD_CHUNK_BYTES: usize = 1 << 20;
/// Rows of a chunk of a metric. Not compressed: a filled-up chunk is then written in place, which a kill cannot tear.
const METRIC_CHUNK_ROWS: usize = 128;
/// Rows of a chunk of a column of `steps`: one page.
const STEP_CHUNK_ROWS: usize = 512;

/// Makes the file at `path` with no frame in it, open for writing.
pub(super) fn create(
    path: &Path,
    description: &Description,
) -> std::result::Result<File, OutputError> {
    check(path, description)?;
    claim(path, description.options.overwrite)?;
    let mut builder = File::with_options();
    builder
        .with_fapl(|access| access.libver_bounds(LibraryVersion::V110, LibraryVersion::V110))
        .with_fcpl(|creation| {
            creation
                .link_creation_order(LinkCreationOrder::Indexed)
                .attr_creation_order(AttrCreationOrder::Indexed)
                .file_space_strategy(FileSpaceStrategy::FreeSpaceManager {
                    paged: true,
                    persist: false,
                    threshold: 1,
                })
                .file_space_page_size(PAGE_BYTES)
        });
    let file = builder
        .create(path)
        .map_err(|error| OutputError::opening_hdf5(path, "create", &error))?;
    fill(&file, description)
        .map_err(|error| OutputError::writing(path, "the header and empty arrays", &error))?;
    Ok(file)
}

/// Writes all that is known before the first frame.
fn fill(file: &File, description: &Description) -> Result<()> {
    let grid = description.grid;
    let axes = &["time", "z", "y", "x"];
    let spatial = &axes[axes.len() - grid.dimension()..];
    let frame_axes: Vec<&'static str> = [&axes[..1], spatial].concat();
    let cells: Vec<usize> = grid.axes().iter().rev().map(|axis| axis.cells).collect();
    let mut attachments = HashMap::new();

    write_header(file, description)?;
    write_coordinates(file, description)?;
    let precision = description.options.precision;
    let chunk = field_chunk(&cells, precision.bytes());
    let mut extents = vec![Extent::resizable(0)];
    extents.extend(cells.iter().map(|&count| Extent::from(count)));
    if !has_paged_index(&cells, &chunk, description.options.expected_frames) {
        // Two axes that may grow make the library use a tree, which takes 4 KiB more a frame but whose nodes are half a page and are
        // never overwritten. No array grows along this axis.
        extents[1] = Extent::resizable(cells[0]);
    }
    for field in description.fields {
        let array = Array {
            name: &field.name(),
            long_name: &field.long_name(),
            precision,
            axes: &frame_axes,
            extents: extents.clone(),
            chunk: Some([&[1], chunk.as_slice()].concat()),
            compressed: true,
        };
        make(file, &array, &mut attachments)?;
    }
    let target = Array {
        name: "target",
        long_name: "target density π",
        precision,
        axes: spatial,
        extents: cells.iter().map(|&count| Extent::from(count)).collect(),
        chunk: Some(chunk),
        compressed: true,
    };
    let target = make(file, &target, &mut attachments)?;
    write_field(&target, None, description.target, precision)?;
    for &metric in description.metrics {
        let (name, long_name) = (metric.name(), MetricName::long_name(metric));
        let array = column(name, long_name, &["time"], METRIC_CHUNK_ROWS);
        make(file, &array, &mut attachments)?;
    }
    write_attachments(file, &attachments)?;

    make_steps(&new_group(file, "steps")?, description.step_columns)?;
    make_vtk(file, description)
}

/// The root attributes. The status is that of a killed run until the writer ends in another way.
fn write_header(file: &File, description: &Description) -> Result<()> {
    let header = description.header;
    let created = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    add_text(file, "format", FORMAT)?;
    add_number(file, "format_version", &FORMAT_VERSION)?;
    for (name, text) in [
        ("title", header.title.as_str()),
        ("scenario", header.scenario.as_str()),
        ("program_version", env!("CARGO_PKG_VERSION")),
        ("backend", header.backend.as_str()),
        ("device", header.device.as_str()),
        ("precision", description.options.precision.name()),
        ("status", Status::Interrupted.name()),
        ("created", created.as_str()),
    ] {
        add_text(file, name, text)?;
    }
    Ok(())
}

/// `time`, `x`, `y`, `z`: the dimension scales of the root.
fn write_coordinates(file: &File, description: &Description) -> Result<()> {
    let time = make(
        file,
        &column("time", "time", &[], METRIC_CHUNK_ROWS),
        &mut HashMap::new(),
    )?;
    make_scale(&time, "time")?;
    // Seconds would become dates in xarray; the flow's time has no unit.
    add_text(&time, "units", "1")?;
    for (axis, &name) in description.grid.axes().iter().zip(&AXIS_NAMES) {
        let array = Array {
            name,
            long_name: name,
            precision: Precision::F64,
            axes: &[],
            extents: vec![Extent::from(axis.cells)],
            chunk: None,
            compressed: false,
        };
        let scale = make(file, &array, &mut HashMap::new())?;
        scale.write_raw(&axis.centers())?;
        make_scale(&scale, name)?;
        add_number(&scale, "lower", &axis.lower)?;
        add_number(&scale, "upper", &axis.upper)?;
        add_text(&scale, "boundary", boundary_name(axis.boundary))?;
    }
    Ok(())
}

/// The group of steps, with its own scale: there are more steps than frames.
fn make_steps(group: &Group, columns: &[StepColumn]) -> Result<()> {
    let mut attachments = HashMap::new();
    let time = column("time", "time at the end of the step", &[], STEP_CHUNK_ROWS);
    let time = make(group, &time, &mut attachments)?;
    make_scale(&time, "time")?;
    add_text(&time, "units", "1")?;
    let step = ("step", "length of the step");
    let others = columns.iter().map(|name| (name.name(), name.long_name()));
    for (name, long_name) in std::iter::once(step).chain(others) {
        let array = column(name, long_name, &["time"], STEP_CHUNK_ROWS);
        make(group, &array, &mut attachments)?;
    }
    write_attachments(group, &attachments)
}

/// The group that ParaView reads: a description of the cells around hard links to the arrays of the root.
fn make_vtk(file: &File, description: &Description) -> Result<()> {
    let group = new_group(file, "VTKHDF")?;
    group
        .new_attr_builder()
        .with_data(&[2i64, 0])
        .create("Version")?;
    let kind = FixedAscii::<9>::from_ascii("ImageData").map_err(|error| error.to_string())?;
    add_number(&group, "Type", &kind)?;
    let (mut extent, mut origin, mut spacing) = ([0i64; 6], [0.0; 3], [1.0; 3]);
    for (index, axis) in description.grid.axes().iter().enumerate() {
        extent[2 * index + 1] = axis.cells as i64;
        origin[index] = axis.lower;
        spacing[index] = axis.spacing();
    }
    group
        .new_attr_builder()
        .with_data(&extent)
        .create("WholeExtent")?;
    let direction = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0];
    for (name, values) in [
        ("Origin", origin.as_slice()),
        ("Spacing", &spacing),
        ("Direction", &direction),
    ] {
        group.new_attr_builder().with_data(values).create(name)?;
    }
    let cells = new_group(&group, "CellData")?;
    let steps = new_group(&group, "Steps")?;
    add_number(&steps, "NSteps", &0i64)?;
    steps.link_hard("/time", "Values")?;
    let offsets = new_group(&steps, "CellDataOffsets")?;
    for (index, field) in description.fields.iter().enumerate() {
        let name = field.name();
        cells.link_hard(&format!("/{name}"), &name)?;
        // Frame n of every array is its row n, so that all arrays share one list of offsets.
        match index {
            0 => {
                offsets
                    .new_dataset::<i64>()
                    .chunk(METRIC_CHUNK_ROWS)
                    .shape(Extent::resizable(0))
                    .create(name.as_str())?;
            }
            _ => offsets.link_hard(&description.fields[0].name(), &name)?,
        }
    }
    Ok(())
}

/// Tells ParaView the number of frames. It must never be below the rows of `time`: VTK's reader would write past its memory.
pub(super) fn set_vtk_steps(file: &File, frames: usize) -> Result<()> {
    file.group("VTKHDF/Steps")?
        .attr("NSteps")?
        .write_scalar(&(frames as i64))
}

/// The word for a boundary condition in scenario files.
pub(super) fn boundary_name(boundary: Boundary) -> &'static str {
    match boundary {
        Boundary::NoFlux => "no-flux",
        Boundary::Periodic => "periodic",
    }
}

/// Cells of a chunk along each axis: whole rows and planes up to [`FIELD_CHUNK_BYTES`], cut into nearly equal parts.
fn field_chunk(cells: &[usize], bytes: usize) -> Vec<usize> {
    let mut room = FIELD_CHUNK_BYTES / bytes;
    let mut chunk = vec![1; cells.len()];
    for (size, &count) in chunk.iter_mut().zip(cells).rev() {
        let parts = count.div_ceil(room.clamp(1, count));
        *size = count.div_ceil(parts);
        room /= *size;
    }
    chunk
}

/// Whether the index of a field's chunks stays within [`PAGED_INDEX_CHUNKS`].
fn has_paged_index(cells: &[usize], chunk: &[usize], expected_frames: Option<usize>) -> bool {
    let parts = cells.iter().zip(chunk);
    let chunks: usize = parts.map(|(&count, &size)| count.div_ceil(size)).product();
    expected_frames.is_some_and(|frames| frames.saturating_mul(chunks) <= PAGED_INDEX_CHUNKS)
}

#[cfg(test)]
mod tests {
    use super::{field_chunk, has_paged_index};

    #[test]
    fn few_chunks_get_the_small_index() {
        assert!(has_paged_index(&[400], &[400], Some(2000)));
        assert!(!has_paged_index(&[400], &[400], Some(2001)));
        assert!(has_paged_index(&[1024, 1024], &[128, 1024], Some(250)));
        assert!(!has_paged_index(&[1024, 1024], &[128, 1024], Some(251)));
        assert!(!has_paged_index(&[400], &[400], None));
    }

    #[test]
    fn a_small_frame_is_one_chunk_and_a_large_one_is_cut_along_its_slow_axes() {
        assert_eq!(field_chunk(&[400], 8), [400]);
        assert_eq!(field_chunk(&[100, 100], 8), [100, 100]);
        assert_eq!(field_chunk(&[1024, 1024], 8), [128, 1024]);
        assert_eq!(field_chunk(&[256, 256, 256], 4), [4, 256, 256]);
        assert_eq!(field_chunk(&[300_000], 8), [100_000]);
        assert_eq!(field_chunk(&[4, 200_000], 8), [1, 100_000]);
    }
}
