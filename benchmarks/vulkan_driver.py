"""Which Vulkan driver stands behind a GPU adapter, asked of the Vulkan loader itself: LiteRT tells the adapter only."""

from __future__ import annotations

import ctypes

from edgekit.errors import ToolError

LOADER = "libvulkan.so.1"
VULKAN_1_2 = 1 << 22 | 2 << 12
# sType values of the Vulkan specification.
APPLICATION_INFO, INSTANCE_CREATE_INFO = 0, 1
PROPERTIES_2, DRIVER_PROPERTIES = 1000059001, 1000196000


class ApplicationInfo(ctypes.Structure):
    """VkApplicationInfo."""

    _fields_ = (
        ("type", ctypes.c_uint32), ("next", ctypes.c_void_p), ("name", ctypes.c_char_p), ("version", ctypes.c_uint32),
        ("engine", ctypes.c_char_p), ("engine_version", ctypes.c_uint32), ("api", ctypes.c_uint32),
    )  # fmt: skip


class InstanceCreateInfo(ctypes.Structure):
    """VkInstanceCreateInfo."""

    _fields_ = (
        ("type", ctypes.c_uint32), ("next", ctypes.c_void_p), ("flags", ctypes.c_uint32),
        ("application", ctypes.POINTER(ApplicationInfo)), ("layer_count", ctypes.c_uint32),
        ("layers", ctypes.c_void_p), ("extension_count", ctypes.c_uint32), ("extensions", ctypes.c_void_p),
    )  # fmt: skip


class DriverProperties(ctypes.Structure):
    """VkPhysicalDeviceDriverProperties."""

    _fields_ = (
        ("type", ctypes.c_uint32), ("next", ctypes.c_void_p), ("id", ctypes.c_int32), ("name", ctypes.c_char * 256),
        ("info", ctypes.c_char * 256), ("conformance", ctypes.c_uint8 * 4),
    )  # fmt: skip


class Properties2(ctypes.Structure):
    """VkPhysicalDeviceProperties2; the limits behind the device's name are not read, only given room."""

    _fields_ = (
        ("type", ctypes.c_uint32), ("next", ctypes.c_void_p), ("api", ctypes.c_uint32), ("driver", ctypes.c_uint32),
        ("vendor", ctypes.c_uint32), ("device", ctypes.c_uint32), ("kind", ctypes.c_int32),
        ("name", ctypes.c_char * 256), ("rest", ctypes.c_uint64 * 512),
    )  # fmt: skip


def drivers() -> dict[str, str]:
    """The driver of every Vulkan device, in the driver's words ("llvmpipe, Mesa 25.0.7 (LLVM 15.0.6)"), by device.

    Raises:
        ToolError: there is no Vulkan loader, or it refuses.
    """
    try:
        vulkan = ctypes.CDLL(LOADER)
    except OSError as error:
        raise ToolError(f"no Vulkan loader: {error}", "install libvulkan1 and a Vulkan driver") from error
    application = ApplicationInfo(type=APPLICATION_INFO, api=VULKAN_1_2)
    wanted = InstanceCreateInfo(type=INSTANCE_CREATE_INFO, application=ctypes.pointer(application))
    instance = ctypes.c_void_p()
    check("vkCreateInstance", vulkan.vkCreateInstance(ctypes.byref(wanted), None, ctypes.byref(instance)))
    try:
        count = ctypes.c_uint32()
        enumerate_devices = vulkan.vkEnumeratePhysicalDevices
        check("vkEnumeratePhysicalDevices", enumerate_devices(instance, ctypes.byref(count), None))
        devices = (ctypes.c_void_p * count.value)()
        check("vkEnumeratePhysicalDevices", enumerate_devices(instance, ctypes.byref(count), devices))
        return dict(describe(vulkan, device) for device in devices if device)
    finally:
        vulkan.vkDestroyInstance(instance, None)


def describe(vulkan: ctypes.CDLL, device: int) -> tuple[str, str]:
    """A device's name and its driver."""
    driver = DriverProperties(type=DRIVER_PROPERTIES)
    found = Properties2(type=PROPERTIES_2, next=ctypes.addressof(driver))
    vulkan.vkGetPhysicalDeviceProperties2(ctypes.c_void_p(device), ctypes.byref(found))
    return found.name.decode(), f"{driver.name.decode()}, {driver.info.decode()}"


def check(call: str, result: int) -> None:
    """Raise ToolError when a Vulkan call did not succeed."""
    if result:
        raise ToolError(f"{call} answers {result}", "see that VK_DRIVER_FILES names a Vulkan driver of this machine")
