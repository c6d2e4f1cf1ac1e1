"""Vulkan's devices, asked of its loader."""

from __future__ import annotations

import ctypes
from contextlib import contextmanager
from typing import Iterator, List, Tuple

LOADER = "libvulkan.so.1"
VULKAN_1_0 = 1 << 22
APPLICATION_INFO, INSTANCE_INFO = 0, 1
"""Values of the specification's ``VkStructureType``."""
VULKAN_KINDS = ["discrete", "integrated", "virtual", "other", "cpu"]
"""Kinds of Vulkan's devices in the order of preference, see :func:`vulkan_adapters`."""
KIND_OF = {1: "integrated", 2: "discrete", 3: "virtual", 4: "cpu"}
"""The specification's ``VkPhysicalDeviceType``."""


class VulkanError(Exception):
    """A call of Vulkan that did not succeed."""


class NoVulkanError(VulkanError):
    """There is no loader."""


class VulkanApplicationInfo(ctypes.Structure):
    """``VkApplicationInfo``."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("name", ctypes.c_char_p),
        ("version", ctypes.c_uint32),
        ("engine", ctypes.c_char_p),
        ("engine_version", ctypes.c_uint32),
        ("api", ctypes.c_uint32),
    ]


class VulkanInstanceInfo(ctypes.Structure):
    """``VkInstanceCreateInfo``."""

    _fields_ = [
        ("type", ctypes.c_int),
        ("next", ctypes.c_void_p),
        ("flags", ctypes.c_uint32),
        ("application", ctypes.POINTER(VulkanApplicationInfo)),
        ("layer_count", ctypes.c_uint32),
        ("layers", ctypes.c_void_p),
        ("extension_count", ctypes.c_uint32),
        ("extensions", ctypes.c_void_p),
    ]


class VulkanProperties(ctypes.Structure):
    """``VkPhysicalDeviceProperties``; the limits behind the device's name are not read, only given room."""

    _fields_ = [
        ("api", ctypes.c_uint32),
        ("driver", ctypes.c_uint32),
        ("vendor", ctypes.c_uint32),
        ("device", ctypes.c_uint32),
        ("kind", ctypes.c_int),
        ("name", ctypes.c_char * 256),
        ("rest", ctypes.c_uint64 * 512),
    ]


@contextmanager
def vulkan_devices(api: int = VULKAN_1_0) -> Iterator[Tuple[ctypes.CDLL, List[ctypes.c_void_p]]]:
    """The loader and the handles of its devices, which are valid inside the block; ``api`` is the version asked for.

    Raises NoVulkanError without a loader, and VulkanError when it refuses.
    """
    try:
        vulkan = ctypes.CDLL(LOADER)
    except OSError as error:
        raise NoVulkanError("no Vulkan loader: %s" % error) from error
    application = VulkanApplicationInfo(type=APPLICATION_INFO, api=api)
    wanted = VulkanInstanceInfo(type=INSTANCE_INFO, application=ctypes.pointer(application))
    instance, count = ctypes.c_void_p(), ctypes.c_uint32()
    succeed("vkCreateInstance", vulkan.vkCreateInstance(ctypes.byref(wanted), None, ctypes.byref(instance)))
    try:
        call = vulkan.vkEnumeratePhysicalDevices
        succeed("vkEnumeratePhysicalDevices", call(instance, ctypes.byref(count), None))
        handles = (ctypes.c_void_p * count.value)()
        succeed("vkEnumeratePhysicalDevices", call(instance, ctypes.byref(count), handles))
        yield vulkan, [ctypes.c_void_p(handle) for handle in handles[: count.value]]
    finally:
        vulkan.vkDestroyInstance(instance, None)


def succeed(call: str, result: int) -> None:
    """Raise VulkanError when a call did not succeed."""
    if result:
        raise VulkanError("%s answers %d" % (call, result))


def vulkan_adapters() -> List[Tuple[int, str]]:
    """Vulkan's devices: number of the kind in ``VULKAN_KINDS`` and name, the preferred first; none without a driver."""
    found = []
    try:
        with vulkan_devices() as (vulkan, devices):
            for device in devices:
                facts = VulkanProperties()
                vulkan.vkGetPhysicalDeviceProperties(device, ctypes.byref(facts))
                kind = VULKAN_KINDS.index(KIND_OF.get(facts.kind, "other"))
                found.append((kind, facts.name.decode(errors="replace")))
    except VulkanError:
        return []
    return sorted(found)
