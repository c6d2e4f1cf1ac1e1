"""Which Vulkan driver stands behind a GPU adapter, asked of the Vulkan loader itself: LiteRT tells the adapter only."""

from __future__ import annotations

import ctypes

from edgekit.agent.vulkan import NoVulkanError, VulkanError, VulkanProperties, vulkan_devices
from edgekit.errors import ToolError

VULKAN_1_2 = 1 << 22 | 2 << 12
# Values of the specification's VkStructureType.
PROPERTIES_2, DRIVER_PROPERTIES = 1000059001, 1000196000


class DriverProperties(ctypes.Structure):
    """VkPhysicalDeviceDriverProperties."""

    _fields_ = (
        ("type", ctypes.c_uint32), ("next", ctypes.c_void_p), ("id", ctypes.c_int32), ("name", ctypes.c_char * 256),
        ("info", ctypes.c_char * 256), ("conformance", ctypes.c_uint8 * 4),
    )  # fmt: skip


class Properties2(ctypes.Structure):
    """VkPhysicalDeviceProperties2."""

    _fields_ = (("type", ctypes.c_uint32), ("next", ctypes.c_void_p), ("properties", VulkanProperties))


def drivers() -> dict[str, str]:
    """The driver of every Vulkan device, in the driver's words ("llvmpipe, Mesa 25.0.7 (LLVM 15.0.6)"), by device.

    Raises:
        ToolError: there is no Vulkan loader, or it refuses.
    """
    try:
        with vulkan_devices(VULKAN_1_2) as (vulkan, devices):
            return dict(describe(vulkan, device) for device in devices)
    except NoVulkanError as error:
        raise ToolError(str(error), "install libvulkan1 and a Vulkan driver") from error
    except VulkanError as error:
        raise ToolError(str(error), "see that VK_DRIVER_FILES names a Vulkan driver of this machine") from error


def describe(vulkan: ctypes.CDLL, device: ctypes.c_void_p) -> tuple[str, str]:
    """A device's name and its driver."""
    driver = DriverProperties(type=DRIVER_PROPERTIES)
    found = Properties2(type=PROPERTIES_2, next=ctypes.addressof(driver))
    vulkan.vkGetPhysicalDeviceProperties2(device, ctypes.byref(found))
    return found.properties.name.decode(), f"{driver.name.decode()}, {driver.info.decode()}"
