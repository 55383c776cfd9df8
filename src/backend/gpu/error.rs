use thiserror::Error;

/// Why the GPU did not do what was asked.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GpuError {
    /// No adapter of the kind that was asked for.
    #[error(
        "no GPU: looked for {looked_for} through Vulkan, Metal and Direct3D 12, found {found}; install the driver of the GPU, or run on the CPU (--backend cpu)"
    )]
    NoAdapter {
        /// The kind of adapter that was asked for.
        looked_for: &'static str,
        /// The adapters that there are.
        found: String,
    },
    /// The adapter is there but gives no device.
    #[error(
        "GPU {adapter}: no device could be opened: {reason}; another program may hold it, or its driver may be too old"
    )]
    Device {
        /// Name of the adapter.
        adapter: String,
        /// What the driver says.
        reason: String,
    },
    /// A field does not fit in one buffer of the adapter.
    #[error(
        "GPU {adapter}: a field of {cells} numbers takes {bytes} bytes, more than the {limit} that the adapter binds at once; use fewer cells, or run on the CPU (--backend cpu)"
    )]
    TooLarge {
        /// Name of the adapter.
        adapter: String,
        /// Its numbers: one a cell, of couplings one a cell and axis.
        cells: usize,
        /// Their size in single precision.
        bytes: u64,
        /// The largest size that the adapter takes.
        limit: u64,
    },
    /// A field with another number of values than the grid has cells.
    #[error("{field}: {found} values found, {expected} expected, one for each cell of the grid")]
    Length {
        /// Which field.
        field: &'static str,
        /// Number of values found.
        found: usize,
        /// Number of cells.
        expected: usize,
    },
    /// The memory of the device is used up.
    #[error(
        "GPU {adapter}: out of memory while {doing}; use fewer cells, close other programs that use the GPU, or run on the CPU (--backend cpu)"
    )]
    OutOfMemory {
        /// Name of the adapter.
        adapter: String,
        /// What was being done.
        doing: &'static str,
    },
    /// The device went away: reset by the driver, unplugged, or out of time.
    #[error(
        "GPU {adapter}: the device was lost while {doing}: {reason}; the results since the last output are gone, run again or on the CPU (--backend cpu)"
    )]
    Lost {
        /// Name of the adapter.
        adapter: String,
        /// What was being done.
        doing: &'static str,
        /// What the driver says.
        reason: String,
    },
    /// The driver refused a command.
    #[error(
        "GPU {adapter}: refused while {doing}: {reason}; update the driver, or run on the CPU (--backend cpu)"
    )]
    Refused {
        /// Name of the adapter.
        adapter: String,
        /// What was being done.
        doing: &'static str,
        /// What the driver says.
        reason: String,
    },
}

impl GpuError {
    /// Whether there was no room for a field: with fewer of them the device can go on.
    pub fn lacks_room(&self) -> bool {
        matches!(self, Self::TooLarge { .. } | Self::OutOfMemory { .. })
    }
}
