"""The data rules, by what they look at. Every module here is found by :func:`nirls.sdtm.rules.all_rules`."""
