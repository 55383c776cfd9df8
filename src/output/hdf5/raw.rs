//! What the HDF5 binding does not offer: null-terminated strings, chunks that are compressed already, and opening a file whose writer was killed.
//!
//! The only unsafe code of this room. The C library is not thread-safe: every call runs inside `sync`, the lock of the binding.

use std::ffi::{CString, c_void};
use std::path::Path;

use ::hdf5::plist::FileAccess;
use ::hdf5::sync::sync;
use ::hdf5::{Dataset, Error, File, Location, Result, from_id, h5check};
use hdf5_metno_sys::h5::{herr_t, hsize_t};
use hdf5_metno_sys::h5a::{H5Aclose, H5Acreate2, H5Awrite};
use hdf5_metno_sys::h5d::H5Dwrite_chunk;
use hdf5_metno_sys::h5f::{H5F_ACC_RDONLY, H5F_ACC_RDWR, H5Fopen};
use hdf5_metno_sys::h5i::hid_t;
use hdf5_metno_sys::h5p::{H5P_DEFAULT, H5Pset};
use hdf5_metno_sys::h5s::{H5S_class_t, H5Sclose, H5Screate};
use hdf5_metno_sys::h5t::{H5T_C_S1, H5Tclose, H5Tcopy, H5Tset_size};

unsafe extern "C" {
    /// Raises the stored end of allocation to max(stored end, size of the file) + increment; HDF5 1.10.2 and later.
    fn H5Fincrement_filesize(file: hid_t, increment: hsize_t) -> herr_t;
}

/// A C string, or why the text is none.
fn c_string(text: &str) -> Result<CString> {
    CString::new(text).map_err(|_| Error::Internal(format!("{text:?} contains a null character")))
}

/// Adds a fixed-length, null-terminated ASCII attribute: the only string that HDF5's dimension scales accept as `CLASS`.
pub(super) fn add_terminated_string(location: &Location, name: &str, text: &str) -> Result<()> {
    let (name, text) = (c_string(name)?, c_string(text)?);
    sync(|| {
        // SAFETY: the identifiers come from the calls before and are closed here; the buffer has the size of the type.
        unsafe {
            let kind = h5check(H5Tcopy(*H5T_C_S1))?;
            let space = h5check(H5Screate(H5S_class_t::H5S_SCALAR));
            let written = h5check(H5Tset_size(kind, text.as_bytes_with_nul().len()))
                .and(space.clone())
                .and_then(|space| {
                    let attribute = h5check(H5Acreate2(
                        location.id(),
                        name.as_ptr(),
                        kind,
                        space,
                        H5P_DEFAULT,
                        H5P_DEFAULT,
                    ))?;
                    let written = h5check(H5Awrite(attribute, kind, text.as_ptr().cast()));
                    h5check(H5Aclose(attribute)).and(written)
                });
            if let Ok(space) = space {
                H5Sclose(space);
            }
            H5Tclose(kind);
            written.map(|_| ())
        }
    })
}

/// Stores a chunk that has been through the array's filters; `offset` is its first index along every axis.
pub(super) fn write_chunk(dataset: &Dataset, offset: &[usize], bytes: &[u8]) -> Result<()> {
    let offset: Vec<hsize_t> = offset.iter().map(|&index| index as hsize_t).collect();
    if offset.len() != dataset.ndim() {
        return Err(Error::Internal(format!(
            "{} axes in the offset of a chunk of {} axes",
            offset.len(),
            dataset.ndim()
        )));
    }
    // SAFETY: the library reads one offset an axis, counted above, and the bytes of the slice.
    sync(|| {
        h5check(unsafe {
            H5Dwrite_chunk(
                dataset.id(),
                H5P_DEFAULT,
                0,
                offset.as_ptr(),
                bytes.len(),
                bytes.as_ptr().cast(),
            )
        })
    })
    .map(|_| ())
}

/// Opens a file whose header still says that it is open for writing, or that promises more bytes than it has.
///
/// Opened for writing, closing it clears the marks.
pub(super) fn open_marked(path: &Path, writable: bool) -> Result<File> {
    let text = path
        .to_str()
        .ok_or_else(|| Error::Internal(format!("{path:?} is not UTF-8")))?;
    let path = c_string(text)?;
    let access = FileAccess::try_new()?;
    let flags = if writable {
        H5F_ACC_RDWR
    } else {
        H5F_ACC_RDONLY
    };
    sync(|| {
        // The two properties that HDF5's own tool h5clear sets; both hold a C bool.
        for property in ["clear_status_flags", "skip_eof_check"] {
            let property = c_string(property)?;
            let mut yes = true;
            // SAFETY: the library copies one bool out of the pointer.
            h5check(unsafe {
                H5Pset(
                    access.id(),
                    property.as_ptr(),
                    (&raw mut yes).cast::<c_void>(),
                )
            })?;
        }
        // SAFETY: path and property list outlive the call; the new identifier gets one owner.
        unsafe { from_id::<File>(h5check(H5Fopen(path.as_ptr(), flags, access.id()))?) }
    })
}

/// Counts every byte of the file as allocated, so that blocks written after the last flush of the header can be reached.
pub(super) fn cover_whole_file(file: &File) -> Result<()> {
    // SAFETY: the identifier is that of an open file.
    sync(|| h5check(unsafe { H5Fincrement_filesize(file.id(), 0) })).map(|_| ())
}
