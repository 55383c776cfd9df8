//! Fields to disk: the library's shuffle and gzip filters, but on all threads and several times faster than inside the library.
//!
//! The library filters a chunk at a time on one thread. Here the chunks of a frame are filtered side by side and handed over ready; what
//! is in the file is what the library would have written, byte order and filters included.

use std::io::Write;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use hdf5::{Dataset, Error, Result};
use ndarray::s;
use rayon::prelude::*;

use super::layout::Precision;
use super::raw;
use crate::grid::Field;

/// The gzip level of every field.
pub(super) const LEVEL: u8 = 1;

/// Writes all chunks of a field into a whole array (`row` is none) or into one row of it. The array has that row already.
pub(super) fn write_field(
    dataset: &Dataset,
    row: Option<usize>,
    field: &Field,
    precision: Precision,
) -> Result<()> {
    let chunk = dataset.chunk().ok_or("a field's array is not chunked")?;
    let spatial = &chunk[usize::from(row.is_some())..];
    // Missing axes are the first ones of a field, with one cell.
    let mut size = [1; 3];
    size[3 - spatial.len()..].copy_from_slice(spatial);

    let (depth, height, width) = field.dim();
    let mut starts = Vec::new();
    for z in (0..depth).step_by(size[0]) {
        for y in (0..height).step_by(size[1]) {
            for x in (0..width).step_by(size[2]) {
                starts.push([z, y, x]);
            }
        }
    }
    // A few chunks a thread at a time: large frames need no second copy in memory.
    for batch in starts.chunks(4 * rayon::current_num_threads()) {
        let filtered: Vec<Result<Vec<u8>>> = batch
            .par_iter()
            .map(|&start| filter(field, start, size, precision))
            .collect();
        for (start, bytes) in batch.iter().zip(filtered) {
            let mut offset: Vec<usize> = row.into_iter().collect();
            offset.extend(&start[3 - spatial.len()..]);
            raw::write_chunk(dataset, &offset, &bytes?)?;
        }
    }
    Ok(())
}

/// One chunk through shuffle and gzip. Chunks are stored whole: beyond the field's edge they hold zeros.
fn filter(
    field: &Field,
    start: [usize; 3],
    size: [usize; 3],
    precision: Precision,
) -> Result<Vec<u8>> {
    let count: usize = size.iter().product();
    let mut values = vec![0.0; count];
    let (depth, height, width) = field.dim();
    let end = |axis: usize, cells: usize| (start[axis] + size[axis]).min(cells);
    for z in start[0]..end(0, depth) {
        for y in start[1]..end(1, height) {
            let row = field.slice(s![z, y, start[2]..end(2, width)]);
            let place = ((z - start[0]) * size[1] + (y - start[1])) * size[2];
            for (stored, &value) in values[place..].iter_mut().zip(row) {
                *stored = value;
            }
        }
    }
    let shuffled = match precision {
        Precision::F64 => shuffle(&values, |value| value.to_ne_bytes()),
        Precision::F32 => shuffle(&values, |value| (value as f32).to_ne_bytes()),
    };
    let mut encoder = ZlibEncoder::new(
        Vec::with_capacity(shuffled.len()),
        Compression::new(LEVEL.into()),
    );
    encoder
        .write_all(&shuffled)
        .and_then(|()| encoder.finish())
        .map_err(|error| Error::Internal(format!("gzip failed: {error}")))
}

/// First the first bytes of all values, then the second ones, and so on.
fn shuffle<const N: usize>(values: &[f64], bytes: impl Fn(f64) -> [u8; N]) -> Vec<u8> {
    let mut shuffled = vec![0; N * values.len()];
    // By blocks that stay in the nearest cache while each of their bytes is picked.
    const BLOCK: usize = 1024;
    for (number, block) in values.chunks(BLOCK).enumerate() {
        for (k, run) in shuffled.chunks_exact_mut(values.len()).enumerate() {
            for (stored, &value) in run[number * BLOCK..].iter_mut().zip(block) {
                *stored = bytes(value)[k];
            }
        }
    }
    shuffled
}
