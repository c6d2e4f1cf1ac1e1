"""Build the forms of a network, measure them on the device, choose one."""
