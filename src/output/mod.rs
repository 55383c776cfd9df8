//! What a run leaves behind. The only room that knows HDF5.

pub mod hdf5;
