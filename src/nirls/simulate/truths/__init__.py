"""True values of the demonstration trial, one module for each kind; `nirls.simulate.truth` puts them together."""
