use super::GpuError;

/// What computes behind an adapter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum AdapterKind {
    /// A graphics processor.
    Hardware,
    /// The CPU, behind the interface of a graphics processor: right but slow.
    Software,
}

/// An adapter of this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AdapterInfo {
    /// The name that the driver gives.
    pub name: String,
    /// Hardware or software.
    pub kind: AdapterKind,
    /// The interface that it is reached through: `vulkan`, `metal` or `dx12`.
    pub backend: String,
    /// Name and version of the driver; may be empty.
    pub driver: String,
    /// The largest field in bytes; a cell takes 4.
    pub largest_field: u64,
    /// Whether it computes in f64 and with the bits of it.
    pub double_precision: bool,
}

/// What shaders in f64 ask for.
pub(super) const DOUBLE_PRECISION: wgpu::Features =
    wgpu::Features::SHADER_F64.union(wgpu::Features::SHADER_INT64);

/// Which adapters may be opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// Hardware only.
    Hardware,
    /// Hardware if there is one, else software.
    HardwareOrSoftware,
}

impl Selection {
    fn admits(self, kind: AdapterKind) -> bool {
        self == Self::HardwareOrSoftware || kind == AdapterKind::Hardware
    }

    fn description(self) -> &'static str {
        match self {
            Self::Hardware => "a hardware adapter",
            Self::HardwareOrSoftware => "a hardware or software adapter",
        }
    }
}

/// Every adapter that can be reached, the one that would be opened first in front; empty without a driver.
pub fn adapters() -> Vec<AdapterInfo> {
    enumerate().iter().map(describe).collect()
}

/// The adapters in order of preference.
fn enumerate() -> Vec<wgpu::Adapter> {
    let mut descriptor = wgpu::InstanceDescriptor::new_without_display_handle();
    descriptor.backends = wgpu::Backends::VULKAN | wgpu::Backends::METAL | wgpu::Backends::DX12;
    let instance = wgpu::Instance::new(descriptor);
    let mut adapters = pollster::block_on(instance.enumerate_adapters(wgpu::Backends::all()));
    adapters.sort_by_key(|adapter| preference(adapter.get_info().device_type));
    adapters
}

fn preference(device_type: wgpu::DeviceType) -> u8 {
    match device_type {
        wgpu::DeviceType::DiscreteGpu => 0,
        wgpu::DeviceType::IntegratedGpu => 1,
        wgpu::DeviceType::VirtualGpu => 2,
        wgpu::DeviceType::Other => 3,
        wgpu::DeviceType::Cpu => 4,
    }
}

pub(super) fn describe(adapter: &wgpu::Adapter) -> AdapterInfo {
    let (info, limits) = (adapter.get_info(), adapter.limits());
    let kind = match info.device_type {
        wgpu::DeviceType::Cpu => AdapterKind::Software,
        _ => AdapterKind::Hardware,
    };
    AdapterInfo {
        name: info.name,
        kind,
        backend: info.backend.to_string(),
        driver: format!("{} {}", info.driver, info.driver_info)
            .trim()
            .to_owned(),
        largest_field: limits
            .max_storage_buffer_binding_size
            .min(limits.max_buffer_size),
        double_precision: adapter.features().contains(DOUBLE_PRECISION),
    }
}

/// The adapter that the selection prefers.
pub(super) fn select(selection: Selection) -> Result<wgpu::Adapter, GpuError> {
    let (mut admitted, refused): (Vec<_>, Vec<_>) = enumerate()
        .into_iter()
        .partition(|adapter| selection.admits(describe(adapter).kind));
    if !admitted.is_empty() {
        return Ok(admitted.swap_remove(0));
    }
    let names: Vec<_> = refused
        .iter()
        .map(|adapter| format!("the software adapter {}", describe(adapter).name))
        .collect();
    let found = match names.is_empty() {
        true => "no adapter at all".to_owned(),
        false => format!("only {}", names.join(", ")),
    };
    let looked_for = selection.description();
    Err(GpuError::NoAdapter { looked_for, found })
}
