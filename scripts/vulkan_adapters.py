"""Lists the Vulkan adapters of this machine; exit code 1 without any. Asks the loader itself, so that no other tool is needed."""

import ctypes
import sys


class InstanceInfo(ctypes.Structure):
    """VkInstanceCreateInfo without application, layers and extensions."""

    _fields_ = [
        ("type", ctypes.c_int32),
        ("next", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("application", ctypes.c_void_p),
        ("layer_count", ctypes.c_uint32),
        ("layers", ctypes.c_void_p),
        ("extension_count", ctypes.c_uint32),
        ("extensions", ctypes.c_void_p),
    ]


def adapter_count():
    vulkan = ctypes.CDLL("libvulkan.so.1")
    info = InstanceInfo(type=1)
    instance = ctypes.c_void_p()
    result = vulkan.vkCreateInstance(ctypes.byref(info), None, ctypes.byref(instance))
    if result != 0:
        raise OSError(f"vkCreateInstance returned {result}: a loader without a driver")
    count = ctypes.c_uint32()
    result = vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
    if result != 0:
        raise OSError(f"vkEnumeratePhysicalDevices returned {result}")
    return count.value


try:
    found = adapter_count()
except OSError as error:
    sys.exit(f"no Vulkan: {error}")
if found == 0:
    sys.exit("no Vulkan adapter")
print(f"{found} Vulkan adapters")
