//! What leaves the program: trajectory files, pictures, the console. The only rooms that know HDF5 or a plotting library.

pub mod console;
pub mod hdf5;
pub mod plots;
