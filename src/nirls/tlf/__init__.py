"""Displays: analysis results data in, display documents and their renderings out.

:func:`nirls.tlf.make.make_display` turns the results of the analyses of one display into a document
(:mod:`nirls.tlf.document`), the canonical product, and renders it in the wanted formats.
A display looks numbers up by key, formats and arranges them; it never computes a statistic.
"""
