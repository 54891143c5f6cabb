"""Layouts: one module each; see :mod:`nirls.tlf.layouts.registry`."""
