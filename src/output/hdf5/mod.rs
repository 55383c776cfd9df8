//! Trajectory files: one HDF5 file a run, read as it is by h5py, xarray, MATLAB, Julia and ParaView (docs/file-format.md).
//!
//! [`TrajectoryWriter`] writes frame by frame: a frame is committed by its `time` row, which is written last, after a flush.
//! [`Trajectory`] reads committed frames, also from a file that is still being written or whose writer was killed;
//! [`repair`] makes such a file one that every reader opens. [`ComparisonWriter`] and [`ComparisonFile`] do the same for comparisons of
//! optimizers, and [`Contents`] says which of the two a file is.

mod arrays;
mod attributes;
mod claim;
mod comparison;
mod comparison_reader;
mod compress;
mod create;
mod error;
mod layout;
mod raw;
mod reader;
mod repair;
mod writer;

pub use attributes::Attributes;
pub use comparison::{ComparisonArray, ComparisonWriter, OptimizerGroup};
pub use comparison_reader::{ComparisonFile, Contents, OptimizerArrays};
pub use error::OutputError;
pub use layout::{
    Description, FieldName, Frame, Header, MetricName, Options, Precision, Status, StepColumn,
    StepRecord,
};
pub use reader::Trajectory;
pub use repair::{RepairReport, repair};
pub use writer::TrajectoryWriter;

/// The root attribute `format` of every trajectory.
pub const FORMAT: &str = "ottoflow";

/// The newest layout that this program writes and reads; raised when an older program could misread a file.
pub const FORMAT_VERSION: i64 = 1;
